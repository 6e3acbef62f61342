"""Enclosures: elements that a compute party sends along with the shares of inputs."""

from __future__ import annotations

from typing import Protocol

from ostraka.arithmetic.randomness import Words
from ostraka.names import PartyId


class Enclosure(Protocol):
    """One compute party's enclosure: what it gives to each peer, and what it was given.

    It travels behind the parcel in the message of the sharing step. Only the protocol that made it
    knows what it means; its size is part of `Protocol.expected`.
    """

    def message(self, to: PartyId) -> Words:
        """Return what goes to another compute party."""

    def take(self, sender: PartyId, message: Words) -> None:
        """Take in what another compute party sent; ValueError if that cannot be an enclosure."""
