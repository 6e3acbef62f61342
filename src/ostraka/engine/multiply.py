"""Products of secrets: each party multiplies its shares, and the degree is brought back to t.

The product of shares lies on a polynomial of degree 2t; its value at zero is a known combination
of 2t + 1 parties' products, so each of them deals its own, weighted, and everybody adds up what it
got. [BGW88] as simplified by [GRR98], shares of t receivers read from streams [CDI05].

Adversary: passive, at most t of n >= 2t + 1 parties, who learn nothing. All parties must stay.
"""

from __future__ import annotations

import numpy as np

from ostraka.engine.array import SecretArray
from ostraka.engine.context import Engine
from ostraka.engine.deal import Local, deal
from ostraka.sharing.field import Elements
from ostraka.sharing.matrix import matmul as exact
from ostraka.sharing.randomness import Words


async def mul(a: SecretArray, b: SecretArray) -> SecretArray:
    """a * b, elementwise with broadcasting.

    One round; each of 2t + 1 parties sends n - t - 1 elements for each product.
    """
    engine = a.same_as(b).engine
    shape = np.broadcast_shapes(a.shape, b.shape)
    x, y = (_flat(v, shape) for v in (a, b))
    field = engine.field
    product = await _reduced(engine, len(x), lambda part: field.multiply(x[part], y[part]))
    return engine.array(product.reshape(shape))


async def matmul(a: SecretArray, b: SecretArray) -> SecretArray:
    """a @ b for vectors and matrices.

    One round and the bytes of one product per element of the *result*, however long the rows are.
    """
    engine = a.same_as(b).engine
    x, y = a.parts[0], b.parts[0]
    shape = (*x.shape[:-1], *y.shape[1:])
    local = exact(engine.field, np.atleast_2d(x), y if y.ndim == 2 else y[:, None]).reshape(-1)
    return engine.array((await _reduced(engine, len(local), local.__getitem__)).reshape(shape))


async def dot(a: SecretArray, b: SecretArray) -> SecretArray:
    """The sum of a * b over the last axis, with broadcasting: the cost of one product per sum."""
    engine = a.same_as(b).engine
    products = engine.field.product(a.parts[0], b.parts[0])
    local = engine.field.sum(products, axis=-1)
    reduced = await _reduced(engine, local.size, local.reshape(-1).__getitem__)
    return engine.array(reduced.reshape(local.shape))


async def _reduced(engine: Engine, length: int, local: Local) -> Words:
    """Shares of degree t of what `local` holds in degree 2t."""
    engine.need_products()
    workers = range(2 * engine.t + 1)
    if engine.me not in workers:
        return (await deal(engine, workers, length, None, total=True))[0]
    weight = engine.weights(workers)[engine.me]

    def weighted(part: slice) -> Words:
        return engine.field.scale(local(part), weight)

    return (await deal(engine, workers, length, weighted, total=True))[0]


def _flat(x: SecretArray, shape: tuple[int, ...]) -> Elements:
    return np.ascontiguousarray(np.broadcast_to(x.parts[0], shape)).reshape(-1)
