"""Exchange: all that a protocol may ask of the network.

A protocol never learns how a message travels, and the network never learns what it means. Every
message is a one-dimensional array. The receiver states its element type and length *before* it
reads the message, so a peer cannot make the receiver allocate, convert or guess.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from ostraka.errors import OstrakaError
from ostraka.names import PartyId, Step

T = TypeVar("T")

type_codes: dict[str, np.dtype[Any]] = {"u8": np.dtype("<u8"), "u1": np.dtype("u1")}
"""Element types of messages by code: "u8" for field and ring elements, "u1" for bytes."""

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
    """One party's access to the messages of a session, as a protocol sees it.

    `send` never blocks and keeps order per receiver. `receive` raises `PeerLost` when the peer is
    gone or silent for too long, and `PeerViolation` when it sent another message than expected;
    after either, nothing more comes from that peer. A message to a lost peer is silently dropped:
    the loss is reported where this party waits for that peer.
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
            patience: for how many of the manifest's timeouts the sender may be silent. Where the
                sender itself waits for a third party, the receiver must be more patient than the
                sender; otherwise it would blame the sender for the third party's silence.
        """

    @abstractmethod
    def pair_key(self, peer: PartyId) -> bytes:
        """Return 32 secret bytes of this compute party and another one, the same at both.

        They are fresh with each session; no third party knows them. A use of them hashes them with
        a label, and with what tells it from the other uses of the session, such as a phase.
        """

    async def offload(self, nanoseconds: float, work: Callable[[], T]) -> T:
        """Return what `work` returns: pure work that takes about so long on one core.

        A session does long work in another thread, so that its links are served meanwhile, and
        serves them between short pieces. Elsewhere it is done at once, so that a rehearsal goes the
        same way each time.
        """
        return work()

    async def flush(self) -> None:  # noqa: B027 - exchanges without queues have nothing to do
        """Return once all messages sent have been handed to the operating system."""

    async def deliver(self) -> tuple[PartyId, ...]:
        """Return once all messages sent are settled by their receivers, which may die then.

        For a party that leaves while others still need what it sent. Takes a bounded time.

        Returns:
            The receivers that were waited for in vain: they were cut off, and did not return.
        """
        await self.flush()
        return ()

    async def persist(self) -> None:  # noqa: B027 - most exchanges keep no record
        """Return once this party could go on from here after a loss of power.

        Asked before a statement of which a party may make only one.
        """

    def broadcast(self, to: Iterable[PartyId], step: Step, message: Array) -> None:
        """Send the same message to each party in `to`, this party excepted."""
        for party in to:
            if party != self.me:
                self.send(party, step, message)

    async def gather(
        self, senders: Iterable[PartyId], step: Step, expected: Expected
    ) -> dict[PartyId, NDArray[Any]]:
        """Receive one message from each party in `senders`, this party excepted; return them by
        sender."""
        return {s: await self.receive(s, step, expected) for s in senders if s != self.me}

    async def all_to_all(
        self, messages: Mapping[PartyId, Array], step: Step, expected: Expected
    ) -> dict[PartyId, NDArray[Any]]:
        """Send each party its message, then receive one from each: one round; return them by
        sender."""
        for party, message in messages.items():
            if party != self.me:
                self.send(party, step, message)
        return await self.gather(messages, step, expected)


class LastingExchange(Exchange):
    """An exchange whose links outlive a party's process: what was not settled comes again.

    Each sender's messages to this party are one stream, and a position is a point in it.
    """

    @abstractmethod
    def position(self, sender: PartyId) -> int:
        """Return where in the sender's stream the last message received from it ends."""

    @abstractmethod
    def settle(self, sender: PartyId, position: int) -> None:
        """Tell the sender that it may forget what comes before a position."""

    @abstractmethod
    def lose(self, sender: PartyId, error: OstrakaError) -> None:
        """Take a sender for lost, as this party did before its process was started again."""
