"""One party inside a running protocol: its numbered steps, and which peers it has lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

from ostraka.delivery.attendance import Attendance
from ostraka.errors import PeerLost
from ostraka.exchange import Exchange, Expected
from ostraka.names import PartyId, Step
from ostraka.sharing.scheme import Scheme


class Party:
    """One party inside one run of a protocol. Making it begins the run's first phase.

    Args:
        attendance: a protocol's; by default what the scheme alone asks of honest parties.

    Attributes:
        exchange: its way to the others.
        scheme: how secrets are shared.
        attendance: which parties may be missing.
        step: the next step of the computation.
        lost: the peers that went missing so far, each once.
        liars: the compute parties that announced a wrong share that was corrected, each once.
    """

    def __init__(
        self, exchange: Exchange, scheme: Scheme, attendance: Attendance | None = None
    ) -> None:
        self.exchange, self.scheme = exchange, scheme
        self.attendance = attendance or Attendance.of(scheme)
        self.lost: list[PartyId] = []
        self.liars: list[PartyId] = []
        self.step = self.begin_phase()
        self._first = self.step.phase
        self._due: dict[PartyId, list[tuple[Step, Expected]]] = {}
        self._asides: dict[tuple[PartyId, Step], NDArray[Any]] = {}

    @property
    def me(self) -> PartyId:
        """Name of the party."""
        return self.exchange.me

    def begin_phase(self) -> Step:
        """Begin a phase and return its first step.

        Every party of a run begins the same phases in the same order, also those in which it has
        nothing to say.
        """
        return Step(self.exchange.begin_phase(), 0)

    def next_steps(self, count: int = 1) -> Step:
        """Take the next `count` steps of the computation and return the first."""
        first = self.step
        self.step = first.later(count)
        return first

    async def receive(
        self,
        sender: PartyId,
        step: Step,
        expected: Expected,
        into: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """Return what `sender` sent at `step`; raise as `Exchange.receive`.

        A sender that is in an earlier phase may be waiting for a third party itself: so a party's
        patience grows by one timeout with each phase of the run.
        """
        while self._due.get(sender):
            await self._take_aside(sender)
        return await self._receive(sender, step, expected, into)

    async def _receive(
        self, sender: PartyId, step: Step, expected: Expected, into: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        patience = step.phase - self._first + 1
        return await self.exchange.receive(sender, step, expected, into=into, patience=patience)

    def expect_aside(self, senders: Iterable[PartyId], step: Step, expected: Expected) -> None:
        """Note that each of `senders` but this party sends a message now that is wanted later.

        It is read before the sender's next message, so that it needs no round of its own.
        """
        for sender in senders:
            if sender != self.me:
                self._due.setdefault(sender, []).append((step, expected))

    async def receive_aside(self, sender: PartyId, step: Step) -> NDArray[Any]:
        """Return the message of `step` that was noted with `expect_aside`; raise as `receive`."""
        while (sender, step) not in self._asides:
            await self._take_aside(sender)
        return self._asides.pop((sender, step))

    async def _take_aside(self, sender: PartyId) -> None:
        """Read the next message from `sender` that was noted."""
        step, expected = self._due[sender].pop(0)
        self._asides[sender, step] = await self._receive(sender, step, expected)

    async def receive_if_there(
        self, sender: PartyId, step: Step, expected: Expected
    ) -> NDArray[Any] | None:
        """Return what `sender` sent, or None when it is lost now or was before."""
        if sender in self.lost:
            return None
        try:
            return await self.receive(sender, step, expected)
        except PeerLost:
            self.lost.append(sender)
            return None

    async def gather_if_there(
        self, senders: Iterable[PartyId], step: Step, expected: Expected
    ) -> dict[PartyId, NDArray[Any]]:
        """Return one message from each of `senders` but this party that is not lost."""
        found = {s: await self.receive_if_there(s, step, expected) for s in senders if s != self.me}
        return {sender: message for sender, message in found.items() if message is not None}
