r"""Custody: what a compute party keeps of one collection on its disk, until all have its answer.

    keys      the sealing keys, and the seed of the noise it deals; encrypted under its own key
    papers    the roster, the sealing statements and the organiser's orders that it closes with
    reports   its views of the reports, in the mailbox's order; each sealed to its keys
    state     how far closing has come

The files are in a directory of mode 0700. One process at a time holds it. Once all parties have
the answer, all but the state is erased: then reports that a thief finds are noise.
"""

from __future__ import annotations

import json
import os
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ostraka.arithmetic.randomness import SEED_BYTES
from ostraka.collection.inbox import StoredReport
from ostraka.collection.sealing import SealingKey
from ostraka.errors import Temporary, UsageError
from ostraka.files import replacing, sync_directory, try_lock
from ostraka.identity import Identity

_MAGIC: Final = b"ostraka custody\0"
_HEADER: Final = 8 + 4 + 4
_LARGEST: Final = 1 << 30


CHUNK: Final = 1 << 20
"""Bytes that `views` reads at a time, and one report more."""


class StoredPlace(NamedTuple):
    """Place of one report in the file of reports.

    Attributes:
        minute: when it came, by the mailbox's clock; `position` there.
        at: where its view starts; `length` in bytes.
    """

    position: int
    minute: int
    at: int
    length: int


class StoredPlaces:
    """Places of all reports in the file of reports, in order; 24 bytes each."""

    def __init__(self) -> None:
        self._columns = array("Q"), array("I"), array("Q"), array("I")

    def __len__(self) -> int:
        return len(self._columns[0])

    def __getitem__(self, index: int) -> StoredPlace:
        position, minute, at, length = self._columns
        return StoredPlace(position[index], minute[index], at[index], length[index])

    def append(self, place: StoredPlace) -> None:
        """Add the place of one more report."""
        for column, number in zip(self._columns, place, strict=True):
            column.append(number)


@dataclass(frozen=True)
class ClosingState:
    """State of a collection's closing at one compute party.

    Attributes:
        session: the session, in hex, in which reports were listed last; "" before.
        listed: how many of the reports it listed then.
        completed: how many it had once it looked for those that others listed; -1 before.
        root: of the reports that were agreed on, in hex, once this party was about to consent.
        counted: digest, in hex, of the places counted, once an answer over them may be opened.
        done: the session in which all parties confirmed the answer, in hex; "" before.
    """

    session: str = ""
    listed: int = 0
    completed: int = -1
    root: str = ""
    counted: str = ""
    done: str = ""


class Custody:
    """Open custody of one collection. Made by `open`; ended by `close`."""

    def __init__(self, directory: Path, own: bytes, lock: int) -> None:
        self.directory = directory
        self._own, self._descriptor = own, lock
        self.state = self._read_state()
        self._reports: int | None = None
        self._end = 0

    @classmethod
    def open(cls, parent: Path, identity: Identity, manifest: bytes) -> Self:
        """Take the custody of a collection; it is made if it is not there.

        Args:
            parent: the directory for all collections, 0700.
            manifest: the manifest's digest.

        Raises:
            Temporary: another process has it, or it cannot be written.
        """
        directory = parent / f"{identity.name}-{manifest.hex()[:32]}"
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            lock = os.open(directory / "lock", flags, 0o600)
        except OSError as error:
            raise _unwritable(directory, error) from None
        if not try_lock(lock):
            os.close(lock)
            raise Temporary(
                f"another process on this machine closes this collection as {identity.name}",
                hint="wait until it ends, or end it",
                data_left=False,
            )
        return cls(directory, identity.derived(b"ostraka collections 1"), lock)

    def close(self) -> None:
        """Let another process have it. Idempotent."""
        if self._reports is not None:
            os.close(self._reports)
            self._reports = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    # --- keys -----------------------------------------------------------------------------------

    @property
    def has_keys(self) -> bool:
        """Whether the sealing keys are there: this party has accepted the collection."""
        return (self.directory / "keys").exists()

    def make_keys(self) -> SealingKey:
        """Return the sealing keys; make them, and the seed of the noise, if there are none."""
        if not self.has_keys:
            secret = SealingKey.new().secret + os.urandom(SEED_BYTES)
            nonce = os.urandom(12)
            sealed = nonce + AESGCM(self._own).encrypt(nonce, secret, _MAGIC)
            self._write("keys", b64encode(sealed).decode())
        return self.keys()[0]

    def keys(self) -> tuple[SealingKey, bytes]:
        """Return the sealing keys, and the seed of the noise that this party deals.

        Raises:
            UsageError: there are none, or they are another party's.
        """
        try:
            sealed = b64decode((self.directory / "keys").read_text("ascii"))
            secret = AESGCM(self._own).decrypt(sealed[:12], sealed[12:], _MAGIC)
        except (OSError, ValueError, InvalidTag):
            raise UsageError(
                f"the sealing keys of this collection in {self.directory} cannot be read",
                hint="without them no report can be opened: was the collection accepted here?",
                data_left=False,
            ) from None
        return SealingKey.of_bytes(secret[:-SEED_BYTES]), secret[-SEED_BYTES:]

    # --- papers and state -----------------------------------------------------------------------

    def keep_papers(self, papers: Mapping[str, bytes]) -> None:
        """Keep papers of the mailbox, in place of earlier ones."""
        self._write("papers", json.dumps({k: b64encode(v).decode() for k, v in papers.items()}))

    def papers(self) -> dict[str, bytes]:
        """Return the papers that were kept; none before."""
        try:
            found = json.loads((self.directory / "papers").read_text("ascii"))
            return {name: b64decode(text) for name, text in found.items()}
        except FileNotFoundError:
            return {}

    def set(self, state: ClosingState) -> None:
        """Keep a state; it is on disk when this returns."""
        if state != self.state:
            self._write("state", json.dumps(asdict(state)))
            self.state = state

    def _read_state(self) -> ClosingState:
        try:
            found: dict[str, Any] = json.loads((self.directory / "state").read_text("ascii"))
            return ClosingState(**found)
        except FileNotFoundError:
            return ClosingState()
        except (ValueError, TypeError):
            raise UsageError(f"{self.directory}/state is not one that ostraka wrote") from None

    def _write(self, name: str, text: str) -> None:
        try:
            with replacing(self.directory / name) as file:
                file.write(text)
        except OSError as error:
            raise _unwritable(self.directory, error) from None

    # --- reports --------------------------------------------------------------------------------

    def load(self) -> StoredPlaces:
        """Return the places of all whole reports, in order; what follows them is dropped."""
        if self._reports is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._reports = os.open(self.directory / "reports", flags, 0o600)
        size, at, found = os.fstat(self._reports).st_size, 0, StoredPlaces()
        while at + _HEADER <= size:
            head = os.pread(self._reports, _HEADER, at)
            position, minute, length = (
                int.from_bytes(head[a:b], "little") for a, b in ((0, 8), (8, 12), (12, 16))
            )
            if length > _LARGEST or at + _HEADER + length > size:
                break
            found.append(StoredPlace(position, minute, at + _HEADER, length))
            at += _HEADER + length
        os.ftruncate(self._reports, at)
        self._end = at
        return found

    def append(self, reports: Iterable[StoredReport]) -> list[StoredPlace]:
        """Add reports after those that `load` found; return their places.

        Raises:
            Temporary: they cannot be written.
        """
        assert self._reports is not None, "load comes first"
        parts, places, at = list[bytes](), list[StoredPlace](), self._end
        for each in reports:
            numbers = ((each.position, 8), (each.minute, 4), (len(each.view), 4))
            parts += [b"".join(n.to_bytes(size, "little") for n, size in numbers), each.view]
            places.append(StoredPlace(each.position, each.minute, at + _HEADER, len(each.view)))
            at += _HEADER + len(each.view)
        try:
            data = memoryview(b"".join(parts))
            while data:
                data = data[os.pwrite(self._reports, data, at - len(data)) :]
        except OSError as error:
            os.ftruncate(self._reports, self._end)
            raise _unwritable(self.directory, error) from None
        self._end = at
        return places

    def sync(self) -> None:
        """Write all reports to the disk: they survive a loss of power."""
        if self._reports is not None:
            os.fsync(self._reports)

    def read(self, place: StoredPlace) -> bytes:
        """Return the view in a place."""
        assert self._reports is not None, "load comes first"
        return os.pread(self._reports, place.length, place.at)

    def views(self, places: StoredPlaces, first: int) -> Iterator[bytes]:
        """Yield the views from a place on, in order; up to `CHUNK` bytes are read at a time."""
        assert self._reports is not None, "load comes first"
        chunk, start = b"", 0
        for index in range(first, len(places)):
            _, _, at, length = places[index]
            if at + length > start + len(chunk):
                chunk, start = os.pread(self._reports, max(length, CHUNK), at), at
            yield chunk[at - start : at - start + length]

    # --- the end --------------------------------------------------------------------------------

    def finish(self, session: str) -> None:
        """Note the session whose answer all parties confirmed: there will be no other."""
        self.set(replace(self.state, done=session))

    def erase(self) -> None:
        """Erase all but the state, keys first."""
        for name in ("keys", "reports", "papers"):
            path = self.directory / name
            with suppress(OSError):
                if name == "keys":
                    path.write_bytes(bytes(path.stat().st_size))
                path.unlink()
        with suppress(OSError):
            sync_directory(self.directory)


def _unwritable(directory: Path, error: OSError) -> Temporary:
    return Temporary(
        f"the collection cannot be kept in {directory}: {error.strerror}; nothing was opened",
        hint="make room there, and run it again",
        data_left=False,
    )
