"""Requests to a mailbox: their bodies, the parts of their addresses, and plain answers."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from ostraka.mailbox.answers import Refusal, refusal

BODY_SECONDS: Final = 60.0
"""Seconds in which a request's body has to arrive: a phone's upload of a few megabytes."""

LARGEST_NUMBER: Final = (1 << 63) - 1


BODIES_BYTES: Final = 256 << 20
"""Bytes of the bodies of all requests that are not answered yet; above it those longer than
`SHORT_BODY` are refused as busy."""

SHORT_BODY: Final = 64 << 10
"""Bytes of a body that is taken even so: most reports have fewer."""


class Bodies:
    """Bodies of the requests that are not answered yet, bounded together.

    Attributes:
        held: their bytes.
    """

    def __init__(self) -> None:
        self.held = 0

    async def read(self, request: Request, most: int) -> bytes:
        """Return the body of a request; Refusal where it is longer than `most` bytes, or slow, or
        where there are too many."""
        large = Refusal(413, "large", f"more than the {most} bytes that this may have")
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            raise large
        parts, size = [], 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for part in request.stream():
                    size += len(part)
                    if size > most:
                        raise large
                    self._count(request, len(part), size)
                    parts.append(part)
        except TimeoutError:
            raise Refusal(408, "slow", "the request did not arrive in time") from None
        except ClientDisconnect:
            raise Refusal(400, "cut-off", "the request was cut off") from None
        return b"".join(parts)

    def _count(self, request: Request, more: int, size: int) -> None:
        self.held += more
        request.state.held = getattr(request.state, "held", 0) + more
        if self.held > BODIES_BYTES and size > SHORT_BODY:
            raise refusal("busy")

    def forget(self, request: Request) -> None:
        """Count the body of a request no more: it is answered."""
        self.held -= getattr(request.state, "held", 0)


def octets_of(request: Request, name: str) -> bytes:
    """Return the 32 bytes that a part of the address has in hex."""
    text = request.path_params[name]
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 32 or text != found.hex():
        raise Refusal(400, "malformed", "the address needs 64 hex digits, in lower case")
    return found


def party_of(request: Request) -> str:
    """Return the party that the address names."""
    return str(request.path_params["party"])


def number_of(asked: Mapping[str, str], name: str, usual: int) -> int:
    """Return a number of the query; the usual one where it is not there."""
    text = asked.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST_NUMBER):
        raise Refusal(400, "malformed", f"{name} has to be a whole number")
    return int(text)


def authorisation(request: Request) -> bytes:
    """Return the statement in the header `Authorization: Ostraka BASE64`."""
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    try:
        if kind == "Ostraka":
            return base64.b64decode(text, validate=True)
    except ValueError:
        pass
    raise Refusal(401, "unsigned", "only a compute party fetches reports, and signs that it does")


def in_base64(found: dict[str, bytes]) -> dict[str, str]:
    """Return papers by party as JSON has them."""
    return {party: base64.b64encode(octets).decode() for party, octets in found.items()}


def json_answer(body: Any) -> Response:
    """Return an answer that no cache keeps."""
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


def binary_answer(octets: bytes) -> Response:
    """Return an answer of bytes."""
    return Response(octets, media_type="application/octet-stream")
