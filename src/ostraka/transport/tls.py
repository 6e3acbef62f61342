"""Mutual TLS 1.3 over any carrier: moves bytes between a `SecureStream` and its carrier.

The same code runs over a socket, over a slot at the coordinator and over a pair of queues. Bytes
move in both directions without a task of their own: what is sent is encrypted chunk by chunk as the
carrier has room, and what arrives is decrypted right into the buffer that the current parser (see
`wire.frames`) wants filled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from ostraka.errors import OstrakaError, PeerLost
from ostraka.limits import HANDSHAKE_SECONDS
from ostraka.transport.contexts import Contexts
from ostraka.transport.link import Carrier
from ostraka.transport.preamble import Admit
from ostraka.transport.reactor import Waiter
from ostraka.transport.records import Reader
from ostraka.transport.secure_state import State
from ostraka.transport.secure_stream import CLOSING, OPEN, SecureStream
from ostraka.wire.frames import Buffer, Parser

T = TypeVar("T")

PUSH: Final = 1 << 20
"""Bytes that are encrypted and sent in a row, at most: one millisecond; then others have a turn.
"""


class SecureLink:
    """TLS 1.3 session with one peer, over a carrier.

    Args:
        carrier: carries the records; owned by the link from here on.
        contexts: the TLS contexts of our identity.
        server: whether we are the TLS server of the two.
        admit: names the peer by the fingerprint it shows, or refuses it.

    Attributes:
        heard: number of times that the carrier has brought bytes.
        on_drained: called when all that was written is with the carrier.
        on_ended: called once, when the link ends or its carrier is gone.
    """

    def __init__(self, carrier: Carrier, contexts: Contexts, *, server: bool, admit: Admit) -> None:
        self.heard = 0
        self.on_drained: Callable[[], None] | None = None
        self.on_ended: Callable[[OstrakaError], None] | None = None
        self._carrier, self._contexts = carrier, contexts
        self._stream = SecureStream(
            contexts.identity.certificate,
            lambda peer: self._contexts.for_link(peer, server=server),
            server=server,
            admit=admit,
        )
        self._progress = Waiter()
        self._drained = Waiter()
        self._pumping = self._started = False
        carrier.on_data, carrier.on_room, carrier.on_lost = self._data, self._pump, self._lost

    @property
    def peer(self) -> str:
        """Name of the peer; "the peer" until it is admitted."""
        return self._stream.inbox.peer

    @property
    def peer_certificate(self) -> bytes:
        """Certificate of the peer in DER form; proven once the link is open."""
        return self._stream.peer_certificate

    @property
    def bytes_sent(self) -> int:
        """Bytes written that are encrypted: framing included, TLS not."""
        return self._stream.outbox.bytes_sent

    @property
    def bytes_received(self) -> int:
        """Bytes that parsers were given: framing included, TLS not."""
        return self._stream.inbox.bytes_received

    @property
    def lost(self) -> bool:
        """Whether the carrier is gone."""
        return self._stream.lost

    @property
    def left(self) -> bool:
        """Whether the peer has said TLS's goodbye; what it said before may not be read yet."""
        return self._stream.left

    @property
    def full(self) -> bool:
        """Whether so much of what came is unread that the carrier takes no more of it."""
        return self._carrier.full

    async def open(self, seconds: float = HANDSHAKE_SECONDS) -> None:
        """Open the link: exchange certificates, check the pin, shake hands.

        Raises:
            PinMismatch: the peer's certificate is not the one expected.
            PeerViolation: the peer does not speak TLS 1.3 with its own certificate.
            PeerLost: the peer went away, or took too long.
        """
        self._start()
        try:
            async with asyncio.timeout(seconds):
                while self._stream.state in (State.PREAMBLE, State.HANDSHAKE):
                    self._progress.clear()
                    await self._progress.wait()
        except TimeoutError:
            self.abandon(PeerLost(f"no handshake within {seconds:g} s"))
        if self._stream.ended:
            raise self._failure()

    def _start(self) -> None:
        if not self._started:
            self._started = True
            self._carrier.start()
            self._pump()

    async def knock(self) -> None:
        """Show our certificate, and return once the carrier has brought bytes, or is lost."""
        self._start()
        while not self.heard and not self._stream.ended:
            self._progress.clear()
            await self._progress.wait()

    def hand_over(self, reader: Reader, progress: Waiter) -> None:
        """Read for `reader` from now on, and set `progress` when it has finished or the link ends.

        The link then serves a stream that may go on over later links; see `lasting`.
        """
        self._stream.inbox.reader, self._progress = reader, progress
        self.pull()

    def pull(self) -> None:
        """Read what has arrived, as far as the reader wants it."""
        if not self._stream.ended and self._stream.state is not CLOSING:
            before = self._stream.consumed
            self._stream.decrypt()
            self._settle(before)

    def bound_silence(self, seconds: float) -> None:
        """Let the system give the connection up when the peer's takes nothing for so long."""
        self._carrier.bound_silence(seconds)

    # Sending

    def write(self, *pieces: Buffer) -> None:
        """Queue bytes, in order. Never blocks; the buffers must not change until sent.

        Once the link is over they are dropped: its end is reported where something is read.
        """
        self._stream.write(pieces)
        self._pump()

    @property
    def backlog(self) -> int:
        """Bytes queued that the carrier has not taken."""
        return len(self._stream.outbox)

    async def drain(self) -> None:
        """Wait until the carrier has taken all that was written, or the link is lost."""
        while not self._stream.ended and self._stream.outbox:
            self._drained.clear()
            await self._drained.wait()

    def _pump(self) -> None:
        """Move queued bytes into the carrier; call `on_drained` once all of them are there."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._push() and self.on_drained is not None:
                self.on_drained()
                if not self._stream.outbox:
                    break
        finally:
            self._pumping = False

    def _push(self) -> bool:
        """Give the carrier bytes while it has room; return whether it has taken all."""
        stream, carrier = self._stream, self._carrier
        queue, bio = stream.outbox.queue, stream.outbox.bio
        left = PUSH
        while queue or bio.pending:
            if not carrier.room:
                return False
            if data := stream.data_to_send():
                carrier.send(data)
                left -= len(data)
            if left <= 0:  # a peer may take them as fast as they come
                asyncio.get_running_loop().call_soon(self._pump)
                return False
        self._drained.set()
        return True

    # Receiving

    async def read(
        self, parser: Parser[T], seconds: float | None = None, *, spin: bool = False
    ) -> T:
        """Run `parser` on the bytes that the peer sends, and return its result.

        One reader at a time. Cancelling leaves the stream in the middle of a frame: close then.

        Args:
            spin: serve the sockets here for a moment before asyncio does. Only for a task that is
                the only one to wait: while several wait, each would hold up the others.

        Raises:
            PeerLost: the peer is gone, or silent for `seconds`.
            PeerViolation: raised by the parser, or by TLS for records that are not the peer's.
        """
        self.follow(parser)
        if self._stream.inbox.reading:
            if spin and self._carrier.spin_until(self._progress):
                await self._carrier.yield_when_due()
            await self._arrival(seconds)
        result: T = self._outcome()
        return result

    def spin_until(self, waiter: Waiter) -> bool:
        """Serve the sockets for a moment, as the carrier does; return whether `waiter` happened."""
        return self._carrier.spin_until(waiter)

    async def yield_when_due(self) -> None:
        """Let asyncio run its other tasks if spinning has held them up for long."""
        await self._carrier.yield_when_due()

    async def finish(self, seconds: float | None = None) -> Any:
        """Return what the parser given to `follow` returns. Raises as `read`."""
        if self._stream.inbox.reading:
            await self._arrival(seconds)
        return self._outcome()

    async def _arrival(self, seconds: float | None) -> None:
        """Wait as long as bytes keep arriving; give the peer up after `seconds` of silence."""
        while not self._progress.happened:
            received = self.bytes_received
            try:
                async with asyncio.timeout(seconds):
                    await self._progress.wait()
            except TimeoutError:
                if self.bytes_received == received:
                    self.abandon(PeerLost(f"silent for {seconds:g} s"))

    def follow(self, parser: Parser[Any]) -> None:
        """Feed `parser` from now on without waiting for it; a parser may never end.

        Raises:
            OstrakaError: the link has ended.
        """
        stream = self._stream
        if stream.ended or stream.state is CLOSING:
            raise self._failure()
        self._progress.clear()
        before = stream.consumed
        stream.follow(parser)
        self._settle(before)

    def _outcome(self) -> Any:
        # A link may end between the moment a message is complete and the moment its reader runs.
        if not self._stream.inbox.finished:
            raise self._failure()
        return self._stream.inbox.take()

    def _data(self, data: Buffer) -> None:
        stream = self._stream
        before, state = stream.consumed, stream.state
        self.heard += 1
        stream.receive(data)
        self._settle(before)
        if stream.state is not state or self.heard == 1:  # what `open` and `knock` wait for
            self._progress.set()

    def _settle(self, consumed_before: int) -> None:
        """Act on the stream's new state: send, credit the carrier, wake the reader, or end."""
        stream = self._stream
        if stream.outbox.bio.pending:
            self._pump()
        if stream.ended:
            self._end()
            return
        if stream.consumed != consumed_before:
            self._carrier.consumed(stream.consumed - consumed_before)
        if stream.inbox.finished:
            self._progress.set()

    # Ending

    def _lost(self, error: OstrakaError) -> None:
        """Note that the carrier ended. Bytes that came before are still read: a party may leave."""
        self._stream.lose(error)
        if self._stream.ended:
            self._end()
        else:
            self._drained.set()
            self._tell(error)

    def _failure(self) -> OstrakaError:
        error = self._stream.error or PeerLost("the link is closed")
        return type(error)(error.message, hint=error.hint, peer=error.peer)

    @property
    def failed(self) -> OstrakaError | None:
        """Error that ended the link; None while it lasts."""
        return self._stream.error if self._stream.ended else None

    def abandon(self, error: OstrakaError) -> None:
        """End the link now; its reader, and every later reader, gets `error`. Idempotent."""
        if not self._stream.ended:
            self._stream.fail(error)
            self._end()

    def _end(self) -> None:
        self._carrier.close()
        self._progress.set()
        self._drained.set()
        assert self._stream.error is not None
        self._tell(self._stream.error)

    def _tell(self, error: OstrakaError) -> None:
        tell, self.on_ended = self.on_ended, None
        if tell is not None:
            tell(error)

    async def close(self, seconds: float = 1.0) -> None:
        """Send queued bytes, then TLS's goodbye; wait at most `seconds` for each to leave; end."""
        if not self._stream.ended:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.drain()
            if self._stream.state is OPEN:
                self._stream.say_goodbye()
                self._pump()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._carrier.linger()
        self.abandon(PeerLost("the link is closed"))

    def hang_up(self) -> None:
        """Send what can leave now, and TLS's goodbye behind it; end without waiting."""
        if self._stream.state is OPEN:
            self._stream.say_goodbye()
            self._pump()
        self.retire()

    def retire(self) -> None:
        """End the link without a word to the peer or to `on_ended`."""
        self.on_ended = None
        self.abandon(PeerLost("another link has taken its place"))
