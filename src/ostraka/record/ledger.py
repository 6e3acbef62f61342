"""A ledger: one party's own record of what its runs have told, and the runs it refuses by it.

    reserve   before any peer is contacted: the cost of the run, and its contributors
    commit    before a result can become known: the contributors counted, and the cost for them
    result    names of the outputs that were opened; never an input, never a value
    release   nothing was revealed: the reservation no longer counts

A reservation that is not released counts as spent: a process that dies between `reserve` and
`commit` may have sent its shares, and the other parties may have gone on without it. Rules and
budgets are the party's own (`Rule`); those of the manifest's `[policy]` are kept as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

from ostraka import strict_json
from ostraka.errors import RefusedByLedger, UsageError
from ostraka.identity import Identity, fingerprint_text
from ostraka.names import PartyId
from ostraka.record.budget import Spend
from ostraka.record.chain import Chain, Entry
from ostraka.record.rules import (
    Limits,
    Person,
    Roster,
    Rule,
    check_budget,
    check_roster,
    too_many,
)
from ostraka.record.runs import MOST, Record, Run, RunState, possible_rosters, possible_worlds
from ostraka.text import resembling


class Ledger:
    """The entries of one party, folded into runs.

    Args:
        now: the time, with its zone; it is written down, and decides nothing.
        entropy: 8 bytes that no other reservation has.

    Raises, from every method:
        RefusedByLedger: a rule or budget forbids it, or the file is not to be trusted.
    """

    def __init__(
        self,
        directory: Path,
        identity: Identity,
        rules: Sequence[Rule] = (),
        *,
        now: Callable[[], datetime],
        entropy: Callable[[], bytes] = lambda: os.urandom(8),
    ) -> None:
        self._identity = identity
        self.chain = Chain(directory / f"{identity.name}.ledger", identity)
        self.rules = tuple(rules)
        self.runs: dict[str, Record] = {}
        self._now, self._entropy = now, entropy
        self._folded = 0

    @property
    def party(self) -> str:
        """Name of the party whose ledger it is."""
        return self._identity.name

    def wrote(self, found: dict[str, Any]) -> bool:
        """Return whether a receipt pins this party's name to this party's key."""
        ours = fingerprint_text(self._identity.fingerprint)
        parties = strict_json.parse(found["manifest"])["party"]
        return any(p["name"] == self.party and p["key"] == ours for p in parties)

    def read(self) -> None:
        """Read and check the file, and bring `runs` up to date; make the file if there is none."""
        with self.chain.locked():
            self._fold()

    # --- the life of a run --------------------------------------------------------------------

    def reserve(self, run: Run) -> Reservation:
        """Write down that a run may happen, before anything is sent, unless that breaks a rule."""
        with self.chain.locked():
            self._fold()
            self._check(run, run.roster, run.cost, "")
            number = self._entropy().hex()
            self._append(
                "reserve", number,
                title=run.title, series=run.series, protocol=run.protocol,
                manifest_sha256=run.manifest, roster=self._roster_entry(run.roster),
                contributes=run.contributes, cost=run.cost.to_json(),
                same_roster_only=run.same_roster_only, min_difference=run.min_difference,
                dispensable=run.dispensable, **_leaving(run),
                sources=[rule.source for rule in self._rules_for(run)],
            )  # fmt: skip
        return Reservation(self, number, run)

    def commit(
        self, number: str, run: Run, session: str, counted: Sequence[PartyId], cost: Spend
    ) -> None:
        """Write down which contributors a run counts, and the cost; refuse if that breaks a rule.

        It may be called again with fewer counted, as long as nothing was opened."""
        with self.chain.locked():
            self._fold()
            if self._record(number).state is RunState.RELEASED:
                message = f"the reservation {number} was released while its run went on"
                raise RefusedByLedger(message, hint="take part again from the start")
            without = _without(run.roster, counted)
            as_reserved = not without and cost == run.cost
            # The reservation was checked, and nothing has been written since.
            if not (as_reserved and self.chain.entries[-1]["id"] == number):
                self._check(run, _left(run.roster, without), cost, number)
            self._append("commit", number, session=session, without=without, cost=cost.to_json())

    def result(
        self, number: str, session: str, counted: Sequence[PartyId], status: str, names: list[str]
    ) -> None:
        """Write down the names of the outputs that were opened to this party."""
        with self.chain.locked():
            self._fold()
            without = _without(self._record(number).run.roster, counted)
            self._append(
                "result", number, session=session, without=without, status=status, outputs=names
            )

    def release(self, number: str, why: str) -> Record:
        """Write down that a run revealed nothing and no longer counts.

        Args:
            number: a reservation, or the first digits of just one.

        Raises:
            UsageError: there is no such reservation, or its result may be known already.
        """
        with self.chain.locked():
            self._fold()
            record = self._record(number)
            if record.state is not RunState.HELD:
                message = (
                    f"{record.id} is {record.state.value}: only a run that is held can be released"
                )
                raise UsageError(message, data_left=False)
            self._append("release", record.id, why=why)
        return record

    # --- refusals ----------------------------------------------------------------------

    def _rules_for(self, run: Run) -> list[Rule]:
        return [rule for rule in self.rules if rule.covers(run.series)]

    def _check(self, run: Run, counted: Roster, cost: Spend, number: str) -> None:
        """Check every rule that covers a run, whose own reservation is `number` or "" for none."""
        earlier = [r for r in self.counting() if r.id != number]
        series = resembling(run.series)
        same = [r for r in earlier if resembling(r.run.series) == series]
        limits = _strictest([run, *(r.run for r in same)])
        self._check_rosters(limits, run, counted, same, f"series {run.series}")
        for rule in self._rules_for(run):
            covered = [r for r in earlier if rule.covers(r.run.series)]
            self._check_rosters(rule, run, counted, covered, str(rule))
            if run.contributes:
                check_budget(rule, [r.cost for r in covered if r.run.contributes], cost)

    def _check_rosters(
        self, limits: Limits, run: Run, counted: Roster, earlier: Sequence[Record], name: str
    ) -> None:
        """Check all contributors that a run may count against all that earlier ones may have."""
        if not (limits.same_roster_only or limits.min_difference > 1):
            return
        ours = fingerprint_text(self._identity.fingerprint)
        asked, worlds = possible_rosters(run, counted, ours), possible_worlds(earlier, ours)
        if not earlier:
            asked = asked[:1]  # of one answer alone, how few it counts is all there is
        if len(asked) * len(worlds) > MOST:
            raise too_many(name, limits)
        for world, roster in product(worlds, asked):
            check_roster(limits, roster, world, name)

    def counting(self) -> Iterator[Record]:
        """Yield the runs that may have told something: all but the released ones."""
        return (r for r in self.runs.values() if r.state is not RunState.RELEASED)

    def spent(self, rule: Rule) -> list[Record]:
        """Return the runs that count against a rule's budget, oldest first."""
        return [r for r in self.counting() if r.run.contributes and rule.covers(r.run.series)]

    # --- entries ------------------------------------------------------------------------------

    def _append(self, event: str, number: str, **more: Any) -> None:
        at = self._now().isoformat(timespec="seconds")
        self.chain.append({"event": event, "id": number, "at": at, **more})
        self._fold()

    def _fold(self) -> None:
        """Bring `runs` up to date with the chain."""
        entries = self.chain.entries
        while self._folded < len(entries):
            try:
                self._apply(entries[self._folded])
            except (KeyError, ValueError, TypeError, IndexError):
                raise RefusedByLedger(
                    f"the ledger {self.chain.path} says something unknown in its line "
                    f"{self._folded + 1}",
                    hint="was it written by another version of ostraka?",
                    data_left=False,
                ) from None
            self._folded += 1

    def _apply(self, entry: Entry) -> None:
        """Update the run that an entry is about."""
        if entry["n"] == 0:
            if entry["ostraka_ledger"] != 1:
                raise ValueError("another format")
            return
        number, event = entry["id"], entry["event"]
        if event == "reserve":
            if number in self.runs:
                raise ValueError("reserved twice")
            self.runs[number] = self._reserved(entry)
            return
        record = self.runs[number]
        if event == "commit":
            record.state, record.session = RunState.COMMITTED, entry["session"]
            record.counted = _left(record.run.roster, entry["without"])
            record.cost = Spend.from_json(entry["cost"])
        elif event == "result":
            record.state, record.session = RunState.COMMITTED, entry["session"]
            record.counted = _left(record.run.roster, entry["without"])
            record.status, record.outputs = entry["status"], tuple(entry["outputs"])
        elif event == "release" and record.state is RunState.HELD:
            record.state, record.why = RunState.RELEASED, entry["why"]
        else:
            raise ValueError("no such event")

    def _reserved(self, entry: Entry) -> Record:
        roster = entry["roster"]
        if isinstance(roster, str):
            found = self.runs[roster].run.roster
        else:
            found = tuple(Person(PartyId(name), *rest) for name, *rest in roster)
        run = Run(
            title=entry["title"],
            series=entry["series"],
            protocol=entry["protocol"],
            manifest=entry["manifest_sha256"],
            roster=found,
            contributes=bool(entry["contributes"]),
            cost=Spend.from_json(entry["cost"]),
            # Absent from the first ledgers: then the cautious reading.
            same_roster_only=bool(entry.get("same_roster_only", False)),
            min_difference=int(entry.get("min_difference", 1)),
            dispensable=bool(entry.get("dispensable", True)),
            may_leave=tuple(entry.get("may_leave", ())),
            least=int(entry.get("least", 0)),
        )
        return Record(entry["id"], entry["at"], run, RunState.HELD, found, run.cost)

    def _roster_entry(self, roster: Roster) -> list[Person] | str:
        """Return names, keys and weights, or the number of a reservation that has the same ones."""
        for number, record in reversed(self.runs.items()):
            if record.run.roster == roster:
                return number
        return list(roster)

    def _record(self, number: str) -> Record:
        found = [key for key in self.runs if number and key.startswith(number)]
        if len(found) != 1:
            many = f"{len(found)} reservations start" if found else "no reservation starts"
            raise UsageError(
                f'{many} with "{number}"', hint="see: ostraka ledger show", data_left=False
            )
        return self.runs[found[0]]


class Reservation:
    """One run's place in a ledger, from before any peer is contacted to the run's end."""

    def __init__(self, ledger: Ledger, number: str, run: Run) -> None:
        self.id = number
        self.committed = False
        self._ledger, self._run = ledger, run

    def commit(self, session: str, counted: Sequence[PartyId], cost: Spend) -> None:
        """Commit this run; see `Ledger.commit`."""
        self._ledger.commit(self.id, self._run, session, counted, cost)
        self.committed = True

    def result(
        self, session: str, counted: Sequence[PartyId], status: str, names: list[str]
    ) -> None:
        """Write down this run's result; see `Ledger.result`."""
        self._ledger.result(self.id, session, counted, status, names)

    def release(self, why: str) -> None:
        """Release this run; see `Ledger.release`."""
        self._ledger.release(self.id, why)


def _leaving(run: Run) -> dict[str, Any]:
    """Return whom a run may end without, where this party is not told, as an entry says it."""
    return {"may_leave": list(run.may_leave), "least": run.least} if run.may_leave else {}


def _strictest(runs: Sequence[Run]) -> Run:
    """Return the first run under the strictest limits of all: a promise once made is kept."""
    return replace(
        runs[0],
        same_roster_only=any(run.same_roster_only for run in runs),
        min_difference=max(run.min_difference for run in runs),
    )


def _left(roster: Roster, without: Collection[PartyId]) -> Roster:
    """Return a roster without some contributors."""
    if not without:
        return roster
    gone = set(without)
    return tuple(person for person in roster if person.name not in gone)


def _without(roster: Roster, counted: Collection[PartyId]) -> list[PartyId]:
    """Return the contributors of a roster who were not counted."""
    there = set(counted)
    return [person.name for person in roster if person.name not in there]
