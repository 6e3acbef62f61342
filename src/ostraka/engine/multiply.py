"""Products of secrets: each party multiplies its shares, and the degree is brought back to t.

The product of shares lies on a polynomial of degree 2t; its value at zero is a known combination
of 2t + 1 parties' products, so each of them deals its own, weighted, and everybody adds up what it
got. [BGW88] as simplified by [GRR98], shares of t receivers read from streams [CDI05].

Very many products for more than a few parties go by way of kings instead (`engine.king`).

Adversary: at most t of n >= 2t + 1 parties, who learn nothing. All parties must stay. Passive; with
`Engine.audit` active: a dealer can add to a product what it likes, and is found out before anything
is revealed.
"""

from __future__ import annotations

import numpy as np

from ostraka.arithmetic.field import Elements
from ostraka.arithmetic.matrix import matmul as exact
from ostraka.arithmetic.randomness import Words
from ostraka.engine import king
from ostraka.engine.array import SecretArray
from ostraka.engine.context import Engine
from ostraka.engine.deal import Local, deal


async def mul(a: SecretArray, b: SecretArray) -> SecretArray:
    """a * b, elementwise with broadcasting.

    One round; each of 2t + 1 parties sends n - t - 1 elements for each product. Long batches with
    t > 1: three rounds, less than 2.5 elements where n = 2t + 1.
    """
    engine = a.same_as(b).engine
    shape = np.broadcast_shapes(a.shape, b.shape)
    x, y = (_flat(v, shape) for v in (a, b))
    field = engine.field
    product = await reduced(engine, len(x), lambda part: field.multiply(x[part], y[part]))
    if engine.audit:
        engine.audit.products(x, y, product)
        await engine.audit.relieve()
    return engine.array(product.reshape(shape))


async def matmul(a: SecretArray, b: SecretArray) -> SecretArray:
    """a @ b for vectors and matrices.

    One round and the bytes of one product per element of the *result*, however long the rows are.
    """
    engine = a.same_as(b).engine
    x, y = a.parts[0], b.parts[0]
    shape = (*x.shape[:-1], *y.shape[1:])
    rows, columns = np.atleast_2d(x), y if y.ndim == 2 else y[:, None]
    local = exact(engine.field, rows, columns)
    product = await reduced(engine, local.size, local.reshape(-1).__getitem__)
    if engine.audit:
        engine.audit.matrices(rows, columns, product.reshape(local.shape))
        await engine.audit.relieve()
    return engine.array(product.reshape(shape))


async def dot(a: SecretArray, b: SecretArray, axis: int = -1) -> SecretArray:
    """The sum of a * b over one axis, with broadcasting: the cost of one product per sum."""
    engine = a.same_as(b).engine
    products = engine.field.product(a.parts[0], b.parts[0])
    local = engine.field.sum(products, axis=axis)
    found = await reduced(engine, local.size, local.reshape(-1).__getitem__)
    if engine.audit:
        both = np.broadcast_arrays(a.parts[0], b.parts[0])
        x, y = (np.moveaxis(v, axis, -1) for v in both)
        width = x.shape[-1]
        engine.audit.sums(x.reshape(found.size, width), y.reshape(found.size, width), found)
        await engine.audit.relieve()
    return engine.array(found.reshape(local.shape))


async def reduced(engine: Engine, length: int, local: Local) -> Words:
    """Shares of degree t of what `local` holds in degree 2t: one round, or if there is very much of
    it, three; audited by nobody."""
    engine.need_products()
    if king.pays(engine, length):
        found = await king.reduced(engine, length, local)
        if engine.audit:
            engine.audit.dealt([found])
        return found
    workers = range(2 * engine.t + 1)
    if engine.me not in workers:
        return (await deal(engine, workers, length, None, total=True))[0]
    weight = engine.weights(workers)[engine.me]

    def weighted(part: slice) -> Words:
        return engine.field.scale(local(part), weight)

    return (await deal(engine, workers, length, weighted, total=True))[0]


def _flat(x: SecretArray, shape: tuple[int, ...]) -> Elements:
    return np.ascontiguousarray(np.broadcast_to(x.parts[0], shape)).reshape(-1)
