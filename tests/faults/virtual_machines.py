"""Machines of a virtual world: disks that fill or lose power, and clocks that are wrong."""

from __future__ import annotations

import errno
import os
from datetime import datetime, timedelta
from pathlib import Path

from virtual_loop import PROCESS

from ostraka import home
from ostraka.record import journal_store


class Machines:
    """Disk, power and clock of each party's machine, as its process sees them.

    Attributes:
        room: by party, how many more writes its disk takes; no limit at others.
        ahead: by party, seconds by which its clock is ahead.
        full: how many writes failed for lack of room.
        boots: by party, how often its machine was started again.
    """

    def __init__(self, monkeypatch):
        self.forget()
        self._write, self._pwrite, self._pwritev = os.write, os.pwrite, os.pwritev
        monkeypatch.setattr(os, "write", self.write)
        monkeypatch.setattr(os, "pwrite", self.pwrite)
        monkeypatch.setattr(os, "pwritev", self.pwritev)
        monkeypatch.setattr(os, "fsync", self.fsync)
        monkeypatch.setattr(journal_store, "boot", self.boot)
        monkeypatch.setattr(home, "datetime", self)

    def forget(self):
        """Make all machines good ones, for another world."""
        self.room, self.ahead, self.boots, self.full, self._synced = {}, {}, {}, 0, {}

    # Disk

    def write(self, descriptor, data):
        return self._write(descriptor, data[: self._taken(len(data))])

    def pwrite(self, descriptor, data, at):
        return self._pwrite(descriptor, data[: self._taken(len(data))], at)

    def pwritev(self, descriptor, parts, at):
        size = sum(map(len, parts))
        taken = self._taken(size)
        if taken == size:
            return self._pwritev(descriptor, parts, at)
        return self._pwrite(descriptor, b"".join(parts)[:taken], at)

    def _taken(self, size):
        """Bytes that the disk takes of a write; the last write that it takes is cut short."""
        name = getattr(PROCESS.get(), "name", None)
        if name not in self.room:
            return size
        self.room[name] -= 1
        if self.room[name] < 0:
            self.full += 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return size // 2 if self.room[name] == 0 else size

    def fsync(self, descriptor):
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if path.suffix == ".record":
            self._synced[path] = path.stat().st_size

    # Power

    def boot(self):
        name = getattr(PROCESS.get(), "name", None)
        return f"{name} {self.boots.get(name, 0)}"

    def lose_power(self, name, directory, chance):
        """Start a machine again: of its records, a part of what was never synced is lost."""
        self.boots[name] = self.boots.get(name, 0) + 1
        for path in sorted(directory.glob("*.record")):
            size = path.stat().st_size
            os.truncate(path, chance.randint(min(size, self._synced.get(path, 0)), size))

    # Clock

    def now(self, zone):
        ahead = self.ahead.get(getattr(PROCESS.get(), "name", None), 0)
        return datetime.now(zone) + timedelta(seconds=ahead)
