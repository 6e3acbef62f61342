"""What advice on noise must know of a figure: how far it ranges, and what moves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KNOWN_INPUTS: Final = (
    "Without noise the exact answer is broken by what is known from elsewhere: whoever knows all "
    "inputs but one learns that one by subtraction."
)

KNOWN_VOTES: Final = (
    "Without noise the exact answer is broken by what is known from elsewhere: whoever knows how "
    "the others voted, all but one, learns that one's vote by subtraction."
)


@dataclass(frozen=True)
class NoisedRange:
    """The reach of one figure, in its own unit.

    Attributes:
        unit: what the figure and its errors are counted in; "" for none.
        span: between the least and the greatest value it can have.
        change: how far one contributor's input can move it.
        exact: what the exact figure tells those who know other inputs, in words.
    """

    unit: str
    span: float
    change: float
    exact: str
