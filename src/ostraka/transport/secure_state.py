"""States of a secure link's bytes, as a table; the same for the TLS client and the TLS server.

    state      certified  secured  goodbye  lost      fail
    preamble   handshake  -        -        ended     ended
    handshake  -          open     -        ended     ended
    open       -          -        closing  draining  ended
    closing    -          -        -        ended     ended
    draining   -          -        -        -         ended
    ended      -          -        -        -         -

preamble: each side shows its certificate in the clear. handshake: TLS 1.3 proves that each side has
the key of the certificate it showed. open: bytes travel. closing: we have said TLS's goodbye, so
nothing may follow it. draining: the carrier is gone, but what it brought has not been read yet.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ostraka.errors import InternalError


class State(StrEnum):
    """States of a secure link."""

    PREAMBLE = "preamble"
    HANDSHAKE = "handshake"
    OPEN = "open"
    CLOSING = "closing"
    DRAINING = "draining"
    ENDED = "ended"


class Event(StrEnum):
    """Events that change the state of a secure link."""

    CERTIFIED = "certified"
    SECURED = "secured"
    GOODBYE = "goodbye"
    LOST = "lost"
    FAIL = "fail"


TABLE: Final[dict[tuple[State, Event], State]] = {
    (State.PREAMBLE, Event.CERTIFIED): State.HANDSHAKE,
    (State.PREAMBLE, Event.LOST): State.ENDED,
    (State.PREAMBLE, Event.FAIL): State.ENDED,
    (State.HANDSHAKE, Event.SECURED): State.OPEN,
    (State.HANDSHAKE, Event.LOST): State.ENDED,
    (State.HANDSHAKE, Event.FAIL): State.ENDED,
    (State.OPEN, Event.GOODBYE): State.CLOSING,
    (State.OPEN, Event.LOST): State.DRAINING,
    (State.OPEN, Event.FAIL): State.ENDED,
    (State.CLOSING, Event.LOST): State.ENDED,
    (State.CLOSING, Event.FAIL): State.ENDED,
    (State.DRAINING, Event.FAIL): State.ENDED,
}


def after(state: State, event: Event) -> State:
    """Return the state that follows on `event` in `state`.

    Raises:
        InternalError: `event` cannot happen in `state`.
    """
    try:
        return TABLE[state, event]
    except KeyError:
        raise InternalError(f"{event.value!r} on a secure link in state {state.value!r}") from None
