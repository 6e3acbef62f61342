"""Runs in a ledger, and the contributors that each of them may have counted."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations, islice, product
from math import prod
from typing import Any, Final

from ostraka.manifest import Manifest
from ostraka.names import PartyId, Role, place_name
from ostraka.record.budget import Spend
from ostraka.record.chain import Entry
from ostraka.record.rules import Person, Roster

MOST: Final = 1 << 10
"""Limit on the ways in which runs may have gone that a new run is checked against."""

HELD: Final = 6
"""Runs that may have gone on without this party, up to which all cases are told apart."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that a party is asked to take part in.

    Attributes:
        series: the series of the manifest, or its title if it names none.
        manifest: the digest, in hex.
        roster: all contributors.
        contributes: whether this party does; a party that does not spends nothing.
        cost: the most that the run tells of one contributor.
        same_roster_only, min_difference: the manifest's `[policy]`.
        dispensable: whether the other parties can finish without this one, once it has shared.
        may_leave: contributors without whom the run may end, if this party is not told before it
            shares; none at a compute party, which is asked again.
        least: fewest contributors that the run may count.
        needed: whether nothing can be opened before this party commits.
    """

    title: str
    series: str
    protocol: str
    manifest: str
    roster: Roster
    contributes: bool
    cost: Spend
    same_roster_only: bool = False
    min_difference: int = 1
    dispensable: bool = False
    may_leave: tuple[PartyId, ...] = ()
    least: int = 0
    needed: bool = False

    @classmethod
    def of(
        cls,
        manifest: Manifest,
        me: PartyId,
        cost: Spend,
        *,
        weights: Mapping[PartyId, int],
        may_leave: Collection[PartyId] = (),
        least: int = 0,
        needed: bool = False,
        roster: Roster | None = None,
    ) -> Run:
        """Return the run that a manifest asks for.

        Args:
            weights: how much each contributor counts.
            may_leave, least: whom the run may end without, and how few it may count.
            needed: whether nothing can be opened before this party commits.
            roster: of a collection, whose contributors are no parties.
        """
        return cls(
            title=manifest.session.title,
            series=manifest.session.series or manifest.session.title,
            protocol=manifest.session.protocol,
            manifest=manifest.digest.hex(),
            roster=roster
            if roster is not None
            else tuple(
                Person(p.name, p.key, weights[p.name])
                for p in manifest.party
                if Role.CONTRIBUTOR in p.roles
            ),
            contributes=me in manifest.contributors,
            cost=cost,
            same_roster_only=manifest.policy.same_roster_only,
            min_difference=manifest.policy.min_difference,
            dispensable=manifest.sharing.scheme == "shamir"
            and me in manifest.contributors
            and manifest.policy.min_contributors < len(manifest.contributors),
            may_leave=() if me in manifest.compute else tuple(p for p in may_leave if p != me),
            least=least,
            needed=needed,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the run without its roster, as a `reserve` entry says it."""
        leaving = {"may_leave": list(self.may_leave), "least": self.least}
        return {
            "title": self.title,
            "series": self.series,
            "protocol": self.protocol,
            "manifest_sha256": self.manifest,
            "contributes": self.contributes,
            "cost": self.cost.to_json(),
            "same_roster_only": self.same_roster_only,
            "min_difference": self.min_difference,
            "dispensable": self.dispensable,
            "needed": self.needed,
            **(leaving if self.may_leave else {}),
        }


class RunState(StrEnum):
    """States of a run in a ledger.

    A run that is going on is reserved, then sharing. Once settled it is committed, held or
    released. A process that resumes a held run makes it sharing again.
    """

    RESERVED = "reserved"
    SHARING = "sharing"
    COMMITTED = "committed"
    HELD = "held"
    RELEASED = "released"


GOING_ON: Final = frozenset({RunState.RESERVED, RunState.SHARING})
"""States of a run that its own process has yet to settle."""

UNSETTLED: Final = GOING_ON | {RunState.HELD}
"""States of a run of which it is not known whether it told anything. It counts."""

EVENTS: Final[Mapping[str, tuple[frozenset[RunState], RunState]]] = {
    "sharing": (UNSETTLED, RunState.SHARING),
    "commit": (UNSETTLED | {RunState.COMMITTED}, RunState.COMMITTED),
    "result": (frozenset(RunState), RunState.COMMITTED),
    "hold": (GOING_ON, RunState.HELD),
    "release": (UNSETTLED, RunState.RELEASED),
}
"""Events of a run after `reserve`: the states in which each may happen, and the state after it."""


@dataclass(slots=True)
class Record:
    """One run, as the entries of a ledger tell it.

    Attributes:
        at: when it was reserved, ISO 8601.
        counted: the contributors whose inputs are in it; its roster until that is known.
        cost: the cost that was reserved, then the cost that was committed.
        session: its id in hex, "" before shares may leave.
        outputs: names of the outputs that were opened to this party.
        why: the reason it was released or held for.
    """

    id: str
    at: str
    run: Run
    state: RunState
    counted: Roster
    cost: Spend
    session: str = ""
    status: str = ""
    outputs: tuple[str, ...] = ()
    why: str = ""

    @classmethod
    def reserved(cls, entry: Entry, roster: Roster) -> Record:
        """Return the record that a `reserve` entry begins; KeyError, ValueError if it is none."""
        run = Run(
            title=entry["title"],
            series=entry["series"],
            protocol=entry["protocol"],
            manifest=entry["manifest_sha256"],
            roster=roster,
            contributes=bool(entry["contributes"]),
            cost=Spend.from_json(entry["cost"]),
            # Absent from the first ledgers: then the cautious reading.
            same_roster_only=bool(entry.get("same_roster_only", False)),
            min_difference=int(entry.get("min_difference", 1)),
            dispensable=bool(entry.get("dispensable", True)),
            may_leave=tuple(entry.get("may_leave", ())),
            least=int(entry.get("least", 0)),
            needed=bool(entry.get("needed", False)),
        )
        # Runs of earlier versions did not write down that they shared: they may have.
        state = RunState.RESERVED if "needed" in entry else RunState.HELD
        return cls(entry["id"], entry["at"], run, state, roster, run.cost)

    def under(self, keys: Mapping[str, str]) -> Record:
        """Return the record with contributors known by the newest key that follows theirs."""
        if not keys:
            return self
        run = replace(self.run, roster=under(self.run.roster, keys))
        return replace(self, run=run, counted=under(self.counted, keys))

    def happen(self, entry: Entry) -> None:
        """Follow an event; KeyError, ValueError, TypeError if it cannot follow."""
        before, after = EVENTS[entry["event"]]
        if self.state not in before:
            raise ValueError("an event that cannot follow")
        self.state, self.why = after, entry["why"] if after in _WITH_REASON else ""
        self.session = entry.get("session", self.session)
        if after is RunState.COMMITTED:
            self.counted = left(self.run.roster, entry["without"])
        if entry["event"] == "commit":
            self.cost = Spend.from_json(entry["cost"])
        elif entry["event"] == "result":
            self.status, self.outputs = entry["status"], tuple(entry["outputs"])


_WITH_REASON: Final = frozenset({RunState.HELD, RunState.RELEASED})


def keys_of_roster(roster: Roster) -> dict[str, Any]:
    """Return the roster of a collection as an entry has it: 32 bytes of key a place, in base64."""
    keys = b"".join(bytes.fromhex(person.key) for person in roster)
    weights = [person.weight for person in roster]
    found: dict[str, Any] = {"keys": base64.b64encode(keys).decode()}
    return found | ({"weights": weights} if set(weights) != {1} else {})


def roster_of_keys(entry: Mapping[str, Any]) -> Roster:
    """Read what `keys_of_roster` returned; KeyError, TypeError or ValueError if it is none."""
    keys = base64.b64decode(entry["keys"], validate=True)
    weights = entry.get("weights", [1] * (len(keys) // 32))
    if len(keys) != 32 * len(weights):
        raise ValueError("keys of another length")
    hexes = (keys[i : i + 32].hex() for i in range(0, len(keys), 32))
    return tuple(
        Person(place_name(i), key, weight)
        for i, (key, weight) in enumerate(zip(hexes, weights, strict=True), 1)
    )


def left(roster: Roster, without: Collection[PartyId]) -> Roster:
    """Return a roster without some contributors."""
    if not without:
        return roster
    gone = set(without)
    return tuple(person for person in roster if person.name not in gone)


def under(roster: Roster, keys: Mapping[str, str]) -> Roster:
    """Return a roster with each key replaced by the newest one that follows it.

    Args:
        keys: the newest key that follows each older one.
    """
    return tuple(p._replace(key=keys.get(p.key, p.key)) for p in roster) if keys else roster


def possible_rosters(run: Run, counted: Roster, ours: str) -> list[Roster]:
    """List the contributors that a run may count, as far as this party is told, fewest first.

    Args:
        counted: those that it would count if no other contributor went missing.
        ours: fingerprint of this party's key; what is opened without it is not listed.
    """
    leave = [p.name for p in counted if p.name in run.may_leave and p.key != ours]
    most = max(0, len(counted) - run.least) if run.may_leave else 0
    gone = (set(away) for size in range(most, -1, -1) for away in combinations(leave, size))
    return [tuple(p for p in counted if p.name not in away) for away in islice(gone, MOST + 1)]


def possible_worlds(records: Sequence[Record], ours: str) -> list[frozenset[Roster]]:
    """List the ways in which runs may have gone: in each, the contributors of all of them.

    A run that is not settled may have gone on without this party, and kept no rule of its. What a
    party that only contributes was not told, it takes for possible.
    """
    families = [_family(record, ours) for record in records]
    if prod(map(len, families)) > 1 << HELD and not any(map(_unseen, records)):
        # Only this party's own absence is in question: in all of the held runs, or in none.
        return list(dict.fromkeys(frozenset(f[i] for f in families) for i in (0, -1)))
    return list(dict.fromkeys(map(frozenset, islice(product(*families), MOST + 1))))


def _unseen(record: Record) -> bool:
    """Whether this party was not told whom a run counted."""
    return bool(record.run.may_leave) and not record.status


def _family(record: Record, ours: str) -> list[Roster]:
    seen = not _unseen(record)
    found = [record.counted] if seen else possible_rosters(record.run, record.counted, ours)
    if record.state in UNSETTLED and record.run.dispensable:
        found += [tuple(p for p in roster if p.key != ours) for roster in found]
    return found
