"""Encoding of inputs as signed 64-bit integers, the only form that is ever shared, and back.

    bool        0 or 1
    int         itself
    decimal(k)  the number times 10^k, exact: more than k digits after the point are refused
    float(k)    the number times 2^k, rounded to the nearest (ties to even): resolution 2^-k
    choice      the option's position, from 0

An input that does not fit the manifest's schema raises `InputError` before anything is sent. Where
the schema says `outside = "clip"`, numbers beyond a bound are moved to the bound instead;
infinities are refused. Messages name the element and the rule, never the value: it may be secret.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from ostraka.errors import InputError
from ostraka.manifest import BoolType, ChoiceType, DecimalType, FloatType, InputSchema

_DECIMAL: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", re.ASCII)
_BOOLEANS: Final = {
    "true": 1, "yes": 1, "1": 1, "false": 0, "no": 0, "0": 0,
}  # fmt: skip
_DTYPES: Final[dict[type, type[np.generic]]] = {
    int: np.int64,
    float: np.float64,
    bool: np.bool_,
}
_EXACT_FLOAT: Final = 1 << 53

Signed = NDArray[np.int64]


class Codec:
    """Encoder of one contributor's input by its schema in the manifest.

    Attributes:
        length: how many elements an input has.
        quantum: the value of an encoded 1, an exact fraction.
        low, high: the least and greatest encoded value, inclusive.
    """

    def __init__(self, schema: InputSchema) -> None:
        self.schema = schema
        self.kind = schema.type
        self.clips = schema.outside == "clip"
        self.length = schema.length
        self.quantum = Fraction(1)
        if isinstance(self.kind, DecimalType):
            self.quantum = Fraction(1, 10**self.kind.places)
        elif isinstance(self.kind, FloatType):
            self.quantum = Fraction(1, 2**self.kind.bits)
        self.low, self.high = self._bounds()

    @property
    def magnitude(self) -> int:
        """The largest absolute value of an encoded element."""
        return max(abs(self.low), abs(self.high))

    def _bounds(self) -> tuple[int, int]:
        if isinstance(self.kind, ChoiceType):
            return 0, len(self.kind.options) - 1
        if isinstance(self.kind, BoolType):
            return 0, 1
        assert self.schema.min is not None
        assert self.schema.max is not None
        return tuple(round(Fraction(b) / self.quantum) for b in (self.schema.min, self.schema.max))  # type: ignore[return-value]

    def encode(self, raw: object) -> Signed:
        """Encode the input as a new vector of `length` signed integers.

        Args:
            raw: one value, or a list, tuple or one-dimensional numpy array of `length` of them;
                values are int, float, bool, Decimal or text, as the type allows. Arrays of int64
                or float64 are encoded without a Python loop.

        Raises:
            InputError: the input is not what the manifest asks for; nothing was sent.
        """
        array = self._as_array(self._vector(raw))
        return self._elements(array) if isinstance(array, list) else self._fast(array)

    # --- shape --------------------------------------------------------------------------------

    def _vector(self, raw: object) -> Sequence[object] | NDArray[Any]:
        if isinstance(raw, np.ndarray) and raw.ndim > 1:
            refuse(f"the input has {raw.ndim} dimensions; it must be one list of values")
        if raw is None:
            refuse("there is no input")
        vector: Sequence[object] | NDArray[Any] = [raw]
        if isinstance(raw, list | tuple | np.ndarray):
            vector = raw.reshape(-1) if isinstance(raw, np.ndarray) else raw
        if len(vector) != self.length:
            count = f"{len(vector)} value" + "s" * (len(vector) != 1)
            refuse(f"the input has {count}; the manifest asks for {self.length}")
        return vector

    def _as_array(self, vector: Sequence[object] | NDArray[Any]) -> NDArray[Any] | list[object]:
        """Make a numeric array if all elements have one numeric type; otherwise a list."""
        if isinstance(vector, np.ndarray):
            return vector if vector.dtype.kind in "biuf" else list(vector.tolist())
        types = set(map(type, vector))
        if len(vector) > 8 and len(types) == 1 and types <= set(_DTYPES):
            try:
                return np.array(vector, _DTYPES[types.pop()])
            except OverflowError:
                pass
        return list(vector)

    # --- one element at a time ----------------------------------------------------------------

    def _elements(self, vector: list[object]) -> Signed:
        encoded = np.empty(self.length, np.int64)
        for i, value in enumerate(vector):
            try:
                number = self._bounded(self._one(value))
            except ValueError as problem:
                self._refuse_element(i, str(problem))
            encoded[i] = number
        return encoded

    def _one(self, value: object) -> int:
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or (isinstance(value, str) and not value.strip()):
            raise ValueError("is blank")
        if isinstance(self.kind, ChoiceType):
            return _choice(value, self.kind.options)
        if isinstance(self.kind, BoolType):
            return _boolean(value)
        if isinstance(self.kind, FloatType):
            return round(_rational(value, exponents=True) / self.quantum)
        scaled = _rational(value, exponents=False) / self.quantum
        if scaled.denominator != 1:
            raise ValueError(self._too_fine())
        return scaled.numerator

    def _bounded(self, number: int) -> int:
        if self.clips:
            return min(max(number, self.low), self.high)
        if number < self.low:
            raise ValueError(f"is below min = {self.schema.min}")
        if number > self.high:
            raise ValueError(f"is above max = {self.schema.max}")
        return number

    def _too_fine(self) -> str:
        if isinstance(self.kind, DecimalType):
            return f"has more than {self.kind.places} digits after the point"
        return "is not a whole number"

    def _refuse_element(self, i: int, problem: str) -> NoReturn:
        refuse(f"the input {problem}" if self.length == 1 else f"input element {i + 1} {problem}")

    # --- whole arrays -------------------------------------------------------------------------

    def _fast(self, array: NDArray[Any]) -> Signed:
        kind = array.dtype.kind
        if isinstance(self.kind, ChoiceType):
            self._refuse_element(0, "is a number; a choice is one of the manifest's options")
        if kind == "b" and not isinstance(self.kind, BoolType):
            self._refuse_element(0, "is true or false; a number is needed")
        if kind == "f":
            return self._from_floats(array.astype(np.float64, copy=False))
        if isinstance(self.kind, BoolType):
            self._all(array, (array == 0) | (array == 1), "is neither true nor false")
            return array.astype(np.int64)
        return self._from_integers(array)

    def _from_integers(self, array: NDArray[Any]) -> Signed:
        factor = self.quantum.denominator
        low, high = -(-self.low // factor), self.high // factor
        if self.clips:
            return self._moved(array, low, high, lambda inside: inside.astype(np.int64) * factor)
        least, greatest = int(array.min()), int(array.max())
        if least < low:
            self._all(array, array >= low, f"is below min = {self.schema.min}")
        if greatest > high:
            self._all(array, array <= high, f"is above max = {self.schema.max}")
        encoded = array.astype(np.int64)
        if factor != 1:
            encoded *= factor
        return encoded

    def _from_floats(self, array: NDArray[np.float64]) -> Signed:
        finite = np.isfinite(array)
        if not finite.all():
            self._all(array, finite, "is not a finite number")
        if isinstance(self.kind, BoolType):
            self._all(array, np.zeros(len(array), bool), "is neither true nor false")
        if self.clips:
            low, high = float(self.low * self.quantum), float(self.high * self.quantum)
            return self._moved(array, low, high, self._rounded)
        integers = self._rounded(array)
        self._all(array, integers >= self.low, f"is below min = {self.schema.min}")
        self._all(array, integers <= self.high, f"is above max = {self.schema.max}")
        return integers

    def _rounded(self, array: NDArray[np.float64]) -> Signed:
        factor = float(self.quantum.denominator)
        with np.errstate(over="ignore"):
            encoded = np.rint(array * factor)
        self._all(array, encoded >= -(2.0**63), f"is below min = {self.schema.min}")
        self._all(array, encoded < 2.0**63, f"is above max = {self.schema.max}")
        if not isinstance(self.kind, FloatType):
            # Both sides are the double nearest to the same decimal, if the input is one at all.
            self._all(array, encoded / factor == array, self._too_fine())
            self._all(array, np.abs(encoded) <= _EXACT_FLOAT, "is too large to be exact as a float")
        return encoded.astype(np.int64)

    def _moved(
        self,
        array: NDArray[Any],
        low: float,
        high: float,
        encode: Callable[[NDArray[Any]], Signed],
    ) -> Signed:
        """Encode the elements within low .. high by `encode`; set any other to the nearer bound."""
        below, above = array < low, array > high
        encoded = encode(np.where(below | above, 0, array)).clip(self.low, self.high)
        encoded[below], encoded[above] = self.low, self.high
        return encoded

    def _all(self, array: NDArray[Any], good: NDArray[np.bool_], problem: str) -> None:
        if not good.all():
            self._refuse_element(int(np.argmin(good)), problem)


def _rational(value: object, *, exponents: bool) -> Fraction:
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
        raise ValueError("is not a number in plain digits, such as 1000 or -2.50")
    if not math.isfinite(number):
        raise ValueError("is not a finite number")
    return Fraction(number)


def _boolean(value: object) -> int:
    key = value.strip().lower() if isinstance(value, str) else value
    if isinstance(key, bool | int) and key in (0, 1):
        return int(key)
    if isinstance(key, str) and key in _BOOLEANS:
        return _BOOLEANS[key]
    raise ValueError("is neither true nor false")


def _choice(value: object, options: tuple[str, ...]) -> int:
    text = value.strip() if isinstance(value, str) else None
    for i, option in enumerate(options):
        if option in (value, text):
            return i
    raise ValueError("is not one of the options: " + ", ".join(options[:20]))


def refuse(problem: str) -> NoReturn:
    """Refuse an input: raise the `InputError` that stops a run before anything is sent."""
    raise InputError(
        problem,
        hint="correct the input and run again; nothing was sent",
        data_left=False,
    )


def renderer(factor: Fraction, *, as_text: bool) -> Callable[[int], int | str | float]:
    """Make the function that turns an opened integer, counted in units of `factor`, into its value.

    A whole number becomes an int, or text with `as_text`. A value that a finite decimal holds
    exactly becomes text without trailing zeros. Any other value becomes the nearest float.
    """
    twos, rest = _without(factor.denominator, 2)
    fives, rest = _without(rest, 5)
    places = max(twos, fives)
    lift = factor.numerator * 10**places // (factor.denominator // rest)

    def render(total: int) -> int | str | float:
        scaled, endless = divmod(total * lift, rest)
        if endless:
            return total * factor.numerator / factor.denominator
        return _decimal(scaled, places, as_text=as_text)

    return render


def _decimal(scaled: int, places: int, *, as_text: bool) -> int | str:
    digits = f"{abs(scaled):0{places + 1}d}"
    whole, part = digits[: len(digits) - places], digits[len(digits) - places :].rstrip("0")
    text = "-" * (scaled < 0) + whole + "." * bool(part) + part
    return text if part or as_text else int(text)


def _without(number: int, prime: int) -> tuple[int, int]:
    count = 0
    while number % prime == 0:
        number, count = number // prime, count + 1
    return count, number
