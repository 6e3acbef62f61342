"""Tables of a manifest, and the rules that span several of them."""

import hashlib
from collections import abc
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from itertools import combinations
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    model_serializer,
    model_validator,
)

from ostraka import limits
from ostraka.errors import ManifestError, UsageError
from ostraka.manifest import collection, coordinators, inputs, privacy, study_round
from ostraka.manifest.collection import Collection
from ostraka.manifest.coordinators import BrokerSpec, Coordinators, CoordinatorSpec, Keyed
from ostraka.manifest.fields import (
    Address,
    Name,
    Path,
    Problem,
    ProtocolName,
    Roles,
    Room,
    Seconds,
    Section,
    Series,
    Table,
    Title,
    canonical_json,
    suggest,
)
from ostraka.manifest.filling import filled
from ostraka.manifest.inputs import Inputs, InputSchema
from ostraka.manifest.links import needs_link
from ostraka.manifest.privacy import Policy, Privacy
from ostraka.manifest.study_round import StudyRound
from ostraka.names import PartyId, Role
from ostraka.text import one_script

FORMAT = 1
"""Version in the canonical bytes: manifests of another version have other digests."""

LATER: Final = {
    "session": ("series", "room", "start", "rehearsal"),
    "policy": ("same_roster_only", "min_difference", "dominance", "plausible", "min_cell"),
    "privacy": ("local", "central", "clip"),
}
"""Keys, by table, that the canonical bytes leave out at their defaults, so that older digests stay
the same. Those of inputs are in `inputs.LATER`."""


class SessionSpec(Section):
    """Table `[session]`.

    Attributes:
        title: name of the session for people; it is also in each party's ledger.
        protocol: what is computed; `ostraka protocols` lists them.
        series: name that repeated sessions about the same data share in ledgers; by default the
            title.
        deadline: seconds within which all parties must be gathered.
        coordinator: relay or broker of parties that cannot reach each other directly, or a list of
            several.
        timeout: longest silence of one party once the session has started, in seconds.
        room: secret that the room at the coordinator is named after, 16 random bytes in hex; by
            default the room is named after the parties' keys, which others may know.
        start: whom a session waits for: "all" parties, or "enough". Then it begins at the deadline
            without contributors that did not come, if `min_contributors` are there.
        rehearsal: whether each contributor's program makes its input up; no ledger is charged then.
    """

    title: Title
    series: Series | None = None
    protocol: ProtocolName
    deadline: Seconds
    timeout: Seconds = 60.0
    coordinator: Coordinators = ()
    room: Room | None = None
    start: Literal["all", "enough"] = "all"
    rehearsal: StrictBool = False

    @property
    def label(self) -> str:
        """The title as kept results have it: that of a rehearsal says so."""
        return "rehearsal: " * self.rehearsal + self.title

    @property
    def coordinators(self) -> tuple[CoordinatorSpec | BrokerSpec, ...]:
        """The coordinators at which parties may meet; none for direct links only."""
        return self.coordinator

    @property
    def relays(self) -> tuple[CoordinatorSpec, ...]:
        """The coordinators that are relays of this project, which keep invitations as well."""
        return tuple(place for place in self.coordinator if isinstance(place, CoordinatorSpec))

    @property
    def brokers(self) -> tuple[BrokerSpec, ...]:
        """The coordinators that are MQTT brokers."""
        return tuple(place for place in self.coordinator if isinstance(place, BrokerSpec))


class PartySpec(Keyed):
    """Table `[[party]]`: one party's name, key, roles, and address if it has one.

    Attributes:
        name: the party, as `--as` and other parties call it.
        roles: what it does: "contributor" gives an input, "compute" holds shares and computes,
            "recipient" gets the result; one, two or all of them.
        address: host and port at which others reach it; none where it meets them at a coordinator.
    """

    name: Name
    roles: Roles
    address: Address | None = None


class Sharing(Section):
    """Table `[sharing]`.

    Attributes:
        scheme: how secrets are split: "additive" needs all compute parties, "shamir" some of them.
        security: "passive": compute parties may look, and follow the protocol; "active": what they
            send is checked too, and a run in which one lies stops.
        threshold: how many compute parties may pool their shares and learn nothing. Additive
            sharing may leave it out: it is one less than the number of compute parties.
    """

    scheme: Literal["additive", "shamir"] = "additive"
    threshold: StrictInt
    security: Literal["passive", "active"] = "passive"


class Problems(ValueError):
    """Error that carries several (path, message) pairs through pydantic to `parse`."""

    def __init__(self, found: list[Problem]) -> None:
        super().__init__("; ".join(f"{dotted(path)}: {message}" for path, message in found))
        self.found = found


class Manifest(Section):
    """Agreement of a session's parties, complete and valid. Equal digests mean equal agreements."""

    session: SessionSpec
    party: Annotated[tuple[PartySpec, ...], Field(min_length=1, max_length=limits.PARTIES)]
    inputs: Inputs = Field(alias="input")
    outputs: Table = Field(default_factory=dict)
    sharing: Sharing
    policy: Policy
    privacy: Privacy = Field(default_factory=Privacy)
    collection: Collection | None = None
    round: StudyRound | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, raw: Any) -> Any:
        return filled(raw) if isinstance(raw, dict) else raw

    @model_validator(mode="after")
    def _check(self) -> Self:
        if found := list(_problems(self)):
            raise Problems(found)
        return self

    @model_serializer(mode="wrap")
    def _dumped(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        table = dump(self)
        asked = table.pop("inputs")
        return {**table, "input": inputs.written_out(asked)}

    @cached_property
    def canonical(self) -> bytes:
        """The bytes that are hashed: JSON with sorted keys, no spaces, and all defaults but those
        of `LATER`, without `[collection]` and `[round]` where there is none."""
        table = self.model_dump(mode="python")
        for part, keys in LATER.items():
            _drop_defaults(table[part], type(getattr(self, part)), keys)
        for part in ("collection", "round"):
            if table[part] is None:
                del table[part]
        asked = table["input"]
        for entry in asked if isinstance(asked, list) else [asked]:
            _drop_defaults(entry, InputSchema, inputs.LATER)
        for key in ("deadline", "timeout"):
            table["session"][key] = Decimal(repr(table["session"][key]))
        return canonical_json({"ostraka": FORMAT, **table})

    @cached_property
    def digest(self) -> bytes:
        """32 bytes: SHA-256 of `canonical`."""
        return hashlib.sha256(self.canonical).digest()

    @cached_property
    def parties(self) -> tuple[PartyId, ...]:
        """All parties, in the order of the manifest."""
        return tuple(p.name for p in self.party)

    @cached_property
    def contributors(self) -> tuple[PartyId, ...]:
        """Parties that give an input, in the order of the manifest; or a collection's places."""
        if self.collection is not None:
            return self.collection.places
        return self._with(Role.CONTRIBUTOR)

    @cached_property
    def compute(self) -> tuple[PartyId, ...]:
        """Parties that compute on shares, in the order of the manifest."""
        return self._with(Role.COMPUTE)

    @cached_property
    def recipients(self) -> tuple[PartyId, ...]:
        """Parties that get the result, in the order of the manifest."""
        return self._with(Role.RECIPIENT)

    def _with(self, role: Role) -> tuple[PartyId, ...]:
        return tuple(p.name for p in self.party if role in p.roles)

    @property
    def input(self) -> InputSchema:
        """The one input, which all contributors give; ManifestError where there are several."""
        if len(self.inputs) > 1:
            raise ManifestError(
                f"input: {self.session.protocol} asks all contributors for the same input: "
                "use one [input]",
                hint="correct the manifest at every party",
                data_left=False,
            )
        return self.inputs[0]

    def input_of(self, party: str) -> InputSchema:
        """Return the input that a contributor gives; UsageError for any other party."""
        if party not in self.given:
            raise UsageError(f"{party} gives no input in this session", data_left=False)
        return self.given[PartyId(party)]

    @cached_property
    def given(self) -> abc.Mapping[PartyId, InputSchema]:
        """The input that each contributor gives, in the order of `contributors`."""
        return inputs.by_contributor(self.inputs, self.contributors)

    @cached_property
    def may_be_absent(self) -> tuple[PartyId, ...]:
        """Contributors that a session may begin without: under `start = "enough"`, those that
        neither compute nor receive, and that the `of` of no input names."""
        if self.session.start == "all":
            return ()
        needed = {*self.compute, *self.recipients}
        needed.update(name for schema in self.inputs for name in schema.of or ())
        return tuple(party for party in self.contributors if party not in needed)

    def may_begin_without(self, absent: abc.Collection[PartyId]) -> bool:
        """Return whether a session may begin without these parties."""
        there = len(self.contributors) - len(absent)
        return set(absent) <= set(self.may_be_absent) and (
            not absent or there >= self.policy.min_contributors
        )

    def party_named(self, name: str) -> PartySpec:
        """Return the party of that name; UsageError when there is none."""
        for party in self.party:
            if party.name == name:
                return party
        raise UsageError(
            f"{name!r} is not a party of this session" + suggest(name, self.parties),
            hint=f"the manifest names {', '.join(self.parties[:20])}",
            data_left=False,
        )

    def asks(self, name: str) -> bool:
        """Return whether a party is to give an input: a contributor, but of a rehearsal none."""
        return name in self.contributors and not self.session.rehearsal

    def pin(self, name: str) -> bytes:
        """Return the SHA-256 of a party's certificate: 32 bytes."""
        return self.party_named(name).pin


def _drop_defaults(table: dict[str, Any], section: type[Section], keys: tuple[str, ...]) -> None:
    for key in keys:
        if table[key] == section.model_fields[key].default:
            del table[key]


# --- rules that span several fields ------------------------------------------------------------


def _problems(manifest: Manifest) -> Iterator[Problem]:
    yield from _check_title(manifest.session)
    yield from _check_parties(manifest)
    yield from _check_links(manifest)
    if manifest.collection is None:
        yield from inputs.problems(manifest.inputs, manifest.parties, manifest.contributors)
    else:
        yield from _check_collection(manifest, manifest.collection)
    yield from _check_sharing(manifest)
    contributors = len(manifest.contributors)
    for rule in ("min_contributors", "min_difference"):
        if contributors and not 1 <= getattr(manifest.policy, rule) <= contributors:
            message = f"must be between 1 and {contributors}, the number of contributors"
            yield ("policy", rule), message
    yield from _check_start(manifest)
    yield from privacy.problems(manifest.privacy, manifest.policy)
    if manifest.round is not None:
        yield from study_round.problems(manifest.round)


def _check_collection(manifest: Manifest, of: Collection) -> Iterator[Problem]:
    """Yield what does not go with contributors that are places and not there."""
    yield from collection.problems(of, manifest.privacy, manifest.policy)
    yield from inputs.problems_of_places(manifest.inputs)
    if manifest.session.start != "all":
        text = "has no meaning in a collection: parties are all needed, and reports are not parties"
        yield ("session", "start"), text
    if manifest.session.rehearsal:
        text = "has no meaning in a collection: its reports come from people"
        yield ("session", "rehearsal"), text
    for i, party in enumerate(manifest.party):
        if Role.CONTRIBUTOR in party.roles:
            text = "no party of a collection is a contributor: reports contribute"
            yield ("party", i, "roles"), text
        elif of.recipients == "public" and party.roles == (Role.COMPUTE,):
            text = 'recipients = "public": each compute party publishes, so each is a "recipient"'
            yield ("party", i, "roles"), text
    n, t = len(manifest.compute), manifest.sharing.threshold
    if manifest.sharing.scheme == "shamir" and n < 2 * t + 1:
        text = f"must be at most {(n - 1) // 2} of {n} in a collection, whose reports are checked"
        yield ("sharing", "threshold"), text + (": name three compute parties" if n < 3 else "")


def _check_start(manifest: Manifest) -> Iterator[Problem]:
    """Yield `start = "enough"` where no contributor may be missing all the same."""
    least, contributors = manifest.policy.min_contributors, len(manifest.contributors)
    if manifest.session.start == "all" or manifest.collection is not None:
        return
    if not manifest.may_be_absent:
        why = "every contributor computes, receives or is named in an input"
        yield ("session", "start"), f"no party may be missing: {why}; leave it out"
    elif least >= contributors:
        why = f"policy.min_contributors is {least}, and there are {contributors} contributors"
        yield ("session", "start"), f"no party may be missing: {why}; set it lower"


def _check_title(session: SessionSpec) -> Iterator[Problem]:
    """Yield a title with look-alikes where it stands for the series, which budgets go by."""
    if session.series is None:
        try:
            one_script(session.title)
        except ValueError as problem:
            yield ("session", "title"), f"{problem}; name a series beside it"


def _check_parties(manifest: Manifest) -> Iterator[Problem]:
    for field in ("name", "key"):
        values = [getattr(p, field) for p in manifest.party]
        seen: dict[str, int] = {}
        for i, value in enumerate(values):
            if (first := seen.setdefault(value, i)) != i:
                yield ("party", i, field), f"is also that of party[{first}]; each needs its own"
    for role in Role:
        if manifest.collection is not None and role is Role.CONTRIBUTOR:
            continue
        if not any(role in p.roles for p in manifest.party):
            yield ("party",), f'no party has the role "{role}"'


def _check_links(manifest: Manifest) -> Iterator[Problem]:
    places = manifest.session.coordinators
    without = [p for p in manifest.party if p.address is None]
    pairs = ((p, q) for p, q in combinations(without, 2) if needs_link(p.roles, q.roles))
    if not places and (pair := next(pairs, None)):
        reach = f"{pair[0].name} and {pair[1].name} cannot reach each other"
        yield ("session",), f"{reach}: name a coordinator, or give one of them an address"
    yield from coordinators.problems(places, {p.key for p in manifest.party})


def _check_sharing(manifest: Manifest) -> Iterator[Problem]:
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
    """Write the path ("party", 1, "key") as "party[1].key"."""
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)
    return text.removeprefix(".") or "manifest"
