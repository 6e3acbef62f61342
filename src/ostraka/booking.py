"""Booking of a run: its place in a party's ledger, from before the session to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from ostraka.blocking import offload_whole
from ostraka.errors import OstrakaError
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.outcome import Outcome
from ostraka.progress import Observer, Progress
from ostraka.protocols.protocol import Protocol
from ostraka.record.budget import Spend
from ostraka.record.ledger import Ledger, Reservation
from ostraka.record.rules import Roster, uncovered
from ostraka.record.runs import Run
from ostraka.session.session import Session

CostOf = Callable[[tuple[PartyId, ...]], Spend]
"""Function from the contributors counted to what a run that counts them tells."""

OpenLedger = Callable[[Callable[[str], None]], Ledger]
"""Function that opens a party's ledger; it calls its argument with a text on each repair."""


def asked(protocol: Protocol, me: PartyId, cost: Spend, roster: Roster | None) -> Run:
    """Return the run as the ledger of the party `me` sees it.

    Args:
        cost: the most that it tells of one contributor.
        roster: of a collection, whose contributors are no parties; None in other sessions.
    """
    unanimous = roster is not None or not protocol.scheme.survives_dropouts
    return Run.of(
        protocol.manifest,
        me,
        cost,
        weights=protocol.roster_weights(),
        may_leave=() if roster is not None else protocol.may_leave,
        least=protocol.manifest.policy.min_contributors,
        needed=unanimous and me in protocol.scheme.compute,
        roster=roster,
    )


class Booking:
    """Reservation of a run in this party's ledger; without a ledger it does nothing."""

    def __init__(self, place: Reservation | None, progress: Progress) -> None:
        self._place, self._progress = place, progress

    @property
    def number(self) -> str:
        """Number of the reservation; "" without a ledger."""
        return self._place.id if self._place else ""

    async def share(self, session: Session) -> None:
        """Record that shares may leave from now on, unless an earlier process of the run has
        recorded more."""
        if self._place and not self._place.committed:
            await offload_whole(partial(self._place.share, session.id.hex()))

    async def commit(self, session: Session, counted: tuple[PartyId, ...], cost: CostOf) -> None:
        """Record the contributors that the run counts, before any result can become known.

        Args:
            cost: is asked what a run tells that counts these.
        """
        place, number = self._place, session.id.hex()
        if place:
            await offload_whole(lambda: place.commit(number, counted, cost(counted)))

    async def result(self, session: Session, outcome: Outcome) -> None:
        """Record which outputs became known; a ledger that fails now only gives a warning."""
        if self._place:
            names = [output.name for output in outcome.outputs if output.parts]
            with self._warning():
                number, counted = session.id.hex(), outcome.contributors
                write = partial(self._place.result, number, counted, outcome.status, names)
                await offload_whole(write)

    def failed(self, error: BaseException) -> None:
        """Settle a reservation that was not committed: release it if the run certainly revealed
        nothing, else hold it."""
        if self._place is None:
            return
        progress, run = self._progress, self._place.run
        progress.reservation, progress.settled = self._place.id, "committed"
        if self._place.committed:
            return
        progress.settled = "held"
        kept = run.contributes and not progress.data_left
        released = kept or run.needed or progress.gathering
        with self._warning():
            if released:
                self._place.release(_why(error))
                progress.settled = "released"
            else:
                self._place.hold(_why(error))

    def close(self) -> None:
        """End the run's place in the ledger; an unsettled one is settled at its next opening."""
        if self._place:
            self._place.close()

    @contextmanager
    def _warning(self) -> Iterator[None]:
        """Turn an error of the ledger inside this context into a warning."""
        try:
            yield
        except OstrakaError as problem:
            self._progress.observer.warn(problem.message)


@contextmanager
def booked(ledger: Ledger, run: Run, number: str, progress: Progress) -> Iterator[Booking]:
    """Reserve a run in a ledger, as a context; an error inside settles what was not committed.

    Args:
        number: the reservation that an earlier process or session made; "" if none did.

    Raises:
        RefusedByLedger: the party's record, a rule or a budget forbids the run.
    """
    place = ledger.resume(number, run) if number else ledger.reserve(run)
    booking = Booking(place, progress)
    try:
        yield booking
    except BaseException as error:
        booking.failed(error)
        raise
    finally:
        booking.close()


def warn_of_rules(ledger: Ledger, manifest: Manifest, observer: Observer) -> None:
    """Report rules in this party's NAME.toml that cover no run yet, this one included."""
    series = manifest.session.series or manifest.session.title
    earlier = {record.run.series for record in ledger.runs.values()}
    for warning in uncovered(ledger.rules, series, earlier):
        observer.warn(warning)


def _why(error: BaseException) -> str:
    if isinstance(error, OstrakaError):
        return error.code
    return "interrupted" if isinstance(error, asyncio.CancelledError) else type(error).__name__
