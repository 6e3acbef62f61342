"""Samples of NB(1/h, a), and of the difference of two: what h makers draw each. [GX15]

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

from ostraka.privacy.exact import Exact
from ostraka.privacy.samplers import FEW, FINE, TAIL
from ostraka.privacy.tables import PRECISION, Sampler, Table, exp_minus, powers
from ostraka.sharing.encoding import Signed
from ostraka.sharing.randomness import Stream, Words

ENTRIES: Final = 1 << 17
"""Longest table: making it takes a quarter of a second, and so do some 10^5 samples by jumps."""

_ONE: Final = 1 << PRECISION
_SCALES: Final = 70
"""How far out jumps are left out of tables: e^-70 < 2^-100."""
_DIGIT: Final = 8


class Polya(Sampler):
    """One maker's share: NB(1/h, e^(-1/scale)), less another such if there are two `sides`.

    Vectors below `FEW` are exact (up to jumps of more than 256 scales: 2^-369, not counted).
    """

    def __init__(self, scale: Fraction, h: int, *, sides: int) -> None:
        if scale <= 0 or h < 1 or sides not in (1, 2):
            raise ValueError("a scale is above 0, and somebody is to be honest")
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
    def table(self) -> Table:
        """The whole law."""
        right = self._right() if self.sides == 2 else self._one_side()
        left = right[:0:-1] if self.sides == 2 else []
        return Table(left + right, np.arange(-len(left), len(right)), TAIL + FINE)

    def _one_side(self) -> list[int]:
        """P(k) = P(k - 1) a (k - 1 + r) / k."""
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
        """The law on 0, 1, ..., by its recurrence,

            (k - 1 + r) P(k - 1) = k (a + 1/a) P(k) - (k + 1 - r) P(k + 1),

        from far out inwards, where it is stable, whatever the two values it starts with.
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
    """The same for long vectors of large scales: all candidates of all elements at once."""

    def __init__(self, scale: Fraction, h: int, sides: int) -> None:
        self.sides = sides
        count = (int(_SCALES * scale) + 1).bit_length()
        kept = [exp_minus((1 << j) / scale) for j in range(count)]
        rate = sides * sum(kept) // h
        many = _poisson(rate)
        self._counts = Table(many, np.arange(len(many)), TAIL + FINE)
        self._block = Table(kept, np.arange(count), FINE)
        digits = range(0, count, _DIGIT)
        self._keep = [_thresholds(exp_minus((1 << at) / scale)) for at in digits]
        candidate = self._block.each + len(self._keep) * Fraction(1, 1 << 128)
        self.each = self._counts.each + TAIL + Fraction(rate, _ONE) * candidate

    def distance(self, length: int) -> Fraction:
        return self.each * length

    def draw(self, stream: Stream, length: int) -> Signed:
        counts = self._counts.draw(stream, length)
        ends = np.cumsum(counts)
        sums = np.concatenate([[0], np.cumsum(self._sizes(stream, int(ends[-1])))])
        found: Signed = sums[ends] - sums[ends - counts]
        return found

    def _sizes(self, stream: Stream, count: int) -> Signed:
        """Candidates' sizes, 0 for those that are not kept; of two sides, half are negative."""
        j = self._block.draw(stream, count).view(np.uint64)
        first = np.uint64(1) << j
        w = _words(stream, count)
        low = w & (first - np.uint64(1))
        k = first + low
        kept = _first_of(stream, j, k)
        for i, thresholds in enumerate(self._keep):
            digit = low >> np.uint64(_DIGIT * i) & np.uint64((1 << _DIGIT) - 1)
            kept &= _below(stream, *thresholds[:, digit])
        sizes = np.where(kept, k, 0).astype(np.int64)
        if self.sides == 2:
            np.negative(sizes, out=sizes, where=w >> np.uint64(63) == 1)
        return sizes


def _few(exact: Exact, h: int) -> int:
    """Poisson(1/h): n with probability 2^-(n+1), kept with half of (2/h)^n / n!."""
    while True:
        n = 0
        while exact.below(2):
            n += 1
        if all(exact.bernoulli(Fraction(2, h * k)) for k in range(2, n + 1)) and exact.bernoulli(
            Fraction(1, h) if n else Fraction(1, 2)
        ):
            return n


def _poisson(rate: int) -> list[int]:
    """Weights rate^n / n!, as far as they matter."""
    weights = [_ONE]
    while weights[-1] > sum(weights) >> 104 or len(weights) << PRECISION < rate:
        weights.append((weights[-1] * rate >> PRECISION) // len(weights))
    return weights


def _thresholds(q: int) -> NDArray[np.uint64]:
    """Below which of 2^128 numbers, in two words, something is kept with probability q^d, for each
    digit d."""
    found = [min(power >> (PRECISION - 128), (1 << 128) - 1) for power in powers(q, 1 << _DIGIT)]
    return np.array([divmod(number, 1 << 64) for number in found], np.uint64).T


def _below(stream: Stream, high: Words, low: Words) -> NDArray[np.bool_]:
    """Whether a uniform number of two words is below another; the second is seldom drawn."""
    w = _words(stream, len(high))
    found, same = w < high, w == high
    if same.any():
        found[same] = _words(stream, int(same.sum())) < low[same]
    return found


def _first_of(stream: Stream, j: Words, k: Words) -> NDArray[np.bool_]:
    """True with probability 2^j / k, for 2^j <= k < 2^(j + 1); exactly."""
    kept = np.zeros(len(k), np.bool_)
    open_ = np.arange(len(k))
    while len(open_):
        u = _words(stream, len(open_)) >> (np.uint64(63) - j[open_])
        inside = u < k[open_]
        kept[open_[inside]] = u[inside] >> j[open_[inside]] == 0
        open_ = open_[~inside]
    return kept


def _words(stream: Stream, count: int) -> Words:
    return stream.fill(np.empty(count, np.uint64))
