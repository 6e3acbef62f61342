"""The tables of a manifest and the rules that span several of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from itertools import combinations
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator

from ostraka import limits
from ostraka.errors import UsageError
from ostraka.manifest.fields import (
    Address,
    DecimalType,
    Fingerprint,
    InputType,
    Name,
    Number,
    ProtocolName,
    Roles,
    Seconds,
    Table,
    Title,
    Type,
    Unit,
    canonical_json,
    suggest,
)
from ostraka.manifest.links import needs_link
from ostraka.manifest.privacy import Policy, Privacy, problems
from ostraka.names import PartyId, Role

Path = tuple[str | int, ...]
"""Where a value stands: ("party", 1, "key")."""

FORMAT = 1
"""Goes into the canonical bytes: a later meaning of the same words is another agreement."""

LATER: Final = {
    "session": ("series",),
    "input": ("outside",),
    "policy": ("same_roster_only", "min_difference", "dominance", "plausible", "min_cell"),
    "privacy": ("local", "central", "clip"),
}
"""Keys that are in the canonical bytes only when they say something: older digests stand."""


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
    """`[session]`. `series`: what is asked again and again, for the ledgers; the title, if not
    given. `deadline`: seconds to gather everyone; `timeout`: longest silence of one party once the
    session has started, in seconds."""

    title: Title
    series: Title | None = None
    protocol: ProtocolName
    deadline: Seconds
    timeout: Seconds = 60.0
    coordinator: Coordinator | None = None


class Party(_Table):
    """One `[[party]]`."""

    name: Name
    key: Fingerprint
    roles: Roles
    address: Address | None = None

    @property
    def pin(self) -> bytes:
        """32 bytes: SHA-256 of the certificate's DER."""
        return bytes.fromhex(self.key[7:])


class InputSchema(_Table):
    """`[input]`: what one contributor gives. `min` and `max` are exact, inclusive, in the
    input's own unit; None for bool and choice. `outside`: what happens to other values: they are
    refused, or moved to the bound."""

    type: Type
    length: Annotated[StrictInt, Field(ge=1, le=limits.VECTOR)] = 1
    min: Number = None
    max: Number = None
    unit: Unit = ""
    outside: Literal["reject", "clip"] = "reject"


class Sharing(_Table):
    """`[sharing]`. `threshold`: how many compute parties may pool what they see and learn
    nothing; additive may leave it out, as it is one less than there are compute parties."""

    scheme: Literal["additive", "shamir"] = "additive"
    threshold: StrictInt
    security: Literal["passive", "active"] = "passive"


class Problems(ValueError):
    """Several (path, message) pairs, on their way through pydantic to `parse`."""

    def __init__(self, found: list[tuple[Path, str]]) -> None:
        super().__init__("; ".join(f"{dotted(path)}: {message}" for path, message in found))
        self.found = found


class Manifest(_Table):
    """A whole, valid agreement. Equal digests mean equal agreements."""

    session: Session
    party: Annotated[tuple[Party, ...], Field(min_length=1, max_length=limits.PARTIES)]
    input: InputSchema
    outputs: Table = {}
    sharing: Sharing
    policy: Policy
    privacy: Privacy = Privacy()

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, raw: Any) -> Any:
        return _filled(raw) if isinstance(raw, dict) else raw

    @model_validator(mode="after")
    def _check(self) -> Manifest:
        if found := list(_cross_checks(self)):
            raise Problems(found)
        return self

    @cached_property
    def canonical(self) -> bytes:
        """The bytes that are hashed: sorted keys, no spaces, defaults written out but `LATER`."""
        table = self.model_dump(mode="python")
        for part, keys in LATER.items():
            fields = type(getattr(self, part)).model_fields
            for key in keys:
                if table[part][key] == fields[key].default:
                    del table[part][key]
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
            f"{name!r} is not a party of this session" + suggest(name, self.parties),
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
        policy = {"min_contributors": _least(raw, sharing), **policy}
    return {**raw, "sharing": sharing, "policy": policy}


def _least(raw: dict[str, Any], sharing: Any) -> int:
    everybody = _count(raw, Role.CONTRIBUTOR)
    threshold = sharing.get("threshold") if isinstance(sharing, dict) else None
    if type(threshold) is not int or threshold < 1 or sharing.get("scheme") != "shamir":
        return everybody
    return min(everybody, max(3, everybody - threshold))


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
    contributors = len(manifest.contributors)
    for rule in ("min_contributors", "min_difference"):
        if contributors and not 1 <= getattr(manifest.policy, rule) <= contributors:
            message = f"must be between 1 and {contributors}, the number of contributors"
            yield ("policy", rule), message
    yield from problems(manifest.privacy, manifest.policy)


def _check_parties(manifest: Manifest) -> Iterator[tuple[Path, str]]:
    for field in ("name", "key"):
        values = [getattr(p, field) for p in manifest.party]
        seen: dict[str, int] = {}
        for i, value in enumerate(values):
            if (first := seen.setdefault(value, i)) != i:
                yield ("party", i, field), f"is also that of party[{first}]; each needs its own"
    for role in Role:
        if not any(role in p.roles for p in manifest.party):
            yield ("party",), f'nobody has the role "{role}"'


def _check_links(manifest: Manifest) -> Iterator[tuple[Path, str]]:
    relay = manifest.session.coordinator
    without = [p for p in manifest.party if p.address is None]
    pairs = ((p, q) for p, q in combinations(without, 2) if needs_link(p.roles, q.roles))
    if relay is None and (pair := next(pairs, None)):
        reach = f"{pair[0].name} and {pair[1].name} cannot reach each other"
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
    if schema.outside == "clip" and not schema.type.numeric:
        yield ("input", "outside"), f"has no meaning for {schema.type.kind}"


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


def dotted(path: Path) -> str:
    """("party", 1, "key") as "party[1].key"."""
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)
    return text.removeprefix(".") or "manifest"
