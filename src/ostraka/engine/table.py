"""Any public function of a secret from a small range, in few rounds: a polynomial.

Over F_p every function of k values is a polynomial of degree below k. Its powers take
ceil(log2(k - 1)) rounds of products, all at once; the rest is free. A comparison of a count of up
to twenty votes with a threshold takes 5 rounds this way instead of 11 or more.

Adversary: passive, at most t < n / 2 parties, who learn nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.context import Engine
from ostraka.engine.multiply import mul
from ostraka.sharing.field import Elements

ENTRIES: Final = 512
"""Longest table: one product for each entry, and k^2 operations to find the polynomial."""


async def look_up(x: SecretArray, table: NDArray[np.int64], first: int = 0) -> SecretArray:
    """table[x - first], for first <= x < first + len(table); anything for another x.

    ceil(log2(len(table) - 1)) rounds; len(table) - 2 products for each element of x.

    Args:
        table: public integers or booleans, shape (k,), or (k, m) for m functions at once.

    Returns:
        Shape of x, or of x and then (m,).
    """
    entries = np.asarray(table)
    if entries.ndim not in (1, 2) or not 1 <= len(entries) <= ENTRIES:
        raise ValueError(f"a table has 1 to {ENTRIES} entries in one or several columns")
    c = _coefficients(x.engine, entries.reshape(len(entries), -1), first)
    result = x.engine.public(c[0], (x.size, c.shape[1]))
    if len(c) > 1:
        result = (await powers(x.ravel(), len(c) - 1)).T @ c[1:] + result
    return result.reshape(x.shape + entries.shape[1:])


async def powers(x: SecretArray, k: int) -> SecretArray:
    """x, x^2, ..., x^k on a new first axis: ceil(log2 k) rounds, k - 1 products."""
    found = x[None]
    while len(found) < k:
        missing = min(len(found), k - len(found))
        found = concatenate([found, await mul(found[-1:], found[:missing])])
    return found


def _coefficients(engine: Engine, table: NDArray[np.int64], first: int) -> Elements:
    """The polynomial of each column, lowest power first: shape (k, m)."""
    key = ("table", first, table.shape, table.tobytes())
    if key not in engine.cache:
        columns = engine.field.encode(table).T.tolist()
        found = [_interpolated(column, first, engine.field.p) for column in columns]
        engine.cache[key] = np.array(found, np.uint64).T
    result: Elements = engine.cache[key]
    return result


def _interpolated(values: Sequence[int], first: int, p: int) -> list[int]:
    """f with f(first + i) = values_i modulo p: Newton's divided differences, then expanded."""
    k = len(values)
    if k > p:
        raise ValueError(f"a table of {k} entries over a field of {p}")
    differences = list(values)
    for distance in range(1, k):
        inverse = pow(distance, -1, p)
        for i in range(k - 1, distance - 1, -1):
            differences[i] = (differences[i] - differences[i - 1]) * inverse % p
    f = [0] * k
    for i in reversed(range(k)):
        shifted = [0, *f[:-1]]
        f = [(a - (first + i) * b) % p for a, b in zip(shifted, f, strict=True)]
        f[0] = (f[0] + differences[i]) % p
    return f
