"""Vectors of samples from a table: one 64-bit word of the stream for each.

A table is exact for its weights, which are integers. What the weights leave out of a distribution,
its tails and its 257th bit, is the only difference from it: `distance` bounds that. A look-up takes
as many steps whatever is drawn, but memory caches may tell: constant time is not claimed.
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
"""Weights are multiples of 2^-256: what their rounding adds to a distance is below 2^-200."""

_WORD: Final = 64
_WORDS: Final = 1 << _WORD
_AGAIN: Final = np.iinfo(np.int64).min
_DECIMALS: Final = Context(prec=120)


def exp_minus(x: Fraction) -> int:
    """2^PRECISION times e^-x, for x >= 0, to within 1."""
    if x > PRECISION:
        return 0
    power = _DECIMALS.exp(_DECIMALS.divide(-x.numerator, x.denominator))
    return int(_DECIMALS.multiply(power, 1 << PRECISION))


class Sampler(ABC):
    """Independent samples of one distribution over the integers."""

    bound: int
    """Samples are within -bound .. bound but for a probability below 2^-100 each."""

    @abstractmethod
    def distance(self, length: int) -> Fraction:
        """How far a vector of so many samples is at most from the distribution it is said to be
        from (total variation); 0 is exact."""

    @abstractmethod
    def draw(self, stream: Stream, length: int) -> Signed:
        """So many samples."""


class Table(Sampler):
    """Outcomes with probabilities proportional to their weights. [Walker77]

    The 2^64 words are cut into columns of equal height, with one or two outcomes in each. Every
    outcome gets as many whole words as it is due; the fewer than `len(weights)` words that are left
    over mean: draw once more, from the table of what the outcomes are still due.

    Args:
        weights: whole numbers >= 0 of any size, not all 0.
        outcomes: as many integers, or the first of consecutive ones.
        missing: how far their distribution is from the one they stand for (total variation).
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
    def _rest(self) -> Table:
        return Table(self._due, self._values)

    def distance(self, length: int) -> Fraction:
        return self.each * length

    def draw(self, stream: Stream, length: int) -> Signed:
        out = np.empty(length, np.int64)
        fill(out, [self], np.add, stream)
        return out

    def sample(self, stream: Stream, w: Words, out: Signed) -> None:
        """Fill `out`, of at most `BLOCK`; `w` is room for as many words."""
        column = (stream.fill(w) >> self._shift).view(np.int64)
        below = w < self._tops.take(column)
        column <<= 1
        column += below
        self._outcomes.take(column, out=out, mode="clip")
        if out.min() == _AGAIN:
            again = out == _AGAIN
            out[again] = self._rest.draw(stream, int(again.sum()))


def fill(out: Signed, tables: Sequence[Table], join: np.ufunc, stream: Stream) -> None:
    """Overwrite `out` with one sample from each table, joined by addition, say."""
    words, part = np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.int64)
    for block in blocks(len(out)):
        target = out[block]
        w, term = words[: len(target)], part[: len(target)]
        tables[0].sample(stream, w, target)
        for table in tables[1:]:
            table.sample(stream, w, term)
            join(target, term, out=target)


def _columns(counts: list[int], height: int) -> tuple[Words, NDArray[np.int64]]:
    """Fill columns of `height` words: in column i words below `tops[i]` mean outcome i, which is
    named at 2 i + 1, and the others the outcome named at 2 i."""
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
    """1, q, q^2, ... in fixed point, each off by less than its exponent."""
    power = 1 << PRECISION
    for _ in range(count):
        yield power
        power = power * q >> PRECISION
