"""Exact matrix products over F_p, p = 2^61 - 1, through float64 BLAS.

Every element is cut into three limbs of at most 21 bits, centred so that each lies within
+-2^20; the product of two polynomials in 2^21 takes six real matrix products (Karatsuba), whose
entries stay below 2^53 and are therefore exact. In a tiny field products fit 64 bits as they are.
"""

from __future__ import annotations

from operator import mul
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.field import FEW, Elements, Field
from ostraka.arithmetic.randomness import blocks

LIMB: Final = 21
"""Bits of a limb: three make 63."""

INNER: Final = 1024
"""Terms added before a reduction: sums of two limbs reach 2^21, and 1024 * 2^21 * 2^21 = 2^52."""

SMALL: Final = 8
"""Absolute value up to which elements of a public matrix count as small."""

STRIP: Final = 1 << 14
"""Columns that are cut into limbs at a time."""

LINE: Final = 1 << 13
"""Elements of a matrix that are cut into limbs at a time, so that they stay in the cache. So many
terms may be added before a reduction: products of two limbs are at most 2^40."""

PLACES: Final = (0, 21, 41)
"""Bits below each limb of an inner product's factors."""

Real = NDArray[np.float64]


def matmul(field: Field, a: Elements, b: Elements) -> Elements:
    """Return a @ b for two matrices of elements."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"matrices of shapes {a.shape} and {b.shape} have no product")
    if a.size * b.shape[1] <= 2 * FEW:
        columns = b.T.tolist()
        rows = ([sum(map(mul, row, column)) % field.p for column in columns] for row in a.tolist())
        return np.array(list(rows), np.uint64).reshape(a.shape[0], b.shape[1])
    if (small := _small(field, b)) is not None:
        return _by_small(field, a, small)
    total = np.zeros((a.shape[0], b.shape[1]), np.uint64)
    for start in range(0, a.shape[1], INNER):
        part = slice(start, start + INNER)
        product = _exact(field, a[:, part], b[part])
        field.add(total, product, out=total)
    return total


def _small(field: Field, b: Elements) -> Elements | None:
    """Return b if all its elements are within +-SMALL, so that a limb of a is enough at a time."""
    if field.bits != 61 or len(b) * SMALL > 1 << (53 - LIMB):
        return None
    edge, p = np.uint64(SMALL), np.uint64(field.p)
    return b if ((b <= edge) | (b >= p - edge)).all() else None


def _by_small(field: Field, a: Elements, b: Elements) -> Elements:
    """Return a @ b for small b: three real products, in strips of columns of a."""
    sums = np.zeros((3 * a.shape[0], b.shape[1]))
    for start in range(0, a.shape[1], STRIP):
        part = slice(start, start + STRIP)
        limbs = np.concatenate(_limbs(a[:, part]))
        sums += limbs @ field.decode(b[part]).astype(np.float64)
    low, middle, high = np.split(field.encode(sums.astype(np.int64)), 3)
    upper = field.add(field.rotate(middle, LIMB), field.rotate(high, 2 * LIMB))
    return field.add(low, upper)


def _exact(field: Field, a: Elements, b: Elements) -> Elements:
    if field.bits != 61:
        return field.sum(field.product(a[:, :, None], b[None, :, :]), axis=1)
    (a0, a1, a2), (b0, b1, b2) = _limbs(a), _limbs(b)
    low, middle, high = a0 @ b0, a1 @ b1, a2 @ b2
    first = (a0 + a1) @ (b0 + b1) - low - middle
    second = (a0 + a2) @ (b0 + b2) - low - high + middle
    third = (a1 + a2) @ (b1 + b2) - middle - high
    total = field.encode(low.astype(np.int64))
    for k, limb in enumerate((first, second, third, high), start=1):
        field.add(total, field.rotate(field.encode(limb.astype(np.int64)), LIMB * k), out=total)
    return total


def inner_products(field: Field, a: Elements, b: Elements) -> Elements:
    """Return a @ b.T for matrices of a few long rows: the inner product of each two rows."""
    if field.bits != 61:
        return field.sum(field.product(a[:, None], b[None]), axis=2)
    total = np.zeros((3 * len(a), 3 * len(b)), object)
    line = min(a.shape[1], max(1, LINE // max(len(a), len(b))))
    limbs = [np.empty((3, len(v), line)) for v in (a, b)]
    for part in blocks(a.shape[1], line):
        x, y = (
            _centred(v[:, part], out[..., : part.stop - part.start]).reshape(3 * len(v), -1)
            for v, out in zip((a, b), limbs, strict=True)
        )
        total += (x @ y.T).astype(np.int64)
    sums = total.reshape(3, len(a), 3, len(b))
    places = [(i, j) for i in range(3) for j in range(3)]
    return field.encode(sum(sums[i, :, j] << PLACES[i] + PLACES[j] for i, j in places))


def _centred(a: Elements, limbs: Real) -> Real:
    """Split elements into limbs of 21, 20 and 20 bits, of at most 2^20: shape (3, *a.shape).

    A limb less its middle is read from the bits of 2^52 plus the limb: faster than a conversion.
    """
    words = limbs.view(np.uint64)
    rest = np.add(a, np.uint64(1 << 20), out=words[2])
    np.bitwise_and(rest, np.uint64((1 << 21) - 1), out=words[0])
    rest >>= np.uint64(21)
    rest += np.uint64(1 << 19)
    np.bitwise_and(rest, np.uint64((1 << 20) - 1), out=words[1])
    rest >>= np.uint64(20)
    words |= np.float64(1 << 52).view(np.uint64)
    limbs -= np.array([(1 << 20) + (1 << 52), (1 << 19) + (1 << 52), 1 << 52], float)[:, None, None]
    return limbs


def _limbs(a: Elements) -> tuple[Real, Real, Real]:
    """Split a = l0 + l1 2^21 + l2 2^42, with every limb within +-2^20."""
    rest, found = a.astype(np.int64), []
    for _ in range(2):
        low = ((rest + (1 << (LIMB - 1))) & ((1 << LIMB) - 1)) - (1 << (LIMB - 1))
        rest = (rest - low) >> LIMB
        found.append(low.astype(np.float64))
    return found[0], found[1], rest.astype(np.float64)
