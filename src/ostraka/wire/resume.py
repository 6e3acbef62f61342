"""Streams that outlive connections: what was sent and not acknowledged, and how a link stands.

Between two parties there is one *stream* each way for a whole session: the bytes of all frames but
signals, from behind the Hello on. A *position* counts them. When a connection is lost, each side
tells in a Resume message up to which position it has received the other's stream, over the next
connection; the other goes on from there. So bytes are kept until they are acknowledged, as views
of the sender's own arrays. There is no socket and no clock in this module.

How a link stands:

    state    resume  cut   over
    away     linked  away  over
    linked   linked  away  over
    over     -       -     over

away: there is no connection, and the peer may return. A resume in state linked: the newest
connection replaces the one before it. over: final; the peer has left, or waited for in vain.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from ostraka.errors import InternalError, PeerViolation
from ostraka.limits import ACK_BYTES
from ostraka.wire.frames import Buffer

WRAP: Final = 1 << 32
"""Positions in signals count modulo this."""


class Standing(StrEnum):
    """State of a link between two parties."""

    AWAY = "away"
    LINKED = "linked"
    OVER = "over"


class Turn(StrEnum):
    """Event that changes how a link stands."""

    RESUME = "resume"
    CUT = "cut"
    OVER = "over"


TABLE: Final[dict[tuple[Standing, Turn], Standing]] = {
    (Standing.AWAY, Turn.RESUME): Standing.LINKED,
    (Standing.AWAY, Turn.CUT): Standing.AWAY,
    (Standing.AWAY, Turn.OVER): Standing.OVER,
    (Standing.LINKED, Turn.RESUME): Standing.LINKED,
    (Standing.LINKED, Turn.CUT): Standing.AWAY,
    (Standing.LINKED, Turn.OVER): Standing.OVER,
    (Standing.OVER, Turn.OVER): Standing.OVER,
}


def after(standing: Standing, turn: Turn) -> Standing:
    """Return how a link stands after an event.

    Raises:
        InternalError: the event cannot happen to a link that stands so.
    """
    try:
        return TABLE[standing, turn]
    except KeyError:
        raise InternalError(f"{turn.value!r} of a link that is {standing.value}") from None


class SentStream:
    """Stream to a peer, as its sender keeps it.

    A run that is replayed from its record sends the same bytes again. The peer may have more of
    them already than this run has come to: those are dropped as they come.

    Args:
        replayed: whether the peer may be ahead of this run.
        start: position at which the stream goes on; the peer has settled all before.

    Attributes:
        position: bytes sent so far, lost or not.
        acknowledged: bytes that the peer has settled, which need not be kept.
    """

    __slots__ = ("_kept", "_there", "acknowledged", "position", "replayed")

    def __init__(self, start: int = 0, *, replayed: bool = False) -> None:
        self.position = self.acknowledged = self._there = start
        self.replayed = replayed
        self._kept: deque[memoryview] = deque()

    @property
    def kept(self) -> bytes:
        """A copy of what is kept: all from `acknowledged` to `position`."""
        return b"".join(self._kept)

    def add(self, pieces: Iterable[Buffer]) -> list[memoryview]:
        """Keep pieces of the stream, in order; return those that the peer needs: nearly always all.

        The buffers must not change until they are acknowledged.
        """
        views = [memoryview(piece) for piece in pieces]
        before = self.position
        self._kept.extend(views)
        for view in views:
            self.position += len(view)
        if before >= self._there:
            return views
        if self.acknowledged > before:
            self._drop(min(self.acknowledged, self.position) - before)
        return list(_behind(views, self._there - before))

    def acknowledge(self, value: int) -> None:
        """Note that the peer has settled the stream up to a position, given modulo 2^32.

        Raises:
            PeerViolation: bytes were never sent up to there.
        """
        position = self.acknowledged + (value - self.acknowledged) % WRAP
        if position > max(self.position, self._there):
            raise PeerViolation(f"it acknowledges {position} bytes of {self.position}")
        if position > self.acknowledged:
            self._drop(min(position, self.position) - min(self.acknowledged, self.position))
            self.acknowledged = position

    def resume(self, position: int) -> list[memoryview]:
        """Return what the peer lacks that has received the stream up to `position`.

        Raises:
            PeerViolation: bytes were never sent up to there, or the peer had settled more before.
        """
        if position < self.acknowledged or (position > self.position and not self.replayed):
            raise PeerViolation(
                f"it resumes at byte {position} of a stream of {self.position}, "
                f"{self.acknowledged} of them settled"
            )
        self._there = position
        return list(_behind(self._kept, position - self.acknowledged))

    def _drop(self, size: int) -> None:
        kept = self._kept
        while size > 0:
            piece = kept.popleft()
            if len(piece) > size:
                kept.appendleft(piece[size:])
            size -= len(piece)


def _behind(views: Iterable[memoryview], size: int) -> Iterable[memoryview]:
    """Yield what comes after the first `size` bytes of pieces in a row."""
    for view in views:
        if size < len(view):
            yield view[size:] if size > 0 else view
        size -= len(view)


class Settled:
    """Position up to which a peer's stream is settled, and what the peer was told of it.

    Args:
        by_hand: whether bytes are settled by `settle` alone, when they are written to a record.
            Otherwise bytes are settled once a parser has taken them.
    """

    __slots__ = ("by_hand", "position", "told")

    def __init__(self, position: int = 0, *, by_hand: bool = False) -> None:
        self.position = self.told = position
        self.by_hand = by_hand

    def settle(self, position: int) -> None:
        """Note that the stream is settled up to `position`; a lower one changes nothing."""
        self.position = max(self.position, position)

    def taken(self, position: int) -> bool:
        """Note that a parser has taken the stream up to `position`; return whether the peer keeps
        so much that it should be told."""
        if not self.by_hand:
            self.position = position
        return self.position - self.told >= ACK_BYTES

    def tell(self) -> int:
        """Return the position for the next acknowledgement."""
        self.told = self.position
        return self.position
