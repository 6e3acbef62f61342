"""Values of results as a person reads them: "187 +- 4", "[1, 2, ...] (1000 values)"."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, Final

SHOWN = 8
"""Elements of a vector that are shown to a person."""


EXACT_JSON: Final = 1 << 53
"""Whole numbers up to which every reader of JSON keeps all digits."""

_DIGITS: Final = 17
_CONTEXT: Final = Context(prec=_DIGITS)


class Rounded(str):
    """Text of a number that no finite decimal holds, with the exact number beside it."""

    _ratio: tuple[int, int]

    @classmethod
    def of(cls, top: int, bottom: int) -> Rounded:
        """Return top / bottom as text of 17 digits, or of all digits before the point."""
        whole = len(str(abs(top) // bottom))
        context = _CONTEXT if whole <= _DIGITS else Context(prec=whole)
        found = cls(f"{context.divide(Decimal(top), Decimal(bottom)):f}")
        found._ratio = top, bottom
        return found

    def __round__(self, digits: int = 0) -> float:
        return round(float(self), digits)

    @property
    def exact(self) -> Fraction:
        """The number itself."""
        return Fraction(*self._ratio)


def exactly(value: Any) -> Any:
    """Return the value with "7/3" for each rounded number; None if no number is rounded."""
    if isinstance(value, Rounded):
        return str(value.exact)
    if not isinstance(value, dict | list):
        return None
    inner = list(value.values()) if isinstance(value, dict) else value
    exact = list(map(exactly, inner))
    if all(each is None for each in exact):
        return None
    shown = [old if new is None else new for old, new in zip(inner, exact, strict=True)]
    return dict(zip(value, shown, strict=True)) if isinstance(value, dict) else shown


def wide_as_text(value: Any) -> Any:
    """Return the value with whole numbers as texts."""
    if isinstance(value, dict):
        return {key: wide_as_text(each) for key, each in value.items()}
    if isinstance(value, list):
        return list(map(wide_as_text, value))
    return str(value) if type(value) is int else value


def of_three_digits(number: str) -> str:
    """Round text of a decimal to three digits."""
    return f"{Decimal(f'{Decimal(number):.2e}'):f}"


def in_words(value: Any, error: Any = None, more: str = "") -> str:
    """Write a value as a person reads it; a noised value with its error.

    Args:
        error: half of the 95% interval, shaped like the value; None for an exact value.
        more: added behind a vector that is cut short: says where to find all of it.
    """
    if isinstance(value, dict):
        each = error if isinstance(error, dict) else dict.fromkeys(value, error)
        return ", ".join(f"{k}: {_nested(v, each.get(k), more)}" for k, v in value.items())
    if not isinstance(value, list):
        return str(value) if error is None else f"{as_fine(value, error)} +- {error}"
    errors = error if isinstance(error, list) else [error] * len(value)
    start = ", ".join(map(in_words, value[:SHOWN], errors))
    if len(value) <= SHOWN:
        return f"[{start}]"
    return f"[{start}, ...] ({len(value)} values{more})"


def as_fine(value: Any, error: Any) -> Any:
    """Round a float to one digit more than its error has; return any other value as it is."""
    if error is None:
        return value
    digits = len(str(error).partition(".")[2]) + 1
    if isinstance(value, Rounded):
        return f"{Decimal(value):.{digits}f}"
    return round(value, digits) if isinstance(value, float) else value


def _nested(value: Any, error: Any, more: str) -> str:
    text = in_words(value, error, more)
    return f"({text})" if isinstance(value, dict) else text
