"""Shares of geometric and Laplace noise: NB(1/h, a), and the difference of two. [GX15]

NB(r, a) is the negative binomial law, P(k) = C(k + r - 1, k) a^k (1 - a)^r, here with
a = e^(-1/scale) and r = 1/h. It is a compound Poisson law: for every size k there are
Poisson(r a^k / k) jumps of that size. That is how few values, and all of a large scale, are drawn:
sizes come in blocks, 2^j to 2^(j+1) - 1; of a block there are Poisson(r) candidates, each of
uniform size, and a candidate of size k is kept with probability

    r a^k / k : r / 2^j  =  a^(2^j) * (2^j / k) * a^(k - 2^j).

With whole numbers and e^(-fraction) alone that is exact (`exact`). Long vectors of a small scale
come from one table, whose weights follow from a recurrence.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import Stream, Words, blocks
from ostraka.inputs.encoding import Signed
from ostraka.noise.exact import Exact
from ostraka.noise.samplers import FEW, FINE, TAIL
from ostraka.noise.tables import PRECISION, AliasTable, Sampler, exp_minus

ENTRIES: Final = 1 << 17
"""Length of the longest table: making it takes as long as 10^5 samples by jumps, 0.25 s."""

_ONE: Final = 1 << PRECISION
_SCALES: Final = 70
"""Scales beyond which tables leave out jumps: e^-70 < 2^-100."""
_NEAR: Final = 2.0**-40
"""Distance within which floating point is not trusted."""


class Polya(Sampler):
    """A maker's share of noise: NB(1/h, e^(-1/scale)), or the difference of two for two `sides`.

    Vectors below `FEW` are exact (up to jumps of more than 256 scales: 2^-369, not counted).
    """

    def __init__(self, scale: Fraction, h: int, *, sides: int) -> None:
        if scale <= 0 or h < 1 or sides not in (1, 2):
            raise ValueError("a scale is above 0, and at least one maker is honest")
        self.scale, self.h, self.sides = scale, h, sides
        self.bound = int(_SCALES * scale) + 1

    @property
    def tabled(self) -> bool:
        """Whether long vectors come from one table."""
        return self.sides * self.bound < ENTRIES

    def distance(self, length: int) -> Fraction:
        if length < FEW:
            return Fraction(0)
        return length * (self.table.each if self.tabled else self._jumps.each)

    def draw(self, stream: Stream, length: int) -> Signed:
        if length < FEW:
            exact = Exact(stream)
            return np.array([self._one(exact) for _ in range(length)], np.int64)
        if self.tabled:
            return self.table.draw(stream, length)
        return self._jumps.draw(stream, length)

    # --- one by one ---------------------------------------------------------------------------

    def _one(self, exact: Exact) -> int:
        found = self._jumped(exact)
        return found - self._jumped(exact) if self.sides == 2 else found

    def _jumped(self, exact: Exact) -> int:
        total = 0
        for j in range(int(256 * self.scale).bit_length() + 1):
            for _ in range(_few(exact, self.h)):
                if exact.bernoulli_exp((1 << j) / self.scale):
                    low = exact.below(1 << j)
                    k = (1 << j) + low
                    if exact.below(k) >> j == 0 and exact.bernoulli_exp(low / self.scale):
                        total += k
        return total

    # --- by a table ---------------------------------------------------------------------------

    @cached_property
    def table(self) -> AliasTable:
        """Table of the whole law."""
        right = self._right() if self.sides == 2 else self._one_side()
        left = right[:0:-1] if self.sides == 2 else []
        return AliasTable(left + right, -len(left), TAIL + FINE)

    def _one_side(self) -> list[int]:
        """Return weights of 0, 1, ...: P(k) = P(k - 1) a (k - 1 + r) / k."""
        q, h = exp_minus(1 / self.scale), self.h
        steps = range(1, self.bound + 1)
        return list(
            accumulate(
                steps,
                lambda w, k: (w * q * ((k - 1) * h + 1) // (k * h)) >> PRECISION,
                initial=_ONE,
            )
        )

    def _right(self) -> list[int]:
        """Return weights of 0, 1, ... of the difference of two, by the recurrence

            (k - 1 + r) P(k - 1) = k (a + 1/a) P(k) - (k + 1 - r) P(k + 1),

        from far out inwards: in that direction it is stable, for any two values it starts with.
        """
        q, h = exp_minus(1 / self.scale), self.h
        if not q:
            return [1]
        both = q + _ONE * _ONE // q
        above, here = 0, _ONE
        found = [here]
        for k in range(3 * self.bound, 0, -1):
            inner = (k * h * both * here >> PRECISION) - ((k + 1) * h - 1) * above
            above, here = here, inner // ((k - 1) * h + 1)
            found.append(here)
        return found[: -self.bound - 2 : -1]

    # --- by jumps -----------------------------------------------------------------------------

    @cached_property
    def _jumps(self) -> _Jumps:
        return _Jumps(self.scale, self.h, self.sides)


class _Jumps(Sampler):
    """Samples for long vectors of large scales: the jumps of many elements at once."""

    def __init__(self, scale: Fraction, h: int, sides: int) -> None:
        self.scale, self.sides = scale, sides
        count = (int(_SCALES * scale) + 1).bit_length()
        begun = [exp_minus((1 << j) / scale) for j in range(count)]
        rate = sides * sum(begun) // h
        many = _poisson(rate)
        self._counts = AliasTable(many, 0, TAIL + FINE)
        self._block = AliasTable(begun, 0, FINE)
        self.each = self._counts.each + TAIL + Fraction(rate, _ONE) * (self._block.each + FINE)

    def distance(self, length: int) -> Fraction:
        return self.each * length

    def draw(self, stream: Stream, length: int) -> Signed:
        out = np.empty(length, np.int64)
        for part in blocks(length):
            counts = self._counts.draw(stream, part.stop - part.start)
            ends = np.cumsum(counts)
            sums = np.concatenate([[0], np.cumsum(self._sizes(stream, int(ends[-1])))])
            np.subtract(sums[ends], sums[ends - counts], out=out[part])
        return out

    def _sizes(self, stream: Stream, count: int) -> Signed:
        """Draw sizes of candidates: 0 for those not kept; of two sides, half are negative."""
        first = np.int64(1) << self._block.draw(stream, count)
        w = _words(stream, count)
        low = (w >> np.uint64(1)).view(np.int64) & (first - 1)
        sizes = np.where(self._kept(stream, first, low), first + low, 0)
        if self.sides == 2:
            np.negative(sizes, out=sizes, where=w & np.uint64(1) == 1)
        return sizes

    def _kept(self, stream: Stream, first: Signed, low: Signed) -> NDArray[np.bool_]:
        """Decide which are kept, with probability first / (first + low) * e^(-low / scale).

        That is exact: floating point, which is right to 2^-45, decides where the uniform number is
        not as near as `_NEAR`, and `_below` decides there."""
        w = _words(stream, len(low))
        u = w * 2.0**-64
        q = first / (first + low) * np.exp(low / -float(self.scale))
        kept: NDArray[np.bool_] = u < q
        for i in np.flatnonzero(np.abs(u - q) < _NEAR):
            kept[i] = self._below(stream, int(w[i]), int(first[i]), int(low[i]))
        return kept

    def _below(self, stream: Stream, w: int, first: int, low: int) -> bool:
        """Return whether a uniform number of 256 bits, w its first 64, is below the probability."""
        q = exp_minus(low / self.scale) * first // (first + low)
        if w != q >> (PRECISION - 64):
            return w < q >> (PRECISION - 64)
        for word in _words(stream, PRECISION // 64 - 1).tolist():
            w = w << 64 | word
        return w < q


def _few(exact: Exact, h: int) -> int:
    """Draw from Poisson(1/h), exactly.

    0 has probability e^(-1/h). Otherwise n has one in proportion to (1/h)^n / n!, which is a
    constant times 2^-n (2/h)^(n-1) / n!: a geometric n is kept with the rest of that product."""
    if exact.bernoulli_exp(Fraction(1, h)):
        return 0
    while True:
        n = 1
        while exact.below(2):
            n += 1
        if all(exact.bernoulli(Fraction(2, h * k)) for k in range(2, n + 1)):
            return n


def _poisson(rate: int) -> list[int]:
    """Return weights rate^n / n!, up to those that make no difference of 2^-104."""
    weights = [_ONE]
    while weights[-1] > sum(weights) >> 104 or len(weights) << PRECISION < rate:
        weights.append((weights[-1] * rate >> PRECISION) // len(weights))
    return weights


def _words(stream: Stream, count: int) -> Words:
    return stream.fill(np.empty(count, np.uint64))
