"""Store of session records: one for each party and manifest, in a directory of this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ostraka.arithmetic.randomness import Words
from ostraka.errors import Temporary
from ostraka.identity import Identity
from ostraka.names import RELEASE
from ostraka.record import journal
from ostraka.record.journal import InUse, Journal, Unreadable
from ostraka.record.journal_entries import Begun
from ostraka.record.journal_frames import Damaged
from ostraka.record.journal_session import SessionRecord

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")

Warn = Callable[[str], None]


def boot() -> str:
    """Return a name for this start of the machine; "" where the system tells none.

    A record of another start, or of none, may lack what the run saw last.
    """
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


@dataclass(frozen=True)
class RecordStore:
    """Records of one party's sessions.

    Attributes:
        directory: 0700; made when needed.
        identity: the party's key, without which its records cannot be read.
        seconds: how long a record is kept after it was last written.
        now: returns seconds since 1970.
    """

    directory: Path
    identity: Identity
    seconds: float
    now: Callable[[], float] = time.time

    def path(self, manifest: bytes) -> Path:
        """Return where the record of a session is, by the digest of its manifest."""
        return self.directory / f"{self.identity.name}-{manifest.hex()[:32]}.record"

    def begin(self, manifest: bytes, seed: bytes, x: Words | None) -> SessionRecord:
        """Begin the record of a run, on disk before any peer is contacted.

        Args:
            seed: of all randomness of the run, 32 bytes.
            x: the encoded input, None at a party without one.

        Raises:
            Temporary: it cannot be written, or another process runs this session.
        """
        begun = Begun(
            RELEASE,
            self.identity.name,
            manifest,
            boot(),
            self.now(),
            seed,
            -1 if x is None else len(x),
        )
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = Journal.create(self.path(manifest), self._own())
            record = SessionRecord.begin(made, begun, x)
        except InUse:
            raise self._held() from None
        except OSError as error:
            raise self._unwritable(error) from None
        record.resume_for = self.seconds
        return record

    def unfinished(self, manifest: bytes, warn: Warn) -> SessionRecord | None:
        """Return the record of a session that an earlier process began and did not end.

        A record that has expired, or that is of no use, is erased; `warn` is told of the latter.

        Raises:
            Temporary: another process runs this session.
        """
        path = self.path(manifest)
        self.expire()
        try:
            found = Journal.reopen(path, self._own())
        except FileNotFoundError:
            return None
        except InUse:
            raise self._held() from None
        except Unreadable as problem:
            warn(f"{path} is of no use: {problem}; it was erased")
            journal.erase(path)
            return None
        try:
            record = SessionRecord.reread(found, powerless=lambda then: not then or then != boot())
            misfit = self._misfit(record, manifest)
        except Damaged as damage:
            misfit = f"it was damaged ({damage})"
        except OSError as error:
            found.close()
            raise self._kept(error) from None
        if misfit:
            warn(f"{path} is of no use: {misfit}; it was erased")
            found.erase()
            return None
        record.resume_for, record.age = self.seconds, max(0.0, self.now() - record.begun.at)
        return record

    def _misfit(self, record: SessionRecord, manifest: bytes) -> str:
        begun = record.begun
        if (begun.party, begun.manifest) != (self.identity.name, manifest):
            return "it is of another session"
        if begun.version != RELEASE:
            return f"ostraka {begun.version} wrote it, and this is {RELEASE}"
        return ""

    def kept(self) -> list[Path]:
        """Return the records of the party's sessions that have not expired."""
        self.expire()
        return sorted(self.directory.glob(f"{self.identity.name}-*.record"))

    def expire(self) -> None:
        """Erase the party's records that were last written too long ago and that no process
        holds."""
        for path in self.directory.glob(f"{self.identity.name}-*.record"):
            with suppress(FileNotFoundError, InUse):
                if path.stat().st_mtime + self.seconds < self.now():
                    journal.erase(path)

    def _own(self) -> bytes:
        return self.identity.derived(b"ostraka session records 1")

    def _unwritable(self, error: OSError) -> Temporary:
        return Temporary(
            f"the session cannot be recorded in {self.directory}: {error.strerror}; nothing was "
            "sent",
            hint="make room there, or set durable = false in "
            f"{self.identity.name}.toml: a crash then costs the session",
            data_left=False,
        )

    def _kept(self, error: OSError) -> Temporary:
        return Temporary(
            f"the record of this session in {self.directory} cannot be read or written: "
            f"{error.strerror}; it is kept, and an earlier process may have sent shares",
            hint=f"make room there, and run it again within {self.seconds / 60:.0f} min: "
            "the session goes on",
            data_left=True,
        )

    def _held(self) -> Temporary:
        return Temporary(
            f"another process on this machine takes part in this session as {self.identity.name}",
            hint="wait until it ends, or end it",
            data_left=False,
        )
