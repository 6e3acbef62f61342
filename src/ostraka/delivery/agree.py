"""Compute parties agree on which contributors are counted. Needed for Shamir sharing only.

Two sums over different sets of contributors would differ by somebody's input, so at most one set
may ever be opened, although parties may go missing at any moment.

Round A: each compute party broadcasts which contributors' shares it holds. Each takes S, the
intersection of what it heard and holds itself. Round B: each votes, once, for its S. A party
opens the sum over S only after q(S) distinct compute parties, itself included, voted for S:

    q(everybody) = t + 1,    q(any other set) = max(n - t, n // 2 + 1).

Two different sets cannot both get enough votes, as every party has one: if one of them is
everybody, t + 1 + (n - t) > n; if neither is, 2 (n // 2 + 1) > n. So while parties only crash, no
two sets are ever opened; and when every contributor got through to everybody, t + 1 surviving
compute parties finish. If no set has enough votes, everything stops and nothing is opened.

A party that may not let a set be opened (its policy or its ledger says so) votes for nobody, and
whoever hears that stops: the others could go on without its vote, and have its input.

Where compute parties may lie (active security), one could vote for several sets; so all n must
vote for one, and every honest party hears every other honest party's only vote.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ostraka.delivery.cost import Cost
from ostraka.delivery.party import Party
from ostraka.errors import Aborted, OstrakaError, PeerViolation
from ostraka.exchange import octets
from ostraka.names import PartyId, Step
from ostraka.sharing.scheme import Scheme

Mask = NDArray[np.uint8]
"""One bit for every contributor, in manifest order, least significant bit first."""

STEPS = 2


def quorum(n: int, t: int, *, everybody: bool) -> int:
    """How many of n compute parties must vote for a set before it is opened."""
    return t + 1 if everybody else max(n - t, n // 2 + 1)


def to_mask(members: Iterable[PartyId], contributors: Sequence[PartyId]) -> Mask:
    """The bit mask of a set of contributors."""
    chosen = set(members)
    return np.packbits([c in chosen for c in contributors], bitorder="little")


def from_mask(mask: Mask, contributors: Sequence[PartyId]) -> tuple[PartyId, ...]:
    """The set a mask stands for; ValueError when it has bits for nobody."""
    bits = np.unpackbits(mask, bitorder="little")
    if bits[len(contributors) :].any():
        raise ValueError("the mask has bits beyond the last contributor")
    return tuple(c for c, bit in zip(contributors, bits, strict=False) if bit)


def mask_bytes(contributors: Sequence[PartyId]) -> int:
    """Bytes of a mask."""
    return (len(contributors) + 7) // 8


def cost(scheme: Scheme, total: Cost) -> None:
    """Add an agreement's rounds, messages and bytes to `total`."""
    total.rounds += STEPS
    for party in scheme.compute:
        total.send(party, scheme.compute, STEPS * mask_bytes(scheme.contributors), STEPS)


async def agree(
    party: Party,
    held: Iterable[PartyId],
    allow: Callable[[tuple[PartyId, ...]], None] = lambda _: None,
    certain: Collection[PartyId] = (),
) -> tuple[PartyId, ...]:
    """The one set of contributors that may be opened, given those whose shares we hold.

    Takes `STEPS` steps, every compute party alike.

    Args:
        allow: asked about the set before we vote for it; raises OstrakaError to stop everybody.
        certain: contributors whose shares every honest party holds, or it would not be here: so a
            liar cannot have them left out, down to one and itself.

    Raises:
        PeerViolation: a party says that it holds none from somebody who is certain.
        Aborted: no set found enough votes, or somebody refused; nothing is opened. Names who is
            missing, or who refused.
    """
    mine = await _round(party, tuple(held))
    for name, theirs in mine.items():
        if denied := [c for c in certain if c not in theirs]:
            raise PeerViolation(
                f"{name} says that it has no share from {', '.join(denied)}, which cannot be; "
                "nothing was revealed",
                peer=name,
            )
    held_by_all = set.intersection(*map(set, mine.values()))
    counted = tuple(c for c in party.scheme.contributors if c in held_by_all)
    n, t = len(party.scheme.compute), party.scheme.colluders
    everybody = counted == party.scheme.contributors
    enough = n if party.scheme.lying else quorum(n, t, everybody=everybody)
    if len(mine) < enough:
        raise Aborted(_explanation(party, counted, len(mine)), hint="run it again with everybody")
    try:
        allow(counted)
    except OstrakaError:
        _vote(party, ())
        raise
    votes = await _round(party, counted)
    if refusing := [name for name, vote in votes.items() if not vote]:
        raise Aborted(
            f"{', '.join(refusing)} refused to count whose shares arrived; nothing was revealed",
            hint="ask why: its own ledger or the policy forbids it",
        )
    in_favour = sum(vote == counted for vote in votes.values())
    if in_favour < enough:
        raise Aborted(_explanation(party, counted, in_favour), hint="run it again with everybody")
    return counted


async def _round(
    party: Party, statement: tuple[PartyId, ...]
) -> dict[PartyId, tuple[PartyId, ...]]:
    """Broadcast a set; return everybody's who is still there, our own included."""
    step = _vote(party, statement)
    party.patience += 1
    expected = octets(mask_bytes(party.scheme.contributors))
    heard = await party.gather_live(party.scheme.compute, step, expected)
    return {party.me: statement, **{p: read_mask(party, p, mask) for p, mask in heard.items()}}


def _vote(party: Party, statement: tuple[PartyId, ...]) -> Step:
    """Broadcast a set."""
    step = party.next_steps()
    mask = to_mask(statement, party.scheme.contributors)
    party.exchange.broadcast(party.scheme.compute, step, mask)
    return step


def read_mask(party: Party, sender: PartyId, mask: Mask) -> tuple[PartyId, ...]:
    """A peer's mask as a set; PeerViolation naming it when the mask is malformed."""
    try:
        return from_mask(mask, party.scheme.contributors)
    except ValueError as problem:
        raise PeerViolation(
            f"{sender} sent a malformed set of contributors: {problem}", peer=sender
        ) from None


def _explanation(party: Party, counted: tuple[PartyId, ...], in_favour: int) -> str:
    missing = [c for c in party.scheme.contributors if c not in counted]
    lost = ", ".join(party.lost) or "nobody"
    return (
        f"the compute parties could not agree on whom to count: only {in_favour} of "
        f"{len(party.scheme.compute)} hold the same shares (lost: {lost}; "
        f"without a share: {', '.join(missing) or 'nobody'}); nothing was revealed"
    )
