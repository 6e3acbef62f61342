"""Mutual TLS 1.3 over any carrier, by `ssl.MemoryBIO`.

Each side first names itself: a cleartext preamble carries its certificate, the other side checks
the fingerprint against the pin it expects and then trusts *that certificate alone* for that link,
so the TLS handshake proves possession of the key on both sides and nothing else is accepted. The
same code runs over a socket, over a slot at the coordinator and over a pair of queues.

Bytes move in both directions without a task of their own: what is sent is encrypted chunk by chunk
as the carrier has room, and what arrives is decrypted right into the buffer the current parser
(see `wire.frames`) wants filled.
"""

from __future__ import annotations

import asyncio
import hmac
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar, cast

from ostraka.errors import (
    InternalError,
    OstrakaError,
    PeerLost,
    PeerViolation,
    PinMismatch,
    Tampered,
)
from ostraka.identity import (
    Identity,
    check_certificate,
    fingerprint,
    fingerprint_text,
)
from ostraka.limits import CERTIFICATE, HANDSHAKE_SECONDS
from ostraka.transport.link import Buffer, Carrier
from ostraka.transport.reactor import Waiter
from ostraka.wire.frames import Parser

T = TypeVar("T")

CHUNK: Final = 64 * 1024
"""Bytes encrypted at a time: small enough to stay in cache, measured best of 16 KiB to 1 MiB."""

CIPHERTEXT: Final = CHUNK + 8 * 1024
"""The most a chunk becomes: five records, their overhead, and a handshake message or two."""

_magic: Final = b"OSTRAKA\x01"
_preamble: Final = len(_magic) + 2

Admit = Callable[[bytes], str]
"""Given the fingerprint a peer claims: its name, or an exception that refuses it."""


def pinned(name: str, pin: bytes) -> Admit:
    """Admit the one peer whose certificate has this fingerprint."""

    def admit(claimed: bytes) -> str:
        if not hmac.compare_digest(claimed, pin):
            raise PinMismatch(
                f"{name} answered with the key {fingerprint_text(claimed)}, "
                f"the manifest says {fingerprint_text(pin)}",
                hint=f"ask {name} for the right fingerprint; if the manifest is right, "
                "somebody else is answering",
            )
        return name

    return admit


def _certificate_size(raw: bytearray) -> int | None:
    """What a preamble announces, once enough of it is there."""
    if not _magic.startswith(bytes(raw[: len(_magic)])):
        raise PeerViolation("what answers there is not ostraka")
    if len(raw) < _preamble:
        return None
    size = int.from_bytes(raw[len(_magic) : _preamble], "little")
    if not 0 < size <= CERTIFICATE:
        raise PeerViolation(f"a certificate of {size} bytes")
    return size


class SecureLink:
    """One TLS 1.3 session with one peer.

    Args:
        carrier: carries the records; owned from here on.
        identity: ours.
        server: whether we are the TLS server of the two.
        admit: decides by the claimed fingerprint who the peer is.
    """

    def __init__(self, carrier: Carrier, identity: Identity, *, server: bool, admit: Admit) -> None:
        self._carrier = carrier
        self._identity = identity
        self._server = server
        self._admit = admit
        self._raw = bytearray()  # until the preamble is complete
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        self._queue: deque[memoryview] = deque()
        self._parser: Parser[Any] | None = None
        self._view = memoryview(b"")
        self._result: Any = None
        self._finished = False  # the parser, with a result nobody has fetched
        self._error: OstrakaError | None = None
        self._ending: OstrakaError | None = None  # the carrier is gone, what it brought is unread
        self._pumping = False
        self._waiter = Waiter()
        self._drained = Waiter()
        self.peer = "the peer"
        self.peer_certificate = b""
        self.on_drained: Callable[[], None] | None = None
        self.on_ended: Callable[[OstrakaError], None] | None = None
        self.bytes_sent = 0
        self.bytes_received = 0
        carrier.on_data, carrier.on_room, carrier.on_lost = self._data, self._pump, self._lost

    async def open(self, seconds: float = HANDSHAKE_SECONDS) -> None:
        """Exchange certificates, check the pin, shake hands.

        Raises:
            PinMismatch: the peer's certificate is not the one expected.
            PeerViolation: what answers does not speak TLS 1.3 with its own certificate.
            PeerLost: it went away, or took too long.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._open()
        except TimeoutError:
            self.abandon(PeerLost(f"no handshake within {seconds:g} s"))
            raise self._failure() from None
        except OstrakaError as error:
            self.abandon(error)
            raise

    async def _open(self) -> None:
        own = self._identity.certificate
        self._out.write(_magic + len(own).to_bytes(2, "little") + own)
        self._carrier.start()
        self._pump()
        self.peer_certificate = await self._peer_certificate()
        self.peer = self._admit(fingerprint(self.peer_certificate))
        check_certificate(self.peer_certificate)
        tls = self._context().wrap_bio(self._in, self._out, server_side=self._server)
        await self._handshake(tls)
        if tls.getpeercert(binary_form=True) != self.peer_certificate or tls.version() != "TLSv1.3":
            raise PeerViolation("its TLS certificate is not the one its preamble named")
        self._tls = tls
        self._advance()

    async def _peer_certificate(self) -> bytes:
        raw = self._raw
        while (size := _certificate_size(raw)) is None or len(raw) < _preamble + size:
            await self._arrival()
        certificate = bytes(raw[_preamble : _preamble + size])
        self._in.write(raw[_preamble + size :])
        self._carrier.consumed(_preamble + size)
        self._raw = bytearray()
        return certificate

    def _context(self) -> ssl.SSLContext:
        side = ssl.PROTOCOL_TLS_SERVER if self._server else ssl.PROTOCOL_TLS_CLIENT
        context = ssl.SSLContext(side)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False  # the pin names the peer
        context.load_cert_chain(self._identity.certificate_path, self._identity.key_path)
        context.load_verify_locations(cadata=self.peer_certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        if self._server:
            context.num_tickets = 0
        return context

    async def _handshake(self, tls: ssl.SSLObject) -> None:
        while True:
            before = self._in.pending
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._carrier.consumed(before - self._in.pending)
                self._pump()
                await self._arrival()
            except ssl.SSLError as error:
                self._pump()  # the alert that tells the peer
                raise PeerViolation(
                    f"the TLS handshake failed ({error.reason or 'no reason given'})",
                    hint="only TLS 1.3 with the certificate the manifest pins is accepted",
                ) from None
            else:
                self._carrier.consumed(before - self._in.pending)
                self._pump()
                return

    # Sending

    def write(self, *pieces: Buffer) -> None:
        """Queue bytes, in order. Never blocks; the buffers must not change until sent."""
        if self._error is None and self._ending is None:
            self._queue.extend(memoryview(piece) for piece in pieces)
            self._drained.clear()
            self._pump()

    @property
    def backlog(self) -> int:
        """Bytes queued that the carrier has not taken."""
        return sum(len(piece) for piece in self._queue) + self._out.pending

    async def drain(self) -> None:
        """Return once the carrier has taken all that was written, or the link is lost."""
        while self._error is None and (self._queue or self._out.pending):
            self._drained.clear()
            await self._drained.wait()

    def _pump(self) -> None:
        """Move what is queued into the carrier, and ask for more once all of it has gone."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._push() and self.on_drained is not None:
                self.on_drained()
                if not self._queue:
                    break
        finally:
            self._pumping = False

    def _push(self) -> bool:
        out, tls = self._out, self._tls
        while (out.pending or (self._queue and tls is not None)) and self._carrier.room:
            if not out.pending and tls is not None:
                self._encrypt(tls)
            self._carrier.send(out.read(CIPHERTEXT))
        empty = not self._queue and not out.pending
        if empty:
            self._drained.set()
        return empty

    def _encrypt(self, tls: ssl.SSLObject) -> None:
        space = CHUNK
        while self._queue and space > 0:
            piece = self._queue.popleft()
            if len(piece) > space:
                self._queue.appendleft(piece[space:])
                piece = piece[:space]
            if piece:
                tls.write(piece)
            space -= len(piece)
            self.bytes_sent += len(piece)

    # Receiving

    async def read(
        self, parser: Parser[T], seconds: float | None = None, *, look: bool = False
    ) -> T:
        """Run `parser` on what the peer sends, and return what it returns.

        One reader at a time. Cancelling leaves the stream in the middle of a frame: close then.

        Args:
            look: serve the sockets ourselves for a moment before asyncio does. For whoever is the
                only one to wait; while several tasks wait, each would hold up the others.

        Raises:
            PeerLost: the peer is gone, or silent for `seconds`.
            PeerViolation: raised by the parser, or by TLS for records that are not the peer's.
        """
        self.follow(parser)
        if look and self._parser is not None and self._carrier.look(self._waiter):
            await self._carrier.breathe()
        return cast(T, await self.finish(seconds))

    def look(self, waiter: Waiter) -> bool:
        """As the carrier's."""
        return self._carrier.look(waiter)

    async def finish(self, seconds: float | None = None) -> Any:
        """What the parser given to `follow` returns. Raises as `read`."""
        if self._parser is None:
            return self._outcome()
        if seconds is None:
            await self._waiter.wait()
        else:
            await self._wait_for(seconds)
        return self._outcome()

    async def _wait_for(self, seconds: float) -> None:
        """Wait as long as bytes keep arriving; give the peer up after `seconds` of silence."""
        while not self._waiter.happened:
            received = self.bytes_received
            try:
                async with asyncio.timeout(seconds):
                    await self._waiter.wait()
            except TimeoutError:
                if self.bytes_received == received:
                    self.abandon(PeerLost(f"silent for {seconds:g} s"))

    def follow(self, parser: Parser[Any]) -> None:
        """Feed `parser` from now on without waiting for it (a parser may never end)."""
        if self._error is not None:
            raise self._failure()
        self._waiter.clear()
        self._parser, self._finished = parser, False
        self._step()
        self._advance()

    def _outcome(self) -> Any:
        # A link may end between the moment a message is complete and the moment its reader runs.
        if not self._finished:
            raise self._failure()
        result, self._result, self._finished = self._result, None, False
        return result

    def _step(self) -> bool:
        """Resume the parser, which hands out the next view; False when it has ended."""
        assert self._parser is not None
        try:
            self._view = next(self._parser)
            return True
        except StopIteration as end:
            self._result, self._parser, self._finished = end.value, None, True
            self._waiter.set()
        except OstrakaError as error:
            self._parser = None
            self.abandon(error)
        except Exception as bug:  # must not reach whoever happens to serve the sockets
            self._parser = None
            self.abandon(InternalError(f"while reading from {self.peer}: {bug!r}"))
        return False

    def _advance(self) -> None:
        tls, before = self._tls, self._in.pending
        if tls is None or self._parser is None:
            return
        try:
            while self._in.pending or tls.pending():
                size = cast(int, tls.read(len(self._view), self._view))
                if not size:
                    raise ssl.SSLZeroReturnError
                self.bytes_received += size
                self._view = self._view[size:]
                if not self._view and not self._step():
                    break
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self.abandon(self._ending or PeerLost("it closed the link"))
        except ssl.SSLError as error:
            refused = "ALERT" in (error.reason or "")
            self.abandon(
                PeerLost(f"it refused the link ({error.reason})")
                if refused
                else Tampered(
                    f"the link to {self.peer} carried bytes that {self.peer} did not send "
                    f"({error.reason or 'TLS error'})",
                    hint="something between you alters, drops, repeats or reorders what is sent",
                )
            )
        if self._ending is not None and self._parser is not None:
            self.abandon(self._ending)
        if self._error is None:
            self._carrier.consumed(before - self._in.pending)
            if self._out.pending:
                self._pump()

    async def _arrival(self) -> None:
        self._waiter.clear()
        await self._waiter.wait()
        if self._error is not None:
            raise self._failure()

    def _data(self, data: Buffer) -> None:
        if self._tls is not None or self.peer_certificate:
            self._in.write(data)
        elif len(self._raw) + len(data) > 2 * CERTIFICATE + CIPHERTEXT:
            self.abandon(PeerViolation("a preamble that does not end"))
        else:
            self._raw += data
        if self._tls is not None:
            self._advance()
        else:
            self._waiter.set()

    # Ending

    def _lost(self, error: OstrakaError) -> None:
        """The carrier ended. What it brought before is still read: a party may send and leave."""
        if self._parser is None and self._unread:
            self._ending = error
            self._queue.clear()
            self._out.read()
            self._drained.set()
            self._tell(error)
        else:
            self.abandon(error)

    @property
    def _unread(self) -> bool:
        return self._tls is not None and bool(self._in.pending or self._tls.pending())

    def _failure(self) -> OstrakaError:
        error = self._error
        assert error is not None
        return type(error)(error.message, hint=error.hint, peer=error.peer)

    @property
    def failed(self) -> OstrakaError | None:
        """Why the link ended, or None."""
        return self._error

    def abandon(self, error: OstrakaError) -> None:
        """End the link now; whoever waits, or asks later, gets `error`."""
        if self._error is None:
            self._error = error
            self._queue.clear()
            self._carrier.close()
            self._waiter.set()
            self._drained.set()
            self._tell(error)

    def _tell(self, error: OstrakaError) -> None:
        tell, self.on_ended = self.on_ended, None
        if tell is not None:
            tell(error)

    async def close(self, seconds: float = 1.0) -> None:
        """Send what is queued and TLS's goodbye, wait for them to leave for at most `seconds`."""
        if self._error is None:
            try:
                async with asyncio.timeout(seconds):
                    await self.drain()
            except TimeoutError:
                self._queue.clear()  # nothing may follow the goodbye
            self._goodbye()
            try:
                async with asyncio.timeout(seconds):
                    await self._carrier.linger()
            except TimeoutError:
                pass
        self.abandon(PeerLost("the link is closed"))

    def _goodbye(self) -> None:
        if self._tls is not None:
            with suppress(ssl.SSLError, OSError, ValueError):
                self._tls.unwrap()
            self._pump()
