"""Clipping of vectors of whole numbers to a norm, and the sensitivity that it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import Words
from ostraka.inputs.encoding import Codec, Signed
from ostraka.manifest import ChoiceType, Clip
from ostraka.noise.shares import Sensitivity

_HALF: Final = np.uint64(31)
_LOW: Final = np.uint64((1 << 31) - 1)


@dataclass(frozen=True, slots=True)
class Clipping:
    """A norm, and the length in it to which longer vectors are shortened in their own direction.

    Elements must be below 2^62 in absolute value. All arithmetic is in whole numbers and rounds
    towards 0, so the norm of the result never exceeds `at`; each element falls short of the exact
    multiple by less than 3.
    """

    norm: Literal["l1", "l2"]
    at: int

    @classmethod
    def of(cls, clip: Clip, codec: Codec) -> Clipping:
        """Return the clipping that a manifest asks for, in encoded units, rounded down."""
        assert clip.at is not None
        return cls(clip.norm, int(Fraction(clip.at) / codec.quantum))

    def __call__(self, x: Signed) -> Signed:
        """Return a shortened vector, or `x` itself if it is short enough."""
        size = np.abs(x).view(np.uint64)
        long = self.length(size)
        return x if long <= self.at else np.sign(x) * _times(size, self.at, long)

    def length(self, size: Words) -> int:
        """Return the norm of a vector of absolute values, rounded up."""
        if self.norm == "l1":
            return _total(size)
        square = _square(size)
        root = isqrt(square)
        return root + (root * root < square)


def sensitivity(
    codec: Codec, clipping: Clipping | None = None, *, spreads: bool = False
) -> Sensitivity:
    """Return how much replacing one contributor's input can change the vector that it shares.

    The vector holds encoded numbers, or a 1 for the option chosen among 0s.

    Args:
        spreads: whether the spreads of the numbers, which are not clipped, come along.
    """
    d = codec.length
    if isinstance(codec.kind, ChoiceType):
        return Sensitivity(2 * d, 2 * d, d * len(codec.kind.options))
    low, high = codec.low, codec.high
    if clipping:  # a shortened vector may be nearer to 0 than any input
        low, high = min(low, 0), max(high, 0)
    width = max(1, high - low)
    l1, l2_squared = d * width, d * width * width
    if clipping:
        across = 2 * clipping.at
        l2_squared = min(l2_squared, across * across)
        l1 = min(l1, across if clipping.norm == "l1" else isqrt(across * across * d))
    if spreads:
        return Sensitivity(l1, l2_squared, 2 * d, width)
    return Sensitivity(l1, l2_squared, d)


# --- exact arithmetic on long vectors -------------------------------------------------------------


def _times(size: Words, a: int, b: int) -> NDArray[np.int64]:
    """Return size * a / b for a < b, rounded down, by less than 3."""
    factor = (a << 62) // b
    high, low = size >> _HALF, size & _LOW
    f_high, f_low = np.uint64(factor >> 31), np.uint64(factor & int(_LOW))
    return (high * f_high + ((high * f_low + low * f_high) >> _HALF)).view(np.int64)


def _square(size: Words) -> int:
    """Return the sum of the squares."""
    high, low = size >> _HALF, size & _LOW
    return (_total(high * high) << 62) + (_total(high * low) << 32) + _total(low * low)


def _total(words: Words) -> int:
    """Return the sum of at most 2^31 elements."""
    half = np.uint64(32)
    return (int((words >> half).sum()) << 32) + int((words & np.uint64(0xFFFFFFFF)).sum())
