"""One direction of the link between two parties, as a table.

The messages that a peer may send next follow from those it has sent before, and from nothing else.

    state    Hello    Ready    Vector   Statement  Abort    Relayed
    hello    ready    -        -        -          closed   -
    ready    -        open     -        -          closed   ready
    open     -        -        open     ended      closed   open
    ended    -        -        -        -          closed   ended
    closed   -        -        -        -          -        -

A compute party relays Hellos before its own Ready, Readys after it, Statements at the end.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ostraka.errors import PeerViolation
from ostraka.wire.messages import Abort, Hello, Message, Ready, Relayed, Statement, Vector


class State(StrEnum):
    """Progress of a peer on a link."""

    HELLO = "hello"
    READY = "ready"
    OPEN = "open"
    ENDED = "ended"
    CLOSED = "closed"


TABLE: Final[dict[tuple[State, type[Message]], State]] = {
    (State.HELLO, Hello): State.READY,
    (State.HELLO, Abort): State.CLOSED,
    (State.READY, Ready): State.OPEN,
    (State.READY, Relayed): State.READY,
    (State.READY, Abort): State.CLOSED,
    (State.OPEN, Vector): State.OPEN,
    (State.OPEN, Relayed): State.OPEN,
    (State.OPEN, Statement): State.ENDED,
    (State.OPEN, Abort): State.CLOSED,
    (State.ENDED, Relayed): State.ENDED,
    (State.ENDED, Abort): State.CLOSED,
}


def after(state: State, message: Message) -> State:
    """Return the state that a link in `state` has after the peer's `message`.

    Raises:
        PeerViolation: the peer may not send such a message in `state`.
    """
    try:
        return TABLE[state, type(message)]
    except KeyError:
        raise PeerViolation(
            f"a {type(message).__name__} message on a link that is {state.value!r}"
        ) from None
