"""Buffers of one TLS session, in memory: bytes that wait to be sent, and bytes for parsers.

Both halves exist before TLS does, because certificates and handshake travel through the same two
buffers; so they are given the TLS object when they encrypt or decrypt.
"""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from ostraka.errors import InternalError, OstrakaError, PeerLost, PeerViolation, Tampered
from ostraka.wire.frames import HEADER, Buffer, Parser, Signal, is_part_of_signal

CHUNK: Final = 64 * 1024
"""Bytes encrypted at a time: small enough to stay in cache, measured best of 16 KiB to 1 MiB."""

CIPHERTEXT: Final = CHUNK + 8 * 1024
"""Length of a chunk as ciphertext at most: five records, their overhead, handshake messages."""


_FULL: Final = memoryview(b"")
"""A view with no room left: the parser is asked for its next one."""


def _nothing() -> Parser[None]:
    """Read nothing, in the place of the first parser."""
    yield from ()


OnSignal = Callable[[Signal], None]


def refuse_signal(signal: Signal) -> None:
    """Refuse a signal, on links where none is due. Raises PeerViolation."""
    raise PeerViolation(f"a frame of kind {signal.kind.name} on a link that has none")


class Plaintext(Protocol):
    """Source of what a peer sent: TLS, or what is left of it."""

    def read(self, size: int, view: memoryview, /) -> Any:
        """Fill the beginning of `view`; return how many bytes. Raises as an SSLObject does."""

    def pending(self) -> int:
        """Return how many bytes are decrypted and not read."""


class Rest:
    """Plaintext that was decrypted when its carrier was lost.

    Attributes:
        closed: whether the peer said TLS's goodbye behind it.
    """

    def __init__(self, bio: ssl.MemoryBIO, tls: Plaintext) -> None:
        data, piece = bytearray(), memoryview(bytearray(CHUNK))
        self._end: ssl.SSLError | None = None
        try:
            while size := tls.read(CHUNK, piece):
                data += piece[:size]
            self._end = ssl.SSLZeroReturnError()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as end:
            self._end = end
        self.closed = isinstance(self._end, ssl.SSLZeroReturnError | ssl.SSLEOFError)
        self._data = memoryview(data)
        bio.read()

    def read(self, size: int, view: memoryview, /) -> int:
        if not self._data and self._end is not None:
            raise self._end
        size = min(size, len(self._data))
        view[:size], self._data = self._data[:size], self._data[size:]
        return size

    def pending(self) -> int:
        return len(self._data) or self._end is not None


class Outbox:
    """Bytes on their way out: plaintext queued as views, and ciphertext ready for a carrier.

    Attributes:
        bio: where TLS, and before it the preamble, leaves what is ready to be sent.
        queue: plaintext; empty unless the link is open.
        bytes_sent: bytes of plaintext encrypted so far.
    """

    def __init__(self) -> None:
        self.bio = ssl.MemoryBIO()
        self.bytes_sent = 0
        self.queue: deque[memoryview] = deque()

    def __len__(self) -> int:
        return sum(len(piece) for piece in self.queue) + self.bio.pending

    def __bool__(self) -> bool:
        return bool(self.queue or self.bio.pending)

    def append(self, pieces: Iterable[Buffer]) -> None:
        """Queue plaintext, in order; the buffers must not change until they are encrypted."""
        self.queue.extend(map(memoryview, pieces))

    def encrypt(self, tls: ssl.SSLObject) -> None:
        """Encrypt up to one chunk of the queue."""
        queue, space = self.queue, CHUNK
        while queue and space > 0:
            piece = queue.popleft()
            if len(piece) > space:
                queue.appendleft(piece[space:])
                piece = piece[:space]
            size = len(piece)
            if size:
                tls.write(piece)
            space -= size
            self.bytes_sent += size

    def drop_queue(self) -> None:
        """Forget the plaintext that is not encrypted yet."""
        self.queue.clear()

    def drop_all(self) -> None:
        """Forget ciphertext as well: there is no carrier for it."""
        self.queue.clear()
        self.bio.read()


class Reader:
    """Parser of what a peer sends, and how far it has come. It may read from one link after
    another.

    Attributes:
        position: bytes of the peer's stream that parsers were given; signals are no part of it.
        reading: whether a parser wants more.
        finished: whether a parser has returned a result that was not taken yet.
        on_signal: called with each signal between frames; it may raise.
    """

    def __init__(self, on_signal: OnSignal = refuse_signal, position: int = 0) -> None:
        self.position = position
        self.reading = False
        self.finished = False
        self.on_signal = on_signal
        self._result: Any = None
        self._parser: Parser[Any] = _nothing()
        self._whole = self._view = _FULL

    def follow(self, parser: Parser[Any]) -> None:
        """Read with `parser` from now on; a result not taken is dropped."""
        self._parser, self._whole, self._view = parser, _FULL, _FULL
        self._result, self.reading, self.finished = None, True, False

    def take(self) -> Any:
        """Return the finished parser's result, once."""
        result, self._result, self.finished = self._result, None, False
        return result

    def stop(self) -> None:
        """Read no more; the result of a parser that has finished stays."""
        self.reading = False

    def rewind(self) -> None:
        """Forget the beginning of a signal: the rest of it is lost with the link that brought it,
        and the next link goes on with the stream."""
        filled = len(self._whole) - len(self._view)
        if is_part_of_signal(self._whole, filled):
            self._view = self._whole
            self.position -= filled


class Inbox:
    """Bytes that arrived, and the reader they are decrypted for, right into the view it wants.

    Attributes:
        peer: the name that errors give the peer.
        bio: where what arrived waits for TLS.
        reader: reads what is decrypted.
        stopped: whether nothing is decrypted any more.
        closed: whether the peer has said TLS's goodbye, and all before it was read.
    """

    def __init__(self) -> None:
        self.peer = "the peer"
        self.bio = ssl.MemoryBIO()
        self.reader = Reader()
        self.stopped = False
        self.closed = False

    @property
    def bytes_received(self) -> int:
        """Bytes of plaintext handed to parsers so far."""
        return self.reader.position

    @property
    def reading(self) -> bool:
        """Whether a parser wants more, and may get it from here."""
        return self.reader.reading and not self.stopped

    @property
    def finished(self) -> bool:
        """Whether a parser has returned a result that was not taken yet."""
        return self.reader.finished

    def follow(self, parser: Parser[Any]) -> None:
        """Let `decrypt` read with `parser` from now on; a result not taken is dropped."""
        self.reader.follow(parser)

    def take(self) -> Any:
        """Return the finished parser's result, once."""
        return self.reader.take()

    def stop(self) -> None:
        """Decrypt no more; the result of a parser that has finished stays."""
        self.stopped = True

    def decrypt(self, tls: Plaintext) -> None:
        """Decrypt for the parser until it returns or there are no more bytes.

        A view that is full sends the parser on: it names the next view to fill, or returns.

        Raises:
            OstrakaError: raised by the parser, or InternalError for its bug.
            PeerLost: the peer refused the TLS session.
            Tampered: bytes that the peer did not send.
        """
        bio, reader = self.bio, self.reader
        parser, view = reader._parser, reader._view
        try:
            while reader.reading and not self.stopped:
                if not view:
                    wanted = next(parser)
                    if isinstance(wanted, Signal):
                        reader.position -= HEADER
                        reader.on_signal(wanted)
                    else:
                        view = reader._whole = wanted
                elif bio.pending or tls.pending():
                    size: int = tls.read(len(view), view)
                    if not size:
                        raise ssl.SSLZeroReturnError
                    reader.position += size
                    view = view[size:]
                else:
                    break
        except StopIteration as end:
            reader._result, reader.reading, reader.finished = end.value, False, True
        except ssl.SSLWantReadError:
            pass
        except Exception as error:  # must not reach the task that happens to serve the sockets
            self._stop_for(error)
        if reader._parser is parser:
            reader._view = view

    def _stop_for(self, error: Exception) -> None:
        self.stopped = True
        if isinstance(error, OstrakaError):
            raise error
        if isinstance(error, ssl.SSLZeroReturnError | ssl.SSLEOFError):
            self.closed = True
        elif isinstance(error, ssl.SSLError):
            raise self._broken(error.reason) from None
        else:
            raise InternalError(f"while reading from {self.peer}: {error!r}") from None

    def _broken(self, reason: str | None) -> OstrakaError:
        if "ALERT" in (reason or ""):
            return PeerLost(f"it refused the link ({reason})")
        return Tampered(
            f"the link to {self.peer} carried bytes that {self.peer} did not send "
            f"({reason or 'TLS error'})",
            hint="something between you alters, drops, repeats or reorders what is sent",
        )
