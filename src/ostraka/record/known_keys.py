"""Book of the keys that a party of this machine has met: name, key, since when, in which sessions.

It is `known.toml` in the home. A manifest that was swapped on its way has keys that are not in it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from ostraka import limits
from ostraka.errors import UsageError
from ostraka.files import loose_modes, read_text, replacing
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.record.succession import Succession

SESSIONS: Final = 20
"""Number of sessions that are kept of each key: the newest."""

_KEY: Final = re.compile("sha256:[0-9a-f]{64}")
_HEAD: Final = "# Keys of other parties that this machine has met: ostraka known list\n"


class KeyStanding(StrEnum):
    """Relation of a manifest's key to the book.

    `NEW`: the name is not in the book. `CHANGED`: the name is there with another key.
    """

    OWN = "own"
    KNOWN = "known"
    NEW = "new"
    CHANGED = "changed"


@dataclass(frozen=True)
class KnownKey:
    """Entry of the book.

    Attributes:
        key: fingerprint, as manifests write it.
        since: when the key was first met.
        sessions: ids of sessions that it took part in, in hex, the newest last.
        was: fingerprints of the keys that it followed, the oldest first.
    """

    name: str
    key: str
    since: datetime
    sessions: tuple[str, ...] = ()
    was: tuple[str, ...] = ()

    def seen_in(self, session: str) -> KnownKey:
        """Return the entry with a session added; "" adds none."""
        others = (each for each in self.sessions if each != session)
        return replace(self, sessions=(*others, *filter(None, [session]))[-SESSIONS:])

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON that `ostraka known list --output json` prints."""
        return {
            "name": self.name,
            "key": self.key,
            "since": self.since.isoformat(),
            "sessions": list(self.sessions),
            **({"was": list(self.was)} if self.was else {}),
        }


@dataclass(frozen=True)
class MetKey:
    """Key of one party of a manifest, as the book sees it.

    Attributes:
        entry: what the book has under the party's name; None if it has nothing.
        alias: name under which the book has this key, if the party's own is new to it.
    """

    name: PartyId
    key: str
    standing: KeyStanding
    entry: KnownKey | None = None
    alias: str = ""

    def in_words(self) -> str:
        """Return "known since 2026-11-01", "NEW" or "CHANGED: ...", for a line about the party."""
        if self.standing is KeyStanding.OWN:
            return "yours"
        if self.entry is None:
            return "NEW" + (f" (the same key is known as {self.alias})" if self.alias else "")
        since = f"known since {self.entry.since:%Y-%m-%d}"
        if self.standing is KeyStanding.KNOWN:
            return since
        return f"CHANGED: {since} as {self.entry.key}, the manifest has {self.key}"

    def as_dict(self) -> dict[str, str]:
        """Return the JSON that `ostraka check --output json` prints for the party."""
        since = {"since": self.entry.since.isoformat()} if self.entry else {}
        return {"name": self.name, "key": self.key, "standing": self.standing.value, **since}


class KeyBook:
    """Book of known keys in one file; each of its changes is made whole, under a lock.

    Args:
        path: of the file; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, KnownKey]:
        """Return the entries by name; none where there is no file.

        Raises:
            UsageError: the file cannot be read, is not valid, or other users can write it.
        """
        if not self.path.exists():
            return {}
        if loose := loose_modes(self.path, 0o644):
            raise UsageError(loose, hint=f"chmod 600 {self.path}", data_left=False)
        return _parsed(read_text(self.path, limits.MANIFEST), self.path)

    def meet(self, manifest: Manifest, me: str | None = None) -> tuple[MetKey, ...]:
        """Compare a manifest's keys with the book, in the order of the manifest.

        Args:
            me: the party whose own key it is.
        """
        book = self.read()
        names = {entry.key: entry.name for entry in book.values()}
        return tuple(
            MetKey(
                party.name,
                party.key,
                KeyStanding.OWN if party.name == me else _standing(book.get(party.name), party.key),
                book.get(party.name),
                names.get(party.key, ""),
            )
            for party in manifest.party
        )

    def learn(self, manifest: Manifest, me: str, session: str = "") -> None:
        """Add a manifest's keys, all but that of `me`; a key that CHANGED is left as it is.

        Args:
            session: the id of a session that they took part in, in hex.

        Raises:
            UsageError: the file is not valid, or cannot be written.
        """
        now = datetime.now(UTC).replace(microsecond=0)
        with self._changing() as book:
            for party in manifest.party:
                entry = book.get(party.name, KnownKey(party.name, party.key, now))
                if party.name != me and entry.key == party.key:
                    book[party.name] = entry.seen_in(session)

    def renew(self, links: Sequence[Succession]) -> KnownKey:
        """Take the newest key of a party whose older key is known, and return the entry.

        Args:
            links: successions of the party, checked, each following the one before it.

        Raises:
            UsageError: the party is not known, or its known key is none of these; or the file
                cannot be written.
        """
        name, (_, newest) = links[0].name, links[-1].keys
        olds = [link.keys[0] for link in links]
        with self._changing() as book:
            entry = book.get(name)
            if entry is None:
                message = f"no key is known of {name}, so none can be renewed"
                hint = f"its next key is NEW: compare it with {name} by voice"
                raise UsageError(message, hint=hint, data_left=False)
            if entry.key == newest:
                return entry
            if entry.key not in olds:
                message = f"{name} is known by another key than these: {entry.key}"
                hint = f"ask {name} by voice; ostraka known forget {name} is the way out"
                raise UsageError(message, hint=hint, data_left=False)
            passed = olds[olds.index(entry.key) :]
            was = (*(key for key in entry.was if key not in passed), *passed)
            book[name] = replace(entry, key=newest, was=was)
            return book[name]

    def successors(self) -> dict[str, str]:
        """Return the key in the book that follows each older one; raises as `read`."""
        return {old: entry.key for entry in self.read().values() for old in entry.was}

    def forget(self, name: str) -> KnownKey:
        """Remove the entry of a name, and return it.

        Raises:
            UsageError: there is none, or the file cannot be written.
        """
        with self._changing() as book:
            if name not in book:
                hint = "ostraka known list"
                raise UsageError(f"no key is known of {name}", hint=hint, data_left=False)
            return book.pop(name)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, KnownKey]]:
        """Yield the entries, and write them back; other processes wait meanwhile."""
        import fcntl

        try:
            lock = os.open(self.path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                book = self.read()
                yield book
                with replacing(self.path) as file:
                    file.write(_written(book))
            finally:
                os.close(lock)
        except OSError as error:
            message = f"cannot write {self.path}: {error.strerror}"
            raise UsageError(message, data_left=False) from None


def _standing(entry: KnownKey | None, key: str) -> KeyStanding:
    if entry is None:
        return KeyStanding.NEW
    return KeyStanding.KNOWN if entry.key == key else KeyStanding.CHANGED


def _parsed(text: str, path: Path) -> dict[str, KnownKey]:
    import tomllib

    try:
        tables = tomllib.loads(text).get("known", [])
        entries = [_entry(table) for table in tables]
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        hint = "put back a copy of it, or move it away: then all keys are NEW"
        message = f"{path} is not a book of keys: {problem}"
        raise UsageError(message, hint=hint, data_left=False) from None
    return {entry.name: entry for entry in entries}


def _entry(table: Mapping[str, Any]) -> KnownKey:
    name, key, since = table["name"], table["key"], table["since"]
    was = tuple(map(str, table.get("was", ())))
    if not (isinstance(since, datetime) and all(map(_KEY.fullmatch, (key, *was)))):
        raise ValueError(f"the entry of {name} needs a key and a time")
    return KnownKey(str(name), key, since, tuple(map(str, table.get("sessions", ()))), was)


def _written(book: Mapping[str, KnownKey]) -> str:
    return _HEAD + "".join(map(_table, sorted(book.values(), key=lambda entry: entry.name)))


def _table(entry: KnownKey) -> str:
    lines = (
        f"name = {json.dumps(entry.name)}",
        f'key = "{entry.key}"',
        f"since = {entry.since.isoformat()}",
        f"sessions = {json.dumps(entry.sessions)}",
        *([f"was = {json.dumps(entry.was)}"] if entry.was else []),
    )
    return "\n[[known]]\n" + "\n".join(lines) + "\n"
