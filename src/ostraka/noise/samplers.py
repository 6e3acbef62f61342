"""Discrete Laplace and discrete Gaussian noise of any scale: few values exactly, vectors by tables.

Neither is constant-time: see `exact` and `tables`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property, lru_cache
from math import isqrt
from typing import ClassVar, Final

import numpy as np

from ostraka.arithmetic.randomness import Stream
from ostraka.inputs.encoding import Signed
from ostraka.noise.exact import Exact
from ostraka.noise.tables import PRECISION, AliasTable, Sampler, exp_minus, fill, powers

__all__ = ["AliasTable", "Exact", "Gaussian", "Halves", "Laplace", "Sampler", "gaussian", "laplace"]

FEW: Final = 256
"""Length below which vectors are drawn exactly: a table is not worth its making."""

_INDEX: Final = 11
"""Bits of a table's index: so small a table stays in the cache."""

TAIL: Final = Fraction(1, 1 << 100)
"""Bound of the probability that tables leave out."""

FINE: Final = Fraction(1, 1 << 200)
"""Bound of the distance that rounding of weights adds; see `PRECISION`."""


class _Noise(Sampler):
    """Samplers that draw few samples exactly and many by tables."""

    join: ClassVar[np.ufunc] = np.add
    each: Fraction
    """Distance of one sample from the tables to the distribution, at most."""

    @cached_property
    @abstractmethod
    def tables(self) -> list[AliasTable]:
        """Tables of the independent parts of a sample, for bounds below 2^62."""

    @abstractmethod
    def one(self, exact: Exact) -> int:
        """Draw one sample, exactly."""

    def distance(self, length: int) -> Fraction:
        if length < FEW:
            return Fraction(0)
        return length * self.each

    def draw(self, stream: Stream, length: int) -> Signed:
        if length < FEW:
            exact = Exact(stream)
            return np.array([self.one(exact) for _ in range(length)], np.int64)
        out = np.empty(length, np.int64)
        fill(out, self.tables, self.join, stream)
        return out


class Laplace(_Noise):
    """Discrete Laplace noise: x has probability proportional to e^(-|x| / scale). [CKS20]

    Given x >= 0, x is geometric, and given x < 0, ~x = -1 - x is. The binary digits of a geometric
    variable are independent. So a signed top digit is drawn, then low digits, which are turned over
    when the top is negative: small tables for every scale.
    """

    join = np.bitwise_xor

    def __init__(self, scale: Fraction) -> None:
        if scale <= 0:
            raise ValueError("a scale is above 0")
        self.scale = scale
        self.bound = int(70 * scale) + 1  # e^-70 < 2^-100
        self._low = max(0, self.bound.bit_length() - _INDEX)
        self._digits = range(0, self._low, _INDEX)
        self.each = TAIL + FINE * (1 + len(self._digits))

    @cached_property
    def tables(self) -> list[AliasTable]:
        low, q = self._low, self._q(0)
        tops = (self.bound >> low) + 1
        right = list(powers(self._q(low), tops))
        left = [w * q >> PRECISION for w in right]
        outcomes = np.arange(tops) << low
        both = np.append(outcomes, ~outcomes)
        return [AliasTable(right + left, both), *map(self._digit, self._digits)]

    def _digit(self, at: int) -> AliasTable:
        count = 1 << min(_INDEX, self._low - at)
        return AliasTable(list(powers(self._q(at), count)), np.arange(count) << at)

    def _q(self, at: int) -> int:
        return exp_minus((1 << at) / self.scale)

    def one(self, exact: Exact) -> int:
        return exact.laplace(self.scale)


class Gaussian(_Noise):
    """Discrete Gaussian noise: x has probability proportional to e^(-x^2 / (2 variance)). [CKS20]

    A table when that is small enough; else a + 32 b, where a and b are discrete Gaussian with
    variances that add up: as a spreads over more than four steps of 32, no seam shows. [MW17]
    """

    def __init__(self, variance: Fraction) -> None:
        if variance <= 0:
            raise ValueError("a variance is above 0")
        self.variance = variance
        self.bound = _reach(variance)
        self._parts = list(_parts(variance))
        self.each = len(self._parts) * (TAIL + FINE + _SEAM)

    @cached_property
    def tables(self) -> list[AliasTable]:
        return [_bell(part, _STEP**i) for i, part in enumerate(self._parts)]

    def one(self, exact: Exact) -> int:
        return exact.gaussian(self.variance)


_STEP: Final = 32
_NARROW: Final = Fraction(20_000)

_SEAM: Final = Fraction(1, 1 << 170)
"""Distance that splitting a variance v adds. For v > 29,000, the least that is split, the
probability of each x is off by a factor within 1 -+ 4 e^-y by Poisson summation, with y =
2 pi^2 _NARROW (v - _NARROW) / (v _STEP^2) > 119."""


def _parts(variance: Fraction) -> Iterator[Fraction]:
    """Yield the variances of the parts that are multiplied by 1, by _STEP, by _STEP^2, ..."""
    while _reach(variance) >= 1 << _INDEX:
        yield _NARROW
        variance = (variance - _NARROW) / _STEP**2
    yield variance


def _reach(variance: Fraction) -> int:
    """Return an h such that |x| > h with probability below 2 e^-70.5 < 2^-100."""
    return isqrt(141 * int(variance)) + 12


def _bell(variance: Fraction, step: int) -> AliasTable:
    """Make a table of `step` times a discrete Gaussian of this variance."""
    h = _reach(variance)
    ratio, weight, right = exp_minus(1 / (2 * variance)), 1 << PRECISION, []
    ratio_step = exp_minus(1 / variance)
    for _ in range(h + 1):
        right.append(weight)
        weight = weight * ratio >> PRECISION
        ratio = ratio * ratio_step >> PRECISION
    return AliasTable(right[:0:-1] + right, np.arange(-h, h + 1) * step)


class Halves(Sampler):
    """Sampler of vectors of even length: each half is from a distribution of its own."""

    def __init__(self, first: Sampler, second: Sampler) -> None:
        self.first, self.second = first, second
        self.bound = max(first.bound, second.bound)

    def distance(self, length: int) -> Fraction:
        return self.first.distance(length // 2) + self.second.distance(length // 2)

    def draw(self, stream: Stream, length: int) -> Signed:
        half = length // 2
        return np.concatenate([self.first.draw(stream, half), self.second.draw(stream, half)])


laplace = lru_cache(maxsize=16)(Laplace)
gaussian = lru_cache(maxsize=16)(Gaussian)
"""Samplers by their parameter, kept so that tables are made once."""
