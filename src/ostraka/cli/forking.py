"""Fork of this process as a child of `demo` or `bench`: what is loaded once serves all of them.

A child has its own memory, descriptors, session, signals and exit code, as one that is started
afresh. Random numbers come from the system in all of them, so no two draw the same.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Final, NoReturn

from ostraka.cli import streams, voice
from ostraka.cli.endings import SIGNALS

_DESCRIPTORS: Final = 1 << 16
"""Bound on descriptors where the system names none."""


class Fork:
    """Child process, as `subprocess.Popen` shows one; its stdin and stdout are pipes of bytes."""

    def __init__(self, pid: int, stdin: int, stdout: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: IO[bytes] = os.fdopen(stdin, "wb")
        self.stdout: IO[bytes] = os.fdopen(stdout, "rb")
        self._ended = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while the process runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the process has ended, at most some seconds, and return its exit code.

        Raises:
            TimeoutExpired: of `subprocess`: it runs on.
        """
        if self.returncode is None:
            if not select.select([self._ended], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self._ended)
        return self.returncode

    def terminate(self) -> None:
        """Ask the process to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once."""
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def possible() -> bool:
    """Return whether processes can be forked here: on Linux, from 5.3 on. Elsewhere libraries may
    have threads that a fork does not survive."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return sys.platform == "linux"


def fork(work: Callable[[], object]) -> Fork:
    """Start a process, forked, in a session of its own that does this work, and ends."""
    sys.stdout.flush()
    sys.stderr.flush()
    stdin, stdout = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        _become(work, stdin[0], stdout[1])
    os.close(stdin[0])
    os.close(stdout[1])
    return Fork(pid, stdin[1], stdout[0])


def _become(work: Callable[[], object], stdin: int, stdout: int) -> NoReturn:
    """Run as the child: with these for stdin and stdout, and no other descriptor but stderr."""
    code: object = 1
    try:
        _leave_the_parent(stdin, stdout)
        work()
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        voice.drain()
        os._exit(code if isinstance(code, int) else code is not None)


def _leave_the_parent(stdin: int, stdout: int) -> None:
    os.setsid()
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    # The parent's streams, of which these are the last mention, may close their descriptors.
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    os.closerange(3, max(os.sysconf("SC_OPEN_MAX"), _DESCRIPTORS))
    if isinstance(sys.stderr, streams.Stderr):
        sys.stderr.begin_anew()
