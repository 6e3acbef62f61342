"""Life of a run in one process: what it draws, what it records, what it takes over.

All randomness of a run comes from one seed. The seed, the encoded input and the events that the run
saw are kept in a record (`record.journal_session`) until the run has ended. A process that finds an
unfinished record of its session lives the run again from there.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Self

import numpy as np

from ostraka.arithmetic.randomness import Draw, OsDraw, RunDraw, Words
from ostraka.blocking import offload, offload_whole
from ostraka.errors import Aborted, OstrakaError, Temporary, TimedOut
from ostraka.exchange import Exchange
from ostraka.inputs.made_up import made_up, require_none
from ostraka.names import PartyId
from ostraka.progress import Observer, Progress
from ostraka.protocols.protocol import Protocol
from ostraka.protocols.runner import Gate
from ostraka.record.journal_entries import Sealed
from ostraka.record.journal_session import SessionRecord
from ostraka.record.journal_store import RecordStore
from ostraka.record.replay import RECORD_NS, ReplayingExchange
from ostraka.session.session import Session

TEXT_NS = 150
"""Nanoseconds to read and encode a value that is text, about: the slowest form of an input."""


class Life:
    """One process's part in a run; its record ends with the context.

    The record is erased, unless all parties may resume the session later.

    Attributes:
        record: of the run; None where the party keeps none.
    """

    def __init__(
        self, seed: bytes, x: Words | None, record: SessionRecord | None, observer: Observer
    ) -> None:
        self.record = record
        self._seed, self._x = seed, [x]
        if record is not None:
            record.x = None  # a long vector is freed once it is shared
            record.on_failure = partial(_tell, observer)

    @classmethod
    async def begin(
        cls,
        protocol: Protocol,
        me: PartyId,
        raw: object,
        store: RecordStore | None,
        progress: Progress,
    ) -> Self:
        """Begin a run: check and encode its input, and record both; nothing is sent.

        Of a rehearsal the input is made up.

        Raises:
            InputError: the input is not what the manifest asks for.
            Temporary: the run cannot be recorded.
        """
        if protocol.manifest.session.rehearsal:
            require_none(raw)
            raw = made_up(protocol.row_form(me)) if me in protocol.contributors else None
        seed, length = OsDraw().seed(), protocol.lengths.get(me, 0)
        x = await offload(
            TEXT_NS * length, partial(protocol.input_of, me, raw, RunDraw(seed, "input"))
        )
        record = None
        if store is not None:
            keep = partial(store.begin, protocol.manifest.digest, seed, x)
            record = await offload(RECORD_NS * length, keep)
        return cls(seed, x, record, progress.observer)

    @classmethod
    async def resume(
        cls,
        protocol: Protocol,
        me: PartyId,
        raw: object,
        record: SessionRecord,
        progress: Progress,
    ) -> Self | None:
        """Go on with a run that an earlier process began; the recorded input is used.

        Returns:
            None if no session had been made and another input is given now: nothing of the run has
            left, so it may begin anew. Its record is erased.
        """
        begun, observer = record.begun, progress.observer
        found = cls(begun.seed, record.x, record, observer)
        other = raw is not None and not await found._is_input(protocol, me, raw)
        if other and record.sealed is None:
            record.erase()
            return None
        sealed = record.sealed
        observer.resuming(sealed.session.hex() if sealed else "", record.age)
        if other:
            observer.warn("the session goes on with the input it began with, and not with this one")
        if sealed:
            progress.resume(shared=me in protocol.contributors)
        return found

    async def _is_input(self, protocol: Protocol, me: PartyId, raw: object) -> bool:
        encode = partial(protocol.input_of, me, raw, self.draw("input"))
        with suppress(OstrakaError):
            given = await offload(TEXT_NS * protocol.lengths.get(me, 0), encode)
            kept = self._x[0]
            return given is not None and kept is not None and np.array_equal(given, kept)
        return False

    def require_whole(self, protocol: Protocol) -> None:
        """Check that the run may go on after what its machine went through.

        Raises:
            Aborted: the record may lack what the run saw last, and compute parties may lie.
        """
        active, record = protocol.manifest.sharing.security == "active", self.record
        if active and record is not None and record.power_lost and record.sealed:
            raise _lost_power()

    # --- what a run needs -----------------------------------------------------------------------

    def draw(self, use: str) -> Draw:
        """Return the source of the run's randomness for one purpose."""
        return RunDraw(self._seed, use)

    def take_input(self) -> Words | None:
        """Return the encoded input, once."""
        return self._x.pop()

    @property
    def reservation(self) -> str:
        """Number of the run in the party's ledger, if an earlier process reserved it, or ""."""
        return self.record.reservation if self.record else ""

    def reserve(self, number: str) -> None:
        """Record the number of the run in the party's ledger."""
        if self.record is not None and number != self.record.reservation:
            self.record.reserve(number)

    async def exchange(self, session: Session) -> Exchange:
        """Return the run's exchange over a session: it records, and replays what is on record.

        Raises:
            Temporary: the session cannot be recorded; no share has left.
        """
        record = self.record
        if record is None:
            return session
        if record.sealed is None:
            await asyncio.to_thread(self._on_disk, record, Sealed(session.id))
        return ReplayingExchange(session, record)

    def _on_disk(self, record: SessionRecord, sealed: Sealed) -> None:
        try:
            record.seal(sealed)
        except OSError as error:
            raise Temporary(
                f"the session cannot be recorded: {error.strerror}; no share was sent",
                hint="make room, or set durable = false: a crash then costs the session",
                data_left=False,
            ) from None

    @staticmethod
    def gate(exchange: Exchange, ask: Gate) -> Gate:
        """Return the gate of a run over `exchange`; what `ask` has answered it is not asked."""
        return exchange.gate(ask) if isinstance(exchange, ReplayingExchange) else ask

    # --- its end --------------------------------------------------------------------------------

    async def finish(self) -> None:
        """Record that the result is known."""
        if self.record is not None and not self.record.finished:
            await offload_whole(self.record.finish)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.record is None:
            return
        sealed = self.record.sealed is not None
        if sealed and isinstance(error, OstrakaError) and error.exit_code == TimedOut.exit_code:
            error.hint = (
                f"let all parties run it again within {duration(self.record.resume_for)}: the same "
                "session goes on, with the inputs that it has, unless a party has ended it"
            )
            self.record.close()
        else:
            self.record.erase()


def _lost_power() -> Aborted:
    return Aborted(
        "this machine was started again during the session, so the last messages may be missing "
        "from its record; with active security the session cannot go on",
        hint="run it again with all parties: a new session begins",
    )


def duration(seconds: float) -> str:
    """Return a time as people say it, from seconds to hours."""
    if seconds < 120:
        return f"{max(0, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 7200 else f"{round(seconds / 3600)} h"


def _tell(observer: Observer, error: OSError) -> None:
    observer.warn(
        f"this session is not recorded any more, and would not survive a crash: {error.strerror}"
    )
