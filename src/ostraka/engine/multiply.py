"""Products of secrets, in numpy's shapes.

A backend brings three of them back to shares that can be used again (`Backend.products`, `sums`,
`matrices`); over Shamir shares see `shamir.reduce`.

Adversary: at most t < n / 2 parties, who learn nothing. All parties must stay. Passive; with active
security a party can add an error to a product that it knows, and the proof before the next opening
stops the run.
"""

from __future__ import annotations

import numpy as np

from ostraka.engine.array import SecretArray
from ostraka.engine.backend import backend_of


async def mul(a: SecretArray, b: SecretArray) -> SecretArray:
    """Return a * b, elementwise with broadcasting; the result stays secret.

    Over Shamir shares one round; each of 2t + 1 parties sends n - t - 1 elements for each product.
    Long batches with t > 1: three rounds, less than 2.5 elements where n = 2t + 1.
    """
    engine = backend_of(a.same_as(b))
    shape = np.broadcast_shapes(a.shape, b.shape)
    x, y = (v.broadcast_to(shape).ravel() for v in (a, b))
    return (await engine.products(x, y)).reshape(shape)


async def matmul(a: SecretArray, b: SecretArray) -> SecretArray:
    """Return a @ b for secret vectors and matrices, shapes as in numpy; the result stays secret.

    One round and the bytes of one product per element of the *result*, however long the rows are.
    """
    engine = backend_of(a.same_as(b))
    shape = (*a.shape[:-1], *b.shape[1:])
    rows = a if a.ndim == 2 else a[None]
    columns = b if b.ndim == 2 else b[:, None]
    return (await engine.matrices(rows, columns)).reshape(shape)


async def dot(a: SecretArray, b: SecretArray, axis: int = -1) -> SecretArray:
    """Return the sum of a * b over one axis, with broadcasting: costs one product for each sum."""
    return await backend_of(a.same_as(b)).sums(a, b, axis)
