"""Answers to a supervisor, a monitor and an operator: /healthz and more, over plain HTTP/1.1.

For a listener of its own, on loopback unless the operator says otherwise. Each connection carries
one request, of few bytes and in few seconds; nothing that it says changes the service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

REQUEST_BYTES: Final = 8192
"""Bytes of a request's head, at most: a monitor's is a few hundred."""

REQUEST_SECONDS: Final = 5.0
"""Seconds that a request and its answer may take."""

CONNECTIONS: Final = 32
"""Connections that are answered at once; a further one is closed."""

TEXT: Final = "text/plain; charset=utf-8"


class Answer(NamedTuple):
    """Answer to a request."""

    status: str
    body: str
    kind: str = TEXT


Respond = Callable[[], Answer]

NOT_FOUND: Final = Answer("404 Not Found", "not found\n")
ONLY_GET: Final = Answer("405 Method Not Allowed", "only GET and HEAD\n")
MALFORMED: Final = Answer("400 Bad Request", "not a request\n")


class Responder:
    """Server of a few pages that are computed when they are asked for.

    Args:
        pages: a function for each path.
    """

    def __init__(self, pages: dict[str, Respond]) -> None:
        self._pages = pages
        self._open = 0

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Listen; the caller closes the server.

        Raises:
            OSError: the address cannot be listened on.
        """
        return await asyncio.start_server(self._connected, host, port, limit=REQUEST_BYTES)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= CONNECTIONS:
                async with asyncio.timeout(REQUEST_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self.answer(head))
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a slow or broken monitor gets no answer
        finally:
            self._open -= 1
            with suppress(OSError):
                writer.close()

    def answer(self, head: bytes) -> bytes:
        """Return the bytes that answer a request's head, which ends with an empty line."""
        method, found = self._found(head)
        body = found.body.encode()
        lines = (
            f"HTTP/1.1 {found.status}",
            f"Content-Type: {found.kind}",
            f"Content-Length: {len(body)}",
            "Cache-Control: no-store",
            "Connection: close",
        )
        text = "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"
        return text if method == b"HEAD" else text + body

    def _found(self, head: bytes) -> tuple[bytes, Answer]:
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return b"", MALFORMED
        method, target = words[0], words[1].split(b"?", 1)[0].decode("latin-1")
        if method not in (b"GET", b"HEAD"):
            return method, ONLY_GET
        page = self._pages.get(target)
        return method, NOT_FOUND if page is None else page()
