"""A connection of the coordinator: its queue, and the connections left unread because of it."""

from __future__ import annotations

import asyncio
from typing import Final

from ostraka import limits
from ostraka.transport.contexts import Contexts
from ostraka.transport.link import Carrier
from ostraka.transport.tls import SecureLink

SMALL: Final = 4096
"""Frames up to this many bytes are gathered until the event loop turns: one TLS record and one
system call for all small frames of a turn, and no piece of memory of its own for each."""

TAIL: Final = 64 * 1024
"""Bytes gathered before they become one piece of the link's queue."""


class Memory:
    """Count of the bytes that all connections of a coordinator keep together, and by source.

    Attributes:
        bound: bytes above which all queues are kept short. Half of it bounds those of one source:
            receivers at one host that take nothing leave room for others.
    """

    __slots__ = ("_by_source", "bound", "most", "queued")

    def __init__(self) -> None:
        self.bound = limits.RELAY_MEMORY
        self.queued = 0
        self.most = 0
        self._by_source: dict[str, int] = {}

    def change(self, size: int, source: str) -> None:
        """Count bytes that a queue of a source gained, or lost if negative."""
        self.queued += size
        self.most = max(self.most, self.queued)
        queued = self._by_source.get(source, 0) + size
        if queued:
            self._by_source[source] = queued
        else:
            self._by_source.pop(source, None)

    @property
    def full(self) -> bool:
        """Whether all connections together keep more than they may."""
        return self.queued > self.bound

    def limit(self, source: str) -> int:
        """Return the bytes that the queue of one connection of a source may reach."""
        crowded = self.full or self._by_source.get(source, 0) > self.bound // 2
        return limits.RELAY_CHUNK if crowded else limits.RELAY_QUEUE


class Connection:
    """A link, and its queue in the coordinator.

    Args:
        carrier: of an accepted connection; owned by this one from here on.
        memory: the count that the queue is part of.
        source: the host that the connection came from.

    Attributes:
        code: why the coordinator ends it; empty until then.
    """

    __slots__ = (
        "_blocked_by",
        "_counted",
        "_heard",
        "_memory",
        "_pump",
        "_resumed",
        "_sent",
        "_sent_at",
        "_tail",
        "_waiting",
        "_written",
        "closing",
        "code",
        "link",
        "source",
    )

    def __init__(
        self,
        carrier: Carrier,
        contexts: Contexts,
        memory: Memory,
        source: str = "",
    ) -> None:
        self.link = SecureLink(carrier, contexts, server=True, admit=lambda _: "a party")
        self.closing = False
        self.code = ""
        self.source = source
        self._memory = memory
        self._pump, carrier.on_room = carrier.on_room, self._room
        self._tail = bytearray()
        self._written = 0
        self._counted = 0
        self._heard = 0
        self._sent = 0
        self._sent_at = 0.0
        self._blocked_by: set[Connection] = set()
        self._waiting: set[Connection] = set()
        self._resumed: asyncio.Future[None] | None = None

    # Its queue

    @property
    def queued(self) -> int:
        """Bytes in the coordinator's memory for this connection (the kernel's not counted)."""
        return len(self._tail) + self._written - self.link.bytes_sent

    def send(self, frame: bytes | bytearray) -> bool:
        """Queue a frame; return True when a `flush` must follow before long."""
        if len(frame) <= SMALL:
            first = not self._tail
            self._tail += frame
            if len(self._tail) < TAIL:
                return first
            self._append()
        else:
            self._append()
            self._written += len(frame)
            self.link.write(frame)
        self._count()
        return False

    def flush(self) -> None:
        """Hand the small frames to the link, unless larger ones before them still wait."""
        if self._tail and self._written == self.link.bytes_sent:
            self._append()
        self._count()

    def _append(self) -> None:
        """Hand the small frames gathered so far to the link, as one piece."""
        if self._tail:
            tail, self._tail = self._tail, bytearray()
            self._written += len(tail)
            self.link.write(tail)

    def _room(self) -> None:
        """Send on when the socket has room, and release the connections that waited for it."""
        self._pump()
        self.flush()
        if self._waiting and self.queued <= self._memory.limit(self.source) // 2:
            self._release()

    def _count(self) -> None:
        """Bring the coordinator's count of bytes up to date with this queue."""
        # Small frames in the tail are counted when they are flushed: every turn of the loop.
        queued = 0 if self.link.failed else self.queued
        if queued != self._counted:
            self._memory.change(queued - self._counted, self.source)
            self._counted = queued

    # Connections that wait

    @property
    def crowded(self) -> bool:
        """Whether its queue is longer than it may be."""
        return self.queued > self._memory.limit(self.source) and self.link.failed is None

    def wait_for(self, crowded: Connection) -> None:
        """Leave this connection unread until the queue of `crowded` is down to half its limit."""
        self._blocked_by.add(crowded)
        crowded._waiting.add(self)

    @property
    def paused(self) -> bool:
        """Whether this connection is left unread because of a crowded one."""
        return bool(self._blocked_by)

    async def resumed(self) -> None:
        """Wait until this connection waits for no crowded one. Safe to cancel."""
        while self._blocked_by:
            self._resumed = asyncio.get_running_loop().create_future()
            try:
                await self._resumed
            finally:
                self._resumed = None

    def _release(self) -> None:
        """Let the connections that wait for this one go on."""
        waiting, self._waiting = self._waiting, set()
        for other in waiting:
            other._go_on(self)

    def _go_on(self, crowded: Connection) -> None:
        """Stop waiting for `crowded`, and read again if it was the last."""
        self._blocked_by.discard(crowded)
        if not self._blocked_by and self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)

    # Its end

    def forget(self) -> None:
        """Drop the queue after the link's end: no connection waits for it, and it for none."""
        self._tail.clear()
        self._count()
        self._release()
        for crowded in self._blocked_by:
            crowded._waiting.discard(self)
        self._blocked_by.clear()

    # Time

    def heard(self) -> bool:
        """Return whether bytes came since the last call; True while it is left unread."""
        before, self._heard = self._heard, self.link.bytes_received
        return self._heard != before or self.paused

    def stalled(self, now: float) -> bool:
        """Return whether the peer has taken nothing from a waiting queue for too long."""
        if not self.queued or self.link.bytes_sent != self._sent or not self._sent_at:
            self._sent, self._sent_at = self.link.bytes_sent, now
        return now - self._sent_at >= limits.STALL_SECONDS
