"""Run of one party from manifest to receipt: for commands, pages, notebooks and services alike.

The order protects the other parties and the data. First the manifest is checked, and the party's
key is compared with its pin. Then the input is validated and encoded, once. Then the run is
reserved in the party's ledger. Only then is another party contacted. A run that is refused on this
machine costs the other parties nothing: they go on gathering.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ostraka import config, home
from ostraka.blocking import offload, offload_to_end, run_to_end
from ostraka.booking import Booking, OpenLedger, asked, booked, warn_of_rules
from ostraka.delivery.source import LiveLinks
from ostraka.errors import OstrakaError
from ostraka.identity import Identity
from ostraka.inputs.encoding import Signed
from ostraka.life import TEXT_NS, Life
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.outcome import Outcome
from ostraka.progress import Observer, Progress
from ostraka.protocols import runner
from ostraka.protocols.protocol import Protocol
from ostraka.record.budget import Spend
from ostraka.record.journal_session import SessionRecord
from ostraka.record.journal_store import RecordStore
from ostraka.record.own_network import OwnNetwork
from ostraka.record.trust import Meeting, Trust
from ostraka.session import closing
from ostraka.session.participation import BytesLeft, taking_part
from ostraka.session.session import Session
from ostraka.transport.network import Network
from ostraka.transport.tcp import SystemNetwork

if TYPE_CHECKING:
    from ostraka.collecting import Collecting, Collector

RESULT_NS = 500
"""Nanoseconds to write and show one element of a result, about."""

Warnings = Callable[[Outcome], list[str]]
"""Function that returns sentences about an outcome, for an observer."""


async def run(
    manifest: Manifest | Path | str,
    as_: str,
    input: object = None,
    *,
    keys: Identity | Path | str | None = None,
    receipts: Path | str | None = None,
    keep_records: bool = True,
    trust_new: bool | str = False,
    observer: Observer | None = None,
) -> Outcome:
    """Take part in one session as one party, from gathering to receipt.

    Args:
        manifest: the session's manifest, a path to it, or its TOML.
        as_: the name in the manifest of the party that runs here.
        input: a contributor's input: a number, a text that the manifest's type reads exactly
            ("3800.50"), a bool, a list of these or a NumPy array. None at other parties.
        keys: the directory of NAME.key and NAME.crt, or the identity itself; by default
            OSTRAKA_KEYS, or here.
        receipts: the directory of the receipt; by default OSTRAKA_RECEIPTS, or here.
        keep_records: whether there is a ledger, which may refuse the run, and a receipt. False is
            for sessions with made-up data; keys are then not compared with those known, either.
        trust_new: take keys that this machine has not met on trust; or, instead of True, the six
            words that another party read from its manifest.
        observer: is told how far the run has come.

    Returns:
        The outcome. At a party that learns no result its status is "no-output".

    Raises:
        UnconfirmedKey: a party's key is not known and not confirmed, or it CHANGED.
        OstrakaError: with `data_left` saying whether anything derived from the input was sent. An
            InputError comes before another party is contacted: correct the input and run again.

    Cancelling ends the session for all its parties.
    """
    seat = take_seat(
        manifest, as_, keys=keys, receipts=receipts, keep_records=keep_records, trust=trust_new
    )
    return await seat.run(input, Progress(observer))


def run_sync(
    manifest: Manifest | Path | str,
    as_: str,
    input: object = None,
    *,
    keys: Identity | Path | str | None = None,
    receipts: Path | str | None = None,
    keep_records: bool = True,
    trust_new: bool | str = False,
    observer: Observer | None = None,
) -> Outcome:
    """Do as `run` from code without `await`; also where an event loop runs in this thread."""
    return run_to_end(
        run(
            manifest,
            as_,
            input,
            keys=keys,
            receipts=receipts,
            keep_records=keep_records,
            trust_new=trust_new,
            observer=observer,
        )
    )


def take_seat(
    manifest: Manifest | Path | str,
    as_: str,
    *,
    keys: Identity | Path | str | None = None,
    receipts: Path | str | None = None,
    keep_records: bool = True,
    own_network: OwnNetwork | None = None,
    trust: Trust | bool | str = False,
) -> Seat:
    """Load all that one party's run needs but its input: the protocol, its key, where to record it.

    Commands do this before they ask a person for the input. Other arguments are those of `run`.

    Args:
        own_network: by default what NAME.toml, OSTRAKA_PROXY and OSTRAKA_MQTT say.
        trust: what is to happen with keys that this machine has not met.

    Raises:
        UnconfirmedKey: a party's key is not known and not confirmed, or it CHANGED.
        ManifestError: the manifest is not valid.
        UsageError: a file is missing, unreadable or not valid, or receipts cannot be written.
        PinMismatch: the manifest pins another key.
    """
    protocol = config.bind(manifest)
    me = protocol.manifest.party_named(as_).name
    if isinstance(keys, Identity):
        own, directory = keys, keys.key_path.parent
        home.require_pinned(protocol.manifest, me, own)
    else:
        directory = config.keys_directory(keys)
        own = home.own_identity(protocol.manifest, me, directory)
    home.require_own(directory)
    own_network = own_network or home.own_network(own.name, directory)
    if not keep_records:
        return Seat(protocol, own, me, own_network=own_network)
    records, rehearsal = home.own_records(own, directory), protocol.manifest.session.rehearsal
    ledger = None if rehearsal else partial(home.own_ledger, own, directory)
    where = config.receipts_directory(receipts)
    meeting = home.meet(protocol.manifest, me, Trust.of(trust))
    closes = _own_collector(protocol.manifest, own.name, directory)
    return Seat(protocol, own, me, where, ledger, None, records, own_network, meeting, closes)


def _own_collector(manifest: Manifest, name: str, keys: Path) -> Collector | None:
    if manifest.collection is None:  # nothing is imported that closes one
        return None
    from ostraka.collecting import Collector

    return Collector.own(name, keys)


@dataclass(frozen=True)
class Seat:
    """Place of one party in one session, before another party is contacted.

    Attributes:
        protocol: the protocol that the manifest names, with the manifest in it.
        identity: this party's key.
        me: its name in the manifest.
        receipts: the directory of the receipt; None: no receipt is written.
        open_ledger: opens the ledger that records the run and may refuse it; None: no ledger
            records it.
        network: makes the network that the run is made over; None: the system's.
        records: of sessions that are going on, so that they survive a crash; None: none are kept.
        own_network: this party's own way to the system's network: where it listens, its proxy.
        meeting: learns the other parties' keys when a run has ended well; None: they are not kept.
        collector: closes collections.
    """

    protocol: Protocol
    identity: Identity
    me: PartyId
    receipts: Path | None = None
    open_ledger: OpenLedger | None = None
    network: Callable[[], Network] | None = None
    records: RecordStore | None = None
    own_network: OwnNetwork = field(default_factory=OwnNetwork)
    meeting: Meeting | None = None
    collector: Collector | None = None

    @property
    def manifest(self) -> Manifest:
        """The session's manifest."""
        return self.protocol.manifest

    def unfinished(self, warn: Callable[[str], None]) -> SessionRecord | None:
        """Take over the record of a run of this session that an earlier process left unfinished.

        Commands do this before they ask a person for the input: it is on record.

        Args:
            warn: is called with a text about a record that is of no use.

        Raises:
            Temporary: another process of this party runs the session.
        """
        return self.records.unfinished(self.manifest.digest, warn) if self.records else None

    @property
    def contributes(self) -> bool:
        """Whether the manifest asks this party for an input; no input may be given otherwise."""
        return self.manifest.asks(self.me)

    async def run(
        self,
        raw: object = None,
        progress: Progress | None = None,
        unfinished: SessionRecord | None = None,
    ) -> Outcome:
        """Take part in the session once, from gathering to receipt; see `run` of this module.

        Args:
            raw: a contributor's input, None at other parties and where it is on record.
            progress: updated as the run goes on; by default a new one without an observer.
            unfinished: what `unfinished` returned, if it was asked before.
        """
        progress = progress or Progress()
        try:
            unfinished = unfinished or self.unfinished(progress.observer.warn)
            with (
                await self._collecting(unfinished, progress) as collecting,
                await self._life(raw, unfinished, progress) as life,
            ):
                text = TEXT_NS * self.protocol.lengths.get(self.me, 0)
                draw = (collecting or life).draw("dealt noise")
                deal = partial(self.protocol.dealt_noise, self.me, draw)
                dealt = await offload(text, deal)
                # To count bytes, a protocol on an engine is rehearsed. That happens before other
                # parties wait, and only if an observer is told.
                watched = progress.watched and collecting is None
                cost = (await asyncio.to_thread(self.protocol.cost)) if watched else None
                total = cost.sent[self.me].bytes if cost else 0
                with self._booked(life, progress, collecting) as booking:
                    life.require_whole(self.protocol)
                    outcome = await self._take_part(
                        life, dealt, total, booking, progress, collecting
                    )
                if self.meeting is not None:
                    self.meeting.finished(outcome.session, progress.observer.warn)
                return outcome
        except OstrakaError as error:
            error.data_left = progress.data_left or error.data_left is True
            raise

    async def _life(
        self, raw: object, unfinished: SessionRecord | None, progress: Progress
    ) -> Life:
        """Begin the run, or go on with one that an earlier process began."""
        if unfinished is not None:
            resumed = await Life.resume(self.protocol, self.me, raw, unfinished, progress)
            if resumed is not None:
                return resumed
        return await Life.begin(self.protocol, self.me, raw, self.records, progress)

    async def _collecting(
        self, unfinished: SessionRecord | None, progress: Progress
    ) -> AbstractContextManager[Collecting | None]:
        """Fetch and open the reports of a collection; None in other sessions."""
        if self.manifest.collection is None:
            return nullcontext()
        assert self.collector is not None, "the seat of a collection closes it"
        resuming = unfinished is not None and unfinished.sealed is not None
        return await self.collector.begin(
            self.protocol, self.me, self.identity, progress.observer, resuming=resuming
        )

    async def _take_part(
        self,
        life: Life,
        dealt: Signed | None,
        total: int,
        booking: Booking,
        progress: Progress,
        collecting: Collecting | None,
    ) -> Outcome:
        """Run from gathering to receipt, and return the outcome."""
        observer = progress.observer
        async with taking_part(
            self.manifest,
            self.identity,
            self.me,
            observer,
            life.draw("session").seed(),
            readers=self.protocol.reader_groups,
            network=self._network(observer),
            memory=life.record,
        ) as session:
            protocol = self.protocol.without(session.absent)
            warnings: Warnings = partial(Outcome.warnings, contributors=self.manifest.contributors)
            exchange = await life.exchange(session)
            if collecting is not None:
                protocol = await collecting.agree(exchange, session)
                warnings = collecting.warnings
            commit = partial(booking.commit, session, cost=self._cost)
            await booking.share(session)
            with BytesLeft(session, observer, total):
                found = await runner.run(
                    exchange,
                    protocol,
                    life.take_input(),
                    life.draw("run"),
                    progress,
                    gate=life.gate(exchange, commit),
                    settle=life.gate(exchange, collecting.settle) if collecting else None,
                    dealt=dealt,
                    known=partial(self._tell, session, booking, observer, warnings),
                    source=collecting.source if collecting else LiveLinks,
                )
            await life.finish()
            readers_of, where = partial(protocol.readers_of, self.me), self.receipts
            confirmed = await closing.confirm(
                session, found, progress.consented, readers_of, where, observer
            )
            if collecting is not None:
                await collecting.end(session, found, confirmed)
        outcome = self._named(session, found)
        return outcome if confirmed.receipt else replace(outcome, receipt=None)

    async def _tell(
        self,
        session: Session,
        booking: Booking,
        observer: Observer,
        warnings: Warnings,
        found: Outcome | None,
    ) -> None:
        """Tell the observer of the outcome, and the ledger; nothing that cancels prevents it."""
        outcome = self._named(session, found)
        await offload_to_end(RESULT_NS * outcome.elements, partial(observer.result, outcome))
        if found is not None:
            await booking.result(session, found)
            for warning in warnings(found):
                observer.warn(warning)

    def _named(self, session: Session, found: Outcome | None) -> Outcome:
        """Return the outcome with the names of its session, manifest and receipt-to-be."""
        return replace(
            found or Outcome(),
            session=session.id.hex(),
            protocol=self.manifest.session.protocol,
            manifest_sha256=self.manifest.digest.hex(),
            receipt=closing.receipt_path(session, self.receipts) if self.receipts else None,
        )

    def _network(self, observer: Observer) -> Network:
        if self.network is not None:
            return self.network()
        own, warn = self.own_network, observer.warn
        return SystemNetwork(proxy=own.proxy, listen=own.listen, brokers=own.brokers, warn=warn)

    def _cost(self, counted: tuple[PartyId, ...]) -> Spend:
        """Return what the run tells; at worst, to a party that is not told who will be counted."""
        if self.me in self.protocol.scheme.compute:
            return self.protocol.spends(counted)
        return self.protocol.spends_at_worst()

    @contextmanager
    def _booked(
        self, life: Life, progress: Progress, collecting: Collecting | None
    ) -> Iterator[Booking]:
        """Reserve the run in the ledger, if there is one; settle the reservation on an error.

        A run that goes on has the reservation of the process that began it, and a collection that
        of its earlier sessions.
        """
        ledger = self.open_ledger(progress.observer.warn) if self.open_ledger else None
        if ledger is None:
            yield Booking(None, progress)
            return
        roster, cost = collecting.roster if collecting else None, self.protocol.spends_at_worst()
        run = asked(self.protocol, self.me, cost, roster)
        number = life.reservation or (ledger.earlier(run) if collecting else "")
        with booked(ledger, run, number, progress) as booking:
            life.reserve(booking.number)
            warn_of_rules(ledger, self.manifest, progress.observer)
            yield booking
