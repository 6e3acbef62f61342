"""What one party brings to every interactive operation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from ostraka.errors import PeerLost
from ostraka.exchange import Exchange, Expected
from ostraka.names import PartyId, Step
from ostraka.sharing.scheme import Scheme


@dataclass
class Party:
    """One party inside a running protocol.

    Attributes:
        exchange: its way to the others.
        scheme: how secrets are shared.
        step: the next step's number; every party of a protocol advances it alike.
        lost: who went missing so far, each once.
        liars: who announced a wrong share that was corrected, each once.
        patience: phases begun; whoever waits in a later phase waits for parties that may still be
            waiting in the one before, so it waits longer.
    """

    exchange: Exchange
    scheme: Scheme
    step: int = 1
    lost: list[PartyId] = field(default_factory=list)
    liars: list[PartyId] = field(default_factory=list)
    patience: int = 1

    @property
    def me(self) -> PartyId:
        """This party's name."""
        return self.exchange.me

    def next_steps(self, count: int = 1) -> Step:
        """Take the next `count` step numbers and return the first."""
        first = self.step
        self.step += count
        return Step(first)

    async def receive(
        self,
        sender: PartyId,
        step: Step,
        expected: Expected,
        into: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """What `sender` sent; raises as `Exchange.receive`."""
        return await self.exchange.receive(
            sender, step, expected, into=into, patience=self.patience
        )

    async def receive_live(
        self, sender: PartyId, step: Step, expected: Expected
    ) -> NDArray[Any] | None:
        """What `sender` sent, or None when it is lost; asks nothing of a party lost before."""
        if sender in self.lost:
            return None
        try:
            return await self.receive(sender, step, expected)
        except PeerLost:
            self.lost.append(sender)
            return None

    async def gather_live(
        self, senders: Iterable[PartyId], step: Step, expected: Expected
    ) -> dict[PartyId, NDArray[Any]]:
        """One message from each of `senders` that is not lost, ourselves left out."""
        found = {s: await self.receive_live(s, step, expected) for s in senders if s != self.me}
        return {sender: message for sender, message in found.items() if message is not None}
