"""Reach of a figure, for advice on noise: how far it ranges, and what moves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KNOWN_INPUTS: Final = (
    "Without noise the exact answer is broken by what is known from elsewhere: a reader who knows "
    "all inputs but one learns that one by subtraction."
)

KNOWN_VOTES: Final = (
    "Without noise the exact answer is broken by what is known from elsewhere: a reader who knows "
    "all votes but one learns that one by subtraction."
)

LARGE_INPUT: Final = (
    " And if one input is known to be large (a breach in the news, say), the sum without it is an "
    "upper bound of every other input, and close to the sum of them all."
)
"""Sentence on what the exact sum of inputs that are not negative tells besides."""


@dataclass(frozen=True)
class NoisedRange:
    """The reach of one figure, in its own unit.

    Attributes:
        unit: what the figure and its errors are counted in; "" for none.
        span: how far the least and the greatest value it can have are apart.
        change: how far one contributor's input can move it, where the fewest are counted.
        exact: a sentence on what the exact figure tells a reader who knows other inputs.
    """

    unit: str
    span: float
    change: float
    exact: str
