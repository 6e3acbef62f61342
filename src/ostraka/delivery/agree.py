"""Agreement of the compute parties on which contributors are counted, where some may be missing.

Two sums over different sets of contributors would differ by a contributor's input, so at most one
set may ever be opened, although parties may go missing at any moment. And no set may be opened
before every compute party whose own input is in it has consented.

In each round every compute party broadcasts one statement, a set and what it says of it:

    consent   It holds the shares of these contributors, and its rules allow to count them. First
              it consents to all that it holds; then to the intersection of what it heard, without
              the compute parties that were silent. Consenting again to a smaller set is allowed.
    vote      As consent; and all compute parties counted in this set consented to it. A party
              votes for one set only, and consents to no other afterwards.
    refusal   Its rules (the policy, its ledger) forbid what it would have to consent to. A party
              that hears a refusal stops.

A party opens the sum over S only after q(S) distinct compute parties, itself included, voted for S:

    q(all contributors) = t + 1,    q(any other set) = max(n - t, n // 2 + 1).

Two different sets cannot both get enough votes, as every party has one: if one of them is all
contributors, t + 1 + (n - t) > n; if neither is, 2 (n // 2 + 1) > n. So while parties only crash,
no two sets are ever opened. If no set gets enough votes, every party stops and nothing is opened.

A party votes for S when it heard the consents itself; or when it consented to S and hears a vote
for S, whose voter did. So a party that refuses, that is stopped, or that is cut off by the network
before it consented is in no set that can be opened: its silence is a no. One that consented may
crash, and is counted. A voter decides in the round of its vote, or one later if a peer was behind.

Where compute parties may lie (active security), one could vote for several sets, or for a set to
which not all have consented. So all n must vote, and a party believes no other's word about a
consent: every honest party hears every other honest party's consent and only vote from itself.

Rounds: 2 when all hold the same and are there; otherwise 1 or 2 more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostraka.delivery.cost import Cost
from ostraka.delivery.party import Party
from ostraka.errors import Aborted, OstrakaError, PeerLost, PeerViolation
from ostraka.exchange import Expected, octets
from ostraka.names import PartyId, Step
from ostraka.sharing.scheme import Scheme

Mask = NDArray[np.uint8]
"""Bits, one for every contributor, in manifest order, least significant bit first."""

Set = tuple[PartyId, ...]
"""Set of contributors, in manifest order."""

Allow = Callable[[Set], Awaitable[None]]
"""Permission to count a set of contributors; raises OstrakaError to refuse."""


def to_mask(members: Iterable[PartyId], contributors: Sequence[PartyId]) -> Mask:
    """Return the bit mask of a set of contributors."""
    chosen = set(members)
    return np.packbits([c in chosen for c in contributors], bitorder="little")


def from_mask(mask: Mask, contributors: Sequence[PartyId]) -> Set:
    """Return the set that a mask stands for; ValueError when a bit belongs to no contributor."""
    bits = np.unpackbits(mask, bitorder="little")
    if bits[len(contributors) :].any():
        raise ValueError("the mask has bits beyond the last contributor")
    return tuple(c for c, bit in zip(contributors, bits, strict=False) if bit)


def mask_bytes(contributors: Sequence[PartyId]) -> int:
    """Return the bytes of a mask."""
    return (len(contributors) + 7) // 8


def add_cost(scheme: Scheme, total: Cost) -> None:
    """Add an agreement's rounds, messages and bytes to `total`."""
    for _ in ("consents", "votes"):
        total.rounds += 1
        for party in scheme.compute:
            total.send(party, scheme.compute, 1 + mask_bytes(scheme.contributors))


async def allow_all(_: Set) -> None:
    """Refuse no set."""


class Stance(IntEnum):
    """Stances of a compute party on a set of contributors."""

    REFUSAL = 0
    CONSENT = 1
    VOTE = 2


class Said(NamedTuple):
    """Statement of a compute party in one round.

    Attributes:
        kind: what it says.
        of: the set of contributors, in manifest order; nothing in a refusal.
    """

    kind: Stance
    of: Set = ()


class Agreement:
    """Agreement of one run: making it begins its two phases, at every party of the run alike."""

    def __init__(self, party: Party) -> None:
        self._party, self._attendance = party, party.attendance
        self._first, self._later = party.begin_phase(), party.begin_phase()
        self._allow: Allow = allow_all
        self._consented: set[Set] = set()
        self._late: dict[PartyId, Mask] = {}

    async def reach(self, held: Iterable[PartyId], allow: Allow = allow_all) -> Set:
        """Compute party: return the one set of contributors that may be opened.

        Args:
            held: the contributors whose shares this party holds.
            allow: asked about each set before this party consents to it; raises OstrakaError to
                stop all compute parties.

        Raises:
            PeerViolation: a party denies to hold a share that it must hold to be here.
            Aborted: no set found enough votes, or a party refused; nothing is opened. Names the
                missing parties, or those that refused.
        """
        self._allow = allow
        own = await self._consent(self._in_order(held), self._step(0))
        for number in range(2 * len(self._attendance.compute)):
            heard = await self._round(self._step(number), own)
            _stop_if_refused(heard)
            self._reject_denials(heard)
            after = self._step(number + 1)
            if own.kind is Stance.VOTE:
                behind = self._tell_those_behind(after, own, heard)
                return await self._elected(own, heard, behind)
            own = await self._next(after, own, heard)
        raise self._undecided(own.of, 0)

    def _step(self, number: int) -> Step:
        """Return the step of a round. Later ones have more patience, with peers that waited."""
        return self._first if number == 0 else self._later.later(number - 1)

    def _in_order(self, those: Iterable[PartyId]) -> Set:
        chosen = set(those)
        return tuple(c for c in self._attendance.contributors if c in chosen)

    async def _round(self, step: Step, own: Said) -> dict[PartyId, Said]:
        """Broadcast a statement; return those of all who are still there, this party's included."""
        party = self._party
        if own.kind is Stance.VOTE:
            await party.exchange.persist()
        self._say(step, own, party.scheme.compute)
        heard = await party.gather_if_there(party.scheme.compute, step, self._expected)
        return {party.me: own, **{p: _read(party, p, message) for p, message in heard.items()}}

    @property
    def _expected(self) -> Expected:
        return octets(1 + mask_bytes(self._attendance.contributors))

    def _say(self, step: Step, said: Said, to: Iterable[PartyId]) -> None:
        mask = to_mask(said.of, self._attendance.contributors)
        message = np.concatenate((np.array([said.kind], np.uint8), mask))
        there = [party for party in to if party not in self._party.lost]
        self._party.exchange.broadcast(there, step, message)

    async def _consent(self, counted: Set, step: Step) -> Said:
        """Return the consent to a set; where the rules forbid it, tell the others and raise."""
        try:
            await self._allow(counted)
        except OstrakaError:
            self._say(step, Said(Stance.REFUSAL), self._attendance.compute)
            raise
        self._consented.add(counted)
        return Said(Stance.CONSENT, counted)

    async def _next(self, step: Step, own: Said, heard: dict[PartyId, Said]) -> Said:
        """Return what to say in the next round, after one in which this party did not vote."""
        if voted := [said.of for said in heard.values() if said.kind is Stance.VOTE]:
            return self._follow(voted, own)
        counted = self._smaller(heard)
        expendable = all(map(self._attendance.may_be_missing, set(own.of) - set(counted)))
        if len(heard) < self._attendance.votes(counted) or not expendable:
            raise self._undecided(counted, len(heard))
        if counted != own.of:
            return await self._consent(counted, step)
        all_agree = all(said.of == counted for said in heard.values())
        return Said(Stance.VOTE, counted) if all_agree else own

    def _follow(self, voted: Sequence[Set], own: Said) -> Said:
        """Return a vote for the first set that a peer voted for and this party consented to."""
        for of in voted:
            if of in self._consented and not self._attendance.lying:
                return Said(Stance.VOTE, of)
        raise self._undecided(own.of, 0)

    def _tell_those_behind(
        self, step: Step, own: Said, heard: dict[PartyId, Said]
    ) -> list[PartyId]:
        """Repeat a vote to those who have not voted yet, and return them.

        They send one statement more, at this step.
        """
        behind = [name for name, said in heard.items() if said.kind is not Stance.VOTE]
        self._say(step, own, behind)
        self._party.expect_aside(behind, step, self._expected, self._late.__setitem__)
        return behind

    async def _elected(
        self, own: Said, heard: dict[PartyId, Said], behind: Iterable[PartyId]
    ) -> Set:
        """Return the set this party voted for, if enough did; wait for those behind if need be."""
        votes = list(heard.values()).count(own)
        if votes < self._attendance.votes(own.of):
            votes += [await self._late_statement(name) for name in behind].count(own)
        if votes < self._attendance.votes(own.of):
            raise self._undecided(own.of, votes)
        return own.of

    async def _late_statement(self, name: PartyId) -> Said | None:
        with suppress(PeerLost):
            await self._party.hear_asides(name)
            return _read(self._party, name, self._late[name])
        self._party.lost.append(name)
        return None

    def _smaller(self, heard: dict[PartyId, Said]) -> Set:
        """Return the set that all who were heard may consent to, without those who were not."""
        common = set.intersection(*(set(said.of) for said in heard.values()))
        silent = {party for party in self._attendance.compute if party not in heard}
        return self._in_order(common - silent)

    def _reject_denials(self, heard: dict[PartyId, Said]) -> None:
        """Raise PeerViolation if a party denies to hold a share without which it cannot be here.

        So a liar cannot have an honest contributor that must be counted left out.
        """
        must = [c for c in self._attendance.contributors if not self._attendance.may_be_missing(c)]
        for name, said in heard.items():
            if denied := [c for c in must if c not in said.of]:
                raise PeerViolation(
                    f"{name} says that it has no share from {', '.join(denied)}, which cannot be; "
                    "nothing was revealed",
                    peer=name,
                )

    def _undecided(self, counted: Set, in_favour: int) -> Aborted:
        missing = [c for c in self._attendance.contributors if c not in counted]
        lost = ", ".join(self._party.lost) or "none"
        return Aborted(
            f"the compute parties could not agree on whom to count: only {in_favour} of "
            f"{len(self._attendance.compute)} hold the same shares (lost: {lost}; "
            f"without a share: {', '.join(missing) or 'none'}); nothing was revealed",
            hint="run it again with all parties",
        )


def _stop_if_refused(heard: dict[PartyId, Said]) -> None:
    if refusing := [name for name, said in heard.items() if said.kind is Stance.REFUSAL]:
        raise refused(refusing)


def refused(refusing: Sequence[PartyId]) -> Aborted:
    """Return the error for a set that some compute parties refuse to count."""
    return Aborted(
        f"{', '.join(refusing)} refused to count whose shares arrived; nothing was revealed",
        hint="ask why: its own ledger or the policy forbids it",
    )


def _read(party: Party, sender: PartyId, message: Mask) -> Said:
    """Return a peer's statement; PeerViolation naming the peer when it is malformed."""
    of = read_mask(party, sender, message[1:])
    try:
        return Said(Stance(message[0]), of)
    except ValueError:
        raise PeerViolation(f"{sender} says nothing known of a set", peer=sender) from None


def read_mask(party: Party, sender: PartyId, mask: Mask) -> Set:
    """Return the set in a peer's mask; PeerViolation naming the peer when it is malformed."""
    try:
        return from_mask(mask, party.scheme.contributors)
    except ValueError as problem:
        raise PeerViolation(
            f"{sender} sent a malformed set of contributors: {problem}", peer=sender
        ) from None
