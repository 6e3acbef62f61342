"""Life of a session at one party, as a table: what the session allows, and when.

    state      gathered  sealed  end
    gathering  sealing   -       ended
    sealing    -         open    ended
    open       -         -       ended
    ended      -         -       -

gathering: links are made and each peer's signed manifest digest is checked. sealing: every party is
there; the session id, which contains a nonce from each, is compared. open: messages of a protocol
may be sent. Before and after they are refused, so no share leaves for parties that have not agreed.

How far the *run* over an open session has come (sharing, computing, opening) is `progress.Phase`.
Why a session ended is in the error that ended it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ostraka.errors import InternalError


class SessionState(StrEnum):
    """States of a session."""

    GATHERING = "gathering"
    SEALING = "sealing"
    OPEN = "open"
    ENDED = "ended"


class SessionEvent(StrEnum):
    """Events of a session."""

    GATHERED = "gathered"
    SEALED = "sealed"
    END = "end"


TABLE: Final[dict[tuple[SessionState, SessionEvent], SessionState]] = {
    (SessionState.GATHERING, SessionEvent.GATHERED): SessionState.SEALING,
    (SessionState.GATHERING, SessionEvent.END): SessionState.ENDED,
    (SessionState.SEALING, SessionEvent.SEALED): SessionState.OPEN,
    (SessionState.SEALING, SessionEvent.END): SessionState.ENDED,
    (SessionState.OPEN, SessionEvent.END): SessionState.ENDED,
}


class Lifecycle:
    """State of one session. An event that the table does not allow changes nothing."""

    def __init__(self) -> None:
        self.state = SessionState.GATHERING
        self._open = False  # asked for every message: a lookup of SessionState.OPEN takes longer

    def happen(self, event: SessionEvent) -> SessionState:
        """Move on.

        Raises:
            InternalError: `event` cannot happen in this state.
        """
        try:
            self.state = TABLE[self.state, event]
        except KeyError:
            raise InternalError(f"{event.value!r} while a session is {self.state.value}") from None
        self._open = self.state is SessionState.OPEN
        return self.state

    def end(self) -> None:
        """End the session, unless it has ended already."""
        if self.state is not SessionState.ENDED:
            self.happen(SessionEvent.END)

    def require_open(self) -> None:
        """Refuse to send a protocol's message before the session is sealed or after it has ended.

        Raises:
            InternalError: the session is not open.
        """
        if not self._open:
            raise InternalError(f"a share was to leave while the session is {self.state.value}")
