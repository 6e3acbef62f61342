"""Carrier: an ordered stream of opaque bytes to one peer, over which a `SecureLink` runs.

The `SecureLink` sets three callbacks. The carrier calls them: a socket, a slot at the coordinator,
or a pair of queues. A carrier lives as long as its connection, as does the secure link on it.

Links that go on after their connection was lost are above `SecureLink`: see `lasting`. No carrier
needs to know of it.
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
    """Ordered stream of bytes to and from one peer. Bytes that it brings are not trusted.

    Attributes:
        on_data: called with bytes that arrived; the buffer is only valid during the call.
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
        """Whether up to `records.CIPHERTEXT` bytes may be sent now."""

    @property
    def full(self) -> bool:
        """Whether so much of what came is not consumed that no more comes now."""
        return False

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send up to `records.CIPHERTEXT` bytes; only to be called while there is `room`."""

    @abstractmethod
    def consumed(self, size: int) -> None:
        """Note that the owner has used `size` bytes given to `on_data`, so that more may come."""

    @abstractmethod
    def start(self) -> None:
        """Begin to call the callbacks, which must be set before."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection at once; no callback is called after this. Idempotent."""

    def bound_silence(self, seconds: float) -> None:  # noqa: B027 - only the system's sockets can
        """Let the system give the connection up when the peer's takes nothing for so long."""

    def spin_until(self, waiter: Waiter) -> bool:
        """Serve the sockets in this task for a moment, or until `waiter` is set; return whether it
        is."""
        return waiter.happened

    async def yield_when_due(self) -> None:  # noqa: B027 - other carriers never hold asyncio up
        """Let asyncio run its other tasks if spinning has held them up for long."""

    async def linger(self) -> None:  # noqa: B027 - only sockets lose what was sent by closing
        """Wait until the peer has taken all that was sent; nothing may be sent any more."""
