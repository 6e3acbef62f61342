"""Application of a mailbox: its addresses, their checks, and what they answer.

It checks form, length, collection and signatures of what it takes, so that it keeps no rubbish, and
is trusted with none of that: compute parties and contributors check all again. Addresses of those
who ask are counted in memory for the pace that each may have, and are neither stored nor logged.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime
from time import monotonic, time
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ostraka.addresses import host_block
from ostraka.collection.orders import read_revocations
from ostraka.collection.promise import Promise
from ostraka.collection.report import lengths
from ostraka.errors import UsageError
from ostraka.identity import Identity
from ostraka.mailbox import papers
from ostraka.mailbox.answers import Refusal, refusal, refusal_of
from ostraka.mailbox.batch import Accepted, Upload
from ostraka.mailbox.board import AGREED, CLOSE, RECEIPT, REVOCATIONS, STATEMENT, Board, Posted
from ostraka.mailbox.bodies import split_founding, write_record
from ostraka.mailbox.desk import Desk
from ostraka.mailbox.requests import (
    LARGEST_NUMBER,
    Bodies,
    authorisation,
    binary_answer,
    in_base64,
    json_answer,
    number_of,
    octets_of,
    party_of,
)
from ostraka.mailbox.rules import ReadRules, read_rules
from ostraka.mailbox.store import Founding, Store
from ostraka.mailbox.uploads import check_upload, write_views
from ostraka.page.building import page_of
from ostraka.service.arrivals import Arrivals

BESIDE: Final = 1 << 18
"""Bytes of a report from which it is checked in another thread."""

BLOCK_BYTES: Final = 8 << 20
"""Bytes of reports that one answer is made of; a single report may have more."""

BLOCK: Final = 2000
"""Reports of one answer."""

PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of the page. What it may load stands in the page itself, so a saved copy keeps it."""

Endpoint = Callable[[Request], Awaitable[Response]]


class Mailbox:
    """Mailbox of collections, as an ASGI application.

    Args:
        identity: signs its promises.
        organisers: fingerprints of those that may open collections; None: any organiser.
        most_collections: number of collections.
        pace: requests that each address may make.
        read_rules: reads a manifest.
        build_page: makes the page of a manifest's collection.
        clock: seconds since 1970, that of the desk.
    """

    def __init__(
        self,
        desk: Desk,
        identity: Identity,
        *,
        pace: Arrivals,
        organisers: Collection[bytes] | None = None,
        most_collections: int = 1000,
        read_rules: ReadRules = read_rules,
        build_page: Callable[[bytes], str] = page_of,
        clock: Callable[[], float] = time,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.requests, self.organisers = 0, organisers
        self._desk, self._identity, self._pace = desk, identity, pace
        self._most_collections, self._read_rules = most_collections, read_rules
        self._clock, self._build_page = clock, build_page
        self._board = Board(desk, read_rules)
        self._bodies, self._lane = Bodies(), asyncio.Semaphore(1)
        self._read = self._bodies.read
        anywhere = Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "PUT"])
        self.app = Starlette(routes=self._routes(), middleware=[anywhere])

    def _routes(self) -> list[Route]:
        top = "/v1/collections/{id}"
        table: list[tuple[str, str, Endpoint]] = [
            ("GET", "/v1/collections", self._listed),
            ("PUT", top, self._found),
            ("GET", top, self._describe),
            ("GET", f"{top}/roster", self._roster),
            ("PUT", f"{top}/statements/{{party}}", self._put_statement),
            ("PUT", f"{top}/reports/{{digest}}", self._put_report),
            ("GET", f"{top}/reports", self._fetch),
            ("PUT", f"{top}/revocations", self._put_revocations),
            ("GET", f"{top}/revocations", self._paper(REVOCATIONS)),
            ("PUT", f"{top}/close", self._put_close),
            ("GET", f"{top}/close", self._paper(CLOSE)),
            ("PUT", f"{top}/agreed/{{party}}", self._put_agreed),
            ("PUT", f"{top}/receipt/{{party}}", self._put_receipt),
            ("GET", f"{top}/receipt", self._receipts),
            ("GET", f"{top}/inclusion/{{digest}}", self._inclusion),
            ("GET", "/c/{id}", self._page),
        ]
        return [Route(path, self._guarded(to), methods=[verb]) for verb, path, to in table]

    # Requests in general

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        """Return an endpoint that turns every error into an answer, and counts it."""

        async def answer(request: Request) -> Response:
            self.requests += 1
            try:
                self._count_arrival(request)
                return await endpoint(request)
            except Exception as error:
                refused = refusal_of(error)
                self.counts[refused.code] += 1
                return refused.answer()
            finally:
                self.requests -= 1
                self._bodies.forget(request)

        return answer

    def _count_arrival(self, request: Request) -> None:
        source = host_block(request.client.host) if request.client else ""
        if not self._pace.allows(source, monotonic()):
            raise refusal("rate")

    async def _posted(self, request: Request, *, anew: bool = False) -> Posted:
        posted = await self._board.find(octets_of(request, "id"), anew=anew)
        if posted is None:
            raise refusal("unknown")
        return posted

    # Collections

    async def _found(self, request: Request) -> Response:
        """Open a collection: its manifest, and the roster its organiser signed. One at a time."""
        collection, octets = (
            octets_of(request, "id"),
            await self._read(request, papers.FOUNDING),
        )
        manifest, publication = split_founding(octets)
        async with self._lane:
            rules = await asyncio.to_thread(self._read_rules, manifest)
        if rules.shape.manifest != collection:
            raise Refusal(422, "digest", "the address names another manifest")
        if self.organisers is not None and rules.shape.organiser not in self.organisers:
            raise Refusal(403, "organiser", "this mailbox does not know the organiser")
        await asyncio.to_thread(papers.check_publication, publication, rules.shape)
        founding = Founding(manifest, publication, rules.closes, rules.most, rules.replaces)
        members = rules.shape.pins
        await self._desk.ask(lambda store: self._found_in(store, collection, founding, members))
        self.counts["collection"] += 1
        return await self._describe(request)

    def _found_in(
        self, store: Store, collection: bytes, founding: Founding, members: Sequence[bytes]
    ) -> None:
        if store.founding(collection) is None:
            if self._clock() >= founding.closes:
                raise refusal("closed")
            if store.collections() >= self._most_collections:
                raise Refusal(507, "collections", "the mailbox has as many collections as it may")
        store.found(collection, founding, members)

    async def _listed(self, request: Request) -> Response:
        """Return the ids of the collections that a party computes for, to that party."""
        who = papers.check_list(authorisation(request), self._clock())
        found = await self._desk.ask(lambda store: store.of_member(who, self._clock()))
        return json_answer({"collections": [collection.hex() for collection in found]})

    async def _describe(self, request: Request) -> Response:
        posted = await self._posted(request, anew=True)
        closes = datetime.fromtimestamp(posted.state.closes, UTC)
        return json_answer(
            {
                "manifest": posted.manifest.decode("utf-8", "replace"),
                "closes": closes.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "state": posted.phase(self._clock()),
                "reports": posted.state.reports,
                "statements": in_base64(posted.statements),
            }
        )

    async def _page(self, request: Request) -> Response:
        """Return the page that asks for a report; what it must not load its policy forbids."""
        posted = await self._posted(request)
        try:
            async with self._lane:
                found = await asyncio.to_thread(self._build_page, posted.manifest)
        except UsageError as why:
            raise Refusal(404, "none", why.message, why.hint) from None
        return HTMLResponse(found, headers=PAGE_HEADERS)

    async def _roster(self, request: Request) -> Response:
        """Return the organiser's statement, in which the roster is."""
        await self._posted(request)
        collection = octets_of(request, "id")
        founding = await self._desk.ask(lambda store: store.founding(collection))
        if founding is None:
            raise refusal("unknown")
        return binary_answer(founding.publication)

    # Papers

    async def _put(self, request: Request, kind: str, octets: bytes, *, once: bool) -> Response:
        collection, party = octets_of(request, "id"), request.path_params.get("party", "")
        kept = await self._desk.ask(
            lambda store: store.put(collection, kind, party, octets, once=once)
        )
        if not kept:
            raise Refusal(409, "written", "another one is here, and it stays")
        self.counts[kind] += 1
        return json_answer({})

    def _paper(self, kind: str) -> Endpoint:
        async def answer(request: Request) -> Response:
            collection = octets_of(request, "id")
            found = await self._desk.ask(lambda store: store.paper(collection, kind, ""))
            if found is None:
                raise Refusal(404, "none", "there is none here")
            return binary_answer(found)

        return answer

    async def _put_statement(self, request: Request) -> Response:
        posted, octets = await self._posted(request), await self._read(request, papers.KEYS)
        shape = posted.rules.shape
        papers.check_sealing(octets, shape, papers.place_of(party_of(request), shape))
        answer = await self._put(request, STATEMENT, octets, once=True)
        await self._posted(request, anew=True)
        return answer

    async def _put_revocations(self, request: Request) -> Response:
        """Keep the list of all credentials that are taken back; it only grows."""
        posted = await self._posted(request, anew=True)
        shape = posted.rules.shape
        octets = await self._read(request, papers.SIGNED + 4 * shape.size)
        wanted = read_revocations(octets, shape)
        if not wanted >= posted.revoked:
            raise Refusal(409, "written", "a longer list is here", "revoke all of them again")
        if wanted != posted.revoked and posted.phase(self._clock()) in ("closing", "done"):
            raise refusal("settled")
        answer = await self._put(request, REVOCATIONS, octets, once=False)
        await self._posted(request, anew=True)
        return answer

    async def _put_close(self, request: Request) -> Response:
        posted, octets = (
            await self._posted(request),
            await self._read(request, papers.SIGNED + 8),
        )
        ordered, now = papers.early_close(octets, posted.rules), int(self._clock())
        collection = octets_of(request, "id")
        if not await self._desk.ask(lambda store: store.close(collection, ordered, now)):
            raise refusal("past")
        answer = await self._put(request, CLOSE, octets, once=False)
        await self._posted(request, anew=True)
        return answer

    async def _put_agreed(self, request: Request) -> Response:
        posted = await self._posted(request)
        shape = posted.rules.shape
        octets = await self._read(request, papers.SIGNED + papers.COUNTED * shape.size)
        place = papers.place_of(party_of(request), shape)
        await asyncio.to_thread(papers.read_agreed, octets, shape, place)
        return await self._put(request, AGREED, octets, once=False)

    async def _put_receipt(self, request: Request) -> Response:
        """Keep a compute party's receipt; with that of the last the collection has ended."""
        posted, octets = (
            await self._posted(request),
            await self._read(request, papers.RECEIPT_BYTES),
        )
        shape = posted.rules.shape
        papers.check_receipt(octets, shape, papers.place_of(party_of(request), shape))
        answer = await self._put(request, RECEIPT, octets, once=False)
        collection = octets_of(request, "id")
        found = await self._desk.ask(lambda store: store.papers(collection, RECEIPT))
        if all(party in found for party in shape.compute):
            await self._desk.ask(lambda store: store.end(collection, int(self._clock())))
        return answer

    async def _receipts(self, request: Request) -> Response:
        collection = octets_of(request, "id")
        found = await self._desk.ask(lambda store: store.papers(collection, RECEIPT))
        return json_answer(in_base64(found))

    async def _inclusion(self, request: Request) -> Response:
        """Return the proof that a report was counted, of each compute party that left its list."""
        posted, digest = await self._posted(request), octets_of(request, "digest")
        found = await self._desk.ask(lambda store: _proofs(store, posted, digest))
        if not found:
            raise Refusal(404, "none", "the report is in no list of counted reports", "ask later")
        return json_answer(found)

    # Reports

    async def _put_report(self, request: Request) -> Response:
        posted, digest = await self._posted(request), octets_of(request, "digest")
        most = max(lengths(posted.terms)) if posted.terms else papers.KEYS
        octets = await self._read(request, most)
        accepted = await self._accepted(request, posted, digest, octets)
        self.counts["report"] += 1
        manifest = posted.rules.shape.manifest
        return json_answer(Promise.make(manifest, *accepted, digest, self._identity).table())

    async def _accepted(
        self, request: Request, posted: Posted, digest: bytes, octets: bytes
    ) -> Accepted:
        """Return the place of a report that is on disk."""
        outcome: Accepted | str = "stale"
        while outcome == "stale":
            if posted.phase(self._clock()) in ("closing", "done"):
                return await self._earlier(posted, digest)
            upload = await _checked(octets, digest, posted)
            outcome = await self._desk.keep(upload)
            if outcome == "stale":
                posted = await self._posted(request, anew=True)
        if isinstance(outcome, str):
            raise refusal(outcome)
        return outcome

    async def _earlier(self, posted: Posted, digest: bytes) -> Accepted:
        """Return the place of a report that came in time, and whose answer perhaps was lost."""
        collection = posted.rules.shape.manifest
        accepted = await self._desk.ask(lambda store: store.find(collection, digest))
        if accepted is None:
            raise refusal("closed")
        return accepted

    async def _fetch(self, request: Request) -> Response:
        posted = await self._posted(request, anew=True)
        shape, asked = posted.rules.shape, request.query_params
        place = papers.place_of(asked.get("party", ""), shape)
        papers.check_fetch(authorisation(request), shape, place, self._clock())
        if posted.state.deleted is not None:
            raise refusal("deleted")
        if posted.terms is None:
            raise refusal("waiting")
        after, most = number_of(asked, "after", 0), number_of(asked, "limit", LARGEST_NUMBER)
        collection, terms = shape.manifest, posted.terms

        def views(store: Store) -> bytes:
            found = store.read(collection, after, min(BLOCK, most), BLOCK_BYTES)
            last = found[-1].position if found else after
            self.counts["fetched"] += len(found)
            return write_views(found, terms, place) + write_record(last, 0, b"")

        return binary_answer(await self._desk.ask(views))


async def _checked(octets: bytes, digest: bytes, posted: Posted) -> Upload:
    if len(octets) < BESIDE:
        return check_upload(octets, digest, posted)
    return await asyncio.to_thread(check_upload, octets, digest, posted)


def _proofs(store: Store, posted: Posted, digest: bytes) -> dict[str, Any]:
    shape = posted.rules.shape
    found = {}
    for party, octets in store.papers(shape.manifest, AGREED).items():
        counted = papers.read_agreed(octets, shape, papers.place_of(party, shape))
        if proof := counted.proof(digest):
            found[party] = proof.table()
    return found
