"""Arithmetic in GF(2^m), bit-sliced: an element is m planes, 64 elements to a word.

Products by public elements are XORs of planes, and so is every linear map; a product of two
secret elements is m^2 ANDs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.planes import Planes

PRIMITIVE: Final = {
    1: 0b11, 2: 0b111, 3: 0b1011, 4: 0b10011, 5: 0b100101, 6: 0b1000011, 7: 0b10000011,
    8: 0b100011101, 9: 0b1000010001, 10: 0b10000001001,
}  # fmt: skip
"""Polynomials without factors, as bits, by their degree m: every element but zero is a power of
the one that the bits 10 stand for."""

MOST_POINTS: Final = (1 << max(PRIMITIVE)) - 1
"""Elements besides zero of the largest field."""

Matrix = NDArray[np.uint8]
"""A linear map over GF(2): a row for each plane of the result."""

AT_ONCE: Final = 1 << 16
"""Words up to which a linear map is one numpy call, instead of one for each row."""

STRIP: Final = 2048
"""Words of every plane worked on at a time, so that a long map stays in the cache."""


@dataclass(frozen=True)
class Binary:
    """GF(2^m), 1 <= m <= 10."""

    m: int

    @classmethod
    def for_points(cls, count: int) -> Binary:
        """Return the smallest field that has `count` elements besides zero."""
        return cls(max(1, count.bit_length()))

    @cached_property
    def modulus(self) -> int:
        """The polynomial that products are reduced by."""
        return PRIMITIVE[self.m]

    # --- public elements: Python integers below 2^m ---------------------------------------------

    def times(self, a: int, b: int) -> int:
        """Return a * b for two public elements."""
        if not a or not b:
            return 0
        powers, logs = self._powers
        return powers[(logs[a] + logs[b]) % len(powers)]

    def inverse(self, a: int) -> int:
        """Return 1 / a for a public element."""
        if not a:
            raise ZeroDivisionError("zero has no inverse")
        powers, logs = self._powers
        return powers[-logs[a] % len(powers)]

    @cached_property
    def _powers(self) -> tuple[list[int], dict[int, int]]:
        """The elements besides zero as powers of one, and of each element its exponent."""
        powers = [1]
        while len(powers) < (1 << self.m) - 1:
            double = powers[-1] << 1
            powers.append(double ^ (self.modulus if double >> self.m else 0))
        return powers, {a: k for k, a in enumerate(powers)}

    def lagrange(self, points: Sequence[int], at: int) -> list[int]:
        """Return coefficients c with f(at) = sum c_j f(points_j), f of degree < len(points)."""
        found = []
        for x in points:
            c = 1
            for y in points:
                if y != x:
                    c = self.times(c, self.times(at ^ y, self.inverse(x ^ y)))
            found.append(c)
        return found

    def matrix(self, c: int) -> Matrix:
        """Return the multiplication by c, as a linear map of m planes to m planes."""
        columns = [self.times(c, 1 << j) for j in range(self.m)]
        return np.array([[c >> i & 1 for c in columns] for i in range(self.m)], np.uint8)

    # --- planes -----------------------------------------------------------------------------------

    def multiply(self, a: Planes, b: Planes) -> Planes:
        """Return a * b, element by element; the first axis is the m planes of an element."""
        product = [np.zeros_like(a[0]) for _ in range(2 * self.m - 1)]
        for i in range(self.m):
            for j in range(self.m):
                product[i + j] ^= a[i] & b[j]
        for k in range(2 * self.m - 2, self.m - 1, -1):
            for j in range(self.m):
                if self.modulus >> j & 1:
                    product[k - self.m + j] ^= product[k]
        return np.stack(product[: self.m])


def apply(matrix: Matrix, planes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Apply a linear map over GF(2) to planes of shape (columns, words): shape (rows, words)."""
    rows, words = matrix.shape[0], planes.shape[1]
    if matrix.size * words <= AT_ONCE:
        chosen = np.where(matrix[:, :, None], planes[None], np.uint64(0))
        return np.asarray(np.bitwise_xor.reduce(chosen, axis=1))
    out = np.zeros((rows, words), np.uint64)
    for start in range(0, words, STRIP):
        strip = slice(start, start + STRIP)
        for i, j in np.argwhere(matrix).tolist():
            out[i, strip] ^= planes[j, strip]
    return out
