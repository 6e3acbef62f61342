"""A ledger: one party's own record of what its runs have told, and the runs it refuses by it.

    reserve   before any peer is contacted: the cost of the run, and its contributors
    sharing   before the first share leaves
    commit    before a result can become known: the contributors counted, and the cost for them
    result    names of the outputs that were opened; never an input, never a value
    hold      the run ended, and it is not known whether anything was revealed: it counts
    release   nothing was revealed: the reservation no longer counts

What a process that died could not write is written when the ledger is next opened: `release` where
nothing had been shared, or nothing can be opened without this party, and `hold` otherwise. A run
that has its process still, told by a lock (`lifeline`), is left alone.

Rules and budgets are the party's own (`Rule`); those of the manifest's `[policy]` are kept as well.
Ledgers of earlier versions have no `sharing` and no `hold`; what they reserved and never settled is
held.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from ostraka import strict_json
from ostraka.errors import PeerViolation, RefusedByLedger, Temporary, UsageError
from ostraka.identity import Identity
from ostraka.names import PartyId, is_place
from ostraka.record import lifeline, refusals
from ostraka.record.budget import Spend
from ostraka.record.chain import SUCCESSION, Chain, Entry
from ostraka.record.lifeline import Lifeline
from ostraka.record.rules import (
    Person,
    Roster,
    Rule,
)
from ostraka.record.runs import (
    GOING_ON,
    Record,
    Run,
    RunState,
    keys_of_roster,
    left,
    roster_of_keys,
    under,
)
from ostraka.record.succession import Succession, successors


class Ledger:
    """The entries of one party, folded into runs.

    Args:
        now: the time, with its zone; it is written down, and decides nothing.
        entropy: 8 bytes that no other reservation has.
        successors: the newest key that follows each older one of other parties: contributors are
            the same ones under both.

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
        successors: Mapping[str, str] | None = None,
    ) -> None:
        self._identity = identity
        self._renewed, self._own = dict(successors or {}), list[Succession]()
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
        """Return whether a receipt pins this party's name to its key, or to one before it."""
        ours, keys = self._identity.pin, self._successors
        parties = strict_json.parse(found["manifest"])["party"]
        own = (keys.get(p["key"], p["key"]) for p in parties if p["name"] == self.party)
        return ours in own

    def read(self) -> None:
        """Read and check the file, and bring `runs` up to date; make the file if there is none.

        Runs whose process is gone are settled.
        """
        with self._opened(), self.chain.foreign_errors():
            lifeline.sweep(self.chain.path, {r.id for r in self._going_on()})

    @contextmanager
    def _opened(self) -> Iterator[None]:
        """Hold the file, with `runs` up to date and all runs settled whose process is gone."""
        with self.chain.locked():
            self._fold()
            for record in self._going_on():
                with self.chain.foreign_errors():
                    alive = lifeline.is_alive(self.chain.path, record.id)
                if not alive:
                    self._settle_dead(record)
            yield

    def _going_on(self) -> list[Record]:
        return [record for record in self.runs.values() if record.state in GOING_ON]

    def _settle_dead(self, record: Record) -> None:
        """Write down what is certain of a run whose process is gone."""
        if record.state is RunState.RESERVED:
            self._append("release", record.id, why="its process died before it shared")
        elif record.run.needed:
            why = "its process died before anything could be opened without it"
            self._append("release", record.id, why=why)
        else:
            self._append("hold", record.id, why="its process died")

    # --- the life of a run --------------------------------------------------------------------

    def reserve(self, run: Run) -> Reservation:
        """Write down that a run may happen, before anything is sent, unless that breaks a rule.

        The run counts as going on until this process ends, or `Reservation.close`.
        """
        with self._opened():
            self._check(run, run.roster, run.cost, "")
            number = self._entropy().hex()
            roster, sources = self._roster_entry(run.roster), self._rules_for(run)
            line = self._hold_on(number)
            try:
                told = run.to_json() | {"roster": roster, "sources": [r.source for r in sources]}
                self._append("reserve", number, **told)
            except BaseException:
                line.drop()
                raise
        return Reservation(self, number, run, line)

    def resume(self, number: str, run: Run) -> Reservation:
        """Take the reservation of a process that died, for the same run; reserve anew if it was
        released."""
        with self._opened():
            record = self._record(number)
            if record.state is not RunState.RELEASED:
                found = Reservation(self, record.id, run, self._hold_on(record.id))
                found.committed = record.state is RunState.COMMITTED
                return found
        return self.reserve(run)

    def earlier(self, run: Run) -> str:
        """Return the number of the last run of the same manifest that may have told something; ""
        if there is none. A collection has one answer, however many sessions it takes."""
        with self._opened():
            found = [r.id for r in self.counting() if r.run.manifest == run.manifest]
        return found[-1] if found else ""

    def _hold_on(self, number: str) -> Lifeline:
        with self.chain.foreign_errors():
            return Lifeline.hold(self.chain.path, number)

    def share(self, number: str, session: str) -> None:
        """Write down that the shares of a run may leave from now on."""
        with self.chain.locked():
            self._fold()
            self._require_unreleased(number)
            self._append("sharing", number, session=session)

    def commit(
        self, number: str, run: Run, session: str, counted: Sequence[PartyId], cost: Spend
    ) -> None:
        """Write down which contributors a run counts, and the cost; refuse if that breaks a rule.

        It may be called again with fewer counted, as long as nothing was opened."""
        with self.chain.locked():
            self._fold()
            self._require_unreleased(number)
            without = _without(run.roster, counted)
            as_reserved = not without and cost == run.cost
            # The reservation was checked, and nothing has been written since.
            if not (as_reserved and self.chain.entries[-1]["id"] == number):
                self._check(run, left(run.roster, without), cost, number)
            self._append("commit", number, session=session, without=without, cost=cost.to_json())

    def _require_unreleased(self, number: str) -> None:
        if self._record(number).state is RunState.RELEASED:
            message = f"the reservation {number} was released while its run went on"
            raise RefusedByLedger(message, hint="take part again from the start")

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

    def settle(self, number: str, state: RunState, why: str) -> None:
        """Write down that a run ended before it committed: released, or held."""
        event = "release" if state is RunState.RELEASED else "hold"
        with self.chain.locked():
            self._fold()
            if self._record(number).state in GOING_ON:
                self._append(event, number, why=why)

    def held(self, number: str) -> Record:
        """Return a run that a person may release.

        Args:
            number: a reservation, or the first digits of just one.

        Raises:
            UsageError: there is no such reservation, its run is going on, or its result may be
                known already.
        """
        self.read()
        record = self._record(number)
        if record.state is not RunState.HELD:
            message = f"{record.id} is {record.state}: only a run that is held can be released"
            hint = "its process is still there: end it first" if record.state in GOING_ON else ""
            raise UsageError(message, hint=hint, data_left=False)
        return record

    def release(self, number: str, why: str) -> Record:
        """Write down that a held run revealed nothing and no longer counts.

        Args and Raises: as `held`.
        """
        record = self.held(number)
        with self._opened():
            if record.state is RunState.HELD:
                self._append("release", record.id, why=why)
        return record

    def succeed(self, link: Succession) -> None:
        """Write down that another key of this party takes over; once, however often it is called.

        Raises:
            Temporary: a run is going on, which the other key could not end.
        """
        with self._opened():
            if link in self._own:
                return
            if going_on := self._going_on():
                message = f"the run {going_on[0].id[:8]} is going on under the present key"
                raise Temporary(message, hint="wait until it has ended", data_left=False)
            at = self._now().isoformat(timespec="seconds")
            self.chain.append({SUCCESSION: link.to_json(), "id": "", "at": at})
            self._fold()

    @property
    def _successors(self) -> dict[str, str]:
        return {**self._renewed, **successors(self._own)}

    # --- refusals ----------------------------------------------------------------------

    def _rules_for(self, run: Run) -> list[Rule]:
        return [rule for rule in self.rules if rule.covers(run.series)]

    def _check(self, run: Run, counted: Roster, cost: Spend, number: str) -> None:
        """Check every rule that covers a run, whose own reservation is `number` or "" for none."""
        keys = self._successors
        earlier = [r.under(keys) for r in self.counting() if r.id != number]
        rules = self._rules_for(run)
        refusals.check(run, under(counted, keys), cost, earlier, rules, self._identity.pin)

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
            except (KeyError, ValueError, TypeError, IndexError, PeerViolation):
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
        if SUCCESSION in entry:
            self._own.append(Succession.from_json(self.party, entry[SUCCESSION]))
            return
        number, event = entry["id"], entry["event"]
        if event == "reserve":
            if number in self.runs:
                raise ValueError("reserved twice")
            self.runs[number] = self._reserved(entry)
            return
        self.runs[number].happen(entry)

    def _reserved(self, entry: Entry) -> Record:
        roster = entry["roster"]
        if isinstance(roster, str):
            return Record.reserved(entry, self.runs[roster].run.roster)
        if isinstance(roster, dict):
            return Record.reserved(entry, roster_of_keys(roster))
        return Record.reserved(entry, tuple(Person(PartyId(n), *rest) for n, *rest in roster))

    def _roster_entry(self, roster: Roster) -> list[Person] | dict[str, Any] | str:
        """Return names, keys and weights, or the number of a reservation that has the same ones; of
        a collection, whose places need no names, keys and weights in one text each."""
        for number, record in reversed(self.runs.items()):
            if record.run.roster == roster:
                return number
        return keys_of_roster(roster) if roster and is_place(roster[0].name) else list(roster)

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

    def __init__(self, ledger: Ledger, number: str, run: Run, line: Lifeline) -> None:
        self.id = number
        self.run = run
        self.committed = False
        self._ledger, self._line = ledger, line

    def share(self, session: str) -> None:
        """Write down that shares may leave; see `Ledger.share`."""
        self._ledger.share(self.id, session)

    def commit(self, session: str, counted: Sequence[PartyId], cost: Spend) -> None:
        """Commit this run; see `Ledger.commit`."""
        self._ledger.commit(self.id, self.run, session, counted, cost)
        self.committed = True

    def result(
        self, session: str, counted: Sequence[PartyId], status: str, names: list[str]
    ) -> None:
        """Write down this run's result; see `Ledger.result`."""
        self._ledger.result(self.id, session, counted, status, names)

    def release(self, why: str) -> None:
        """Write down that the run ended and certainly revealed nothing: it no longer counts."""
        self._ledger.settle(self.id, RunState.RELEASED, why)

    def hold(self, why: str) -> None:
        """Write down that the run ended, and that it may have revealed something: it counts."""
        self._ledger.settle(self.id, RunState.HELD, why)

    def close(self) -> None:
        """End the run in this process; what it did not settle is settled as if it had died."""
        self._line.drop()


def _without(roster: Roster, counted: Collection[PartyId]) -> list[PartyId]:
    """Return the contributors of a roster who were not counted."""
    there = set(counted)
    return [person.name for person in roster if person.name not in there]
