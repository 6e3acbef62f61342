"""Links inside one process, for tests: with delay, loss and sudden death.

Two ends are joined by the event loop: bytes that one sends reach the other in a later iteration,
after `delay` seconds. `kill` ends both ends as a broken connection would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ostraka.errors import PeerLost
from ostraka.limits import READ_AHEAD
from ostraka.transport.link import Carrier

Tamper = Callable[[bytes], list[bytes]]
"""Function from one piece sent to the pieces that arrive: [piece] passes it, [] drops it."""


class MemoryCarrier(Carrier):
    """Carrier that is one end of a pair in memory; make pairs with `pair`."""

    def __init__(self, delay: float, tamper: Tamper) -> None:
        super().__init__()
        self._delay = delay
        self._tamper = tamper
        self._other: MemoryCarrier | None = None
        self._early: list[bytes] = []
        self._started = False
        self._open = True
        self._unread = 0

    @property
    def room(self) -> bool:
        other = self._other
        return self._open and other is not None and other._unread < READ_AHEAD

    @property
    def full(self) -> bool:
        return self._unread >= READ_AHEAD

    def send(self, data: bytes) -> None:
        loop, other = asyncio.get_running_loop(), self._other
        assert other is not None
        for piece in self._tamper(data):
            other._unread += len(piece)
            if self._delay:
                loop.call_later(self._delay, other._deliver, piece)
            else:
                loop.call_soon(other._deliver, piece)

    def consumed(self, size: int) -> None:
        was_full = self._unread >= READ_AHEAD
        self._unread -= size
        if was_full and self._unread < READ_AHEAD and self._other is not None and self._other._open:
            asyncio.get_running_loop().call_soon(self._other.on_room)

    def start(self) -> None:
        self._started = True
        early, self._early = self._early, []
        for piece in early:
            self._deliver(piece)

    def close(self) -> None:
        if self._open:
            self._open = False
            if self._other is not None:
                asyncio.get_running_loop().call_soon(self._other._end)

    def kill(self) -> None:
        """Break the connection: both ends are told, and bytes on the way do not arrive."""
        for end in (self, self._other):
            if end is not None:
                end._end()

    def _deliver(self, piece: bytes) -> None:
        if not self._started:
            self._early.append(piece)
        elif self._open:
            self.on_data(piece)

    def _end(self) -> None:
        if self._open:
            self._open = False
            self.on_lost(PeerLost("connection lost"))


def pair(
    delay: float = 0, tamper: Tamper = lambda piece: [piece]
) -> tuple[MemoryCarrier, MemoryCarrier]:
    """Return two joined ends; `tamper` changes what the first end sends."""
    first, second = MemoryCarrier(delay, tamper), MemoryCarrier(delay, lambda piece: [piece])
    first._other, second._other = second, first
    return first, second
