"""The agreement that all parties of a session hold, byte for byte.

`parse` turns TOML into a frozen `Manifest`, or lists everything that is wrong with it, each with
its line. What parties sign is `Manifest.digest`: the SHA-256 of the *parsed* form, so comments,
spacing and the order of keys do not matter, and every value does.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    ValidationError,
    model_validator,
)

from ostraka import limits
from ostraka.errors import ManifestError, UsageError
from ostraka.names import PartyId, Role

Path = tuple[str | int, ...]
"""Where a value stands: ("party", 1, "key")."""

FORMAT = 1
"""Goes into the canonical bytes: a later meaning of the same words is another agreement."""


# --- the input's type -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BoolType:
    """true or false."""

    kind: ClassVar[str] = "bool"
    numeric: ClassVar[bool] = False

    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True, slots=True)
class IntType:
    """A whole number."""

    kind: ClassVar[str] = "int"
    numeric: ClassVar[bool] = True

    def __str__(self) -> str:
        return "int"


@dataclass(frozen=True, slots=True)
class DecimalType:
    """An exact decimal with at most `places` digits after the point: the unit is 10^-places."""

    places: int
    kind: ClassVar[str] = "decimal"
    numeric: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"decimal({self.places})"


@dataclass(frozen=True, slots=True)
class FloatType:
    """A number rounded to fixed point with `bits` binary digits after the point."""

    bits: int
    kind: ClassVar[str] = "float"
    numeric: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"float({self.bits})"


@dataclass(frozen=True, slots=True)
class ChoiceType:
    """One of a few named options."""

    options: tuple[str, ...]
    kind: ClassVar[str] = "choice"
    numeric: ClassVar[bool] = False

    def __str__(self) -> str:
        return f"choice({json.dumps(self.options, ensure_ascii=False)})"


InputType = BoolType | IntType | DecimalType | FloatType | ChoiceType

TYPES = 'bool, int, decimal(k), float(k) or choice(["a", "b"])'


def parse_type(text: object) -> InputType:
    """Read the words of `[input] type`; ValueError says which are possible."""
    if isinstance(text, InputType):
        return text
    if not isinstance(text, str):
        raise ValueError(f"must be a string: {TYPES}")
    name, _, argument = text.strip().removesuffix(")").partition("(")
    if text.strip() in ("bool", "int"):
        return BoolType() if name == "bool" else IntType()
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
        _line_of_text(option, 64)
    if len(set(options)) != len(options):
        raise ValueError("every option of a choice must be different")
    _within(len(options), 2, 1024, "the number of options of a choice")
    return ChoiceType(tuple(options))


# --- fields ------------------------------------------------------------------------------------


def _within(value: int, low: int, high: int, what: str) -> int:
    if not low <= value <= high:
        raise ValueError(f"{what} must be between {low} and {high}")
    return value


def _line_of_text(value: object, longest: int) -> str:
    """A person will read it in a terminal: one line, printable, not endless."""
    if not isinstance(value, str):
        raise ValueError("must be a string")
    if not value.strip() or not value.isprintable() or len(value) > longest:
        raise ValueError(f"must be 1 to {longest} printable characters on one line")
    return value


def _matching(pattern: str, message: str) -> BeforeValidator:
    compiled = re.compile(pattern)

    def check(value: object) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ValueError(f"must be {message}")
        return value

    return BeforeValidator(check)


def host_port(address: object) -> tuple[str, int]:
    """Split "host:port" or "[ipv6]:port"; ValueError when it is neither."""
    match = re.fullmatch(
        r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?)):([0-9]{1,5})",
        address if isinstance(address, str) else "",
    )
    if not match or not 1 <= int(match[4]) <= 65535:
        raise ValueError('must be "host:port", an IPv6 host in brackets: "[::1]:9440"')
    if match[1]:
        from ipaddress import IPv6Address

        IPv6Address(match[1])
    return match[1] or match[2], int(match[4])


def _address(value: object) -> str:
    host_port(value)
    return str(value)


def _fingerprint(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"sha256:[0-9a-fA-F]{64}", value):
        raise ValueError('must be "sha256:" and 64 hex digits')
    return value.lower()


UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


def _seconds(value: object) -> float:
    """ "90s", "5m", "2h" as seconds; a float passes, for manifests built in Python."""
    match = re.fullmatch(r"([0-9]{1,9})(ms|s|m|h)", value) if isinstance(value, str) else None
    seconds = int(match[1]) * UNITS[match[2]] / 1000 if match else value
    if not isinstance(seconds, float):
        raise ValueError('must be a duration such as "90s", "5m" or "2h"')
    if not 0 < seconds <= 30 * 86400:
        raise ValueError("must be longer than nothing and at most 720h")
    return seconds


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


def _roles(value: object) -> tuple[Role, ...]:
    names = list(value) if isinstance(value, list | tuple) else []
    if not names or not all(isinstance(n, str) and n in list(Role) for n in names):
        raise ValueError('must be a list of "contributor", "compute", "recipient"')
    if len(set(names)) != len(names):
        raise ValueError("names a role twice")
    return tuple(role for role in Role if role in names)


def _raw_table(value: object) -> dict[str, Any]:
    """A table whose keys somebody else checks: here only that it has canonical bytes."""
    if not isinstance(value, dict):
        raise ValueError("must be a table")
    canonical_json(value)
    return value


def _text(longest: int) -> BeforeValidator:
    return BeforeValidator(lambda value: _line_of_text(value, longest))


Address = Annotated[str, BeforeValidator(_address)]
Fingerprint = Annotated[str, BeforeValidator(_fingerprint)]
Seconds = Annotated[float, BeforeValidator(_seconds)]
Number = Annotated[Decimal | None, BeforeValidator(_exact_number)]
Name = Annotated[
    PartyId,
    _matching("[a-z][a-z0-9-]{0,31}", "1 to 32 lowercase letters, digits or -, a letter first"),
]
ProtocolName = Annotated[
    str, _matching("[a-z][a-z0-9-]{0,63}", 'the name of a protocol, such as "secure-sum"')
]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Coordinator(_Table):
    """The relay: where it listens and which certificate it must show."""

    address: Address
    key: Fingerprint

    @property
    def pin(self) -> bytes:
        """32 bytes: SHA-256 of the certificate's DER."""
        return bytes.fromhex(self.key[7:])


class Session(_Table):
    """`[session]`. `deadline`: seconds to gather everyone; `timeout`: longest silence of one
    party once the session has started, in seconds."""

    title: Annotated[str, _text(200)]
    protocol: ProtocolName
    deadline: Seconds
    timeout: Seconds = 60.0
    coordinator: Coordinator | None = None


class Party(_Table):
    """One `[[party]]`."""

    name: Name
    key: Fingerprint
    roles: Annotated[tuple[Role, ...], BeforeValidator(_roles)]
    address: Address | None = None

    @property
    def pin(self) -> bytes:
        """32 bytes: SHA-256 of the certificate's DER."""
        return bytes.fromhex(self.key[7:])


class InputSchema(_Table):
    """`[input]`: what one contributor gives. `min` and `max` are exact, inclusive, in the
    input's own unit; None for bool and choice."""

    type: Annotated[InputType, BeforeValidator(parse_type)]
    length: Annotated[StrictInt, Field(ge=1, le=limits.VECTOR)] = 1
    min: Number = None
    max: Number = None
    unit: Annotated[str, BeforeValidator(lambda v: v and _line_of_text(v, 32))] = ""


class Sharing(_Table):
    """`[sharing]`. `threshold`: how many compute parties may pool what they see and learn
    nothing; additive may leave it out, as it is one less than there are compute parties."""

    scheme: Literal["additive", "shamir"] = "additive"
    threshold: StrictInt
    security: Literal["passive", "active"] = "passive"


class Policy(_Table):
    """`[policy]`. `min_contributors`: fewer than this many, and nothing is opened; every
    contributor when the manifest does not say."""

    min_contributors: StrictInt


class _Problems(ValueError):
    """Several (path, message) pairs, on their way through pydantic to `parse`."""

    def __init__(self, found: list[tuple[Path, str]]) -> None:
        super().__init__("; ".join(f"{dotted(path)}: {message}" for path, message in found))
        self.found = found


class Manifest(_Table):
    """A whole, valid agreement. Equal digests mean equal agreements."""

    session: Session
    party: Annotated[tuple[Party, ...], Field(min_length=1, max_length=limits.PARTIES)]
    input: InputSchema
    outputs: Annotated[dict[str, Any], BeforeValidator(_raw_table)] = {}
    sharing: Sharing
    policy: Policy
    privacy: Annotated[dict[str, Any], BeforeValidator(_raw_table)] = {}

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, raw: Any) -> Any:
        return _filled(raw) if isinstance(raw, dict) else raw

    @model_validator(mode="after")
    def _check(self) -> Manifest:
        if found := list(_cross_checks(self)):
            raise _Problems(found)
        return self

    @cached_property
    def canonical(self) -> bytes:
        """The bytes that are hashed: sorted keys, no spaces, every default written out."""
        table = self.model_dump(mode="python")
        table["input"]["type"] = str(self.input.type)
        for key in ("deadline", "timeout"):
            table["session"][key] = Decimal(repr(table["session"][key]))
        return canonical_json({"ostraka": FORMAT, **table})

    @cached_property
    def digest(self) -> bytes:
        """32 bytes: SHA-256 of `canonical`."""
        return hashlib.sha256(self.canonical).digest()

    @cached_property
    def parties(self) -> tuple[PartyId, ...]:
        """Everybody, in the order of the manifest."""
        return tuple(p.name for p in self.party)

    @cached_property
    def contributors(self) -> tuple[PartyId, ...]:
        """Who gives an input, in the order of the manifest."""
        return self._with(Role.CONTRIBUTOR)

    @cached_property
    def compute(self) -> tuple[PartyId, ...]:
        """Who computes on shares, in the order of the manifest."""
        return self._with(Role.COMPUTE)

    @cached_property
    def recipients(self) -> tuple[PartyId, ...]:
        """Who gets the result, in the order of the manifest."""
        return self._with(Role.RECIPIENT)

    def _with(self, role: Role) -> tuple[PartyId, ...]:
        return tuple(p.name for p in self.party if role in p.roles)

    def party_named(self, name: str) -> Party:
        """The party of that name; UsageError when there is none."""
        for party in self.party:
            if party.name == name:
                return party
        raise UsageError(
            f"{name!r} is not a party of this session" + _suggest(name, self.parties),
            hint=f"the manifest names {', '.join(self.parties[:20])}",
            data_left=False,
        )

    def pin(self, name: str) -> bytes:
        """The SHA-256 of `name`'s certificate: 32 bytes."""
        return self.party_named(name).pin


def _filled(raw: dict[str, Any]) -> dict[str, Any]:
    """Write out the defaults that depend on who takes part."""
    sharing, policy = raw.get("sharing", {}), raw.get("policy", {})
    if isinstance(sharing, dict) and sharing.get("scheme", "additive") == "additive":
        sharing = {"threshold": _count(raw, Role.COMPUTE) - 1, **sharing}
    if isinstance(policy, dict):
        policy = {"min_contributors": _count(raw, Role.CONTRIBUTOR), **policy}
    return {**raw, "sharing": sharing, "policy": policy}


def _count(raw: dict[str, Any], role: Role) -> int:
    """How many parties of a table not yet validated hold a role."""
    parties = raw.get("party")
    found = 0
    for party in parties if isinstance(parties, list | tuple) else ():
        roles = party.get("roles") if isinstance(party, dict) else getattr(party, "roles", ())
        found += isinstance(roles, list | tuple) and role in roles
    return found


# --- rules that span several fields ------------------------------------------------------------


def _cross_checks(manifest: Manifest) -> Iterator[tuple[Path, str]]:
    yield from _check_parties(manifest)
    yield from _check_links(manifest)
    yield from _check_bounds(manifest.input)
    yield from _check_sharing(manifest)
    least, contributors = manifest.policy.min_contributors, len(manifest.contributors)
    if contributors and not 1 <= least <= contributors:
        message = f"must be between 1 and {contributors}, the number of contributors"
        yield ("policy", "min_contributors"), message
    if manifest.privacy:
        yield ("privacy",), "noise is not supported yet: leave [privacy] out"


def _check_parties(manifest: Manifest) -> Iterator[tuple[Path, str]]:
    for field in ("name", "key"):
        values = [getattr(p, field) for p in manifest.party]
        repeated = Counter(values)
        for i, value in enumerate(values):
            first = values.index(value)
            if repeated[value] > 1 and first != i:
                yield ("party", i, field), f"is also that of party[{first}]; each needs its own"
    for role in Role:
        if not any(role in p.roles for p in manifest.party):
            yield ("party",), f'nobody has the role "{role}"'


def _check_links(manifest: Manifest) -> Iterator[tuple[Path, str]]:
    relay = manifest.session.coordinator
    without = [p.name for p in manifest.party if p.address is None]
    if relay is None and len(without) > 1:
        reach = f"{without[0]} and {without[1]} cannot reach each other"
        yield ("session",), f"{reach}: name a coordinator, or give one of them an address"
    if relay and relay.key in {p.key for p in manifest.party}:
        yield ("session", "coordinator"), "key: is also a party's; the coordinator needs its own"


def _check_bounds(schema: InputSchema) -> Iterator[tuple[Path, str]]:
    for field, bound in (("min", schema.min), ("max", schema.max)):
        path: Path = ("input", field)
        if schema.type.numeric and bound is None:
            yield path, f"is missing: {schema.type} needs both min and max"
        elif bound is not None and not schema.type.numeric:
            yield path, f"has no meaning for {schema.type.kind}"
        elif bound is not None and not _representable(bound, schema.type):
            yield path, f"is not a value of {schema.type}"
    if schema.min is not None and schema.max is not None and schema.min > schema.max:
        yield ("input", "min"), "is above max"


def _representable(bound: Decimal, kind: InputType) -> bool:
    places = {"int": 0, "decimal": kind.places if isinstance(kind, DecimalType) else 0}
    if kind.kind not in places:
        return True
    return bound.scaleb(places[kind.kind]) % 1 == 0


def _check_sharing(manifest: Manifest) -> Iterator[tuple[Path, str]]:
    n, sharing = len(manifest.compute), manifest.sharing
    if n < 2:
        yield ("party",), f"{n} compute party: at least 2 are needed, one alone would see all"
    elif sharing.scheme == "additive" and sharing.threshold != n - 1:
        message = f"additive sharing of {n} compute parties has threshold {n - 1}: leave it out"
        yield ("sharing", "threshold"), message
    elif not 1 <= sharing.threshold < n:
        message = f"must be between 1 and {n - 1}: there are {n} compute parties"
        yield ("sharing", "threshold"), message


# --- canonical bytes ---------------------------------------------------------------------------


def canonical_json(value: object) -> bytes:
    """JSON with sorted keys and no spaces; decimals are written out in full, without a final
    zero. Equal values have equal bytes. ValueError for what JSON cannot hold."""
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


# --- parsing -----------------------------------------------------------------------------------


def parse(text: str, source: str = "session.toml") -> Manifest:
    """Read a manifest.

    Args:
        text: TOML.
        source: how messages call the file.

    Raises:
        ManifestError: with one line for every problem found: "session.toml:12: ...".
    """
    if len(text.encode("utf-8", "surrogatepass")) > limits.MANIFEST:
        raise ManifestError(f"{source}: larger than {limits.MANIFEST} bytes", data_left=False)
    raw = _toml(text, source)
    parties = raw.get("party")
    if isinstance(parties, list) and len(parties) > limits.PARTIES:
        raise _error(text, source, [(("party",), f"more than {limits.PARTIES} parties")])
    try:
        return Manifest.model_validate(raw)
    except ValidationError as error:
        raise _error(text, source, list(_explain(error))) from None


def _toml(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except RecursionError:
        raise ManifestError(f"{source}: nested too deeply", data_left=False) from None
    except (ValueError, ArithmeticError) as error:
        words = str(error)
        at = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", words)
        line = int(at[1]) if at and at[1] else text.rstrip().count("\n") + 1
        what = words[: at.start()] if at else words
        message = f"{source}:{line}: not TOML: {what[:1].lower()}{what[1:]}"
        raise ManifestError(message, hint=_QUOTES, data_left=False) from None


_QUOTES = 'text goes in double quotes: name = "alice"'


def _explain(error: ValidationError) -> Iterator[tuple[Path, str]]:
    """Pydantic's findings in our words."""
    for found in error.errors(include_url=False, include_input=False):
        path, reason = tuple(found["loc"]), found.get("ctx", {})
        inner = reason.get("error")
        if isinstance(inner, _Problems):
            yield from inner.found
        elif found["type"] == "extra_forbidden":
            yield path, "unknown key" + _suggest(str(path[-1]), _keys_at(path[:-1]))
        else:
            yield path, _words(found["type"], found["msg"], reason)


def _words(kind: str, message: str, reason: dict[str, Any]) -> str:
    if kind == "value_error":
        return str(reason["error"])
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        return "must be " + str(reason["expected"]).replace("'", '"')
    if kind in ("model_type", "tuple_type", "dict_type"):
        return "must be a table"
    return message.replace("Input should be", "must be", 1)


def _keys_at(path: Path) -> list[str]:
    """The keys a table of the manifest may hold."""
    tables: dict[Path, type[BaseModel]] = {
        (): Manifest,
        ("session",): Session,
        ("session", "coordinator"): Coordinator,
        ("party",): Party,
        ("input",): InputSchema,
        ("sharing",): Sharing,
        ("policy",): Policy,
    }
    table = tables.get(tuple(p for p in path if isinstance(p, str)))
    return list(table.model_fields) if table else []


def _suggest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), 1)
    return f'; did you mean "{near[0]}"?' if near else ""


def _error(text: str, source: str, found: list[tuple[Path, str]]) -> ManifestError:
    """One message for all problems, in the order of their lines."""
    lines = line_numbers(text)
    located = sorted(((_nearest(lines, path), path, words) for path, words in found), key=_line)
    shown = [f"{source}:{line}: {dotted(path)}: {words}" for line, path, words in located[:20]]
    if len(located) > 20:
        shown.append(f"... and {len(located) - 20} more")
    return ManifestError("\n".join(shown), data_left=False)


def _line(problem: tuple[int, Path, str]) -> int:
    return problem[0]


def dotted(path: Path) -> str:
    """("party", 1, "key") as "party[1].key"."""
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)
    return text.removeprefix(".") or "manifest"


def _nearest(lines: dict[Path, int], path: Path) -> int:
    """The line of a path, or of the nearest table around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


# --- from a path to its line -------------------------------------------------------------------

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|' + r"'''.*?'''" + r'|"(?:\\.|[^"\\\n])*"' + r"|'[^'\n]*'|#[^\n]*|\n|.",
    re.DOTALL,
)
_KEY = re.compile(r"""\s*("(?:\\.|[^"\\])*"|'[^']*'|[A-Za-z0-9_-]+)\s*(\.?)""")


def line_numbers(text: str) -> dict[Path, int]:
    """Where every key and table of a (valid) TOML text starts, from line 1."""
    lines: dict[Path, int] = {}
    table: Path = ()
    for number, statement in _statements(text):
        if statement.startswith("[["):
            head = _key_path(statement[2:])
            index = sum(1 for p in lines if len(p) == len(head) + 1 and p[:-1] == head)
            lines.setdefault(head, number)
            table = (*head, index)
        elif statement.startswith("["):
            table = _inside(lines, _key_path(statement[1:]))
        else:
            path = (*table, *_key_path(statement))
            lines.setdefault(path, number)
            continue
        lines.setdefault(table, number)
    return lines


def _inside(lines: dict[Path, int], head: Path) -> Path:
    """[a.b] after [[a]] speaks of the last element of a."""
    indices = [p[1] for p in lines if len(p) == 2 and p[0] == head[0] and isinstance(p[1], int)]
    return (head[0], max(indices), *head[1:]) if indices and len(head) > 1 else head


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines: a value in brackets or triple quotes may span several."""
    number, start, depth, parts = 1, 1, 0, ""
    for word in (match[0] for match in _TOKEN.finditer(text + "\n")):
        if word == "\n" and depth <= 0:
            if parts.strip():
                yield start, parts.strip()
            parts, depth = "", 0
        elif not word.startswith("#"):
            start = start if parts.strip() else number
            parts += word
            depth += (word in "[{") - (word in "]}")
        number += word.count("\n")


def _key_path(statement: str) -> Path:
    """The dotted key at the start of a statement."""
    path: list[str] = []
    position, more = 0, "."
    while more and (match := _KEY.match(statement, position)):
        path.append(match[1].strip("\"'"))
        position, more = match.end(), match[2]
    return tuple(path)
