"""Replay: a run that goes on where an earlier process of its party was stopped.

The run's coroutine is started again from the beginning, with the same input and the same seed.
`ReplayingExchange` gives it the events on record until they are used up, and what its peers send
from then on. So it computes every message again, the same bytes as before, and hands them to the
exchange below: a peer is sent those that it does not have.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ostraka import limits
from ostraka.blocking import offload, offload_whole
from ostraka.errors import InternalError, OstrakaError
from ostraka.exchange import Array, Exchange, Expected, LastingExchange, T, type_codes
from ostraka.names import PartyId, Step
from ostraka.record.journal_entries import INLINE, Heard, Lost, Verdict, error_of, loss, verdict
from ostraka.record.journal_session import SessionRecord

Gate = Callable[[tuple[PartyId, ...]], Awaitable[None]]

RECORD_NS: Final = 20
"""Nanoseconds to encrypt an element and write it, or to read it back, about."""


class ReplayingExchange(Exchange):
    """Exchange that gives a run the events on record again, and records those that follow.

    Args:
        live: the party's exchange with its peers.
        record: of this session.
    """

    def __init__(self, live: LastingExchange, record: SessionRecord) -> None:
        self.me = live.me
        self._live, self._record = live, record
        self._unsettled: dict[PartyId, int] = {}
        self._loss: Lost | None = None

    # --- the run acts ---------------------------------------------------------------------------

    def send(self, to: PartyId, step: Step, message: Array) -> None:
        self._acts()
        self._live.send(to, step, message)

    def broadcast(self, to: Iterable[PartyId], step: Step, message: Array) -> None:
        self._acts()
        self._live.broadcast(to, step, message)

    async def flush(self) -> None:
        """Do as the exchange below. In a life after the result was known, wait for no peer: all
        peers may have ended."""
        self._acts()
        if not self._record.finished:
            await self._live.flush()

    async def deliver(self) -> tuple[PartyId, ...]:
        """Do as the exchange below, with the exception that `flush` makes."""
        self._acts()
        return () if self._record.finished else await self._live.deliver()

    def pair_key(self, peer: PartyId) -> bytes:
        return self._live.pair_key(peer)

    async def offload(self, nanoseconds: float, work: Callable[[], T]) -> T:
        return await self._live.offload(nanoseconds, work)

    async def persist(self) -> None:
        self._acts()
        if not self._record.replaying:
            await offload(limits.OFFLOAD, self._record.sync)

    def gate(self, ask: Gate) -> Gate:
        """Return a gate that asks `ask` only what was not asked before the party was stopped.

        An answer is on disk before the run acts on it: before a party consents.
        """
        return partial(self._ask, ask)

    async def _ask(self, ask: Gate, counted: tuple[PartyId, ...]) -> None:
        self._acts()
        if (event := self._record.next_event()) is not None:
            if not isinstance(event, Verdict) or event.counted != verdict(counted).counted:
                raise _differs(event, f"asks whether to count {', '.join(counted)}")
            self._record.take(event)
            if event.error:
                raise error_of(event)
            return
        try:
            await ask(counted)
        except OstrakaError as error:
            await self._conclude(verdict(counted, error))
            raise
        await self._conclude(verdict(counted))

    async def _conclude(self, event: Verdict) -> None:
        self._record.note(event)
        await offload_whole(self._record.sync)

    def _acts(self) -> None:
        """Write down what the run has seen, as it is about to act on it."""
        self._goes_on()
        self._record.push()
        while self._unsettled:
            self._live.settle(*self._unsettled.popitem())

    def _goes_on(self) -> None:
        """Note the last loss: a run that ends with it may be resumed, and then it is none."""
        if self._loss is not None:
            self._record.note(self._loss)
            self._loss = None

    # --- the run sees ---------------------------------------------------------------------------

    async def receive(
        self,
        sender: PartyId,
        step: Step,
        expected: Expected,
        into: NDArray[Any] | None = None,
        patience: int = 1,
    ) -> NDArray[Any]:
        self._goes_on()
        match self._record.next_event():
            case None:
                return await self._receive(sender, step, expected, into, patience)
            case Lost() as lost if (lost.sender, lost.step) == (sender, step):
                self._record.take(lost)
                error = error_of(lost)
                self._live.lose(sender, error)
                raise error
            case Heard() as heard if _is(heard, sender, step, expected):
                return await self._again(heard, expected, into)
            case other:
                raise _differs(other, f"awaits {expected} from {sender} at step {step}")

    async def _receive(
        self,
        sender: PartyId,
        step: Step,
        expected: Expected,
        into: NDArray[Any] | None,
        patience: int,
    ) -> NDArray[Any]:
        try:
            message = await self._live.receive(sender, step, expected, into, patience)
        except OstrakaError as error:
            self._loss = loss(sender, step, error)
            raise
        position = self._live.position(sender)
        inline = message.tobytes() if message.nbytes <= INLINE else b""
        heard = Heard(sender, *step, expected.dtype, expected.length, position, inline)
        await offload(RECORD_NS * len(message), partial(self._record.hear, heard, message))
        self._unsettled[sender] = position
        return message

    async def _again(
        self, heard: Heard, expected: Expected, into: NDArray[Any] | None
    ) -> NDArray[Any]:
        dtype = type_codes[expected.dtype]
        out = np.empty(expected.length, dtype) if into is None else into
        await offload(RECORD_NS * expected.length, partial(self._record.take, heard, out))
        return out


def _is(heard: Heard, sender: PartyId, step: Step, expected: Expected) -> bool:
    return (heard.sender, heard.step, heard.dtype, heard.length) == (
        sender,
        step,
        expected.dtype,
        expected.length,
    )


def _differs(event: Heard | Lost | Verdict, what: str) -> InternalError:
    return InternalError(
        f"the run does not go as it went before: it {what}, and the record says "
        f"{type(event).__name__}",
        hint="the record of this session is of no use: `ostraka run` begins anew without it",
    )
