"""Values that a manifest may hold, each checked on its own, and their canonical bytes."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, PlainValidator

from ostraka.addresses import host_port
from ostraka.names import PartyId, Role
from ostraka.text import line, numbered, one_script, twice

Path = tuple[str | int, ...]
"""Place of a value in a manifest: ("party", 1, "key")."""

Problem = tuple[Path, str]
"""Place of a mistake, and a text that says what is wrong there."""


# The modules of models do not postpone annotations: pydantic would have to evaluate each as text.


class Section(BaseModel):
    """Table of a manifest: frozen, and refuses keys that it does not know.

    Validators are built for the whole manifest when the first one is read, not table by table.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


# --- the input's type -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BoolType:
    """Type of an input that is true or false."""

    kind: ClassVar[str] = "bool"
    numeric: ClassVar[bool] = False

    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True, slots=True)
class IntType:
    """Type of an input that is a whole number."""

    kind: ClassVar[str] = "int"
    numeric: ClassVar[bool] = True

    def __str__(self) -> str:
        return "int"


@dataclass(frozen=True, slots=True)
class DecimalType:
    """Type of an exact decimal with at most `places` digits after the point."""

    places: int
    kind: ClassVar[str] = "decimal"
    numeric: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"decimal({self.places})"


@dataclass(frozen=True, slots=True)
class FloatType:
    """Type of a number that is rounded to `bits` binary digits after the point."""

    bits: int
    kind: ClassVar[str] = "float"
    numeric: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"float({self.bits})"


@dataclass(frozen=True, slots=True)
class ChoiceType:
    """Type of an input that is one of a few named options."""

    options: tuple[str, ...]
    kind: ClassVar[str] = "choice"
    numeric: ClassVar[bool] = False

    def __str__(self) -> str:
        return f"choice({json.dumps(self.options, ensure_ascii=False)})"


@dataclass(frozen=True, slots=True)
class IdType:
    """Type of an input that identifies a row, such as a person's e-mail address."""

    kind: ClassVar[str] = "id"
    numeric: ClassVar[bool] = False

    def __str__(self) -> str:
        return "id"


InputType = BoolType | IntType | DecimalType | FloatType | ChoiceType | IdType

TYPES = 'bool, int, decimal(k), float(k), choice(["a", "b"]) or id'


_PLAIN: dict[str, InputType] = {"bool": BoolType(), "int": IntType(), "id": IdType()}


def parse_type(text: object) -> InputType:
    """Read the text of `[input] type` as a type; ValueError says which texts are possible."""
    if isinstance(text, InputType):
        return text
    if not isinstance(text, str):
        raise ValueError(f"must be a string: {TYPES}")
    name, _, argument = text.strip().removesuffix(")").partition("(")
    if text.strip() in _PLAIN:
        return _PLAIN[text.strip()]
    if not text.strip().endswith(")") or name not in ("decimal", "float", "choice"):
        raise ValueError(f"must be {TYPES}")
    if name == "choice":
        return _choice(argument)
    if not re.fullmatch(r"[0-9]{1,2}", argument.strip()):
        raise ValueError(f"must be {name}(k) with a whole number k")
    if name == "decimal":
        return DecimalType(_within(int(argument), 0, 18, "decimal(k): k"))
    return FloatType(_within(int(argument), 1, 52, "float(k): k"))


def _choice(argument: str) -> ChoiceType:
    try:
        options = json.loads(argument)
    except (ValueError, RecursionError):
        options = None
    if not isinstance(options, list) or not all(isinstance(o, str) for o in options):
        raise ValueError('must be choice(["a", "b"]): options in double quotes, in brackets')
    for option in options:
        line(option, 64)
    if pair := twice(options):
        one, other = map(numbered, pair)
        raise ValueError(f"every option of a choice must be different: {one} is as {other}")
    _within(len(options), 2, 1024, "the number of options of a choice")
    return ChoiceType(tuple(options))


# --- fields ------------------------------------------------------------------------------------


def _within(value: int, low: int, high: int, what: str) -> int:
    if not low <= value <= high:
        raise ValueError(f"{what} must be between {low} and {high}")
    return value


def matching(pattern: str, message: str) -> BeforeValidator:
    """Return the check that a value is text of this pattern; else it "must be" the message."""
    compiled = re.compile(pattern)

    def check(value: object) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ValueError(f"must be {message}")
        return value

    return BeforeValidator(check)


def _address(value: object) -> str:
    host_port(value)
    return str(value)


def fingerprint(value: object) -> str:
    """Return "sha256:" and 64 hex digits in lower case; ValueError for any other value."""
    if not isinstance(value, str) or not re.fullmatch(r"sha256:[0-9a-fA-F]{64}", value):
        raise ValueError('must be "sha256:" and 64 hex digits')
    return value.lower()


UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


def seconds(value: object) -> float:
    """Read "90s", "5m" or "2h" as seconds; a float passes, for manifests built in Python."""
    match = re.fullmatch(r"([0-9]{1,9})(ms|s|m|h)", value) if isinstance(value, str) else None
    found = int(match[1]) * UNITS[match[2]] / 1000 if match else value
    if not isinstance(found, float):
        raise ValueError('must be a duration such as "90s", "5m" or "2h"')
    if not 0 < found <= 30 * 86400:
        raise ValueError("must be longer than nothing and at most 720h")
    return found


def _exact_number(value: object) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number")
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError("must be finite")
    if (number and not -30 <= number.adjusted() <= 30) or len(number.as_tuple().digits) > 40:
        raise ValueError("is too large or too fine a number")
    return number


def _size(value: object) -> Decimal | None:
    number = _exact_number(value)
    if number is not None and number <= 0:
        raise ValueError("must be above 0")
    return number


def exact_fraction(value: object) -> Fraction:
    """Read "1/2", "60%" or 0.6 as an exact fraction above 0 and at most 1; ValueError otherwise."""
    text = str(value) if isinstance(value, str | Decimal | Fraction) or value == 1 else ""
    if not re.fullmatch(r"[0-9]{1,9}(/[0-9]{1,9}|(\.[0-9]{1,9})?%?)", text):
        raise ValueError('must be a fraction such as "1/2", "60%" or 0.6')
    top, _, bottom = text.removesuffix("%").partition("/")
    if bottom and int(bottom) == 0:
        raise ValueError("must not divide by zero")
    found = Fraction(top) / (int(bottom) if bottom else 100 if text.endswith("%") else 1)
    if not 0 < found <= 1:
        raise ValueError("must be above 0 and at most 1")
    return found


def _names(value: object) -> object:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError('must be a list of names: ["alice", "bob"]')
    if len(set(map(str, value))) != len(value):
        raise ValueError("names a party twice")
    return value


def _roles(value: object) -> tuple[Role, ...]:
    names = list(value) if isinstance(value, list | tuple) else []
    if not names or not all(isinstance(n, str) and n in list(Role) for n in names):
        raise ValueError('must be a list of "contributor", "compute", "recipient"')
    if len(set(names)) != len(names):
        raise ValueError("names a role twice")
    return tuple(role for role in Role if role in names)


def _raw_table(value: object) -> dict[str, Any]:
    """Check that a table has canonical bytes, and return it; its protocol checks the keys."""
    if not isinstance(value, dict):
        raise ValueError("must be a table")
    canonical_json(value)
    return value


def _text(longest: int) -> BeforeValidator:
    return BeforeValidator(lambda value: line(value, longest))


Address = Annotated[str, BeforeValidator(_address)]
Fingerprint = Annotated[str, BeforeValidator(fingerprint)]
Seconds = Annotated[float, BeforeValidator(seconds)]
Type = Annotated[InputType, PlainValidator(parse_type), PlainSerializer(str)]
Roles = Annotated[tuple[Role, ...], BeforeValidator(_roles)]
Table = Annotated[dict[str, Any], BeforeValidator(_raw_table)]
Title = Annotated[str, _text(200)]
Room = Annotated[str, matching("[0-9a-f]{32}", "32 digits of 0-9 and a-f, drawn at random")]
Series = Annotated[str, BeforeValidator(lambda value: one_script(line(value, 200)))]
Unit = Annotated[str, BeforeValidator(lambda value: value and line(value, 32))]
Number = Annotated[Decimal | None, BeforeValidator(_exact_number)]
Size = Annotated[Decimal | None, BeforeValidator(_size)]
Share = Annotated[Fraction, PlainValidator(exact_fraction), PlainSerializer(str)]
_short_name = matching(
    "[a-z][a-z0-9-]{0,31}", "1 to 32 lowercase letters, digits or -, a letter first"
)
Name = Annotated[PartyId, _short_name]
InputName = Annotated[str, _short_name]
Names = Annotated[tuple[Name, ...], BeforeValidator(_names)]
ProtocolName = Annotated[
    str, matching("[a-z][a-z0-9-]{0,63}", 'the name of a protocol, such as "secure-sum"')
]


# --- canonical bytes ---------------------------------------------------------------------------


def canonical_json(value: object) -> bytes:
    """Write a value as JSON with sorted keys, without spaces, decimals in full without final zeros.

    Equal values have equal bytes.

    Raises:
        ValueError: JSON cannot hold the value, or it is nested too deeply.
    """
    return _canonical(value, 0).encode()


def _canonical(value: object, depth: int) -> str:
    if depth > 16:
        raise ValueError("is nested too deeply")
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, str):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, int | Decimal):
        number = _exact_number(value)
        assert number is not None
        plain = f"{number:f}"
        plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
        return "0" if number == 0 else plain
    if isinstance(value, list | tuple):
        return "[" + ",".join(_canonical(v, depth + 1) for v in value) + "]"
    if isinstance(value, Mapping):
        items = sorted((str(k), _canonical(v, depth + 1)) for k, v in value.items())
        return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{v}" for k, v in items) + "}"
    raise ValueError("may hold strings, numbers, true, false, lists and tables only")


def suggest(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown word: `; did you mean "..."?`, or nothing."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), 1)
    return f'; did you mean "{near[0]}"?' if near else ""
