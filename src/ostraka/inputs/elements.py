"""One value of an input as it is written, read exactly; ValueError says what is wrong with it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.inputs.advice import on_choice, on_number
from ostraka.text import spelled

_DECIMAL: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", re.ASCII)
_POWER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?[eE][+-]?[0-9]{1,3}", re.ASCII)
_BOOLEANS: Final = {
    "true": 1, "yes": 1, "1": 1, "false": 0, "no": 0, "0": 0,
}  # fmt: skip


def rational(value: object, *, exponents: bool) -> Fraction:
    """Return a number as an exact fraction; ValueError for any other value.

    With `exponents`, text such as "1e3" is a number and a float has its binary value. Without, a
    float has the value of the shortest decimal that reads back as it.
    """
    if isinstance(value, bool):
        raise ValueError("is true or false; a number is needed")
    if isinstance(value, int):
        return Fraction(value)
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            raise ValueError("is not a finite number")
        if isinstance(value, Decimal) and abs(value.adjusted()) > 400:
            raise ValueError("is too large or too fine a number")
        return Fraction(value) if exponents else Fraction(str(value))
    if not isinstance(value, str):
        raise ValueError("is not a number")
    return _from_text(value.strip(), exponents=exponents)


def _from_text(text: str, *, exponents: bool) -> Fraction:
    if len(text) <= 400 and _DECIMAL.fullmatch(text):
        return Fraction(text)
    try:
        number = float(text) if exponents and "_" not in text else None
    except ValueError:
        number = None
    if number is None:
        raise ValueError(on_number(text))
    if not math.isfinite(number):
        raise ValueError("is not a finite number")
    return Fraction(number)


def powers_of_ten(
    values: Sequence[object], asked: NDArray[np.bool_], bits: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the `asked` values that are text such as "1.5e+00", times 2^bits and rounded to even;
    and which of them these are and fit in int64. Any other value is left."""
    found = np.full(len(values), np.nan)
    for i in np.flatnonzero(asked).tolist():
        value = values[i]
        text = value.strip() if isinstance(value, str) else ""  # `float` strips fewer characters
        if _POWER.fullmatch(text):
            found[i] = float(text)
    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.rint(np.ldexp(found, bits))
        fits = np.abs(whole) < 2.0**62
    return np.where(fits, whole, 0).astype(np.int64), fits


def boolean(value: object) -> int:
    """Return 0 or 1 for false or true, no or yes."""
    key = value.strip().lower() if isinstance(value, str) else value
    if isinstance(key, bool | int) and key in (0, 1):
        return int(key)
    if isinstance(key, str) and key in _BOOLEANS:
        return _BOOLEANS[key]
    raise ValueError("is neither true nor false")


def choice(value: object, options: tuple[str, ...]) -> int:
    """Return the place of the option that is spelled as `value`."""
    text = spelled(value) if isinstance(value, str) else ""
    for i, option in enumerate(options):
        if option == value or (text and spelled(option) == text):
            return i
    raise ValueError(on_choice(text, options))
