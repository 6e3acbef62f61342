"""Store of a mailbox: collections, their papers, and reports in the order in which they came.

Positions of a collection's reports are 1, 2, 3, ... in the order of their commits, also where
several processes share a database: a reader that has seen position n has seen all up to n.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from ostraka.mailbox.batch import STATE, Accepted, Batch, CollectionState, Upload
from ostraka.mailbox.database import Database

DELETED_AT_ONCE: Final = 1000
"""Reports that one transaction deletes: others wait for so long."""

LISTED: Final = 100
"""Collections of one party that are listed."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS collection (
    id BLOB PRIMARY KEY, manifest BLOB NOT NULL, publication BLOB NOT NULL,
    closes BIGINT NOT NULL, most BIGINT NOT NULL, replaces INTEGER NOT NULL,
    version BIGINT NOT NULL DEFAULT 0, reports BIGINT NOT NULL DEFAULT 0,
    bytes BIGINT NOT NULL DEFAULT 0, ended BIGINT, deleted BIGINT);
CREATE TABLE IF NOT EXISTS member (
    fingerprint BLOB NOT NULL, collection BLOB NOT NULL REFERENCES collection (id),
    PRIMARY KEY (fingerprint, collection));
CREATE TABLE IF NOT EXISTS paper (
    collection BLOB NOT NULL REFERENCES collection (id), kind TEXT NOT NULL, party TEXT NOT NULL,
    octets BLOB NOT NULL, PRIMARY KEY (collection, kind, party));
CREATE TABLE IF NOT EXISTS report (
    collection BLOB NOT NULL REFERENCES collection (id), position BIGINT NOT NULL,
    digest BLOB NOT NULL, minute BIGINT NOT NULL, credential BIGINT, counter BIGINT NOT NULL,
    author BLOB NOT NULL, octets BLOB NOT NULL, PRIMARY KEY (collection, position));
CREATE UNIQUE INDEX IF NOT EXISTS report_digest ON report (collection, digest);
CREATE INDEX IF NOT EXISTS report_credential ON report (collection, credential);
"""


class Stored(NamedTuple):
    """Report as it was stored."""

    position: int
    minute: int
    octets: bytes


class Founding(NamedTuple):
    """Documents that open a collection, and what of them the store obeys.

    Attributes:
        publication: the organiser's statement, with the roster in it.
        closes: seconds since 1970 from which nothing more is kept.
        most: number of reports, replacements among them.
        replaces: whether a credential may leave another report.
    """

    manifest: bytes
    publication: bytes
    closes: int
    most: int
    replaces: bool


class Store:
    """Store over one connection, for one thread.

    Args:
        most_bytes: bytes of all reports together.
    """

    def __init__(self, database: Database, most_bytes: int) -> None:
        self._db, self._most_bytes = database, most_bytes

    def create(self) -> None:
        """Create the tables that are not there yet."""
        self._db.create(_TABLES.replace("BLOB", self._db.blob))

    # Collections

    def found(self, collection: bytes, founding: Founding, members: Sequence[bytes] = ()) -> None:
        """Open a collection. Idempotent: the first one stays.

        Args:
            members: fingerprints of its compute parties, which may ask which collections they have.
        """
        self._db.execute(
            "INSERT INTO collection (id, manifest, publication, closes, most, replaces)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            (collection, *founding[:-1], int(founding.replaces)),
        )
        for fingerprint in members:
            self._db.execute(
                "INSERT INTO member VALUES (?, ?) ON CONFLICT (fingerprint, collection) DO NOTHING",
                (fingerprint, collection),
            )

    def of_member(self, fingerprint: bytes, now: float) -> list[bytes]:
        """Return the collections that a party computes for, and that have not closed: `LISTED` at
        most, those that close first."""
        rows = self._db.execute(
            "SELECT id FROM collection JOIN member ON member.collection = collection.id"
            " WHERE fingerprint = ? AND closes > ? ORDER BY closes, id LIMIT ?",
            (fingerprint, int(now), LISTED),
        )
        return [bytes(collection) for (collection,) in rows]

    def founding(self, collection: bytes) -> Founding | None:
        """Return the documents that opened a collection; None if it is not there."""
        rows = self._db.execute(
            "SELECT manifest, publication, closes, most, replaces FROM collection WHERE id = ?",
            (collection,),
        )
        return Founding._make((*rows[0][:-1], bool(rows[0][-1]))) if rows else None

    def collections(self) -> int:
        """Return the number of collections."""
        return int(self._db.execute("SELECT count(*) FROM collection")[0][0])

    def held_bytes(self) -> int:
        """Return the bytes of all reports."""
        return int(self._db.execute("SELECT coalesce(sum(bytes), 0) FROM collection")[0][0])

    def state(self, collection: bytes) -> CollectionState | None:
        """Return the state of a collection; None if it is not there."""
        return self._state(collection, "")

    def _state(self, collection: bytes, lock: str) -> CollectionState | None:
        rows = self._db.execute(
            f"SELECT {STATE} FROM collection WHERE id = ?{lock}",  # noqa: S608 - constants
            (collection,),
        )
        return CollectionState(*rows[0]) if rows else None

    # Papers

    def put(self, collection: bytes, kind: str, party: str, octets: bytes, *, once: bool) -> bool:
        """Keep a paper; return whether it is this one that is kept now.

        Args:
            party: its author; "" where a kind has one author.
            once: the first stays; otherwise the last.
        """
        with self._db.transaction():
            self._state(collection, self._db.lock)
            old = self.paper(collection, kind, party)
            if old is not None and (once or old == octets):
                return old == octets
            self._db.execute(
                "INSERT INTO paper VALUES (?, ?, ?, ?) ON CONFLICT (collection, kind, party)"
                " DO UPDATE SET octets = excluded.octets",
                (collection, kind, party, octets),
            )
            self._db.execute(
                "UPDATE collection SET version = version + 1 WHERE id = ?", (collection,)
            )
        return True

    def paper(self, collection: bytes, kind: str, party: str) -> bytes | None:
        """Return a paper, or None."""
        rows = self._db.execute(
            "SELECT octets FROM paper WHERE collection = ? AND kind = ? AND party = ?",
            (collection, kind, party),
        )
        return bytes(rows[0][0]) if rows else None

    def papers(self, collection: bytes, kind: str) -> dict[str, bytes]:
        """Return the papers of a kind by party."""
        rows = self._db.execute(
            "SELECT party, octets FROM paper WHERE collection = ? AND kind = ? ORDER BY party",
            (collection, kind),
        )
        return {party: bytes(octets) for party, octets in rows}

    def close(self, collection: bytes, ordered: int, now: int) -> bool:
        """Close a collection early, if its organiser's order names no time before that of a report
        that was promised; return whether it does not. A later time than the one there changes
        nothing.

        Args:
            ordered: the time that the organiser signed; compute parties go by it.
        """
        with self._db.transaction():
            self._state(collection, self._db.lock)
            last = self._db.execute(
                "SELECT coalesce(max(minute), -1) FROM report WHERE collection = ?", (collection,)
            )
            if int(last[0][0]) * 60 >= ordered:
                return False
            at = max(ordered, now)
            self._db.execute(
                "UPDATE collection SET closes = ?, version = version + 1"
                " WHERE id = ? AND closes > ?",
                (at, collection, at),
            )
        return True

    def end(self, collection: bytes, at: int) -> None:
        """Note that a collection is done, from which time its reports wait for their deletion."""
        self._db.execute(
            "UPDATE collection SET ended = ?, version = version + 1 WHERE id = ? AND ended IS NULL",
            (at, collection),
        )

    # Reports

    def keep(self, uploads: Sequence[Upload], now: float) -> list[Accepted | str]:
        """Keep reports in one transaction, on disk when this returns.

        Returns:
            For each its place, which a report that is there already has too, or why it is not kept:
            "unknown" collection; "stale": checked under another version; "closed"; "full": as many
            as there may be; "another-key", "superseded", "replaced": its credential has another
            key, a report with a counter as high, or as many reports as it may leave; "disk-full":
            the mailbox is.

        Raises:
            DatabaseFull, DatabaseGone: no report is promised.
        """
        outcomes: dict[bytes, Accepted | str] = {}
        with self._db.transaction():
            room = self._most_bytes - self.held_bytes()
            ordered = sorted(uploads, key=lambda upload: upload.collection)
            for collection, group in groupby(ordered, key=lambda upload: upload.collection):
                batch = Batch(self._db, collection, list(group), int(now), room)
                outcomes |= {collection + digest: kept for digest, kept in batch.keep().items()}
                room -= batch.bytes
        return [outcomes[upload.collection + upload.digest] for upload in uploads]

    def read(self, collection: bytes, after: int, most: int, most_bytes: int) -> list[Stored]:
        """Return reports at positions above `after`, in order: as many as their bytes allow, and at
        least one if there is one.

        Args:
            most: number of reports, at most.
            most_bytes: bytes of them; the last may exceed it.
        """
        lengths = self._db.execute(
            "SELECT position, length(octets) FROM report WHERE collection = ? AND position > ?"
            " ORDER BY position LIMIT ?",
            (collection, after, most),
        )
        last = _last_within(lengths, most_bytes)
        rows = self._db.execute(
            "SELECT position, minute, octets FROM report WHERE collection = ? AND position > ?"
            " AND position <= ? ORDER BY position",
            (collection, after, last),
        )
        return [Stored(position, minute, bytes(octets)) for position, minute, octets in rows]

    def find(self, collection: bytes, digest: bytes) -> Accepted | None:
        """Return the place of a report, or None."""
        rows = self._db.execute(
            "SELECT position, minute FROM report WHERE collection = ? AND digest = ?",
            (collection, digest),
        )
        return Accepted(*rows[0]) if rows else None

    # Deletion

    def sweep(self, now: float, keep_for: float) -> int:
        """Delete the reports of collections that ended, or closed long ago, and return how many.

        Args:
            keep_for: seconds after the end; three times as long after the closing where compute
                parties never finished.
        """
        due = self._db.execute(
            "SELECT id FROM collection WHERE deleted IS NULL AND (ended < ? OR closes < ?)",
            (int(now - keep_for), int(now - 3 * keep_for)),
        )
        return sum(self._delete(bytes(collection), int(now)) for (collection,) in due)

    def _delete(self, collection: bytes, now: int) -> int:
        state = self._state(collection, "")
        reports = state.reports if state else 0
        for first in range(1, reports + 1, DELETED_AT_ONCE):
            self._db.execute(
                "DELETE FROM report WHERE collection = ? AND position >= ? AND position < ?",
                (collection, first, first + DELETED_AT_ONCE),
            )
        self._db.execute(
            "UPDATE collection SET deleted = ?, bytes = 0, version = version + 1 WHERE id = ?",
            (now, collection),
        )
        return reports

    def ping(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            DatabaseGone: it gives none.
        """
        self._db.execute("SELECT 1")


def _last_within(lengths: Iterable[tuple[int, ...]], most: int) -> int:
    """Return the last position up to which lengths add up to `most`, or the first one."""
    last = taken = 0
    for position, length in lengths:
        taken += length
        if last and taken > most:
            break
        last = position
    return last
