"""Collecting: one party's part in closing a collection, before, in and after its session.

Before: a compute party fetches the reports from the mailbox, checks and opens them; no other party
waits meanwhile. In the session, the compute parties agree on which reports count. After it, once
all parties signed the same, each publishes what contributors check theirs by, and erases its keys.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ostraka import home
from ostraka.arithmetic.randomness import Draw, RunDraw
from ostraka.collection import orders, signed
from ostraka.collection.closing import ClosingTerms, ReportAgreement
from ostraka.collection.counting import Agreed
from ostraka.collection.custody import Custody
from ostraka.collection.holdings import Holdings
from ostraka.collection.inbox import CollectionInbox
from ostraka.collection.opening import Opener
from ostraka.collection.shape import Shape
from ostraka.collection.source import ParcelForm, ReportSource
from ostraka.collection.terms import Terms
from ostraka.delivery.party import Party
from ostraka.delivery.source import LiveLinks, Source
from ostraka.errors import OstrakaError, RefusedByLedger, RefusedByPolicy, Temporary, UsageError
from ostraka.exchange import Exchange
from ostraka.identity import Identity
from ostraka.manifest import Collection
from ostraka.names import PartyId, Step, place_name
from ostraka.outcome import Outcome
from ostraka.progress import Observer
from ostraka.protocols.protocol import Protocol
from ostraka.record.rules import Person, Roster
from ostraka.session.closing import Confirmed
from ostraka.session.session import Session
from ostraka.sharing.scheme import Parcel

OpenInbox = Callable[[Protocol, Identity], CollectionInbox]
"""Function that makes the client of a collection's mailbox for one of its compute parties."""

PUBLICATION, REVOCATIONS, CLOSE = "publication", "revocations", "close"
_STATEMENT: Final = "statement "


class NotDue(Temporary):
    """The collection is open still; `until` is when it closes, in seconds since 1970."""

    until: float = 0.0


def open_mailbox(protocol: Protocol, identity: Identity) -> CollectionInbox:
    """Return the client of the mailbox that a manifest names, for one of its compute parties."""
    from ostraka.mailbox.client import MailboxClient

    collection = protocol.manifest.collection
    assert collection is not None
    return MailboxClient(collection.mailbox, protocol.manifest.digest, own=identity)


@dataclass(frozen=True)
class Collector:
    """What one party needs to close collections.

    Attributes:
        directory: of the custody of its collections, 0700.
        open_inbox: makes the client of the mailbox.
        workers: processes that open reports.
        now: returns seconds since 1970.
    """

    directory: Path
    open_inbox: OpenInbox = open_mailbox
    workers: int = 1
    now: Callable[[], float] = time.time

    @classmethod
    def own(cls, name: str, keys: Path) -> Self:
        """Return the collector of a party with its home and its NAME.toml."""
        return cls(home.collections_directory(), workers=home.own_workers(name, keys))

    async def begin(
        self,
        protocol: Protocol,
        me: PartyId,
        identity: Identity,
        observer: Observer,
        *,
        resuming: bool = False,
    ) -> Collecting:
        """Fetch and open the reports of a collection that is closed; the session comes next.

        A compute party accepts the collection by this, too, while it is open: it publishes the keys
        that reports are sealed to.

        Args:
            resuming: the session goes on with one that an earlier process began.

        Raises:
            NotDue: it is open still.
            RefusedByLedger: it has been answered.
            UsageError: this party did not accept it before it closed, so it has no keys.
            OstrakaError: the mailbox cannot be reached, or its papers are wrong.
        """
        collection = protocol.manifest.collection
        assert collection is not None
        found = Collecting(self, protocol, me, identity, collection, observer)
        if me in protocol.manifest.compute:
            try:
                await found.prepare(resuming=resuming)
            except BaseException:
                found.close()
                raise
        return found


@dataclass
class Collecting:
    """One collection, as one party closes it. A context, which ends the custody of the reports."""

    collector: Collector
    protocol: Protocol
    me: PartyId
    identity: Identity
    collection: Collection
    observer: Observer
    _custody: Custody | None = None
    _holdings: Holdings | None = None
    _inbox: CollectionInbox | None = None
    _terms: Terms | None = None
    _revocations: bytes = b""
    _seed: bytes = b""
    _agreed: Agreed | None = None
    roster: Roster = field(default=())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let another process have the custody, and erase what is of no more use. Idempotent."""
        if self._custody is not None:
            if self._custody.state.done:  # the record of the session has been erased before
                self._custody.erase()
            self._custody.close()
        if self._inbox is not None:
            self._inbox.close()

    @property
    def _digest(self) -> bytes:
        return self.protocol.manifest.digest

    @cached_property
    def _shape(self) -> Shape:
        return Shape.of(self.protocol)

    # --- before the session ---------------------------------------------------------------------

    async def prepare(self, *, resuming: bool) -> None:
        """Take the custody of the reports, fetch what is missing, and open all."""
        directory = self.collector.directory
        custody = self._custody = Custody.open(directory, self.identity, self._digest)
        if (done := custody.state.done) and not resuming:
            raise RefusedByLedger(
                f"this collection has been answered, in the session {done[:12]}",
                hint=f"its result is on disk: ostraka result {done[:12]}",
                data_left=False,
            )
        settled = resuming or bool(custody.state.root)
        inbox = self._inbox = self.collector.open_inbox(self.protocol, self.identity)
        if not settled:
            await self._accept(inbox, custody)
        key, self._seed = custody.keys()
        papers = await self._papers(inbox, custody, settled=settled)
        closes = self._closes(papers)
        self._require_due(closes, papers)
        self._read(papers)
        assert self._terms is not None
        opener = Opener(self._terms, self.protocol.manifest.compute.index(self.me), key, both=False)
        told, workers = self.observer.collected, self.collector.workers
        well_formed = self._form.well_formed
        self._holdings = Holdings(custody, opener, well_formed, closes, workers, told)
        await self._fetch(inbox, settled=settled)
        await self._holdings.open()

    async def _accept(self, inbox: CollectionInbox, custody: Custody) -> None:
        """Accept the collection, if this party has not: make its sealing keys and publish them."""
        if not custody.has_keys and self.collector.now() >= self.collection.closes.timestamp():
            raise UsageError(
                f"{self.me} did not accept this collection on this machine while it was open, so "
                "it has no keys to open reports with",
                hint="the keys are where it was accepted: OSTRAKA_HOME",
                data_left=False,
            )
        if self.me not in (await inbox.status()).statements:
            statement = custody.make_keys().public
            await inbox.put_statement(self.me, statement.write(self._digest, self.identity))

    async def _papers(
        self, inbox: CollectionInbox, custody: Custody, *, settled: bool
    ) -> dict[str, bytes]:
        """Return the collection's papers: those that an earlier session closed with, or the
        mailbox's."""
        kept = custody.papers()
        if settled and kept:
            return kept
        status = await inbox.status()
        papers = {
            PUBLICATION: await inbox.publication(),
            REVOCATIONS: await inbox.revocations() or b"",
            CLOSE: await inbox.close_order() or b"",
            **{_STATEMENT + name: octets for name, octets in status.statements.items()},
        }
        custody.keep_papers(papers)
        return papers

    def _read(self, papers: dict[str, bytes]) -> None:
        """Check the papers: roster, sealing statements, revocations."""
        shape = self._shape
        if missing := self._not_accepted(papers):
            raise RefusedByPolicy(
                f"{missing} did not accept this collection before it closed, so there are no "
                "reports",
                hint="agree on another with all compute parties",
                data_left=False,
            )
        statements = [papers[_STATEMENT + name] for name in shape.compute]
        roster = orders.read_publication(papers[PUBLICATION], shape) if shape.invited else None
        self._terms = Terms.read(shape, statements, roster)
        self._revocations = papers[REVOCATIONS]
        if self._terms.roster is not None:
            self.roster = tuple(
                Person(place_name(i), each.public.hex(), each.weight)
                for i, each in enumerate(self._terms.roster.credentials, 1)
            )

    def _closes(self, papers: dict[str, bytes]) -> int:
        """Return when the collection closes, in seconds since 1970."""
        closes = int(self.collection.closes.timestamp())
        if papers[CLOSE] and self.collection.early_close:
            return min(closes, orders.read_close(papers[CLOSE], self._shape))
        return closes

    def _not_accepted(self, papers: dict[str, bytes]) -> str:
        """Return the compute parties that have published no keys, listed."""
        compute = self.protocol.manifest.compute
        return ", ".join(name for name in compute if _STATEMENT + name not in papers)

    def _require_due(self, closes: int, papers: dict[str, bytes]) -> None:
        if self.collector.now() >= closes:
            return
        missing = self._not_accepted(papers)
        waits = f"; it waits for {missing} to accept it, too, before reports can come" * bool(
            missing
        )
        until = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(closes))
        error = NotDue(
            f"the collection is open until {until} UTC, and {self.me} has accepted it{waits}; "
            "nothing was opened",
            hint="run it again then, at every compute party",
            data_left=False,
        )
        error.until = closes
        raise error

    async def _fetch(self, inbox: CollectionInbox, *, settled: bool) -> None:
        """Fetch reports; what was listed in an earlier session is here already."""
        assert self._holdings is not None
        try:
            await self._holdings.fetch(inbox)
        except OstrakaError as error:
            if not settled:
                raise
            self.observer.warn(f"going on with the reports that are here: {error.message}")

    @cached_property
    def _form(self) -> ParcelForm:
        return ParcelForm.of(self.protocol, self.me)

    # --- in the session -------------------------------------------------------------------------

    def draw(self, use: str) -> Draw:
        """Return the source of what must be the same in each session of the collection: noise."""
        return RunDraw(self._seed or bytes(32), use)

    async def agree(self, exchange: Exchange, session: Session) -> Protocol:
        """Agree with the other parties on the reports that count; return the protocol for them.

        Raises:
            OstrakaError: as `ReportAgreement.reach` and `hear`.
        """
        manifest, collection = self.protocol.manifest, self.collection
        terms = ClosingTerms(
            self._shape,
            manifest.sharing.threshold,
            collection.replace,
            collection.max_unopenable,
        )
        agreement = ReportAgreement(exchange, terms, manifest.recipients)
        if self._holdings is None:
            agreed = await agreement.hear()
        else:
            self._holdings.begin(session.id.hex())
            agreed = await agreement.reach(self._holdings, self._revocations)
            self._holdings.agree(agreed.summary.root)
        self._agreed = agreed
        session.about = session.about._replace(collection=agreed.summary.table())
        return self.protocol.without(agreed.absent(manifest.contributors))

    async def settle(self, counted: Sequence[PartyId]) -> None:
        """Fix whom the answer counts, before any share of it is announced: a later session counts
        the same, or opens nothing. Otherwise a compute party that has the answer could have a
        report left out of a second one, and the difference would be that input.

        Raises:
            Disagreement: others were counted in an earlier session, whose answer may be known.
        """
        if self._holdings is not None:
            self._holdings.settle([int(name[1:]) for name in counted])

    def source(self, party: Party, step: Step) -> Source:
        """Return the source of this compute party's parcels."""
        assert self._agreed is not None
        places = tuple(map(place_name, self._agreed.places))
        return ReportSource(self._parcel, places, LiveLinks(party, step))

    def _parcel(self, name: PartyId) -> Parcel:
        assert self._holdings is not None
        assert self._agreed is not None
        return self._form.read(self._holdings.parcel(self._agreed.reports[int(name[1:])]))

    def warnings(self, found: Outcome) -> list[str]:
        """Return a sentence about reports that are not counted, and one about each liar."""
        assert self._agreed is not None
        summary, counted = self._agreed.summary, len(found.contributors)
        invalid, left_out = summary.agreed - counted, summary.left_out
        return [
            *[f"{invalid} of {summary.agreed} reports are not valid: not counted"] * (invalid > 0),
            *[f"{left_out} of {summary.in_time} reports were left out, as a compute party does not "
              "have or cannot open them"] * (left_out > 0),
            *found.warnings(found.contributors),
        ]  # fmt: skip

    # --- after it -------------------------------------------------------------------------------

    async def end(self, session: Session, found: Outcome | None, confirmed: Confirmed) -> None:
        """Publish what contributors check their reports by, once all parties have the answer.

        The observer is warned of what cannot be published.
        """
        if self._custody is None or self._agreed is None or not confirmed.by_all:
            return
        try:
            await self._publish(session, found)
        except OstrakaError as error:
            self.observer.warn(f"the mailbox does not have the receipt: {error.message}")
        self._custody.finish(session.id.hex())

    async def _publish(self, session: Session, found: Outcome | None) -> None:
        assert self._inbox is not None
        assert self._agreed is not None
        public = self.collection.recipients == "public"
        entries = sorted(self._agreed.reports.items())
        leaves = b"".join(place.to_bytes(4, "little") + report for place, report in entries)
        said = {
            "session": session.id.hex(),
            "summary": self._agreed.summary.table(),
            **({"result": found.as_dict()} if public and found is not None else {}),
        }
        body = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
        for label, octets, put in (
            (signed.AGREED, leaves, self._inbox.put_agreed),
            (signed.RECEIPT, body, self._inbox.put_receipt),
        ):
            await put(self.me, signed.write_statement(label, self._digest, octets, self.identity))
