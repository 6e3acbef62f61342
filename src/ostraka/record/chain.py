"""An append-only file of signed entries, each holding the hash of the one before it.

    NAME.ledger        a JSON line for each entry: {"entry": {...}, "signature": "..."}
    NAME.ledger.head   the number of lines, and the hash of the last one

A line is on disk before the step that it records is taken, and the head is written after the line:
the file may be ahead of its head, never behind. The chain makes one signature, that of the last
line, speak for all before it. An edited, missing, added or reordered line is found when the file is
read, and so is an older copy of the file. An older copy of both files together is not: see
`ostraka ledger check --receipts`.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from ostraka import identity as identities
from ostraka import strict_json
from ostraka.errors import OstrakaError, PeerViolation, RefusedByLedger, Temporary
from ostraka.files import sync_directory, try_lock
from ostraka.identity import Identity
from ostraka.record.commitments import canonical
from ostraka.record.receipt import text
from ostraka.record.succession import Succession

LOCK_SECONDS: Final = 10.0
"""Seconds to wait for another process that holds the file: it does for milliseconds."""

SUCCESSION: Final = "succession"
"""Key of an entry by which another key of this party takes over; the old one signs it."""

_DOMAIN: Final = b"ostraka ledger\0"
_START: Final = "0" * 64
_HEAD_BYTES: Final = 12 + 1 + 64 + 1

Entry = dict[str, Any]


class Chain:
    """One party's entries, as far as they have been read.

    Attributes:
        entries: all entries on file, oldest first.
        torn: bytes of a last line that was never finished, and so never acted on; the next `append`
            removes them.

    Raises, from every method:
        RefusedByLedger: the file is not as this party wrote it, or cannot be read or written.
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        self.path, self.head_path = path, path.with_name(path.name + ".head")
        self.entries: list[Entry] = []
        self.torn = 0
        self._identity = identity
        self._hashes: list[str] = []
        self._offset = 0
        self._descriptor = -1

    @property
    def head(self) -> str:
        """The hash of the last line: 64 hex digits."""
        return self._hashes[-1] if self._hashes else _START

    # --- reading ------------------------------------------------------------------------------

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the file against other processes, with all that they wrote read and checked.

        Raises:
            Temporary: another process holds the file for too long.
        """
        with self.foreign_errors():
            self._descriptor = self._open()
        try:
            with self.foreign_errors():
                _lock(self._descriptor, self.path)
                self._catch_up()
            yield
        finally:
            os.close(self._descriptor)

    @contextmanager
    def foreign_errors(self) -> Iterator[None]:
        """Turn an error of the operating system into a refusal by the ledger."""
        try:
            yield
        except OSError as error:
            message = f"the ledger {self.path} cannot be used: {error.strerror}"
            hint = "what cannot be written down is not done; OSTRAKA_LEDGER names another directory"
            raise RefusedByLedger(message, hint=hint, data_left=False) from None

    def _open(self) -> int:
        """Open or make the file; refuse one that others can read, or whose head alone is left."""
        flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        if self.head_path.exists() and not self.path.exists():  # in this order: it is made last
            raise self._damaged(f"is gone, and {self.head_path.name} is not")
        with suppress(FileExistsError):
            made = os.open(self.path, flags | os.O_CREAT | os.O_EXCL, 0o600)
            sync_directory(self.path.parent)
            return made
        found = os.open(self.path, flags)
        mode = stat.S_IMODE(os.fstat(found).st_mode)
        if mode & 0o077:
            os.close(found)
            message = f"{self.path} can be read or changed by others (mode {mode:04o})"
            raise RefusedByLedger(message, hint=f"chmod 600 {self.path}", data_left=False)
        return found

    def _catch_up(self) -> None:
        """Read and check new lines, then the head."""
        size = os.fstat(self._descriptor).st_size
        if size < self._offset:
            raise self._damaged("lost lines while it was in use")
        content = os.pread(self._descriptor, size - self._offset, self._offset)
        complete = content.rfind(b"\n") + 1
        self.torn = len(content) - complete
        for line in content[:complete].splitlines():
            self._take(line)
        if complete:
            self._check_signature(content[:complete].splitlines()[-1])
        self._offset += complete
        self._check_head()
        if not self.entries:
            self.append({"ostraka_ledger": 1, "party": self._identity.name})

    def _take(self, line: bytes) -> None:
        """Add a line to the chain, if it follows the one before it."""
        number = len(self.entries)
        try:
            entry = _signed(line)["entry"]
            follows = entry["prev"] == self.head and (type(entry["n"]), entry["n"]) == (int, number)
        except (ValueError, KeyError, TypeError):
            raise self._damaged(f"cannot be read at line {number + 1}") from None
        if not follows:
            raise self._damaged(f"breaks between its lines {number} and {number + 1}")
        self.entries.append(entry)
        self._hashes.append(hashlib.sha256(line).hexdigest())

    def _check_signature(self, line: bytes) -> None:
        """Refuse a last line that this party's key has not signed."""
        from base64 import b64decode

        entry = self.entries[-1]
        try:
            signature = b64decode(_signed(line)["signature"], validate=True)
            identities.verify(self._signer(entry), signature, _DOMAIN + canonical(entry))
        except (ValueError, KeyError, TypeError, PeerViolation):
            number = len(self.entries)
            raise self._damaged(f"is not signed by this party's key at line {number}") from None

    def _signer(self, entry: Entry) -> bytes:
        """Return the certificate that a last line must be signed under: this party's, or that of
        the key before it in the line by which this party's key took over."""
        ours = self._identity.certificate
        if SUCCESSION not in entry:
            return ours
        found = Succession.from_json(self._identity.name, entry[SUCCESSION])
        return found.old if found.new == ours else ours

    def _check_head(self) -> None:
        """Refuse a chain without the line that the head names: lines are gone, or were replaced."""
        content = self.head_path.read_text("ascii", "replace") if self.head_path.exists() else ""
        if not content:
            if len(self.entries) > 1:
                raise self._damaged(f"has lost {self.head_path.name}")
            return
        try:
            count, last = content.split()
            number = int(count)
            if len(content) != _HEAD_BYTES:
                raise ValueError("torn")
        except ValueError:
            if len(self.entries) <= 1:  # it was being made when the power went, or the room
                return
            raise self._damaged(f"has an unreadable {self.head_path.name}") from None
        if number > len(self.entries) or (number and self._hashes[number - 1] != last):
            raise self._damaged(
                f"is not the one last written: {self.head_path.name} speaks of {number} lines, "
                f"and it has {len(self.entries)}, or others"
            )

    def _damaged(self, what: str) -> OstrakaError:
        """Return the error for a file that is not as this party wrote it."""
        return RefusedByLedger(
            f"the ledger {self.path} {what}: it was changed, cut short or rolled back",
            hint="put back the newest copy of it and of its .head; if there is none, what was "
            "spent is not known any more: move both away only if you accept that",
            data_left=False,
        )

    # --- writing ------------------------------------------------------------------------------

    def append(self, entry: Entry) -> Entry:
        """Write one entry, inside `locked`; it is on disk when this returns."""
        whole = {"n": len(self.entries), "prev": self.head, **entry}
        signature = self._identity.sign(_DOMAIN + canonical(whole))
        line = canonical({"entry": whole, "signature": text(signature)})
        with self.foreign_errors():
            if os.fstat(self._descriptor).st_size > self._offset:
                os.ftruncate(self._descriptor, self._offset)
                self.torn = 0
            if len(self.entries) == 1:
                self._make_head()
            if os.write(self._descriptor, line + b"\n") != len(line) + 1:
                raise OSError(None, "the disk is full")
            os.fsync(self._descriptor)
            self._take(line)
            self._offset += len(line) + 1
            with suppress(OSError):  # an older head does no harm
                self._write_head()
        return whole

    def _make_head(self) -> None:
        """Put a head on disk before the second line, which would be refused without one after a
        loss of power or on a full disk."""
        self._write_head(synced=True)
        sync_directory(self.path.parent)

    def _write_head(self, *, synced: bool = False) -> None:
        """Write the head in place, in one write."""
        descriptor = os.open(self.head_path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            content = f"{len(self.entries):012d} {self.head}\n".encode()
            assert len(content) == _HEAD_BYTES
            if os.pwrite(descriptor, content, 0) != _HEAD_BYTES:
                raise OSError(None, "the disk is full")
            if synced:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _signed(line: bytes) -> Entry:
    """Read a line: an entry and its signature.

    Raises:
        ValueError: it is not JSON, holds a key twice, or more than these two.
    """
    found = strict_json.parse(line)
    if not isinstance(found, dict) or set(found) != {"entry", "signature"}:
        raise ValueError("not an entry and its signature")
    return found


def _lock(descriptor: int, path: Path) -> None:
    """Lock a file for this process, waiting up to `LOCK_SECONDS` for another that holds it."""
    until = monotonic() + LOCK_SECONDS
    while not try_lock(descriptor):
        if monotonic() > until:
            message = f"another process has been holding {path} for {LOCK_SECONDS:g} s"
            raise Temporary(message, data_left=False)
        sleep(0.002)
