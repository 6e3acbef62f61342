"""The life of a session at one party, as a table.

    state      gathered  sealed   computing  revealed  fail     expire
    gathering  sealing   -        -          -         aborted  expired
    sealing    -         sharing  -          -         aborted  expired
    sharing    -         -        computing  revealed  aborted  -
    computing  -         -        -          revealed  aborted  -
    revealed   -         -        -          -         -        -
    aborted, expired: final

gathering: links are made and each peer's signed manifest digest is checked. sealing: everybody
is there; the session id, which contains a nonce from each, is compared. Only then the first share
may leave. A party without a compute role goes from sharing to revealed (nothing, to a contributor).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ostraka.errors import InternalError


class State(StrEnum):
    """Where a session stands."""

    GATHERING = "gathering"
    SEALING = "sealing"
    SHARING = "sharing"
    COMPUTING = "computing"
    REVEALED = "revealed"
    ABORTED = "aborted"
    EXPIRED = "expired"


class Event(StrEnum):
    """What may happen to it."""

    GATHERED = "gathered"
    SEALED = "sealed"
    COMPUTING = "computing"
    REVEALED = "revealed"
    FAIL = "fail"
    EXPIRE = "expire"


TABLE: Final[dict[tuple[State, Event], State]] = {
    (State.GATHERING, Event.GATHERED): State.SEALING,
    (State.GATHERING, Event.FAIL): State.ABORTED,
    (State.GATHERING, Event.EXPIRE): State.EXPIRED,
    (State.SEALING, Event.SEALED): State.SHARING,
    (State.SEALING, Event.FAIL): State.ABORTED,
    (State.SEALING, Event.EXPIRE): State.EXPIRED,
    (State.SHARING, Event.COMPUTING): State.COMPUTING,
    (State.SHARING, Event.REVEALED): State.REVEALED,
    (State.SHARING, Event.FAIL): State.ABORTED,
    (State.COMPUTING, Event.REVEALED): State.REVEALED,
    (State.COMPUTING, Event.FAIL): State.ABORTED,
}

FINAL: Final = frozenset({State.REVEALED, State.ABORTED, State.EXPIRED})


class Lifecycle:
    """Where one session stands. An event that the table does not allow changes nothing."""

    def __init__(self) -> None:
        self.state = State.GATHERING

    def happen(self, event: Event) -> State:
        """Move on.

        Raises:
            InternalError: `event` cannot happen in this state.
        """
        try:
            self.state = TABLE[self.state, event]
        except KeyError:
            raise InternalError(f"{event.value!r} while a session is {self.state.value}") from None
        return self.state

    def fail(self, event: Event = Event.FAIL) -> None:
        """The session is over without a result, unless it was over already."""
        if self.state not in FINAL:
            self.happen(event if (self.state, event) in TABLE else Event.FAIL)
