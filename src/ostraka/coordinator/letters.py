"""Sealed letters of invitations, which a coordinator keeps for parties that are not there at the
same time.

A box is opened by an organiser and has an answer (cell 1), written once by the first that knows the
box, and the organiser's letter (cell 2). Cell 0 opens the box: its content is the time at which it
expires, 8 bytes; a time of 0 takes the box away.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from ostraka import limits
from ostraka.wire.messages import Fetch, KeptPart, Post, Refused

OPEN: Final = 0
ANSWER: Final = 1
LETTER: Final = 2

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS box (id BLOB PRIMARY KEY, owner BLOB NOT NULL, expires INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS part (
    box BLOB NOT NULL REFERENCES box ON DELETE CASCADE, cell INTEGER NOT NULL,
    part INTEGER NOT NULL, parts INTEGER NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (box, cell, part));
CREATE TABLE IF NOT EXISTS writer (
    box BLOB NOT NULL REFERENCES box ON DELETE CASCADE, cell INTEGER NOT NULL, key BLOB NOT NULL,
    PRIMARY KEY (box, cell));
"""


class Letters:
    """Letters in a SQLite file, which outlives the process; in memory without one.

    Args:
        path: of the file; None for memory.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._db.executescript("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;" + _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def handle(self, message: Post | Fetch, key: bytes, now: float) -> KeptPart | Refused:
        """Keep or return a part of a letter.

        Args:
            key: fingerprint of the party that asks, 32 bytes.
            now: seconds since 1970.
        """
        self._db.execute("DELETE FROM box WHERE expires <= ?", (int(now),))
        if isinstance(message, Post):
            code = self._post(message, key, now)
            return Refused(code) if code else KeptPart(0, b"")
        if self._owner(message.box) is None:
            return Refused("no-box")
        found = self._db.execute(
            "SELECT parts, content FROM part WHERE box = ? AND cell = ? AND part = ?",
            (message.box, message.cell, message.part),
        ).fetchone()
        return KeptPart(*found) if found else KeptPart(0, b"")

    def _owner(self, box: bytes) -> bytes | None:
        found = self._db.execute("SELECT owner FROM box WHERE id = ?", (box,)).fetchone()
        return found and bytes(found[0])

    def _post(self, message: Post, key: bytes, now: float) -> str:
        """Keep a part; return the code of a refusal, or an empty text."""
        owner = self._owner(message.box)
        if message.cell == OPEN:
            return self._open(message, key, owner, now)
        if owner is None:
            return "no-box"
        if not message.part < message.parts:
            return "malformed"
        writer = self._writer(message.box, message.cell)
        if message.cell == LETTER:
            if key != owner:
                return "not-yours"
        elif writer not in (None, key):
            return "used"
        if self._bytes() + len(message.content) > limits.MAILBOX_BYTES:
            return "mailbox-full"
        return self._keep(message, key)

    def _keep(self, message: Post, key: bytes) -> str:
        """Write a part. An answer stays as it was first written; a letter may be replaced."""
        place = (message.box, message.cell, message.part)
        old = self._db.execute(
            "SELECT content FROM part WHERE box = ? AND cell = ? AND part = ?", place
        ).fetchone()
        if message.cell == ANSWER and old is not None:
            return "" if bytes(old[0]) == message.content else "used"
        self._db.execute(
            "INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?)",
            (*place, message.parts, message.content),
        )
        self._db.execute("INSERT OR IGNORE INTO writer VALUES (?, ?, ?)", (*place[:2], key))
        return ""

    def _open(self, message: Post, key: bytes, owner: bytes | None, now: float) -> str:
        expires = int.from_bytes(message.content)
        if owner not in (None, key):
            return "not-yours"
        if not expires:
            self._db.execute("DELETE FROM box WHERE id = ?", (message.box,))
            return ""
        if len(message.content) != 8 or expires > now + limits.MAILBOX_SECONDS:
            return "malformed"
        if owner is None and self._is_full(key):
            return "mailbox-full"
        self._db.execute(
            "INSERT INTO box VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET expires = ?",
            (message.box, key, expires, expires),
        )
        return ""

    def _is_full(self, key: bytes) -> bool:
        (all_,) = self._db.execute("SELECT count(*) FROM box").fetchone()
        (own,) = self._db.execute("SELECT count(*) FROM box WHERE owner = ?", (key,)).fetchone()
        return bool(all_ >= limits.MAILBOXES or own >= limits.MAILBOXES_OF_ONE_KEY)

    def _writer(self, box: bytes, cell: int) -> bytes | None:
        found = self._db.execute(
            "SELECT key FROM writer WHERE box = ? AND cell = ?", (box, cell)
        ).fetchone()
        return found and bytes(found[0])

    def _bytes(self) -> int:
        (found,) = self._db.execute("SELECT coalesce(sum(length(content)), 0) FROM part").fetchone()
        return int(found)
