"""Buffers of one TLS session, in memory: bytes that wait to be sent, and bytes for parsers.

Both halves exist before TLS does, because certificates and handshake travel through the same two
buffers; so they are given the TLS object when they encrypt or decrypt.
"""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Iterable
from typing import Any, Final, cast

from ostraka.errors import InternalError, OstrakaError, PeerLost, Tampered
from ostraka.wire.frames import Buffer, Parser

CHUNK: Final = 64 * 1024
"""Bytes encrypted at a time: small enough to stay in cache, measured best of 16 KiB to 1 MiB."""

CIPHERTEXT: Final = CHUNK + 8 * 1024
"""Length of a chunk as ciphertext at most: five records, their overhead, handshake messages."""


_FULL: Final = memoryview(b"")
"""A view with no room left: the parser is asked for its next one."""


def _nothing() -> Parser[None]:
    """Read nothing, in the place of the first parser."""
    yield from ()


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


class Inbox:
    """Bytes that arrived, and the parser they are decrypted for, right into the view it wants.

    Attributes:
        peer: the name that errors give the peer.
        bio: where what arrived waits for TLS.
        bytes_received: bytes of plaintext handed to parsers so far.
        reading: whether a parser wants more.
        finished: whether a parser has returned a result that was not taken yet.
        closed: whether the peer has said TLS's goodbye, and all before it was read.
    """

    def __init__(self) -> None:
        self.peer = "the peer"
        self.bio = ssl.MemoryBIO()
        self.bytes_received = 0
        self.reading = False
        self.finished = False
        self.closed = False
        self._result: Any = None
        self._parser: Parser[Any] = _nothing()
        self._view = _FULL

    def follow(self, parser: Parser[Any]) -> None:
        """Let `decrypt` read with `parser` from now on; a result not taken is dropped."""
        self._parser, self._view = parser, _FULL
        self._result, self.reading, self.finished = None, True, False

    def take(self) -> Any:
        """Return the finished parser's result, once."""
        result, self._result, self.finished = self._result, None, False
        return result

    def stop(self) -> None:
        """Read no more; the result of a parser that has finished stays."""
        self.reading = False

    def decrypt(self, tls: ssl.SSLObject) -> None:
        """Decrypt for the parser until it returns or there are no more bytes.

        A view that is full sends the parser on: it names the next view to fill, or returns.

        Raises:
            OstrakaError: raised by the parser, or InternalError for its bug.
            PeerLost: the peer refused the TLS session.
            Tampered: bytes that the peer did not send.
        """
        bio, parser, view = self.bio, self._parser, self._view
        try:
            while self.reading:
                if not view:
                    view = next(parser)
                elif bio.pending or tls.pending():
                    size = cast(int, tls.read(len(view), view))
                    if not size:
                        raise ssl.SSLZeroReturnError
                    self.bytes_received += size
                    view = view[size:]
                else:
                    break
        except StopIteration as end:
            self._result, self.reading, self.finished = end.value, False, True
        except ssl.SSLWantReadError:
            pass
        except Exception as error:  # must not reach the task that happens to serve the sockets
            self._stop_for(error)
        self._view = view

    def _stop_for(self, error: Exception) -> None:
        self.reading = False
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
