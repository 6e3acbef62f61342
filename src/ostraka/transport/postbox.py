"""Letters of a party at a coordinator's mailbox: one connection for each visit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Final

from ostraka import limits
from ostraka.errors import (
    InvitationExpired,
    OstrakaError,
    PeerLost,
    PeerViolation,
    Temporary,
    UsageError,
)
from ostraka.identity import Identity
from ostraka.transport.contexts import Contexts
from ostraka.transport.network import Network
from ostraka.transport.preamble import pinned
from ostraka.transport.relay import NAME
from ostraka.transport.tls import SecureLink
from ostraka.wire import frames
from ostraka.wire.messages import Fetch, KeptPart, Post, Refused, decode, encode

PATIENCE: Final = 10.0
"""Seconds that the coordinator may take for an answer."""


class Postbox:
    """Connection to the mailbox of a coordinator."""

    def __init__(self, link: SecureLink) -> None:
        self._link = link

    async def open_box(self, box: bytes, expires: int) -> None:
        """Open a box until `expires`, in seconds since 1970; 0 takes it away, with its letters.

        Raises:
            Temporary: the mailbox is full. UsageError: the box is another organiser's.
        """
        await self._ask(Post(box, 0, 0, 1, expires.to_bytes(8)))

    async def post(self, box: bytes, cell: int, letter: bytes) -> None:
        """Leave a letter.

        Raises:
            InvitationExpired: there is no such box (any more), or another key has answered.
            UsageError: the letter is larger than a mailbox takes.
        """
        size = limits.LETTER_PART
        parts = [letter[i : i + size] for i in range(0, len(letter), size)]
        if len(parts) > limits.LETTER_PARTS:
            raise UsageError(f"{len(letter)} bytes are too many for the coordinator's mailbox")
        for number, content in enumerate(parts):
            await self._ask(Post(box, cell, number, len(parts), content))

    async def fetch(self, box: bytes, cell: int) -> bytes | None:
        """Return a letter; None while it is not there, or not whole.

        Raises:
            InvitationExpired: there is no such box (any more).
        """
        letter = b""
        for number in count():
            found = await self._ask(Fetch(box, cell, number))
            if not found.parts:
                return None
            letter += found.content
            if number + 1 >= found.parts:
                return letter
        raise AssertionError

    async def _ask(self, message: Post | Fetch) -> KeptPart:
        self._link.write(frames.control(encode(message)))
        try:
            async with asyncio.timeout(PATIENCE):
                answer = decode(await self._link.read(frames.read_control()))
        except TimeoutError:
            raise PeerLost(f"{NAME} did not answer within {PATIENCE:g} s") from None
        if isinstance(answer, Refused):
            raise _refusal(answer.code)
        if not isinstance(answer, KeptPart):
            raise PeerViolation(f"a {type(answer).__name__} message from the coordinator")
        return answer


def _refusal(code: str) -> OstrakaError:
    if code == "used":
        return InvitationExpired(
            "the code is used: another key has answered it",
            hint="tell the organiser, who must not seal, but: ostraka seal DRAFT --resend NAME",
            data_left=False,
        )
    if code == "no-box":
        return InvitationExpired(
            "the code has expired or was revoked: the coordinator has no such invitation",
            hint="ask the organiser for a new one",
            data_left=False,
        )
    if code == "not-yours":
        return UsageError("another key has opened this draft", data_left=False)
    return Temporary(f"{NAME} keeps no letter of ours: {code}", hint="try again later")


@asynccontextmanager
async def visit(
    address: str, pin: bytes, own: Identity, network: Network
) -> AsyncIterator[Postbox]:
    """Connect to the mailbox of the coordinator at HOST:PORT.

    Raises:
        Unreachable, PinMismatch, PeerViolation, PeerLost: as `relay.connect`.
    """
    carrier = await network.dial(address)
    link = SecureLink(carrier, Contexts(own), server=False, admit=pinned(NAME, pin))
    try:
        await link.open()
        yield Postbox(link)
    except BaseException:
        link.abandon(PeerLost("not wanted any more"))
        raise
    await link.close()
