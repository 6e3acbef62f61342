"""Exchange: the narrow waist, all that a protocol may ask of the network.

Mathematics never learns how a message travels; the network never learns what a message means.
Every message is a one-dimensional array whose element type and length the receiver states
*before* it looks, so a peer cannot make it allocate, convert or guess.
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
    """Form of the next message from a peer: any other message is that peer's violation.

    Args:
        dtype: "u8" for 64-bit little-endian words, "u1" for bytes.
        length: number of elements.
    """

    dtype: Literal["u8", "u1"]
    length: int

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return type_codes[self.dtype].itemsize * self.length


def words(length: int) -> Expected:
    """Return the form of a vector of `length` 64-bit words."""
    return Expected("u8", length)


def octets(length: int) -> Expected:
    """Return the form of a vector of `length` bytes."""
    return Expected("u1", length)


class Exchange(ABC):
    """Side of a session that belongs to one party, as a protocol sees it.

    `send` never blocks and keeps order per receiver. `receive` raises `PeerLost` when the peer is
    gone or silent for too long and `PeerViolation` when it sent something else than expected;
    after either, nothing more comes from that peer. Sending to a lost peer is silently dropped:
    its loss is reported where this party waits for it.
    """

    me: PartyId
    _phases: int = 0

    def begin_phase(self) -> int:
        """Begin a phase and return its number, which no other phase of the session has.

        Phases are numbered from 0 in the order in which they begin, run after run. Every party
        begins the same phases, so all number them alike without exchanging a message.
        """
        phase = self._phases
        self._phases += 1
        return phase

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
        """Return the message that `sender` sent at `step`.

        Safe to cancel only when the session then ends.

        Args:
            into: a contiguous array of the expected type and length that is filled and returned,
                for long vectors; its content is undefined when this raises.
            patience: for how many of the manifest's timeouts the sender may be silent. A party
                that waits for a waiting party must be the more patient of the two, or it calls the
                wrong one lost.
        """

    async def flush(self) -> None:  # noqa: B027 - exchanges without queues have nothing to do
        """Return once all messages sent have been handed to the operating system."""

    def broadcast(self, to: Iterable[PartyId], step: Step, message: Array) -> None:
        """Send the same message to each of `to` but this party."""
        for party in to:
            if party != self.me:
                self.send(party, step, message)

    async def gather(
        self, senders: Iterable[PartyId], step: Step, expected: Expected
    ) -> dict[PartyId, NDArray[Any]]:
        """Receive one message from each of `senders` but this party, in the order given."""
        return {s: await self.receive(s, step, expected) for s in senders if s != self.me}

    async def all_to_all(
        self, messages: Mapping[PartyId, Array], step: Step, expected: Expected
    ) -> dict[PartyId, NDArray[Any]]:
        """Send each party its message, then receive one from each of them: one round."""
        for party, message in messages.items():
            if party != self.me:
                self.send(party, step, message)
        return await self.gather(messages, step, expected)
