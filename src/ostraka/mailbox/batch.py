"""Batch of uploads to one collection, which one transaction keeps or refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ostraka.mailbox.database import Database, Row

REPORTS_OF_ONE_CREDENTIAL: Final = 16
"""Reports that one credential may leave: the first and what replaces it."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Report that was checked and is to be kept.

    Attributes:
        version: the collection's version that it was checked under.
        credential: index of its credential; None in an open collection.
        counter: the contributor's own, which rises with each replacement.
        author: the contributor's public key.
    """

    collection: bytes
    version: int
    digest: bytes
    credential: int | None
    counter: int
    author: bytes
    octets: bytes


class Accepted(NamedTuple):
    """Place of a report that is on disk: its position from 1, and the minute (since 1970) at which
    it came."""

    position: int
    minute: int


class CollectionState(NamedTuple):
    """State of a collection: `version` rises with each paper; `ended` and `deleted` are seconds
    since 1970, or None."""

    version: int
    reports: int
    bytes: int
    closes: int
    most: int
    replaces: bool
    ended: int | None
    deleted: int | None


STATE: Final = "version, reports, bytes, closes, most, replaces, ended, deleted"


class Batch:
    """Uploads to one collection that are kept in the transaction that is open."""

    def __init__(
        self, db: Database, collection: bytes, uploads: list[Upload], now: int, room: int
    ) -> None:
        self._db, self._collection, self._now, self._room = db, collection, now, room
        self._uploads = uploads
        self.bytes = 0

    def keep(self) -> dict[bytes, Accepted | str]:
        """Keep what may be kept; return the outcome by digest."""
        rows = self._db.execute(
            f"SELECT {STATE} FROM collection WHERE id = ?{self._db.lock}",  # noqa: S608
            (self._collection,),
        )
        if not rows:
            return {upload.digest: "unknown" for upload in self._uploads}
        self._state = CollectionState(*rows[0])
        outcomes: dict[bytes, Accepted | str] = dict(self._known())
        self._credentials = self._reported()
        kept: list[tuple[object, ...]] = []
        for upload in self._uploads:
            if upload.digest in outcomes:
                continue
            refusal = self._refusal(upload, self._state.reports + len(kept))
            if not refusal:
                kept.append(self._row(upload, self._state.reports + len(kept) + 1))
            outcomes[upload.digest] = refusal or Accepted(
                self._state.reports + len(kept), self._now // 60
            )
        self._write(kept)
        return outcomes

    def _known(self) -> dict[bytes, Accepted]:
        found = self._select(
            "digest, position, minute", "digest", [u.digest for u in self._uploads]
        )
        return {bytes(digest): Accepted(position, minute) for digest, position, minute in found}

    def _reported(self) -> dict[int, list[tuple[bytes, int]]]:
        """Return author and counter of the reports of each credential in the batch."""
        wanted = {u.credential for u in self._uploads if u.credential is not None}
        found: dict[int, list[tuple[bytes, int]]] = {index: [] for index in wanted}
        for index, author, counter in self._select(
            "credential, author, counter", "credential", sorted(wanted)
        ):
            found[index].append((bytes(author), counter))
        return found

    def _select(self, columns: str, column: str, values: Sequence[object]) -> list[Row]:
        if not values:
            return []
        marks = ", ".join("?" * len(values))
        return self._db.execute(
            f"SELECT {columns} FROM report WHERE collection = ? AND {column} IN ({marks})",  # noqa: S608
            (self._collection, *values),
        )

    def _refusal(self, upload: Upload, reports: int) -> str:
        state = self._state
        if self._now >= state.closes or state.ended is not None:
            return "closed"
        if upload.version != state.version:
            return "stale"
        if reports >= state.most:
            return "full"
        if self.bytes + len(upload.octets) > self._room:
            return "disk-full"
        return "" if upload.credential is None else self._used(upload, upload.credential)

    def _used(self, upload: Upload, credential: int) -> str:
        others = self._credentials[credential]
        if any(author != upload.author for author, _ in others):
            return "another-key"
        if any(counter >= upload.counter for _, counter in others):
            return "superseded"
        if len(others) >= (REPORTS_OF_ONE_CREDENTIAL if self._state.replaces else 1):
            return "replaced"
        return ""

    def _row(self, upload: Upload, position: int) -> tuple[object, ...]:
        self.bytes += len(upload.octets)
        if upload.credential is not None:
            self._credentials[upload.credential].append((upload.author, upload.counter))
        who = upload.credential, upload.counter, upload.author
        return (self._collection, position, upload.digest, self._now // 60, *who, upload.octets)

    def _write(self, rows: list[tuple[object, ...]]) -> None:
        if not rows:
            return
        self._db.insert("INSERT INTO report VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._db.execute(
            "UPDATE collection SET reports = reports + ?, bytes = bytes + ? WHERE id = ?",
            (len(rows), self.bytes, self._collection),
        )
