"""Reports that a compute party holds of one collection: fetched, checked, opened."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from ostraka.collection.counting import PublicPart, ReportStanding
from ostraka.collection.custody import ClosingState, Custody
from ostraka.collection.inbox import CollectionInbox, StoredReport
from ostraka.collection.opening import Examined, Opener
from ostraka.collection.pool import Opened, open_views
from ostraka.collection.report import (
    OPEN,
    Reason,
    read_view,
    signed_by_contributor,
    view_digest,
)
from ostraka.errors import Disagreement, OstrakaError
from ostraka.names import PartyId

REMEMBERED: Final = 256 << 20
"""Bytes of opened parcels that stay in memory; above it they are opened again when needed."""

SHORT: Final = 4096
"""Bytes of the longest parcel that stays in memory: to open a longer one again takes less than to
compute with it."""

FETCHED_STEP: Final = 20_000
"""Reports after which it is told how many were fetched; `OPENED_STEP`: opened, at least."""

OPENED_STEP: Final = 2_000

Told = Callable[[str], None]


class Holdings:
    """Reports of one compute party, as `closing.Holder` asks for them.

    Args:
        custody: where they are kept.
        opener: checks reports, and opens this party's parcels.
        well_formed: returns of the bytes of parcels whether each is one.
        closes: seconds since 1970; what came later, by the mailbox's clock, is not listed.
        workers: processes that open.
        tell: is called with a text on how far it has come.

    Attributes:
        late: reports that came too late.
    """

    def __init__(
        self,
        custody: Custody,
        opener: Opener,
        well_formed: Callable[[Sequence[bytes]], Sequence[bool]],
        closes: int,
        workers: int = 1,
        tell: Told = lambda _: None,
    ) -> None:
        self._custody, self._opener, self._well_formed = custody, opener, well_formed
        self._closes, self._workers, self._tell = closes, workers, tell
        self._places = custody.load()
        self._found: dict[bytes, int] = {}
        self._public = _PublicParts()
        self._opened: dict[int, bytes] = {}
        self._unopenable: set[bytes] = set()
        self._firsts: dict[int, bytes] = {}
        self._several: set[int] = set()
        self._remembered = self._seen = self._limit = 0
        self._inbox: CollectionInbox | None = None
        self.late = 0

    @property
    def _party(self) -> PartyId:
        return self._opener.terms.shape.compute[self._opener.place]

    # --- getting and opening them ---------------------------------------------------------------

    async def fetch(self, inbox: CollectionInbox, after: int | None = None) -> None:
        """Get the reports that the mailbox has and this party has not.

        Args:
            after: position after which to look; by default that of the last one that is here.

        Raises:
            OstrakaError: the mailbox cannot be reached; what came before is kept.
        """
        self._inbox = inbox
        if after is None:
            after = self._places[-1].position if self._places else 0
        async for block in inbox.fetch(self._party, after):
            before = len(self._places)
            for place in self._custody.append(self._new(block)):
                self._places.append(place)
            self._tell_steps(before, len(self._places), FETCHED_STEP, "reports fetched")
        self._custody.sync()

    def _new(self, block: Sequence[StoredReport]) -> Sequence[StoredReport]:
        """Return the reports of a block that were not opened before."""
        if not self._found:
            return block
        return [each for each in block if self._digest(each.view) not in self._found]

    async def open(self) -> None:
        """Check and open the reports that were not before."""
        count, at = len(self._places) - self._seen, 0
        views = self._custody.views(self._places, self._seen)
        async for block in open_views(self._opener, views, count, self._workers):
            self._take(block)
            before, at = at, at + len(block)
            step = max(OPENED_STEP, count // 10)
            self._tell_steps(before, at, step, f"of {count} reports opened")

    def _tell_steps(self, before: int, now: int, step: int, what: str) -> None:
        """Tell how far it has come, once for each `step` reports."""
        if now // step > before // step:
            self._tell(f"{now} {what}")

    def _take(self, block: Opened) -> None:
        """Note reports; one that is not signed by its keys, or of another form, is none."""
        parcels = [e.parcel for e in block if isinstance(e, Examined) and e.parcel is not None]
        well_formed = iter(self._well_formed(parcels))
        for found in block:
            opens = isinstance(found, Examined) and found.parcel is not None and next(well_formed)
            self._take_one(self._seen, found, opens=opens)
            self._seen += 1

    def _take_one(self, index: int, found: Examined | Reason, *, opens: bool) -> None:
        self._public.append(found)
        if isinstance(found, Reason):
            return
        if self._places[index].minute * 60 >= self._closes:
            self.late += 1
            return
        if found.digest in self._found:
            return
        self._found[found.digest] = index
        self._check_contributors(found.digest, found.credential)
        if not opens:
            self._unopenable.add(found.digest)
        elif found.parcel and len(found.parcel) <= SHORT:
            self._remember(index, found.parcel)

    def _remember(self, index: int, parcel: bytes) -> None:
        if self._remembered + len(parcel) <= REMEMBERED:
            self._opened[index] = parcel
            self._remembered += len(parcel)

    def _check_contributors(self, digest: bytes, credential: int) -> None:
        """Check the contributor's signature of a report whose credential has another one.

        Of a credential's only report it says nothing: its sender chose the key.
        """
        if not self._opener.terms.shape.invited:
            return
        first = self._firsts.setdefault(credential, digest)
        if first == digest:
            return
        both = (digest,) if credential in self._several else (first, digest)
        self._several.add(credential)
        terms, party = self._opener.terms, self._opener.place
        for each in both:
            if not signed_by_contributor(read_view(self._view(each), terms, party, both=False)):
                self._unopenable.add(each)

    def _digest(self, view: bytes) -> bytes:
        return view_digest(view, self._opener.terms)

    # --- what a session is told -----------------------------------------------------------------

    def begin(self, session: str) -> None:
        """Fix what this party lists in a session, given by its id in hex.

        A session that goes on has the same list, and so has each one after an answer may have
        become known.
        """
        state = self._custody.state
        if not state.root and state.session != session:
            state = ClosingState(session, len(self._places))
            self._custody.set(state)
        self._limit = state.listed

    def listed(self) -> Sequence[bytes]:
        """Return the digests of all reports that it listed, in the mailbox's order."""
        return [digest for digest, index in self._found.items() if index < self._limit]

    async def complete(self, missing: Sequence[bytes]) -> None:
        """Ask the mailbox once more for reports that other parties listed.

        A mailbox that does not answer leaves them missing.
        """
        state = self._custody.state
        if state.completed < 0:
            self._tell(f"{len(missing)} reports are missing here: asking the mailbox again")
            if self._inbox is not None:
                try:
                    await self.fetch(self._inbox, 0)
                except OstrakaError as error:
                    self._tell(f"the mailbox: {error.message}")
            await self.open()
            state = replace(state, completed=len(self._places))
            self._custody.set(state)
        self._limit = max(state.listed, state.completed)

    def standing(self, digest: bytes) -> ReportStanding:
        """Return whether it has and can open a report."""
        if self._found.get(digest, self._limit) >= self._limit:
            return ReportStanding.MISSING
        return ReportStanding.REFUSED if digest in self._unopenable else ReportStanding.HELD

    def about(self, digest: bytes) -> PublicPart:
        """Return the public part of a report that it has."""
        return self._public[self._found[digest]]

    def parcel(self, digest: bytes) -> bytes:
        """Return this party's parcel in a report that it can open."""
        found = self._opened.get(self._found[digest])
        if found is None:
            again = self._opener.read(self._view(digest))
            assert isinstance(again, Examined), "it was read before"
            assert again.parcel is not None, "it was opened before"
            return again.parcel
        return found

    def _view(self, digest: bytes) -> bytes:
        return self._custody.read(self._places[self._found[digest]])

    def agree(self, root: bytes) -> None:
        """Note what was agreed on; from then on no other reports can be.

        Raises:
            Disagreement: other reports were agreed on before.
        """
        state = self._custody.state
        if state.root and state.root != root.hex():
            raise Disagreement(
                "other reports were agreed on than in an earlier session of this collection, "
                "whose answer may be known: nothing was opened",
                hint="a compute party has lost reports, or its mailbox has; ask which",
            )
        completed = state.completed if state.completed >= 0 else state.listed
        self._custody.set(replace(state, root=root.hex(), completed=completed))

    def settle(self, places: Sequence[int]) -> None:
        """Note the places counted at last; from then on no others can be.

        Raises:
            Disagreement: others were counted before.
        """
        octets = b"".join(place.to_bytes(4, "little") for place in places)
        found, state = hashlib.sha256(octets).hexdigest(), self._custody.state
        if state.counted not in ("", found):
            raise Disagreement(
                "other reports were counted than in an earlier session of this collection, whose "
                "answer may be known; the two together would tell of those that differ, so nothing "
                "was opened",
                hint="a compute party found a report valid once and not the other time: ask which; "
                "run it again then",
            )
        self._custody.set(replace(state, counted=found))


class _PublicParts:
    """Public parts of reports, by the order in which these are on disk; 40 bytes each."""

    def __init__(self) -> None:
        self._numbers = array("I"), array("I")
        self._contributors = bytearray()

    def append(self, found: Examined | Reason) -> None:
        credential, counter, contributor = OPEN, 0, bytes(32)
        if isinstance(found, Examined):
            credential, counter, contributor = found.credential, found.counter, found.contributor
        for column, number in zip(self._numbers, (credential, counter), strict=True):
            column.append(number)
        self._contributors += contributor

    def __getitem__(self, index: int) -> PublicPart:
        credential, counter = (column[index] for column in self._numbers)
        contributor = bytes(self._contributors[32 * index : 32 * index + 32])
        return PublicPart(None if credential == OPEN else credential, counter, contributor)
