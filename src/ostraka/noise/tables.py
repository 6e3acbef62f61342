"""Alias tables: vectors of samples, one 64-bit word of a stream for each.

A table is exact for its weights, which are integers. It differs from a distribution only by what
the weights leave out, the tails and the 257th bit: `distance` bounds that. A look-up takes the same
steps for every value, but memory caches may tell values apart: constant time is not claimed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from decimal import Context
from fractions import Fraction
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import BLOCK, Stream, Words, blocks
from ostraka.inputs.encoding import Signed

PRECISION: Final = 256
"""Bits of a weight: multiples of 2^-256, whose rounding adds less than 2^-200 to a distance."""

_WORD: Final = 64
_WORDS: Final = 1 << _WORD
_AGAIN: Final = np.iinfo(np.int64).min
_DECIMALS: Final = Context(prec=120)


def exp_minus(x: Fraction) -> int:
    """Return 2^PRECISION times e^-x, for x >= 0, to within 1."""
    if x > PRECISION:
        return 0
    power = _DECIMALS.exp(_DECIMALS.divide(-x.numerator, x.denominator))
    return int(_DECIMALS.multiply(power, 1 << PRECISION))


class Sampler(ABC):
    """Sampler of one distribution over the integers, each sample independent."""

    bound: int
    """Bound of the absolute value of a sample, but for a probability below 2^-100."""

    @abstractmethod
    def distance(self, length: int) -> Fraction:
        """Return how far a vector of `length` samples is at most from its distribution.

        The distance is total variation; 0 is exact."""

    @abstractmethod
    def draw(self, stream: Stream, length: int) -> Signed:
        """Draw `length` samples."""


class AliasTable(Sampler):
    """Table of outcomes with probabilities proportional to their weights. [Walker77]

    The 2^64 values of a word are cut into columns of equal height, one or two outcomes in each.
    Every outcome gets as many whole values as it is due; the fewer than `len(weights)` values that
    are left over mean: draw once more, from the table of what the outcomes are still due.

    Args:
        weights: whole numbers >= 0 of any size, not all 0.
        outcomes: as many integers, or the first of consecutive ones.
        missing: distance (total variation) of their distribution to the one they stand for.
    """

    def __init__(
        self, weights: Sequence[int], outcomes: int | Signed = 0, missing: Fraction = Fraction(0)
    ) -> None:
        values = np.arange(len(weights)) + outcomes if isinstance(outcomes, int) else outcomes
        self.bound = max(-int(values.min()), int(values.max()))
        self.each = missing
        total = sum(weights)
        shares = [divmod(w << _WORD, total) for w in weights]
        counts = [count for count, _ in shares]
        self._due, self._values = [due for _, due in shares], values
        log = len(weights).bit_length()
        counts += [_WORDS - sum(counts)] + [0] * ((1 << log) - len(counts) - 1)
        self._shift = np.uint64(_WORD - log)
        self._tops, owners = _columns(counts, 1 << (_WORD - log))
        self._outcomes = np.append(values, np.full((1 << log) - len(values), _AGAIN))[owners]

    @cached_property
    def _rest(self) -> AliasTable:
        return AliasTable(self._due, self._values)

    def distance(self, length: int) -> Fraction:
        return self.each * length

    def draw(self, stream: Stream, length: int) -> Signed:
        out = np.empty(length, np.int64)
        fill(out, [self], np.add, stream)
        return out

    def sample(self, stream: Stream, w: Words, out: Signed) -> None:
        """Fill `out`, of at most `BLOCK` elements; `w` is room for as many words."""
        column = (stream.fill(w) >> self._shift).view(np.int64)
        below = w < self._tops.take(column)
        column <<= 1
        column += below
        self._outcomes.take(column, out=out, mode="clip")
        if out.min() == _AGAIN:
            again = out == _AGAIN
            out[again] = self._rest.draw(stream, int(again.sum()))


def fill(out: Signed, tables: Sequence[AliasTable], join: np.ufunc, stream: Stream) -> None:
    """Overwrite `out` with a sample from each table, joined element by element, by `np.add` say."""
    words, part = np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.int64)
    for block in blocks(len(out)):
        target = out[block]
        w, term = words[: len(target)], part[: len(target)]
        tables[0].sample(stream, w, target)
        for table in tables[1:]:
            table.sample(stream, w, term)
            join(target, term, out=target)


def _columns(counts: list[int], height: int) -> tuple[Words, NDArray[np.int64]]:
    """Fill columns of `height` values, and return their tops and the outcomes.

    In column i, values below `tops[i]` mean the outcome at index 2 i + 1, which is i itself; the
    others mean the outcome at index 2 i."""
    left = list(counts)
    other = list(range(len(counts)))
    tops = [i * height for i in other]
    small = [i for i in other if left[i] < height]
    large = [i for i in other if left[i] > height]
    while small:
        i, donor = small.pop(), large[-1]
        tops[i] += left[i]
        other[i] = donor
        left[donor] -= height - left[i]
        if left[donor] <= height:
            large.pop()
            if left[donor] < height:
                small.append(donor)
    own = np.arange(len(counts))
    return np.array(tops, np.uint64), np.stack([np.array(other), own], axis=1).ravel()


def powers(q: int, count: int) -> Iterator[int]:
    """Yield 1, q, q^2, ... in fixed point, each off by less than its exponent."""
    power = 1 << PRECISION
    for _ in range(count):
        yield power
        power = power * q >> PRECISION
