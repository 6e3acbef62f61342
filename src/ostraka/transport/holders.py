"""Holder of a port: the process on this machine that listens on it, where the system tells.

Linux lists listening sockets in /proc/net, and the sockets of this user's own processes below
/proc. Elsewhere, and of other users' processes, nothing is known.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")

_LISTENING: Final = "0A"
"""Code of sockets that listen, in /proc/net/tcp."""


def holder_of(port: int, proc: Path = PROC) -> str:
    """Return the process that listens on a TCP port as "python3 (process 4711)", or ""."""
    wanted = {f"socket:[{inode}]" for inode in _listening_on(port, proc)}
    for process in _processes(proc) if wanted else ():
        with suppress(OSError):  # another user's, or it has ended
            if not wanted.isdisjoint(os.readlink(fd) for fd in (process / "fd").iterdir()):
                return f"{_name(process)} (process {process.name})"
    return ""


def _listening_on(port: int, proc: Path) -> Iterator[str]:
    """Yield the inodes of all sockets that listen on a port."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (proc / "net" / table).read_text("ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def _processes(proc: Path) -> Iterator[Path]:
    """Yield the directories of all processes, the newest last."""
    with suppress(OSError):
        yield from sorted((p for p in proc.iterdir() if p.name.isdigit()), key=_number)


def _number(process: Path) -> int:
    return int(process.name)


def _name(process: Path) -> str:
    """Return a process's name as far as it is printable: a process may choose it."""
    name = (process / "comm").read_text("utf-8", "replace").strip()
    return "".join(c if c.isprintable() else "?" for c in name)
