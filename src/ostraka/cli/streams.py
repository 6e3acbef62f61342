"""Standard streams: a stderr that never fails and holds nothing up, and a stdout known to work.

Messages for people must not end a session, nor keep other parties waiting: stderr may be closed, on
a full disk, a terminal that is stopped with Ctrl-S, or a pipe without a reader. The result must
reach its reader: so stdout is looked at before another party is contacted.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
import threading
from contextlib import suppress
from io import StringIO
from queue import SimpleQueue
from typing import IO, Any, Final

from ostraka.errors import OstrakaError, Temporary, UsageError

PATIENCE: Final = 0.25
"""Seconds that a writer waits for stderr to take what was written, once; then it does not wait."""

LAST_SECONDS: Final = 1.0
"""Seconds that the end of the program waits for stderr to take what is left."""


class Stderr:
    """Standard error behind a thread: writing never fails, and waits at most `PATIENCE`.

    Args:
        stream: what the thread writes to; None if it is closed.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream
        self.begin_anew()

    def begin_anew(self) -> None:
        """Begin without a thread, as in a process that was forked, where there is none."""
        self._texts: SimpleQueue[str | threading.Event] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._stalled = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def isatty(self) -> bool:
        """Return whether a person reads it at a terminal."""
        with suppress(OSError, ValueError):
            return self._stream is not None and self._stream.isatty()
        return False

    def write(self, text: str) -> int:
        """Hand a text to the thread.

        Raises:
            TypeError: it is no text; typer asks in this way what kind of stream it is.
        """
        if not isinstance(text, str):
            raise TypeError("write() argument must be str")
        if self._stream is not None:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, daemon=True)
                self._writer.start()
            self._texts.put(text)
        return len(text)

    def flush(self) -> None:
        """Wait a moment until all is written, unless that was in vain before."""
        if not self._stalled:
            self._stalled = not self.drain(PATIENCE)

    def drain(self, seconds: float = LAST_SECONDS) -> bool:
        """Wait until all is written, at most for some seconds; return whether it is."""
        if self._writer is None:
            return True
        written = threading.Event()
        self._texts.put(written)
        return written.wait(seconds)

    def _write_all(self) -> None:
        assert self._stream is not None
        while True:
            item = self._texts.get()
            if isinstance(item, threading.Event):
                item.set()
                continue
            with suppress(Exception):  # the exit code still tells
                self._stream.write(item)
                self._stream.flush()


class Closed(StringIO):
    """Standard output that was closed before the program began: writing to it is an error."""

    def write(self, _: str) -> int:
        """Raise OSError: there is nothing to write to."""
        raise OSError(errno.EBADF, "it is closed")


def require_output() -> None:
    """Check, before another party is contacted, that stdout can take a result.

    Raises:
        UsageError: it is closed, or open for reading only.
        Temporary: its disk is full, or its reader has gone.
    """
    problem = _problem()
    if problem is not None:
        problem.hint = problem.hint or "such as: ostraka run ... > result.txt"
        problem.data_left = False
        raise problem


def _problem() -> OstrakaError | None:
    no_result = "the result could not be printed, so no other party was contacted"
    if isinstance(sys.stdout, Closed):
        return UsageError(f"standard output is closed: {no_result}")
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):  # not a file, in a test or a notebook
        return None
    if _read_only(descriptor):
        return UsageError(f"standard output is open for reading only: {no_result}")
    if _full(descriptor):
        hint = "free some space, or print elsewhere"
        return Temporary(f"standard output is on a full disk: {no_result}", hint=hint)
    if _hung_up(descriptor):
        return Temporary(f"standard output has no reader any more: {no_result}")
    return None


def _read_only(descriptor: int) -> bool:
    import fcntl

    return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY


_ALWAYS_FULL: Final = os.makedev(1, 7)
"""Device /dev/full on Linux."""


def _full(descriptor: int) -> bool:
    found = os.fstat(descriptor)
    if stat.S_ISCHR(found.st_mode):
        return sys.platform == "linux" and found.st_rdev == _ALWAYS_FULL
    if not stat.S_ISREG(found.st_mode):
        return False
    with suppress(OSError):
        return os.fstatvfs(descriptor).f_bavail == 0
    return False


def _hung_up(descriptor: int) -> bool:
    """Whether a pipe's reader or a terminal is gone."""
    poll = select.poll()
    poll.register(descriptor, 0)  # errors are always told
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
