"""Vectors over a Mersenne prime field: p = 2^61 - 1, or a tiny prime in tests.

An element is one uint64 below p, and every function takes and returns such canonical elements.
The functions are plain numpy without copies of their arguments: callers hand them blocks that fit
the cache (`randomness.blocks`), which makes them three times as fast as whole vectors. Why numpy
and not compiled kernels: docs/decisions/0002-field-kernels.md.

In such a field a product by 2^k is a rotation of the 61 bits, and 61 uniform bits are a uniform
element once the single value p itself is drawn again.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import BLOCK, Stream, Words, blocks

Elements = NDArray[np.uint64]
"""Field elements in an array of any shape."""

MERSENNE_EXPONENTS: Final = (3, 5, 7, 13, 17, 19, 31, 61)

FEW: Final = 32
"""Elements up to which Python integers are faster than some twenty calls of numpy."""

_SHORT: Final = 8
"""Length of an axis up to which `Field.sum` adds whole vectors one by one."""

_LOW32: Final = np.uint64(0xFFFFFFFF)
_LOW31: Final = np.uint64((1 << 31) - 1)
_SPLIT: Final = np.uint64(31)
_REST: Final = np.uint64(30)


@dataclass(frozen=True)
class Field:
    """F_p with p = 2^bits - 1. Real sessions use bits = 61; others make exact tests possible."""

    bits: int = 61

    def __post_init__(self) -> None:
        if self.bits not in MERSENNE_EXPONENTS:
            raise ValueError(f"2^{self.bits} - 1 is not a Mersenne prime this field supports")

    @cached_property
    def p(self) -> int:
        """The prime."""
        return (1 << self.bits) - 1

    @cached_property
    def _p(self) -> np.uint64:
        return np.uint64(self.p)

    # --- vectors -----------------------------------------------------------------------------

    def add(self, a: Words, b: Words, out: Words | None = None) -> Words:
        """Return a + b. `out` may be `a` or `b`."""
        total = np.add(a, b, out=out)
        return np.minimum(total, total - self._p, out=total)

    def subtract(self, a: Words, b: Words, out: Words | None = None) -> Words:
        """Return a - b. `out` may be `a` or `b`."""
        difference = np.subtract(a, b, out=out)
        return np.minimum(difference, difference + self._p, out=difference)

    def rotate(self, a: Words, k: int) -> Words:
        """Return a * 2^k, for any integer k."""
        k %= self.bits
        if k == 0:
            return a.copy()
        high: Words = a << np.uint64(k)
        high &= self._p
        high |= a >> np.uint64(self.bits - k)
        return high

    def scale(self, a: Words, c: int) -> Words:
        """Return c * a for a public integer c: without a product if c is +-2^k, 3 2^k or 2^k / 3,
        as the factors of three parties are."""
        c %= self.p
        found = _as_power(self.p, c)
        if found is None:
            return self.multiply(a, np.uint64(c))
        sign, threes, k = found
        turned = self.rotate(self._third(a) if threes < 0 else a, k)
        if threes > 0:
            turned = self.add(turned, self.rotate(turned, 1))
        return turned if sign > 0 else self.negate(turned)

    def _third(self, a: Words) -> Words:
        """Return a / 3: of a = 3 q + r it is q + r / 3, and 1 / 3 is (2 p + 1) / 3."""
        third = a // np.uint64(3)
        rest = third * np.uint64(3)
        np.subtract(a, rest, out=rest)
        rest *= np.uint64((2 * self.p + 1) // 3)
        third += rest
        np.minimum(third, third - self._p, out=third)
        return third

    def mix(self, rows: Sequence[Sequence[int]], vectors: Sequence[Words]) -> list[Words]:
        """Return the sum of c_j * vectors_j for each row c of public integers."""
        size = len(rows) * len(vectors) * len(vectors[0])
        if len(vectors) == 1 or size > BLOCK or self.bits != 61:
            return [self._mix_one(row, vectors) for row in rows]
        c = np.array([[c % self.p for c in row] for row in rows], np.uint64)
        stacked = np.stack(vectors)
        products = self.multiply(
            np.broadcast_to(stacked, (len(rows), *stacked.shape)), c[..., None]
        )
        low = (products & _LOW32).sum(axis=1)
        high = (products >> np.uint64(32)).sum(axis=1)
        return list(self.add(self.reduce(low), self.rotate(self.reduce(high), 32)))

    def _mix_one(self, row: Sequence[int], vectors: Sequence[Words]) -> Words:
        total = self.scale(vectors[0], row[0])
        for vector, c in zip(vectors[1:], row[1:], strict=True):
            self.add(total, self.scale(vector, c), out=total)
        return total

    def negate(self, a: Words) -> Words:
        """Return -a."""
        return self.subtract(np.zeros_like(a), a)

    def multiply(self, a: Words, b: Words | np.uint64) -> Words:
        """Return a * b, element by element."""
        if self.bits != 61:
            return self.reduce(a * b)
        if a.size <= FEW and a.ndim == 1 and np.shape(b) in ((), a.shape):
            factors = repeat(int(b)) if isinstance(b, np.uint64) else b.tolist()
            return np.array([x * y % self.p for x, y in zip(a.tolist(), factors)], np.uint64)  # noqa: B905
        return self._product61(a, b)

    def _product61(self, a: Words, b: Words | np.uint64) -> Words:
        """Return a * b from halves, a = a1 2^31 + a0: modulo p, 2^62 is 2 and 2^61 is 1.

        All sums stay below 2^64: a0 b0 and the cross products' sum below 2^62, 2 a1 b1 below 2^61.
        """
        a0, a1 = a & _LOW31, a >> _SPLIT
        b0, b1 = b & _LOW31, b >> _SPLIT
        total = a0 * b0
        cross = np.multiply(a0, b1, out=a0)
        cross += a1 * b0
        high = np.multiply(a1, b1, out=a1)
        total += high
        total += high
        total += np.right_shift(cross, _REST, out=high)
        cross <<= _SPLIT
        cross &= self._p
        total += cross
        return self.reduce(total)

    def reduce(self, a: Words) -> Words:
        """Reduce 64-bit numbers (below p^2 in a tiny field) to canonical elements, in place."""
        for _ in range(1 if self.bits == 61 else 2):
            carry = a >> np.uint64(self.bits)
            a &= self._p
            a += carry
        np.minimum(a, a - self._p, out=a)
        return a

    # --- arrays of any shape -----------------------------------------------------------------

    def encode(self, values: object) -> Elements:
        """Return public integers or booleans, also negative ones, as elements of the same shape.

        Raises:
            TypeError: the values are not integers, but floats for instance.
        """
        if type(values) is int:
            return np.array(values % self.p, np.uint64)
        a = np.asarray(values)
        if a.dtype == object:
            return np.array([operator.index(v) % self.p for v in a.ravel()], np.uint64).reshape(
                a.shape
            )
        if not a.size:
            return np.zeros(a.shape, np.uint64)
        if a.dtype.kind not in "biu":
            raise TypeError(f"a field has no {a.dtype}: scale it to integers first")
        if a.dtype == np.uint64:
            return a % self._p
        return (a.astype(np.int64) % np.int64(self.p)).astype(np.uint64)

    def decode(self, a: Elements) -> NDArray[np.int64]:
        """Return elements as signed integers centred on zero."""
        if a.size <= BLOCK:
            whole = a.astype(np.int64)
            return np.where(whole > self.p // 2, whole - self.p, whole)
        flat, signed = a.reshape(-1), np.empty(a.size, np.int64)
        for part in blocks(a.size):
            block = flat[part]
            signed[part] = block - (block > self.p // 2) * self._p
        return signed.reshape(a.shape)

    def product(self, a: Elements, b: Elements) -> Elements:
        """Return a * b with broadcasting, in blocks that stay in the cache."""
        if b.size == 1 and b.ndim <= a.ndim:
            return self._blocked(a, lambda x: self.scale(x, int(b.ravel()[0])))
        if a.shape != b.shape:
            a, b = np.broadcast_arrays(a, b)
        flat, other = (np.ascontiguousarray(v).reshape(-1) for v in (a, b))
        if a.size <= BLOCK:
            return self.multiply(flat, other).reshape(a.shape)
        out = np.empty(a.size, np.uint64)
        for part in blocks(out.size):
            out[part] = self.multiply(flat[part], other[part])
        return out.reshape(a.shape)

    def _blocked(self, a: Elements, function: Callable[[Words], Words]) -> Elements:
        flat = np.ascontiguousarray(a).reshape(-1)
        if a.size <= BLOCK:
            return function(flat).reshape(a.shape)
        out = np.empty(a.size, np.uint64)
        for part in blocks(out.size):
            out[part] = function(flat[part])
        return out.reshape(a.shape)

    def sum(self, a: Elements, axis: int | tuple[int, ...] | None = None) -> Elements:
        """Return the sum over some axes, each sum of at most 2^31 elements."""
        if self.bits == 61 and a.size <= FEW:
            return np.asarray(np.sum(a.astype(object), axis=axis) % self.p, np.uint64)
        if isinstance(axis, int) and a.ndim > 1 and 1 < a.shape[axis] <= _SHORT:
            rows = np.moveaxis(a, axis, 0)
            total = self.add(rows[0], rows[1])
            for row in rows[2:]:
                self.add(total, row, out=total)
            return total
        halves = (a & _LOW32, a >> np.uint64(32))
        low, high = (np.asarray(half.sum(axis=axis), np.uint64) for half in halves)
        low, high = low.reshape(-1) % self._p, high.reshape(-1) % self._p
        total = self.add(low, self.scale(high, 1 << 32))
        return total.reshape(np.sum(np.broadcast_to(True, a.shape), axis=axis).shape)

    def inner(self, a: Words, b: Words) -> int:
        """Return the sum of a * b, for vectors of up to 2^31 elements."""
        low = high = 0
        for part in blocks(len(a)):
            product = self.multiply(a[part], b[part])
            high += int((product >> np.uint64(32)).sum())
            product &= _LOW32
            low += int(product.sum())
        return (low + (high << 32)) % self.p

    # --- drawing -----------------------------------------------------------------------------

    def uniform(self, stream: Stream, out: Words) -> Words:
        """Overwrite `out` with the stream's next elements, exactly uniform, and return it.

        A word of the stream gives an element by its low bits; the value p is skipped. Elements
        come in the order of the words, so a vector drawn in blocks is the vector drawn at once.
        """
        rest = stream.fill(out)
        while True:
            rest &= self._p
            if not len(rest) or rest.max() != self._p:
                return out
            accepted = rest[rest != self._p]
            rest[: len(accepted)] = accepted
            rest = stream.fill(rest[len(accepted) :])

    def check(self, a: Words) -> None:
        """Raise ValueError if numbers from a peer are not canonical elements, all below p."""
        if len(a) and a.max() >= self._p:
            raise ValueError(
                f"a number is not an element of the field: it is not below 2^{self.bits} - 1"
            )

    # --- public scalars: Python integers ------------------------------------------------------

    def lagrange(self, points: Sequence[int], at: int) -> list[int]:
        """Return coefficients c with f(at) = sum c_j f(points_j) for f of degree < len(points)."""
        xs = tuple(x % self.p for x in points)
        if len(set(xs)) != len(xs):
            raise ValueError("evaluation points must be distinct")
        if at % self.p in xs:
            return [int(x == at % self.p) for x in xs]
        return list(_lagrange(self.p, xs, at % self.p))

    def points(self, n: int) -> tuple[int, ...]:
        """Return n distinct points, none zero: powers of two, or 1 to n above 61 points."""
        if not 0 < n < self.p:
            raise ValueError(f"a field of {self.p} elements has no {n} evaluation points")
        return tuple(1 << j for j in range(n)) if n <= self.bits else tuple(range(1, n + 1))


@lru_cache(maxsize=4096)
def _as_power(p: int, c: int) -> tuple[int, int, int] | None:
    """Return (s, e, k) with c = s 3^e 2^k modulo p, s 1 or -1 and e 0, 1 or -1; None if there are
    none."""
    third = (2 * p + 1) // 3
    for threes, inverse in ((0, 1), (1, third), (-1, 3)):
        for sign in (1, -1):
            power = sign * c * inverse % p
            if power.bit_count() == 1:
                return sign, threes, power.bit_length() - 1
    return None


@lru_cache(maxsize=4096)
def _lagrange(p: int, points: tuple[int, ...], at: int) -> list[int]:
    def times(a: int, b: int) -> int:
        return a * b % p

    # Each point's product of all other differences: those before it times those after it.
    before = accumulate((at - x for x in points[:-1]), times, initial=1)
    after = [*accumulate((at - x for x in points[:0:-1]), times, initial=1)][::-1]
    parts = zip(_weights(p, points), before, after, strict=True)
    return [w * b % p * a % p for w, b, a in parts]


@lru_cache(maxsize=256)
def _weights(p: int, points: tuple[int, ...]) -> list[int]:
    """Return for each point the inverse of the product of its differences from the others."""
    products = [1] * len(points)
    for j, x in enumerate(points):
        for y in points:
            if y != x:
                products[j] = products[j] * (x - y) % p
    return [pow(product, -1, p) for product in products]


P61: Final = Field(61)
"""The field that every real session uses."""
