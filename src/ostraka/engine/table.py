"""Tables: any public function of a secret from a small range, in few rounds: a polynomial.

Over F_p every function f of k values is a polynomial of degree d < k. Two ways to evaluate it:

*Powers.* x, x^2, ..., x^d by products, all that are possible at once: ceil(log2 d) rounds.

*Masked.* With a uniform r, A = x + r is opened, and f(x) = f(A - r) is a public combination of the
powers of r. Those come from random pairs (b_k, v_k), in two rounds for any d: [BB89]

    w_k = b_k v_k is opened, so v_k / w_k = 1 / b_k; c_k = v_(k-1) b_k is shared, c_1 = b_1;
    d_k = r c_k is opened, so r^k = (d_1 ... d_k) / (w_1 ... w_k) v_k; and A in the same round.

Every b_k, and v_k with it, is uniform and used for one d_k only, so what is opened is uniform and
independent of x and r: w_k and d_k among all elements but zero, A among all. Only where r, a b_k or
a v_k is zero is it not, and the result wrong: with a probability of (2 d + 1) / p for each x, below
2^-50 for all that `MASKED` lets through at once.

In a ring that is no field a table is the sum of its entries times comparisons instead.

Adversary: at most t < n / 2 parties, who learn nothing but with that probability. Passive; with
active security tables are evaluated by powers, and proven.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.field import Elements, Field
from ostraka.arithmetic.matrix import matmul
from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.backend import backend_of, wraps
from ostraka.engine.batches import batched
from ostraka.engine.compare import equal
from ostraka.engine.rounds import Opened, Operation, Product, Random, Unreduced, alone

ENTRIES: Final = 512
"""Longest table: some products for each entry, and k^2 operations to find the polynomial."""

BY_POWERS: Final = 4
"""Highest degree whose powers take no more rounds than a mask."""

SHORT: Final = 64
"""Highest degree, times t, that is faster than a comparison: with t its rounds grow."""

SURE: Final = 50
"""Bits of a field in which a mask is hardly ever zero; below, powers are used."""

MASKED: Final = 1 << 9
"""Maximum number of powers of masks made at once, as each takes microseconds; above, powers."""

LOOKED_UP: Final = 1 << 18
"""Elements of powers, and of results, made at a time: about 150 ns each."""


async def look_up(
    x: SecretArray, table: NDArray[np.int64] | NDArray[np.bool_], first: int = 0
) -> SecretArray:
    """Return table[x - first], for first <= x < first + len(table); anything for another x.

    Opens nothing that tells of x. Rounds: at most 3; with active security or very many elements
    ceil(log2(len(table) - 1)); in a ring that is no field those of `equal`.

    Args:
        table: public integers or booleans, shape (k,), or (k, m) for m functions at once.

    Returns:
        Shape of x, or of x and then (m,).
    """
    engine = backend_of(x)
    entries = _checked(table)
    if wraps(engine):
        most = max(1, LOOKED_UP // (len(entries) + entries[0].size))
        found = await batched(x, most, lambda part: _by_polynomial(part, entries, first))
        return found.reshape(-1, x.size).T.reshape(x.shape + entries.shape[1:])
    same = await equal(x[..., None], first + np.arange(len(entries)))
    return (same @ entries.reshape(len(entries), -1)).reshape(x.shape + entries.shape[1:])


async def _by_polynomial(x: SecretArray, table: NDArray[np.int64], first: int) -> SecretArray:
    """Look a vector up as `look_up` does: shape (m, length), or (length,)."""
    return (await alone(backend_of(x), looked_up(x, table, first))).T


def looked_up(
    x: SecretArray,
    table: NDArray[np.int64] | NDArray[np.bool_],
    first: int = 0,
    *,
    afresh: bool = False,
) -> Operation[SecretArray]:
    """Look up as `look_up` does, as an operation that shares its rounds; needs a field.

    Nothing is told of x, in range or not. Rounds: 2 with a mask whose randomness is at hand.

    Args:
        afresh: x is from outside, and may be shares of no polynomial; the result never is.
    """
    entries, engine = _checked(table), backend_of(x)
    field = engine.field
    columns = field.encode(entries).reshape(len(entries), -1)
    f = _interpolated(field, first, columns.shape, columns.tobytes())
    if randomness(len(f) - 1, x.size) and not engine.active and field.bits > SURE:
        result = yield from _masked(x.ravel(), f)
    else:
        result = engine.public(f[0], (x.size, f.shape[1]))
        if len(f) > 1:
            raised = yield from _raised(x.ravel(), len(f) - 1, afresh)
            result = raised.T @ f[1:] + result
    return result.reshape(x.shape + entries.shape[1:])


def _checked(table: NDArray[np.int64] | NDArray[np.bool_]) -> NDArray[np.int64]:
    entries = np.asarray(table).astype(np.int64)
    if entries.ndim not in (1, 2) or not 1 <= len(entries) <= ENTRIES:
        raise ValueError(f"a table has 1 to {ENTRIES} entries in one or several columns")
    return entries


def is_small(degree: int, size: int, t: int) -> bool:
    """Tell whether `size` polynomials of this degree are faster than as many comparisons.

    Measured for passive security and threshold t: docs/decisions/0007-one-vote.md.
    """
    once = degree * size <= MASKED and degree <= min(SHORT * t, ENTRIES - 1)
    return once or degree <= BY_POWERS * t


def randomness(degree: int, size: int) -> int:
    """Count the random elements that go into polynomials of this degree at so many places.

    For a passive computation: none where they are evaluated by powers.
    """
    masked = degree > BY_POWERS and degree * size <= MASKED
    return (2 * degree + 1) * size if masked else 0


async def powers(x: SecretArray, k: int) -> SecretArray:
    """Return x, x^2, ..., x^k on a new first axis: ceil(log2 k) rounds, k - 1 products."""
    return await alone(backend_of(x), _raised(x, k))


def _raised(x: SecretArray, k: int, afresh: bool = False) -> Operation[SecretArray]:
    found = x[None]
    if afresh:
        ones = x.engine.public(1, found.shape)
        (found,) = yield [Product(found, concatenate([ones, found])[:k])]
    while len(found) < k:
        missing = min(len(found), k - len(found))
        (more,) = yield [Product(found[-1:], found[:missing])]
        found = concatenate([found, more])
    return found


def _masked(x: SecretArray, f: Elements) -> Operation[SecretArray]:
    """Evaluate polynomials f, lowest power first, at every place: shape (size of x, columns)."""
    engine, degree = backend_of(x), len(f) - 1
    field, shape = engine.field, (2 * degree + 1, x.size)
    random = engine.take_random(prod(shape))
    if random is None:
        (random,) = yield [Random(engine, shape)]
    random = random.reshape(shape)
    r, b, v = random[:1], random[1 : degree + 1], random[degree + 1 :]
    w, c = yield [Unreduced(b[..., None], v[..., None]), Product(v[:-1], b[1:])]
    c = concatenate([b[:1], c])
    d, opened = yield [Unreduced(c[..., None], r[..., None]), Opened(x + r[0])]
    scales = np.array([_scales(field, *pair) for pair in zip(w.T, d.T, strict=True)], np.uint64)
    shifted = _shifted(field, f, opened)
    weights = field.product(shifted[:, 1:], scales.T[None])
    return ((v[None] * weights).sum(axis=1) + shifted[:, 0]).T


def _scales(field: Field, w: Elements, d: Elements) -> list[int]:
    """Return (d_1 ... d_k) / (w_1 ... w_k) for every k."""
    p = field.p
    above, below = (list(accumulate(x.tolist(), lambda a, b: a * b % p)) for x in (d, w))
    inverse, found = pow(below[-1], p - 2, p), []
    for k in reversed(range(len(w))):
        found.append(above[k] * inverse % p)
        inverse = inverse * int(w[k]) % p
    return found[::-1]


def _shifted(field: Field, f: Elements, at: Elements) -> Elements:
    """Return for each column of f and each a in `at` the coefficients of f(a - X), lowest first.

    f_k's is (-1)^k / k! sum_i (f_(k+i) (k + i)!) a^i / i!. Shape (columns, degree + 1, len(at)).
    """
    size, columns = f.shape
    factorials, inverses = _factorials(field, size)
    scaled = np.zeros((columns, 2 * size), np.uint64)
    scaled[:, :size] = field.product(f.T, factorials)
    rows = scaled[:, np.add.outer(np.arange(size), np.arange(size))].reshape(-1, size)
    raised = [accumulate([1] + [a] * (size - 1), lambda x, y: x * y % field.p) for a in at.tolist()]
    terms = field.product(np.array([*map(list, raised)], np.uint64), inverses)
    found = matmul(field, rows, np.ascontiguousarray(terms.T)).reshape(columns, size, len(at))
    signed = inverses.copy()
    signed[1::2] = field.negate(signed[1::2])
    return field.product(found, signed[None, :, None])


@lru_cache(maxsize=64)
def _factorials(field: Field, k: int) -> tuple[Elements, Elements]:
    """Return i! for i < k, and their inverses."""
    found = list(accumulate(range(1, k), lambda a, b: a * b % field.p, initial=1))
    return np.array(found, np.uint64), np.array([pow(x, -1, field.p) for x in found], np.uint64)


@lru_cache(maxsize=64)
def _interpolated(field: Field, first: int, shape: tuple[int, ...], entries: bytes) -> Elements:
    """Return the polynomial of each column of a table, lowest power first: shape (k, m)."""
    columns = np.frombuffer(entries, np.uint64).reshape(shape).T.tolist()
    return np.array([_polynomial(column, first, field.p) for column in columns], np.uint64).T


def _polynomial(values: Sequence[int], first: int, p: int) -> list[int]:
    """Return f with f(first + i) = values_i modulo p, by Newton's divided differences."""
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
