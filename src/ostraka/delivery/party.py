"""One party inside a running protocol: its numbered steps, and which peers it has lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from numpy.typing import NDArray

from ostraka.delivery.attendance import Attendance
from ostraka.errors import PeerLost
from ostraka.exchange import Exchange, Expected
from ostraka.names import PartyId, Step
from ostraka.sharing.scheme import Scheme

Heard = Callable[[PartyId, NDArray[Any]], None]
"""Function that takes a message and its sender."""


class _Aside(NamedTuple):
    step: Step
    expected: Expected
    heard: Heard


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
        self._asides: dict[PartyId, list[_Aside]] = {}

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
        if self._asides:
            await self.hear_asides(sender)
        return await self._receive(sender, step, expected, into)

    async def _receive(
        self, sender: PartyId, step: Step, expected: Expected, into: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        patience = step.phase - self._first + 1
        return await self.exchange.receive(sender, step, expected, into=into, patience=patience)

    def expect_aside(
        self, senders: Iterable[PartyId], step: Step, expected: Expected, heard: Heard
    ) -> None:
        """Note that each of `senders` but this party sends a message that can be read later.

        It is read before the sender's next message, so that it needs no round of its own; `heard`
        is then called with the sender and the message, and may raise.
        """
        for sender in senders:
            if sender != self.me:
                self._asides.setdefault(sender, []).append(_Aside(step, expected, heard))

    async def hear_asides(self, sender: PartyId) -> None:
        """Read the messages of `sender` that were noted and not read yet; raise as `receive`."""
        while asides := self._asides.get(sender):
            step, expected, heard = asides.pop(0)
            heard(sender, await self._receive(sender, step, expected))

    async def hear_all_asides(self) -> None:
        """Read what was noted of every sender and not read yet; raise as `receive`."""
        for sender in tuple(self._asides):
            await self.hear_asides(sender)

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
