"""Agreement of the compute parties on which contributors are counted, where some may be missing.

Two sums over different sets of contributors would differ by a contributor's input, so at most one
set may ever be opened, although parties may go missing at any moment.

Round A, holdings: each compute party broadcasts which contributors' shares it holds. Each takes S,
the intersection of what it heard and holds itself. Round B, votes: each votes, once, for its S. A
party opens the sum over S only after q(S) distinct compute parties, itself included, voted for S:

    q(all contributors) = t + 1,    q(any other set) = max(n - t, n // 2 + 1).

Two different sets cannot both get enough votes, as every party has one: if one of them is all
contributors, t + 1 + (n - t) > n; if neither is, 2 (n // 2 + 1) > n. So while parties only crash,
no two sets are ever opened; and when the shares of all contributors got through to all compute
parties, t + 1 surviving compute parties finish. If no set has enough votes, every party stops and
nothing is opened.

A party that may not let a set be opened (its policy or its ledger says so) votes for the empty
set, and a party that hears such a vote stops: the others could go on without that vote, and have
the input of the party that refused.

Where compute parties may lie (active security), one could vote for several sets; so all n must
vote for one, and every honest party hears every other honest party's only vote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ostraka.delivery.cost import Cost
from ostraka.delivery.party import Party
from ostraka.errors import Aborted, OstrakaError, PeerViolation
from ostraka.exchange import octets
from ostraka.names import PartyId, Step
from ostraka.sharing.scheme import Scheme

Mask = NDArray[np.uint8]
"""Bits, one for every contributor, in manifest order, least significant bit first."""

Allow = Callable[[tuple[PartyId, ...]], None]
"""Permission to count a set of contributors; raises OstrakaError to refuse."""


def to_mask(members: Iterable[PartyId], contributors: Sequence[PartyId]) -> Mask:
    """Return the bit mask of a set of contributors."""
    chosen = set(members)
    return np.packbits([c in chosen for c in contributors], bitorder="little")


def from_mask(mask: Mask, contributors: Sequence[PartyId]) -> tuple[PartyId, ...]:
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
    for _ in ("holdings", "votes"):
        total.rounds += 1
        for party in scheme.compute:
            total.send(party, scheme.compute, mask_bytes(scheme.contributors))


def _allow_all(_: tuple[PartyId, ...]) -> None:
    """Refuse no set."""


class Agreement:
    """Agreement of one run: making it begins its two phases, at every party of the run alike."""

    def __init__(self, party: Party) -> None:
        self._party, self._attendance = party, party.attendance
        self._holding, self._voting = party.begin_phase(), party.begin_phase()

    async def reach(
        self, held: Iterable[PartyId], allow: Allow = _allow_all
    ) -> tuple[PartyId, ...]:
        """Compute party: return the one set of contributors that may be opened.

        Args:
            held: the contributors whose shares this party holds.
            allow: asked about the set before this party votes for it; raises OstrakaError to stop
                all compute parties.

        Raises:
            PeerViolation: a party denies to hold a share that it must hold to be here.
            Aborted: no set found enough votes, or a party refused; nothing is opened. Names the
                missing parties, or those that refused.
        """
        holdings = await self._round(self._holding, tuple(held))
        self._reject_denials(holdings)
        held_by_all = set.intersection(*map(set, holdings.values()))
        counted = tuple(c for c in self._attendance.contributors if c in held_by_all)
        self._require_votes(counted, len(holdings))
        try:
            allow(counted)
        except OstrakaError:
            self._say(self._voting, ())
            raise
        votes = await self._round(self._voting, counted)
        _stop_if_refused(votes)
        self._require_votes(counted, sum(vote == counted for vote in votes.values()))
        return counted

    async def _round(
        self, step: Step, statement: tuple[PartyId, ...]
    ) -> dict[PartyId, tuple[PartyId, ...]]:
        """Broadcast a set; return the sets of all who are still there, this party's included."""
        party = self._party
        self._say(step, statement)
        expected = octets(mask_bytes(party.scheme.contributors))
        heard = await party.gather_if_there(party.scheme.compute, step, expected)
        return {party.me: statement, **{p: read_mask(party, p, mask) for p, mask in heard.items()}}

    def _say(self, step: Step, statement: tuple[PartyId, ...]) -> None:
        mask = to_mask(statement, self._attendance.contributors)
        self._party.exchange.broadcast(self._attendance.compute, step, mask)

    def _reject_denials(self, holdings: dict[PartyId, tuple[PartyId, ...]]) -> None:
        """Raise PeerViolation if a party denies to hold a share without which it cannot be here.

        So a liar cannot have an honest contributor that must be counted left out.
        """
        must = [c for c in self._attendance.contributors if not self._attendance.may_be_missing(c)]
        for name, theirs in holdings.items():
            if denied := [c for c in must if c not in theirs]:
                raise PeerViolation(
                    f"{name} says that it has no share from {', '.join(denied)}, which cannot be; "
                    "nothing was revealed",
                    peer=name,
                )

    def _require_votes(self, counted: tuple[PartyId, ...], in_favour: int) -> None:
        if in_favour >= self._attendance.votes(counted):
            return
        missing = [c for c in self._attendance.contributors if c not in counted]
        lost = ", ".join(self._party.lost) or "none"
        raise Aborted(
            f"the compute parties could not agree on whom to count: only {in_favour} of "
            f"{len(self._attendance.compute)} hold the same shares (lost: {lost}; "
            f"without a share: {', '.join(missing) or 'none'}); nothing was revealed",
            hint="run it again with all parties",
        )


def _stop_if_refused(votes: dict[PartyId, tuple[PartyId, ...]]) -> None:
    if refusing := [name for name, vote in votes.items() if not vote]:
        raise Aborted(
            f"{', '.join(refusing)} refused to count whose shares arrived; nothing was revealed",
            hint="ask why: its own ledger or the policy forbids it",
        )


def read_mask(party: Party, sender: PartyId, mask: Mask) -> tuple[PartyId, ...]:
    """Return the set in a peer's mask; PeerViolation naming the peer when it is malformed."""
    try:
        return from_mask(mask, party.scheme.contributors)
    except ValueError as problem:
        raise PeerViolation(
            f"{sender} sent a malformed set of contributors: {problem}", peer=sender
        ) from None
