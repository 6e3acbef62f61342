"""Encoding of inputs as signed 64-bit integers, the only form that is ever shared, and back.

    bool        0 or 1
    int         itself
    decimal(k)  the number times 10^k, exact: more than k digits after the point are refused
    float(k)    the number times 2^k, rounded to the nearest (ties to even): resolution 2^-k
    choice      the option's position, from 0

An input that does not fit the manifest's schema raises `InputError` before anything is sent. Where
the schema says `outside = "clip"`, numbers beyond a bound are moved to the bound instead;
infinities are refused. Messages name the element (its line, its cell) and the rule, and say what to
write instead, but never repeat the value: it is secret.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from ostraka.errors import InputError
from ostraka.inputs import digits, elements
from ostraka.inputs.advice import may_be_grouped
from ostraka.inputs.lines import Lines, array_of, chunks, kinds_of
from ostraka.manifest import BoolType, ChoiceType, DecimalType, FloatType, InputSchema
from ostraka.values import EXACT_JSON

_DTYPES: Final[dict[type, type[np.generic]]] = {
    int: np.int64,
    float: np.float64,
    bool: np.bool_,
}
_EXACT_FLOAT: Final = 1 << 53

FEW: Final = 8
"""Elements up to which one by one is fastest."""

Signed = NDArray[np.int64]
Place = Callable[[int], str]
"""Function that gives what messages call element i of an input."""


class Wrong(ValueError):
    """Element of an input that is not what the manifest asks for.

    Args:
        at: its place in the input, from 0.
        problem: a phrase that goes behind what the element is called.
    """

    def __init__(self, at: int, problem: str) -> None:
        super().__init__(problem)
        self.at = at


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

    def wide(self, times: int = 1) -> bool:
        """Return whether a whole number made of so many elements can exceed 2^53."""
        return times * self.magnitude > EXACT_JSON

    def _bounds(self) -> tuple[int, int]:
        if isinstance(self.kind, ChoiceType):
            return 0, len(self.kind.options) - 1
        if isinstance(self.kind, BoolType):
            return 0, 1
        assert self.schema.min is not None
        assert self.schema.max is not None
        return tuple(round(Fraction(b) / self.quantum) for b in (self.schema.min, self.schema.max))  # type: ignore[return-value]

    def encode(self, raw: object, place: Place | None = None) -> Signed:
        """Encode the input as a new vector of `length` signed integers.

        Args:
            raw: one value, or a list, tuple, one-dimensional numpy array or `Lines` of `length` of
                them; values are int, float, bool, Decimal or text, as the type allows. Arrays of
                int64 or float64, and numbers in text, are encoded without a Python loop.
            place: what a message calls element i; by default its line, or "value 3".

        Raises:
            InputError: the input is not what the manifest asks for; nothing was sent.
        """
        vector = self._vector(raw)
        try:
            return self._encoded(vector)
        except Wrong as wrong:
            if place is None:
                place = vector.place if isinstance(vector, Lines) else _value
            named = place(wrong.at) if self.length > 1 or isinstance(vector, Lines) else "the input"
            refuse(f"{named} {wrong}")

    def findings(self, lines: Lines) -> tuple[Signed, list[Wrong]]:
        """Encode as many lines as the input has elements, and list those that are wrong.

        A wrong element is encoded as 0.
        """
        wrong: list[Wrong] = []
        if self.kind.numeric:
            return self._from_lines(lines, lines, wrong), wrong
        return self._from_names(lines, wrong), wrong

    def element(self, value: object) -> int:
        """Encode one element; ValueError says what is wrong with it, and does not repeat it."""
        return self._bounded(self._one(value))

    def reads(self, value: object, *, bounded: bool = True) -> bool:
        """Return whether one element is what the manifest asks for, bounds included or not."""
        try:
            self.element(value) if bounded else self._one(value)
        except ValueError:
            return False
        return True

    # --- shape --------------------------------------------------------------------------------

    def _vector(self, raw: object) -> Sequence[object] | NDArray[Any]:
        if isinstance(raw, np.ndarray) and raw.ndim > 1:
            refuse(f"the input has {raw.ndim} dimensions; it must be one list of values")
        if raw is None:
            refuse("there is no input")
        vector: Sequence[object] | NDArray[Any] = [raw]
        if isinstance(raw, list | tuple | np.ndarray | Lines):
            vector = raw.reshape(-1) if isinstance(raw, np.ndarray) else raw
        if len(vector) != self.length:
            self._refuse_length(vector)
        return vector

    def _refuse_length(self, vector: Sequence[object] | NDArray[Any]) -> NoReturn:
        is_text = isinstance(vector, Lines)
        what = f"{vector.source} has" if isinstance(vector, Lines) else "the input has"
        unit = "line" if is_text else "value"
        count = f"{len(vector)} {unit}" + "s" * (len(vector) != 1)
        heading = ""
        if (
            len(vector) == self.length + 1
            and not self.reads(vector[0], bounded=False)
            and self.reads(vector[1], bounded=False)
        ):
            first = vector.place(0) if isinstance(vector, Lines) else _value(0)
            heading = f"; if {first} is a heading, leave it out"
        refuse(f"{what} {count}; the manifest asks for {self.length}{heading}")

    def _encoded(self, vector: Sequence[object] | NDArray[Any]) -> Signed:
        """Encode a vector of the right length in the fastest way there is for its elements."""
        if not isinstance(vector, np.ndarray):
            return self._of_sequence(vector)
        return (
            self._fast(vector)
            if vector.dtype.kind in "biuf"
            else self._of_sequence(vector.tolist())
        )

    def _of_sequence(self, vector: Sequence[object]) -> Signed:
        if not self.kind.numeric:
            return self._from_names(vector)
        lines = vector if isinstance(vector, Lines) else None
        if lines is None and len(vector) > FEW:
            kinds = kinds_of(vector)
            if (
                len(kinds) == 1
                and (array := array_of(vector, _DTYPES.get(next(iter(kinds))))) is not None
            ):
                return self._fast(array)
            if kinds <= self._in_digits:
                lines = Lines.of(vector)
        return self._from_lines(lines, vector) if lines is not None else self._elements(vector)

    @property
    def _in_digits(self) -> set[type]:
        """Types of which `str` gives the digits that the value is read by."""
        return {str, int, Decimal} | (set() if isinstance(self.kind, FloatType) else {float})

    # --- text ---------------------------------------------------------------------------------

    def _from_lines(
        self, lines: Lines, values: Sequence[object], wrong: list[Wrong] | None = None
    ) -> Signed:
        """Encode numbers in text; those that are not in plain digits are read one by one."""
        encoded = np.empty(self.length, np.int64)
        for part in chunks(self.length):
            found, fine = self._read(lines.decimals(part))
            if isinstance(self.kind, FloatType) and not fine.all():
                powers, read = elements.powers_of_ten(values[part], ~fine, self.kind.bits)
                found[read], fine[read] = powers[read], True
            fine &= self.clips | ((found >= self.low) & (found <= self.high))
            if self.clips:
                np.clip(found, self.low, self.high, out=found)
            for i in np.flatnonzero(~fine).tolist():
                found[i] = self._at(part.start + i, values[part.start + i], wrong)
            encoded[part] = found
        return encoded

    def _read(self, given: digits.Decimals) -> tuple[Signed, NDArray[np.bool_]]:
        if isinstance(self.kind, FloatType):
            return digits.binary(given, self.kind.bits)
        return digits.scaled(given, self.kind.places if isinstance(self.kind, DecimalType) else 0)

    def _from_names(self, values: Sequence[object], wrong: list[Wrong] | None = None) -> Signed:
        """Encode options or booleans, each different text only once."""
        encoded = np.empty(self.length, np.int64)
        known: dict[object, int] = {}
        for part in chunks(self.length):
            for i, value in enumerate(values[part], start=part.start):
                found = known.get(value, -1) if isinstance(value, str) else -1
                if found < 0:
                    before = len(wrong or ())
                    found = self._at(i, value, wrong)
                    if isinstance(value, str) and len(wrong or ()) == before:
                        known[value] = found
                encoded[i] = found
        return encoded

    # --- one element at a time ----------------------------------------------------------------

    def _elements(self, values: Sequence[object]) -> Signed:
        return np.array([self._at(i, value) for i, value in enumerate(values)], np.int64)

    def _at(self, i: int, value: object, wrong: list[Wrong] | None = None) -> int:
        """Encode element i; if it is wrong, raise `Wrong`, or note it in `wrong` and return 0."""
        try:
            return self.element(value)
        except ValueError as problem:
            found = Wrong(i, str(problem))
            if wrong is None:
                raise found from None
            wrong.append(found)
            return 0

    def _one(self, value: object) -> int:
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or (isinstance(value, str) and not value.strip()):
            raise ValueError("is blank")
        if isinstance(self.kind, ChoiceType):
            return elements.choice(value, self.kind.options)
        if isinstance(self.kind, BoolType):
            return elements.boolean(value)
        if isinstance(self.kind, FloatType):
            return round(elements.rational(value, exponents=True) / self.quantum)
        scaled = elements.rational(value, exponents=False) / self.quantum
        if scaled.denominator != 1:
            raise ValueError(self._too_fine())
        if isinstance(value, str) and self.quantum.denominator < 1000 and may_be_grouped(value):
            raise ValueError(
                "has three digits after its point: leave the point out if it is one between "
                "thousands, else write fewer digits"
            )
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

    # --- whole arrays -------------------------------------------------------------------------

    def _fast(self, array: NDArray[Any]) -> Signed:
        kind = array.dtype.kind
        if isinstance(self.kind, ChoiceType):
            raise Wrong(0, "is a number; a choice is one of the manifest's options")
        if kind == "b" and not isinstance(self.kind, BoolType):
            raise Wrong(0, "is true or false; a number is needed")
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
            raise Wrong(int(np.argmin(good)), problem)


def _value(i: int) -> str:
    return f"value {i + 1}"


def refuse(problem: str) -> NoReturn:
    """Refuse an input: raise the `InputError` that stops a run before anything is sent."""
    raise InputError(
        problem,
        hint="correct the input and run again; nothing was sent",
        data_left=False,
    )
