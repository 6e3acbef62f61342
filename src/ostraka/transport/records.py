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
            if piece:
                tls.write(piece)
            space -= len(piece)
            self.bytes_sent += len(piece)

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
        finished: whether a parser has returned a result that was not taken yet.
        closed: whether the peer has said TLS's goodbye, and all before it was read.
    """

    def __init__(self) -> None:
        self.peer = "the peer"
        self.bio = ssl.MemoryBIO()
        self.bytes_received = 0
        self.finished = False
        self.closed = False
        self._result: Any = None
        self._parser: Parser[Any] | None = None
        self._view = memoryview(b"")

    @property
    def reading(self) -> bool:
        """Whether a parser wants more."""
        return self._parser is not None

    def follow(self, parser: Parser[Any]) -> None:
        """Read with `parser` from now on; a result not taken is dropped.

        Raises:
            OstrakaError: raised by the parser at its start, or InternalError for its bug.
        """
        self._parser, self._result, self.finished = parser, None, False
        self._resume(parser)

    def take(self) -> Any:
        """Return the finished parser's result, once."""
        result, self._result, self.finished = self._result, None, False
        return result

    def stop(self) -> None:
        """Read no more; the result of a parser that has finished stays."""
        self._parser = None

    def decrypt(self, tls: ssl.SSLObject) -> None:
        """Decrypt for the parser until it returns or there are no more bytes.

        Raises:
            OstrakaError: raised by the parser, or InternalError for its bug.
            PeerLost: the peer refused the TLS session.
            Tampered: bytes that the peer did not send.
        """
        bio = self.bio
        try:
            while (parser := self._parser) is not None and (bio.pending or tls.pending()):
                size = cast(int, tls.read(len(self._view), self._view))
                if not size:
                    raise ssl.SSLZeroReturnError
                self.bytes_received += size
                self._view = self._view[size:]
                if not self._view:
                    self._resume(parser)
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self.closed = True
        except ssl.SSLError as error:
            raise self._broken(error.reason) from None

    def _resume(self, parser: Parser[Any]) -> None:
        """Let the parser go on: it names the next view to fill, or returns."""
        try:
            self._view = next(parser)
        except StopIteration as end:
            self._parser, self._result, self.finished = None, end.value, True
        except OstrakaError:
            self._parser = None
            raise
        except Exception as bug:  # must not reach the task that happens to serve the sockets
            self._parser = None
            raise InternalError(f"while reading from {self.peer}: {bug!r}") from None

    def _broken(self, reason: str | None) -> OstrakaError:
        if "ALERT" in (reason or ""):
            return PeerLost(f"it refused the link ({reason})")
        return Tampered(
            f"the link to {self.peer} carried bytes that {self.peer} did not send "
            f"({reason or 'TLS error'})",
            hint="something between you alters, drops, repeats or reorders what is sent",
        )
