"""The byte link: what carries opaque bytes to one peer, and what may happen to it.

Whatever is above (TLS, always) sets the three callbacks; whatever is below (a socket, a slot at the
coordinator, a pair of queues in a test) calls them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from ostraka.errors import OstrakaError
from ostraka.transport.reactor import Waiter
from ostraka.wire.frames import Buffer


def _unset(*_: object) -> None:
    raise RuntimeError("a carrier without an owner")


class Carrier(ABC):
    """An ordered stream of bytes to and from one peer. Nothing in it is trusted.

    Attributes:
        on_data: called with what arrived; the buffer is only valid during the call.
        on_room: called when `room` has become true again.
        on_lost: called once, when nothing more can arrive.
    """

    def __init__(self) -> None:
        self.on_data: Callable[[Buffer], None] = _unset
        self.on_room: Callable[[], None] = _unset
        self.on_lost: Callable[[OstrakaError], None] = _unset

    @property
    @abstractmethod
    def room(self) -> bool:
        """Whether a chunk of up to `tls.CHUNK` bytes and its overhead may be sent now."""

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Take `data`, of at most one chunk; only to be called while there is `room`."""

    @abstractmethod
    def consumed(self, size: int) -> None:
        """`size` bytes handed to `on_data` no longer occupy memory: more may come."""

    @abstractmethod
    def start(self) -> None:
        """The callbacks are set: begin."""

    @abstractmethod
    def close(self) -> None:
        """Stop at once; no callback comes after this. Idempotent."""

    def spin_until(self, waiter: Waiter) -> bool:
        """Serve sockets here for a moment, or until `waiter` happens; return whether it has."""
        return waiter.happened

    async def yield_when_due(self) -> None:  # noqa: B027 - other carriers never hold asyncio up
        """Let asyncio run its other tasks if spinning has held them up for long."""

    async def linger(self) -> None:  # noqa: B027 - only sockets lose what was sent by closing
        """No more will be sent: return when the peer has taken what was."""
