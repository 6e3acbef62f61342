"""Exact samplers in whole numbers: no floating point, no rounding, any size. [CKS20]

One value takes some microseconds, so vectors come from `tables`. Rejection takes a random number of
steps that depends on the value drawn: constant time is not claimed, and an observer who can time a
contributor's process to the microsecond learns something of its noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import isqrt
from typing import Final

import numpy as np

from ostraka.arithmetic.randomness import Stream

_POOL: Final = 64
"""Words read from the stream at a time."""


class Exact:
    """Draws from a stream, each value distributed exactly as its method says."""

    def __init__(self, stream: Stream) -> None:
        self._words = _words(stream)

    def below(self, n: int) -> int:
        """Draw a uniform number of 0 .. n - 1, for n >= 1."""
        width = (n - 1).bit_length()
        while True:
            found = self._bits(width)
            if found < n:
                return found

    def bernoulli(self, p: Fraction) -> bool:
        """Return True with probability p."""
        return self.below(p.denominator) < p.numerator

    def bernoulli_exp(self, gamma: Fraction) -> bool:
        """Return True with probability e^-gamma, for gamma >= 0."""
        return self._exp(gamma.numerator, gamma.denominator)

    def geometric(self, scale: Fraction) -> int:
        """Draw an integer k >= 0 with probability proportional to e^(-k / scale)."""
        t, s = scale.numerator, scale.denominator
        u = self.below(t)
        while not self._exp(u, t):
            u = self.below(t)
        v = 0
        while self._exp(1, 1):
            v += 1
        return (u + t * v) // s

    def laplace(self, scale: Fraction) -> int:
        """Draw an integer x with probability proportional to e^(-|x| / scale)."""
        while True:
            size, negative = self.geometric(scale), self._bits(1)
            if size or not negative:
                return -size if negative else size

    def gaussian(self, variance: Fraction) -> int:
        """Draw an integer x with probability proportional to e^(-x^2 / (2 variance))."""
        t = isqrt(int(variance)) + 1
        a, b = variance.numerator, variance.denominator
        while True:
            x = self.laplace(Fraction(t))
            # (|x| - variance / t)^2 / (2 variance), in whole numbers
            if self._exp((abs(x) * t * b - a) ** 2, 2 * a * b * t * t):
                return x

    def _exp(self, a: int, b: int) -> bool:
        """Return True with probability e^(-a/b)."""
        while a > b:
            if not self._exp(1, 1):
                return False
            a -= b
        k = 1
        while self.below(b * k) < a:
            k += 1
        return k % 2 == 1

    def _bits(self, width: int) -> int:
        found = 0
        for _ in range(0, width, 64):
            found = found << 64 | next(self._words)
        return found & ((1 << width) - 1)


def _words(stream: Stream) -> Iterator[int]:
    pool = np.empty(_POOL, np.uint64)
    while True:
        yield from stream.fill(pool).tolist()
