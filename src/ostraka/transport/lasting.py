"""Links that outlive their connections: one stream each way over one `SecureLink` after another.

Bytes that a party writes are kept until its peer has settled them (see `wire.resume`). One `Reader`
reads what the peer sends, in mid-vector even, from one connection after another. So a connection
can be cut at any byte, and nothing above notices but a pause. A link is over, once and for all,
when the peer says TLS's goodbye or breaks the protocol, or when its owner gives it up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from ostraka.errors import OstrakaError, PeerLost, PeerViolation
from ostraka.limits import ACK_BYTES
from ostraka.transport.reactor import Waiter
from ostraka.transport.records import Reader
from ostraka.transport.tls import SecureLink
from ostraka.wire import frames
from ostraka.wire.frames import Buffer, Kind, Parser, Signal
from ostraka.wire.resume import SentStream, Settled, Standing, Turn, after

T = TypeVar("T")

Told = Callable[[], None]
NOTHING: Final[Told] = lambda: None  # noqa: E731 - a default for callbacks


class LastingLink:
    """Link to one peer for a whole session, over one connection at a time.

    Args:
        sent: the stream to the peer.
        settled: what is settled of the stream from the peer.
        received: position of the stream from the peer up to which it is read already.

    Attributes:
        prompt: whether the peer waits for acknowledgements, so that each comes at once.
        silence: for how many ticks in a row the peer's connection has brought nothing.
        on_cut: called when the connection is lost without a goodbye; the peer may return.
        on_linked: called when a connection has taken up the streams.
        on_ended: called once, when the link is over.
    """

    def __init__(self, sent: SentStream, settled: Settled, received: int = 0) -> None:
        self.on_cut, self.on_linked = NOTHING, NOTHING
        self.on_ended: Callable[[OstrakaError], None] | None = None
        self.standing = Standing.AWAY
        self.sent, self.settled = sent, settled
        self.peer, self.peer_certificate = "the peer", b""
        self._reader = Reader(self._signal, received)
        self._progress = Waiter()
        self._changed = asyncio.Event()
        self._link: SecureLink | None = None
        self._error: OstrakaError | None = None
        self._cuts = 0
        self._offered = self._given_up = self.prompt = False
        self._quiet_at = (-1, -1)
        self.silence = 0

    # Sending

    def write(self, *pieces: Buffer) -> None:
        """Queue bytes, in order. Never blocks; the buffers must not change until acknowledged.

        Once the link is over they are dropped: its end is reported where something is read.
        """
        if self._error is None:
            missing = self.sent.add(pieces)
            if self._link is not None:
                self._link.write(*missing)

    @property
    def backlog(self) -> int:
        """Bytes that no carrier has taken, as far as known: while the peer is away, all that it
        has not acknowledged, and none once it has said goodbye or is waited for no more."""
        if self._given_up:
            return 0
        if self.standing is Standing.AWAY:
            return self.sent.position - self.sent.acknowledged
        return self._link.backlog if self._link is not None else 0

    @property
    def bytes_sent(self) -> int:
        """Bytes of the stream that carriers have taken: framing included, TLS not."""
        return max(0, self.sent.position - self.backlog)

    @property
    def bytes_received(self) -> int:
        """Bytes of the peer's stream that parsers were given: framing included, TLS not."""
        return self._reader.position

    async def drain(self) -> None:
        """Wait until a carrier has taken all that was written, or the link is over."""
        while self._error is None and self.backlog:
            link = self._link
            if link is not None and self.standing is Standing.LINKED:
                await link.drain()
            else:
                self._changed.clear()
                await self._changed.wait()

    async def deliver(self, seconds: float) -> None:
        """Wait until the peer has settled all that was written, or the link is over; or until the
        peer is there and has settled nothing more for so many seconds.

        The peer's acknowledgements are heard only while a parser follows what it sends.
        """
        position = self.sent.position
        while self._error is None and not self._given_up and self.sent.acknowledged < position:
            mark = self.sent.acknowledged
            self._changed.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                if self.sent.acknowledged == mark and self.standing is Standing.LINKED:
                    return

    # Receiving

    async def read(
        self, parser: Parser[T], seconds: float | None = None, *, spin: bool = False
    ) -> T:
        """Run `parser` on the bytes that the peer sends, and return its result.

        One reader at a time. Cancelling leaves the stream in the middle of a frame: close then.
        Time for which the peer is away does not count as its silence.

        Args:
            spin: serve the sockets here for a moment before asyncio does; see `SecureLink.read`.

        Raises:
            PeerLost: the link is over, or the peer has been silent for `seconds`.
            PeerViolation: raised by the parser, or by TLS for records that are not the peer's.
        """
        self.follow(parser)
        reader, link = self._reader, self._link
        if reader.reading:
            if spin and link is not None and link.spin_until(self._progress):
                await link.yield_when_due()
            if reader.reading:
                await self._arrival(seconds)
        if not reader.finished:
            raise self._failure()
        if self.settled.taken(reader.position):
            self.acknowledge()
        else:
            self._promptly()
        result: T = reader.take()
        return result

    def follow(self, parser: Parser[Any]) -> None:
        """Feed `parser` from now on without waiting for it; a parser may never end.

        Raises:
            OstrakaError: the link is over.
        """
        if self._error is not None:
            raise self._failure()
        self._progress.clear()
        self._reader.follow(parser)
        if self._link is not None and not self._offered:
            self._link.pull()

    async def _arrival(self, seconds: float | None) -> None:
        """Wait as long as bytes keep arriving, or the peer is away; give it up after `seconds` of
        silence over connections."""
        reader, received, cuts = self._reader, self._reader.position, self._cuts
        while reader.reading:
            self._progress.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._progress.wait()
            except TimeoutError:
                if reader.position != received:
                    received, cuts = reader.position, self._cuts
                elif self._cuts != cuts:  # once: a peer that is cut again and again says nothing
                    cuts = self._cuts
                elif self.standing is not Standing.AWAY:
                    self.abandon(PeerLost(f"silent for {seconds:g} s"))

    def settle(self, received: int) -> None:
        """Note that the peer's stream is settled up to `received`; tell the peer if it is much."""
        self.settled.settle(received)
        if self.settled.position - self.settled.told >= ACK_BYTES:
            self.acknowledge()
        else:
            self._promptly()

    def _promptly(self) -> None:
        """Tell a peer that waits for it what is settled."""
        if self.prompt and self.settled.position != self.settled.told:
            self.acknowledge()

    # Connections

    def offer(self) -> int:
        """Stop reading from the connection that there is, for another one that is about to take
        its place; return the position up to which the peer's stream is received."""
        self._offered = True
        if self._link is not None:
            self._link.hand_over(Reader(), Waiter())
        self._reader.rewind()
        return self._reader.position

    def withdraw(self) -> None:
        """Go on reading from the connection that there is: the other one did not come about."""
        if self._offered and self._link is not None:
            self._link.hand_over(self._reader, self._progress)
        self._offered = False

    def resume(self, link: SecureLink, received: int) -> None:
        """Go on over a connection, in the place of the one before it if there still is one.

        Args:
            link: open; both ends have said their first messages over it.
            received: the position up to which the peer has this party's stream.

        Raises:
            PeerViolation: there is no such position of the stream.
        """
        pieces = self.sent.resume(received)
        if not self._offered:
            self.offer()
        self.standing = after(self.standing, Turn.RESUME)
        old, self._link, self._offered = self._link, link, False
        if old is not None:
            old.retire()
        self.peer, self.peer_certificate = link.peer, link.peer_certificate
        self.silence, self._quiet_at = 0, (-1, -1)
        self._changed.set()
        link.write(*pieces)
        self.on_linked()
        link.on_ended = lambda error: self._ended(link, error)
        link.hand_over(self._reader, self._progress)
        if link.lost or link.failed is not None:
            self._ended(link, link.failed or PeerLost("connection lost"))

    def _ended(self, link: SecureLink, error: OstrakaError) -> None:
        """Take note of a connection's end: a cut, or the end of the link."""
        if link is not self._link:
            return
        if not link.lost:
            self._fail(error)
        elif link.left:
            if link.failed is None:  # something is left to be read before the goodbye
                link.on_ended = self._fail
            else:
                self._fail(error)
        else:
            self.cut()

    def cut(self) -> None:
        """Give up the connection, not the link: the peer is away until another one takes over.

        What came before can still be read.
        """
        if self.standing is Standing.LINKED:
            self.standing = after(self.standing, Turn.CUT)
            self._cuts += 1
            if self._link is not None and not self._link.lost:
                self._link.retire()
                self._link = None
            self._changed.set()
            self.on_cut()

    # Signs of life

    def _signal(self, signal: Signal) -> None:
        if signal.kind is Kind.ACK:
            self.sent.acknowledge(signal.value)
            self._changed.set()
        elif signal.kind is Kind.PROBE:
            self.acknowledge()

    def acknowledge(self) -> None:
        """Tell the peer up to where its stream is settled, and that this party is alive."""
        if self.standing is Standing.LINKED and self._link is not None:
            self._link.write(frames.signal(Kind.ACK, self.settled.tell()))

    def probe(self) -> None:
        """Ask the peer for a sign of life."""
        if self.standing is Standing.LINKED and self._link is not None:
            self._link.write(frames.signal(Kind.PROBE))

    @property
    def pristine(self) -> bool:
        """Whether nothing of either stream is known to have arrived: both can begin anew."""
        return not self._reader.position and not self.sent.acknowledged

    @property
    def heard(self) -> int:
        """Number that changes whenever the peer's connection brings bytes."""
        return self._link.heard if self._link is not None else 0

    def tick(self) -> int:
        """Take note that a while has passed: say a word if nothing was said in it, and return for
        how many whiles in a row the peer has been silent."""
        link = self._link
        if link is None or link.lost or self.standing is not Standing.LINKED:
            return 0
        heard, said = self._quiet_at
        self.silence = self.silence + 1 if link.heard == heard and not link.full else 0
        if link.bytes_sent == said and not link.backlog:
            self.acknowledge()
        self._quiet_at = (link.heard, link.bytes_sent)
        return self.silence

    # Ending

    def spin_until(self, waiter: Waiter) -> bool:
        """Serve the sockets for a moment, as the carrier does; return whether `waiter` happened."""
        return self._link.spin_until(waiter) if self._link is not None else waiter.happened

    def _failure(self) -> OstrakaError:
        error = self._error or PeerLost("the link is closed")
        return type(error)(error.message, hint=error.hint, peer=error.peer)

    @property
    def failed(self) -> OstrakaError | None:
        """Error that ended the link; None while it lasts, or while the peer is away."""
        return self._error

    def give_up(self, error: OstrakaError) -> None:
        """End the link for lack of a connection, once what came before is read."""
        link = self._link
        if link is not None and link.lost and link.failed is None and not self._offered:
            self._given_up = True
            self._changed.set()
            link.on_ended = lambda _error: self._fail(error)
        else:
            self.abandon(error)

    def abandon(self, error: OstrakaError) -> None:
        """End the link now; its reader, and every later reader, gets `error`. Idempotent."""
        link, self._link = self._link, None
        self._fail(error)
        if link is not None:
            if isinstance(error, PeerViolation) or link.lost:
                link.retire()
            else:
                link.hang_up()

    def _fail(self, error: OstrakaError) -> None:
        self.standing = after(self.standing, Turn.OVER)
        if self._error is None:
            self._error = error
            self._reader.stop()
            self._progress.set()
            self._changed.set()
            tell, self.on_ended = self.on_ended, None
            if tell is not None:
                tell(error)

    async def close(self, seconds: float = 1.0) -> None:
        """Send queued bytes, then TLS's goodbye; wait at most `seconds` for each to leave; end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.drain()
        link, self._link = self._link, None
        self.on_ended = None
        self._fail(PeerLost("the link is closed"))
        if link is not None:
            link.on_ended = None
            await link.close(seconds)
