"""One direction of the link between two parties, as a table.

The messages that a peer may send next follow from those it has sent before, and from nothing else.

    state    Hello    Ready    Vector   Statement  Abort    Relayed  Resume   Omission
    hello    ready    -        -        -          closed   -        hello    -
    ready    -        open     -        -          closed   ready    -        ready
    open     -        -        open     ended      closed   open     -        -
    ended    -        -        -        -          closed   ended    -        -
    closed   -        -        -        -          -        -        -        -

Resume is no part of a stream: on a later connection it says which stream goes on. A Hello after it
begins a new one.

A compute party relays Hellos before its own Ready, Readys after it, Statements at the end. Where a
session may begin without some parties, Omissions before the Ready say which.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ostraka.errors import PeerViolation
from ostraka.wire.messages import (
    Abort,
    Hello,
    Message,
    Omission,
    Ready,
    Relayed,
    Resume,
    Statement,
    Vector,
)


class LinkState(StrEnum):
    """Progress of a peer on a link."""

    HELLO = "hello"
    READY = "ready"
    OPEN = "open"
    ENDED = "ended"
    CLOSED = "closed"


TABLE: Final[dict[tuple[LinkState, type[Message]], LinkState]] = {
    (LinkState.HELLO, Hello): LinkState.READY,
    (LinkState.HELLO, Abort): LinkState.CLOSED,
    (LinkState.HELLO, Resume): LinkState.HELLO,
    (LinkState.READY, Ready): LinkState.OPEN,
    (LinkState.READY, Relayed): LinkState.READY,
    (LinkState.READY, Omission): LinkState.READY,
    (LinkState.READY, Abort): LinkState.CLOSED,
    (LinkState.OPEN, Vector): LinkState.OPEN,
    (LinkState.OPEN, Relayed): LinkState.OPEN,
    (LinkState.OPEN, Statement): LinkState.ENDED,
    (LinkState.OPEN, Abort): LinkState.CLOSED,
    (LinkState.ENDED, Relayed): LinkState.ENDED,
    (LinkState.ENDED, Abort): LinkState.CLOSED,
}


def after(state: LinkState, message: Message) -> LinkState:
    """Return the state after `message`.

    Raises:
        PeerViolation: the peer may not send such a message in `state`.
    """
    try:
        return TABLE[state, type(message)]
    except KeyError:
        raise PeerViolation(
            f"a {type(message).__name__} message on a link that is {state.value!r}"
        ) from None
