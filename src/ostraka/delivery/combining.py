"""Combining announced shares to the value they open to, and naming parties that contradict it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ostraka.arithmetic.randomness import Words
from ostraka.delivery.party import Party
from ostraka.errors import Aborted, PeerViolation
from ostraka.names import PartyId
from ostraka.sharing.scheme import InconsistentShares

COMBINE_NS: Final = 9
"""Nanoseconds to interpolate an element from Shamir shares, for each share, about."""


def combined(party: Party, shares: dict[PartyId, Words], *, proven: bool = False) -> Words:
    """Return the value that shares open to.

    Args:
        proven: honest parties hold shares of one value each, so a party that contradicts them
            lies: that is noted, and corrected if it can be.

    Raises:
        Aborted: too few came.
        PeerViolation: they contradict each other, or are no shares.
    """
    require_enough(party, len(shares))
    for sender, vector in shares.items():
        try:
            party.scheme.check(vector)
        except ValueError as problem:
            raise PeerViolation(f"{sender} announced no share: {problem}", peer=sender) from None
    try:
        return party.scheme.combine(shares)
    except InconsistentShares:
        pass
    try:
        value, wrong = party.scheme.corrected(shares)
    except InconsistentShares:
        raise _contradiction(list(shares)) from None
    if not proven:
        raise _contradiction(list(shares), wrong)
    note_liars(party, wrong)
    return value


def require_enough(party: Party, count: int) -> None:
    """Raise Aborted unless so many announcements are enough for a result."""
    enough = party.attendance.announcements
    if count < enough:
        raise Aborted(
            f"only {count} compute parties announced a share and {enough} are needed "
            f"(lost: {', '.join(party.lost) or 'none'})",
            peer=party.lost[0] if party.lost else None,
        )


def note_liars(party: Party, liars: Iterable[PartyId]) -> None:
    """Note each of `liars` once."""
    party.liars += [liar for liar in liars if liar not in party.liars]


def _contradiction(parties: Sequence[PartyId], wrong: Sequence[PartyId] = ()) -> PeerViolation:
    """Return an error that names the wrong shares where that is certain, but not whose fault."""
    hint = "find out which party is faulty before running again"
    if wrong:
        names = " and ".join(wrong)
        return PeerViolation(
            f"the shares that {names} announced contradict all others; no result was computed",
            hint=f"{hint}: {names}, or a party that gave them wrong shares",
        )
    return PeerViolation(
        f"the shares announced by {', '.join(parties)} contradict each other: at least one of them "
        "is wrong, and no result was computed",
        hint=hint,
    )
