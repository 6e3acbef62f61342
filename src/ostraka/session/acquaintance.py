"""Acquaintance of this party with another, from before its Hello to its Ready, as a table.

    state     hello     doubt     left      patience  seal      ready     omit
    awaited   present   doubted   awaited   -         -         -         absent
    doubted   present   doubted   doubted   rejected  -         -         absent
    present   -         -         awaited   -         bound     ready     absent
    bound     -         -         lost      -         -         ready     -
    ready     -         -         lost      -         ready     -         absent
    absent    -         absent    absent    absent    -         -         -
    rejected, lost: final, the session does not take place

hello: a Hello with our manifest's digest has verified. doubt: the party showed another manifest, or
says that a party of our name is there already. Another session may be the cause of both, so we wait
for a moment. patience: that moment is over. left: the link to the party has ended, or
its relayer has taken back its Hello. seal: all parties are present, and our Ready leaves. ready:
its Ready has verified. omit: the session begins without the party.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ostraka.errors import OstrakaError, PeerViolation
from ostraka.wire.messages import Hello, Ready

DUPLICATE: Final = "duplicate"
"""Abort code for a party that opens a link while we hold another link to it."""

LATE: Final = "late"
"""Abort code for a party that comes when the session has begun without it; `blames` says which
session, and when."""


class PeerState(StrEnum):
    """Knowledge of one other party."""

    AWAITED = "awaited"
    DOUBTED = "doubted"
    PRESENT = "present"
    BOUND = "bound"
    READY = "ready"
    REJECTED = "rejected"
    LOST = "lost"
    ABSENT = "absent"


class PeerEvent(StrEnum):
    """News of one other party."""

    HELLO = "hello"
    DOUBT = "doubt"
    LEFT = "left"
    PATIENCE = "patience"
    SEAL = "seal"
    READY = "ready"
    OMIT = "omit"


TABLE: Final[dict[tuple[PeerState, PeerEvent], PeerState]] = {
    (PeerState.AWAITED, PeerEvent.HELLO): PeerState.PRESENT,
    (PeerState.AWAITED, PeerEvent.DOUBT): PeerState.DOUBTED,
    (PeerState.AWAITED, PeerEvent.LEFT): PeerState.AWAITED,
    (PeerState.DOUBTED, PeerEvent.HELLO): PeerState.PRESENT,
    (PeerState.DOUBTED, PeerEvent.DOUBT): PeerState.DOUBTED,
    (PeerState.DOUBTED, PeerEvent.LEFT): PeerState.DOUBTED,
    (PeerState.DOUBTED, PeerEvent.PATIENCE): PeerState.REJECTED,
    (PeerState.PRESENT, PeerEvent.LEFT): PeerState.AWAITED,
    (PeerState.PRESENT, PeerEvent.SEAL): PeerState.BOUND,
    (PeerState.PRESENT, PeerEvent.READY): PeerState.READY,
    (PeerState.BOUND, PeerEvent.LEFT): PeerState.LOST,
    (PeerState.BOUND, PeerEvent.READY): PeerState.READY,
    (PeerState.READY, PeerEvent.LEFT): PeerState.LOST,
    (PeerState.READY, PeerEvent.SEAL): PeerState.READY,
    (PeerState.AWAITED, PeerEvent.OMIT): PeerState.ABSENT,
    (PeerState.DOUBTED, PeerEvent.OMIT): PeerState.ABSENT,
    (PeerState.PRESENT, PeerEvent.OMIT): PeerState.ABSENT,
    (PeerState.READY, PeerEvent.OMIT): PeerState.ABSENT,
    (PeerState.ABSENT, PeerEvent.DOUBT): PeerState.ABSENT,
    (PeerState.ABSENT, PeerEvent.LEFT): PeerState.ABSENT,
    (PeerState.ABSENT, PeerEvent.PATIENCE): PeerState.ABSENT,
}

HERE: Final = frozenset({PeerState.PRESENT, PeerState.BOUND, PeerState.READY})


def after(state: PeerState, event: PeerEvent) -> PeerState:
    """Return the state after `event`.

    Raises:
        PeerViolation: the event cannot happen in `state`.
    """
    try:
        return TABLE[state, event]
    except KeyError:
        raise PeerViolation(f"a {event.value} of a party that is {state.value}") from None


@dataclass(slots=True)
class Acquaintance:
    """Knowledge of one other party.

    Attributes:
        certificate: in DER form, checked against its pin; empty while the party is not here.
        hello, ready: the verified messages of the party, None before.
        doubt: the error that ends the session if our patience ends first; None without a doubt.
        trouble: why no link to the party could be made last time.
        tired: whether the party was here and has given up waiting for other parties.
    """

    state: PeerState = PeerState.AWAITED
    certificate: bytes = b""
    hello: Hello | None = None
    ready: Ready | None = None
    doubt: OstrakaError | None = None
    trouble: str = ""
    tired: bool = False

    def happen(self, event: PeerEvent) -> None:
        """Move on. Raises as `after`."""
        self.state = after(self.state, event)
