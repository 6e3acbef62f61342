"""The narrow waist: all that a protocol may ask of the network.

Mathematics never learns how a message travels; the network never learns what a message means.
Every message is a one-dimensional array whose element type and length the receiver states
*before* it looks, so a peer cannot make anybody allocate, convert or guess.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ostraka.names import PartyId, Step

type_codes: dict[str, np.dtype[Any]] = {"u8": np.dtype("<u8"), "u1": np.dtype("u1")}
"""Element types that travel: field and ring elements, and bytes."""

Array = NDArray[np.uint64] | NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Expected:
    """What the next message from a peer must be: anything else is that peer's violation.

    Args:
        dtype: "u8" for 64-bit little-endian words, "u1" for bytes.
        length: number of elements.
    """

    dtype: Literal["u8", "u1"]
    length: int

    @property
    def nbytes(self) -> int:
        return type_codes[self.dtype].itemsize * self.length


def words(length: int) -> Expected:
    """A vector of `length` 64-bit words."""
    return Expected("u8", length)


def octets(length: int) -> Expected:
    """A vector of `length` bytes."""
    return Expected("u1", length)


class Exchange(ABC):
    """One party's side of a session, as a protocol sees it.

    `send` never blocks and keeps order per receiver. `receive` raises `PeerLost` when the peer is
    gone or silent for too long and `PeerViolation` when it sent something else than expected;
    after either, nothing more comes from that peer. Sending to a lost peer is silently dropped:
    its loss is reported where somebody waits for it.
    """

    me: PartyId

    @abstractmethod
    def send(self, to: PartyId, step: Step, message: Array) -> None:
        """Queue `message` for `to`. The array must not change afterwards."""

    @abstractmethod
    async def receive(
        self,
        sender: PartyId,
        step: Step,
        expected: Expected,
        into: NDArray[Any] | None = None,
        patience: int = 1,
    ) -> NDArray[Any]:
        """The message `sender` sent at `step`. Safe to cancel only when the session then ends.

        Args:
            into: a contiguous array of the expected type and length that is filled and returned,
                for long vectors; its content is undefined when this raises.
            patience: for how many of the manifest's timeouts the sender may be silent. Whoever
                waits for somebody who himself waits must be the more patient of the two, or the
                wrong one is called lost.
        """

    async def flush(self) -> None:  # noqa: B027 - exchanges without queues have nothing to do
        """Return once everything sent has been handed to the operating system."""

    def broadcast(self, to: Iterable[PartyId], step: Step, message: Array) -> None:
        """Send the same message to each of `to`, ourselves left out."""
        for party in to:
            if party != self.me:
                self.send(party, step, message)

    async def gather(
        self, senders: Iterable[PartyId], step: Step, expected: Expected
    ) -> dict[PartyId, NDArray[Any]]:
        """One message from each of `senders`, ourselves left out, in the order given."""
        return {s: await self.receive(s, step, expected) for s in senders if s != self.me}

    async def all_to_all(
        self, messages: Mapping[PartyId, Array], step: Step, expected: Expected
    ) -> dict[PartyId, NDArray[Any]]:
        """Send each its own message, then receive one from each of the same parties: one round."""
        for party, message in messages.items():
            if party != self.me:
                self.send(party, step, message)
        return await self.gather(messages, step, expected)
