"""Cells of a table: text as it is written, or a number that its program holds; never rounded."""

from __future__ import annotations

import math
from datetime import date, time
from decimal import Decimal
from typing import Any, Final, NamedTuple

_EXACT_FLOAT: Final = 2.0**53
_FAR: Final = 400
"""Digits before or after the point that no input has."""


class Unusable(NamedTuple):
    """Cell that has something in it which is neither text nor an exact number.

    Attributes:
        problem: a phrase that goes behind the cell's name; it does not repeat what is in the cell.
    """

    problem: str


Cell = str | int | Decimal | Unusable | None
"""Text, an exact number, or nothing; a bool is the text "true" or "false"."""


def cell_of(value: Any) -> Cell:
    """Return what a library read as a cell."""
    if value is None or type(value) is str or isinstance(value, Unusable):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _of_float(value)
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        if value.is_finite() and abs(value.adjusted()) > _FAR:
            return Unusable("is too large or too fine a number")
        return value if value.is_finite() else Unusable("is not a finite number")
    if isinstance(value, date | time):
        return value.isoformat()
    return Unusable("is neither text nor a number")


def _of_float(value: float) -> Cell:
    if not math.isfinite(value):
        return Unusable("is not a finite number")
    if abs(value) >= _EXACT_FLOAT:
        return Unusable(
            "is a number beyond 2^53, of which its program keeps only the first digits: write it "
            "as text"
        )
    return int(value) if value.is_integer() else Decimal(repr(value))


def text_of(cell: Cell, decimal: str = ".") -> str:
    """Return a cell as text, a number in plain digits; "" for nothing, and for what is unusable."""
    if type(cell) is str:
        return cell
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, Decimal):
        return f"{cell:f}".replace(".", decimal)
    return ""


def is_blank(cell: Cell) -> bool:
    """Return whether nothing is written in a cell."""
    return cell is None or (type(cell) is str and not cell.strip())
