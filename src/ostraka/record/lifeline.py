"""Lifelines: lock files that tell which runs of a ledger still have their process.

    NAME.ledger.ID.lock   an empty file that the process of run ID keeps locked (flock)

The operating system drops a lock when its process ends, however it ends: kill -9, a lack of memory,
a loss of power. All functions here are for callers that hold the ledger's own lock, so that no two
processes look at a file at once. They may raise OSError.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Self

from ostraka.files import try_lock


class Lifeline:
    """Lock of one run, held by this process until `drop`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor

    @classmethod
    def hold(cls, ledger: Path, number: str) -> Self:
        """Make and lock the file of the run `number`.

        Raises:
            BlockingIOError: another process holds it, or another run of this process.
        """
        path = _path(ledger, number)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        if not try_lock(descriptor):
            os.close(descriptor)
            raise BlockingIOError(None, "it is held by another process", str(path))
        return cls(path, descriptor)

    def drop(self) -> None:
        """Remove the file; the run has ended. May be called again."""
        if self._descriptor >= 0:
            with suppress(OSError):  # the next opening of the ledger removes it
                self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1


def is_alive(ledger: Path, number: str) -> bool:
    """Return whether a process holds the lifeline of the run `number`."""
    try:
        descriptor = os.open(_path(ledger, number), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


def sweep(ledger: Path, going_on: Collection[str]) -> None:
    """Remove the files of runs that are not going on and have no process."""
    for path in ledger.parent.glob(f"{ledger.name}.*.lock"):
        number = path.name.removeprefix(f"{ledger.name}.").removesuffix(".lock")
        if number not in going_on and not is_alive(ledger, number):
            path.unlink(missing_ok=True)


def _path(ledger: Path, number: str) -> Path:
    return ledger.with_name(f"{ledger.name}.{number}.lock")
