"""Meeting places: programs outside all parties through which two parties have carriers.

A relay of this project and an MQTT broker are alike for a session: a party enters a room there, and
is given carriers to the other members. The place is trusted with nothing: what a carrier brings is
the TLS session of two parties.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

from ostraka.errors import OstrakaError, PeerViolation
from ostraka.transport.link import Carrier
from ostraka.transport.reactor import Waiter
from ostraka.wire.frames import Buffer


class RoomCarrier(Carrier):
    """Carrier to and from another member of a room.

    Args:
        window: bytes that the member may have on the way here that are not used yet.
        again: whether a member with the same key was in the room already.
    """

    def __init__(self, window: int, *, again: bool = False) -> None:
        super().__init__()
        self.again = again
        self._window = window
        self._unread = 0
        self._early: list[bytes] = []
        self._started = False
        self._ended: OstrakaError | None = None
        self._open = True

    @property
    def is_over(self) -> bool:
        """Whether nothing can be carried any more: the member or the place is gone, or the owner
        has closed it."""
        return not self._open or self._ended is not None

    @property
    @abstractmethod
    def is_used_up(self) -> bool:
        """Whether the carrier is over, and the member is in the room still."""

    @abstractmethod
    def renew(self) -> None:
        """Ask the place for another carrier to the same member."""

    @property
    def full(self) -> bool:
        return self._unread > self._window // 2

    def start(self) -> None:
        self._started = True
        early, self._early = self._early, []
        for piece in early:
            if self._open:
                self.on_data(piece)
        if self._ended is not None:
            self.end(self._ended)

    def deliver(self, data: Buffer) -> None:
        """Take bytes that the place brought.

        Raises:
            PeerViolation: more bytes wait to be used than the window allows.
        """
        if not self._open:
            return
        self._unread += len(data)
        if self._unread > self._window:
            raise PeerViolation("more bytes from one member than its window")
        if self._started:
            self.on_data(data)
        else:
            self._early.append(bytes(data))

    def offer_room(self) -> None:
        """Call the owner's `on_room` if there is room."""
        if self._started and self.room:
            self.on_room()

    def end(self, error: OstrakaError) -> None:
        """End the carrier because of `error`, and tell its owner: no more bytes can arrive."""
        if not self._started:
            self._ended = error
        elif self._open:
            self._open = False
            self.on_lost(error)


class Members(Protocol):
    """Owner of a room, called with a carrier to each other member of it."""

    def joined(self, fingerprint: bytes, carrier: RoomCarrier) -> None:
        """Take the carrier to a member with this fingerprint, or close it."""


class MeetingPlace(ABC):
    """Connection to a meeting place, and the carriers that run through it.

    Attributes:
        ended: set when the connection is over.
    """

    ended: Waiter

    @property
    @abstractmethod
    def failed(self) -> OstrakaError | None:
        """Error that ended the connection; None while it lasts."""

    @abstractmethod
    def tick(self, limit: int) -> None:
        """Take note that a while has passed: ask for a sign of life if the place brought nothing in
        it, and give the connection up after `limit` such whiles in a row."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connection after all queued bytes have left. Takes a bounded time."""
