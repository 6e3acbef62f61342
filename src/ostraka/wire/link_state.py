"""One direction of the link between two parties, as a table.

What a peer may send next depends on what it has sent before, and on nothing else.

    state    Hello    Ready    Vector   Statement  Abort
    hello    ready    -        -        -          closed
    ready    -        open     -        -          closed
    open     -        -        open     closed     closed
    closed   -        -        -        -          -
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ostraka.errors import PeerViolation
from ostraka.wire.messages import Abort, Hello, Message, Ready, Statement, Vector


class State(StrEnum):
    """What has been said on a link."""

    HELLO = "hello"
    READY = "ready"
    OPEN = "open"
    CLOSED = "closed"


TABLE: Final[dict[tuple[State, type[Message]], State]] = {
    (State.HELLO, Hello): State.READY,
    (State.HELLO, Abort): State.CLOSED,
    (State.READY, Ready): State.OPEN,
    (State.READY, Abort): State.CLOSED,
    (State.OPEN, Vector): State.OPEN,
    (State.OPEN, Statement): State.CLOSED,
    (State.OPEN, Abort): State.CLOSED,
}


def after(state: State, message: Message) -> State:
    """The state after `message`.

    Raises:
        PeerViolation: the message is not allowed in `state`.
    """
    try:
        return TABLE[state, type(message)]
    except KeyError:
        raise PeerViolation(
            f"a {type(message).__name__} message on a link that is {state.value!r}"
        ) from None
