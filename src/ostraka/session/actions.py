"""Actions that `Introductions` asks for, and the bytes that a party signs for its Hello."""

from __future__ import annotations

from typing import NamedTuple

from ostraka.errors import OstrakaError
from ostraka.names import PartyId
from ostraka.wire.messages import VERSION, Message


class Say(NamedTuple):
    """Action: send a message to those of the parties that we have a link to."""

    to: tuple[PartyId, ...]
    message: Message


class Present(NamedTuple):
    """Action: tell the user how many parties are here, this one included."""

    parties: int


class Part(NamedTuple):
    """Action: tell a party that the session begins without it, and drop the link to it."""

    party: PartyId


class Doubt(NamedTuple):
    """Action: wait a moment, then call `patience_over` with party and error.

    Attributes:
        to_the_deadline: wait until the deadline instead, and tell the user.
    """

    party: PartyId
    error: OstrakaError
    to_the_deadline: bool = False


class Fail(NamedTuple):
    """Action: end the session with an error."""

    error: OstrakaError


Action = Say | Present | Part | Doubt | Fail


def hello_bytes(digest: bytes, nonce: bytes) -> bytes:
    """Return the bytes a party signs for its Hello: its manifest's digest and its nonce."""
    return b"ostraka hello\0" + VERSION.to_bytes(2, "little") + digest + nonce
