"""Products of Shamir shares: each party multiplies its own, and the degree is brought back to t.

The product of shares lies on a polynomial of degree 2t; its value at zero is a known combination
of 2t + 1 parties' products, so each of them deals its own, weighted, and each party adds up what it
got. [BGW88] as simplified by [GRR98], shares of t receivers read from streams [CDI05].

Very many products for more than a few parties go by way of kings instead (`shamir.king`).

Adversary: at most t of n >= 2t + 1 parties, who learn nothing. All parties must stay. Passive; with
active security a dealer can add an error to a product that it knows, and the proof before the next
opening stops the run (`shamir.audit`).
"""

from __future__ import annotations

from math import prod
from typing import Final

import numpy as np

from ostraka.arithmetic.field import Elements
from ostraka.arithmetic.matrix import matmul as exact
from ostraka.arithmetic.randomness import Words
from ostraka.engine.shamir import king
from ostraka.engine.shamir.context import Context
from ostraka.engine.shamir.deal import Local, deal

PRODUCT_NS: Final = 25
"""Nanoseconds to multiply two elements and to add the product, about."""

ELEMENT_NS: Final = 60
"""Nanoseconds for an element of a matrix that is multiplied, or of the product, about. A term of
the product takes half a nanosecond."""


async def products(engine: Context, x: Words, y: Words) -> Words:
    """Multiply two vectors of shares, elementwise, and note the products for the audit."""
    field = engine.field
    product = await reduced(engine, len(x), lambda part: field.multiply(x[part], y[part]))
    if engine.audit:
        engine.audit.products(x, y, product)
        await engine.audit.relieve()
    return product


async def matrices(engine: Context, x: Elements, y: Elements) -> Elements:
    """Multiply two matrices of shares, and note the product for the audit."""
    terms = x.size * y.shape[1] // 2 + ELEMENT_NS * (x.size + y.size + len(x) * y.shape[1])
    local = await engine.offload(terms, lambda: exact(engine.field, x, y))
    found = await reduced(engine, local.size, local.reshape(-1).__getitem__)
    product = found.reshape(local.shape)
    if engine.audit:
        engine.audit.matrices(x, y, product)
        await engine.audit.relieve()
    return product


async def sums(engine: Context, x: Elements, y: Elements, axis: int) -> Elements:
    """Sum x * y over one axis of shares, with broadcasting, and note the sums for the audit."""
    terms = prod(np.broadcast_shapes(x.shape, y.shape))
    local = await engine.offload(
        PRODUCT_NS * terms, lambda: engine.field.sum(engine.field.product(x, y), axis=axis)
    )
    found = await reduced(engine, local.size, local.reshape(-1).__getitem__)
    if engine.audit:
        a, b = (np.moveaxis(v, axis, -1) for v in np.broadcast_arrays(x, y))
        shape = found.size, a.shape[-1]
        engine.audit.sums(a.reshape(shape), b.reshape(shape), found)
        await engine.audit.relieve()
    return found.reshape(local.shape)


async def reduced(engine: Context, length: int, local: Local) -> Words:
    """Reduce shares of degree 2t to shares of degree t of the same values. Opens nothing.

    One round, or three for very many elements. The audit is not told of the products, only, where
    n > 2t + 1, that what was dealt must be of degree t.

    Args:
        length: number of elements.
        local: this party's shares of degree 2t, block by block.
    """
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
