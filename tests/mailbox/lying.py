"""Mailboxes in memory with the interface of `MailboxClient`: an honest one, and liars.

    box = Box(manifest_toml, manifest_digest)     # one for all
    box.client("c1")                              # what a compute party is given
    Lying(lose={3}, double={1}, reorder=True, hold_back=2, show={"c1": {1, 2}})

A liar may withhold reports, send one twice under two positions, send them in another order, keep
the last ones back until asked again, and show different lists to different compute parties. It
cannot alter one: signatures are over all of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from time import time

from ostraka.collection.merkle import Proof
from ostraka.collection.promise import Promise
from ostraka.collection.report import cut_view
from ostraka.collection.terms import Terms
from ostraka.identity import Identity
from ostraka.mailbox.bodies import Fetched
from ostraka.mailbox.client import CollectionStatus


@dataclass
class Lying:
    """What a mailbox does wrong; by default nothing.

    Attributes:
        lose: positions that it never shows.
        double: positions that it shows a second time, at the end.
        reorder: whether it numbers the reports in reversed order.
        hold_back: how many of the last reports it shows from the second fetch of a party on only.
        show: for a compute party, the positions that it is shown; all by default.
    """

    lose: set[int] = field(default_factory=set)
    double: set[int] = field(default_factory=set)
    reorder: bool = False
    hold_back: int = 0
    show: dict[str, set[int]] = field(default_factory=dict)


class Box:
    """Mailbox of one collection in memory.

    Args:
        manifest: its TOML; `digest`: the manifest's digest, 32 bytes.
        closes: seconds since 1970.
        identity: signs promises.
    """

    def __init__(
        self,
        manifest: bytes,
        digest: bytes,
        closes: int,
        identity: Identity,
        *,
        lies: Lying | None = None,
        clock: Callable[[], float] = time,
    ) -> None:
        self.manifest, self.digest, self.closes = manifest, digest, closes
        self.identity, self.clock = identity, clock
        self.lies = lies or Lying()
        self.publication = b""
        self.statements: dict[str, bytes] = {}
        self.revocations: bytes | None = None
        self.close_order: bytes | None = None
        self.agreed: dict[str, bytes] = {}
        self.receipts: dict[str, bytes] = {}
        self.reports: dict[bytes, tuple[int, int, bytes]] = {}
        self.fetches: dict[str, int] = {}
        self.terms: Terms | None = None

    def client(self, terms: Terms | None = None) -> BoxClient:
        """Return a client; `terms` cut views of reports, and are needed to fetch."""
        self.terms = terms or self.terms
        return BoxClient(self)

    def shown(self, party: str, place: int) -> list[Fetched]:
        """Return all that a compute party is shown, lies among it."""
        assert self.terms is not None
        self.fetches[party] = self.fetches.get(party, 0) + 1
        kept = sorted(self.reports.values())
        seen = self.lies.show.get(party)
        kept = [
            one for one in kept if one[0] not in self.lies.lose and (seen is None or one[0] in seen)
        ]
        if self.lies.hold_back and self.fetches[party] == 1:
            kept = kept[: -self.lies.hold_back]
        if self.lies.reorder:
            kept.reverse()
        kept += [one for one in kept if one[0] in self.lies.double]
        return [
            Fetched(position, minute, cut_view(octets, self.terms, place))
            for position, (_, minute, octets) in enumerate(kept, 1)
        ]


class BoxClient:
    """Client of a mailbox in memory; its methods are those of `MailboxClient`."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self.url, self.manifest = "memory:", box.digest

    def close(self) -> None: ...

    async def collections(self) -> list[bytes]:
        return [self._box.digest]

    async def publish(self, manifest: bytes, publication: bytes) -> None:
        assert manifest == self._box.manifest
        self._box.publication = publication

    async def put_revocations(self, octets: bytes) -> None:
        self._box.revocations = octets

    async def put_close(self, octets: bytes) -> None:
        self._box.close_order = octets
        self._box.closes = min(self._box.closes, int(self._box.clock()))

    async def status(self) -> CollectionStatus:
        box = self._box
        late, done = box.clock() >= box.closes, len(box.receipts) == len(box.statements) > 0
        state = "done" if done else "closing" if late else "open"
        return CollectionStatus(
            box.manifest, box.closes, state, len(box.reports), dict(box.statements)
        )

    async def publication(self) -> bytes:
        return self._box.publication

    async def revocations(self) -> bytes | None:
        return self._box.revocations

    async def close_order(self) -> bytes | None:
        return self._box.close_order

    async def receipts(self) -> dict[str, bytes]:
        return dict(self._box.receipts)

    async def inclusion(self, digest: bytes) -> dict[str, Proof]:
        from ostraka.mailbox.papers import _counted

        found = {}
        for party, octets in self._box.agreed.items():
            certificate = int.from_bytes(octets[:2], "little")
            if proof := _counted(octets[2 + certificate + 64 :]).proof(digest):
                found[party] = proof
        return found

    async def put_report(self, digest: bytes, octets: bytes) -> Promise:
        box = self._box
        minute = int(box.clock()) // 60
        position, minute, _ = box.reports.setdefault(digest, (len(box.reports) + 1, minute, octets))
        return Promise.make(box.digest, position, minute, digest, box.identity)

    async def put_statement(self, party: str, octets: bytes) -> None:
        self._box.statements.setdefault(party, octets)

    async def put_agreed(self, party: str, octets: bytes) -> None:
        self._box.agreed[party] = octets

    async def put_receipt(self, party: str, octets: bytes) -> None:
        self._box.receipts[party] = octets

    async def fetch(self, party: str, after: int = 0) -> AsyncIterator[list[Fetched]]:
        assert self._box.terms is not None
        place = self._box.terms.shape.compute.index(party)
        found = [one for one in self._box.shown(party, place) if one.position > after]
        for start in range(0, len(found), 2):
            yield found[start : start + 2]
