"""Values of results as a person reads them: "187 +- 4", "[1, 2, ...] (1000 values)"."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

SHOWN = 8
"""Elements of a vector that are shown to a person."""

DIGITS: Final = 6
"""Digits of a fraction that are shown to a person, where it has no end."""

MISSING: Final = "-"
"""Text for a value that does not exist, such as a mean over no heads."""

EXACT_JSON: Final = 1 << 53
"""Whole numbers up to which every reader of JSON keeps all digits."""

_DIGITS: Final = 17
_CONTEXT: Final = Context(prec=_DIGITS)
_WIDE: Final = Context(prec=400)


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
        shown, within = rounded(value, error)
        return f"{shown} +- {within}" if within else shown
    errors = error if isinstance(error, list) else [error] * len(value)
    start = ", ".join(map(in_words, value[:SHOWN], errors))
    if len(value) <= SHOWN:
        return f"[{start}]"
    return f"[{start}, ...] ({len(value)} values{more})"


def rounded(value: Any, error: Any = None, *, exact: bool = True) -> tuple[str, str]:
    """Return a value as a person reads it, and its error, "" for none.

    A noised value has the digits that its error justifies: two of the error, which is rounded up.
    A value without an error has all its digits, but for a fraction that no decimal holds.

    Args:
        error: half of the 95% interval; None for an exact value.
        exact: whether text of a number has all its digits; False where it was rounded to 17.
    """
    if value is None:
        return MISSING, ""
    if error is None or not (_number(value) and _number(error)):
        short = isinstance(value, float | Rounded) or (isinstance(value, str) and not exact)
        shown = _shortened(value) if short and _number(value) else str(value)
        return shown, "" if error is None else str(error)
    wide = Decimal(str(error))
    whole = isinstance(value, int) and wide == wide.to_integral_value()
    place = wide.adjusted() - 1
    step = Decimal(1).scaleb(max(place, 0) if whole else place)
    return _at(value, step, ROUND_HALF_EVEN), _at(error, step, ROUND_CEILING)


def _at(number: Any, step: Decimal, rounding: str) -> str:
    """Round a number to a multiple of a power of ten."""
    found = Decimal(str(number)).quantize(step, rounding, _WIDE)
    return f"{found:f}" if found else f"{abs(found):f}"


def _shortened(number: Any) -> str:
    """Round to `DIGITS` digits, but keep the whole part and two decimals."""
    found = Decimal(str(number))
    least = min(found.adjusted() - DIGITS + 1, -2)
    text = _at(found, Decimal(1).scaleb(least), ROUND_HALF_EVEN)
    short = text.rstrip("0").rstrip(".") if "." in text else text
    return short if Decimal(short) != found else str(number)


def _number(value: Any) -> bool:
    """Return whether a value is a finite number, or text of one."""
    if isinstance(value, bool):
        return False
    try:
        return Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def _nested(value: Any, error: Any, more: str) -> str:
    text = in_words(value, error, more)
    return f"({text})" if isinstance(value, dict) else text
