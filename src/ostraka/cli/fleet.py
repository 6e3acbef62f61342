"""Child processes of `demo` and `bench`: a coordinator and parties; none outlives its parent."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from shutil import rmtree
from stat import S_ISDIR
from time import monotonic, time
from types import TracebackType
from typing import Any, Self

from ostraka.cli import forking, voice
from ostraka.cli.forking import Fork
from ostraka.errors import Aborted, InternalError, TimedOut

COORDINATOR = "coordinator"

Process = subprocess.Popen[bytes] | Fork
"""Child process; its stdin and stdout are pipes."""

OLD_SECONDS = 60
"""Age at which a directory without a lock is left over: a younger one may be about to be locked."""


class Fleet:
    """Child processes by name, and the events they report. Use as a context manager.

    Every child has a session of its own, so that Ctrl-C reaches us alone, and ends with its
    stdin, so that it ends even when we are killed.
    """

    def __init__(self) -> None:
        self._children: dict[str, Process] = {}
        self._selector = selectors.DefaultSelector()
        self._unread: dict[str, bytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self, name: str, kind: str) -> int:
        """Start a child, which has what it needs loaded and waits for its job; return its pid."""
        child = _start(kind)
        assert child.stdout is not None
        self._children[name] = child
        self._unread[name] = b""
        self._selector.register(child.stdout, selectors.EVENT_READ, name)
        return child.pid

    def give(self, name: str, job: dict[str, Any]) -> None:
        """Hand a started child its job, as a line of JSON."""
        child = self._children[name]
        assert child.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: `events` will say so
            child.stdin.write(json.dumps(job).encode() + b"\n")
            child.stdin.flush()

    def events(self, seconds: float) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (name, event) as children report, until each but the coordinator has ended.

        Raises:
            SystemExit: a child ended with an exit code that is not 0; it has said why.
            TimedOut: the children took longer than `seconds`.
        """
        yield from self._events(seconds, lambda: bool(set(self._children) - {COORDINATOR}))

    def wait_for(self, name: str, event: str, seconds: float = 20) -> dict[str, Any]:
        """Return the next event of kind `event` from the child `name`; drop all other events."""
        for who, found in self._events(seconds, lambda: name in self._children):
            if who == name and found["event"] == event:
                return found
        raise InternalError(f"{name} never told {event}")

    def _events(
        self, seconds: float, due: Callable[[], bool]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        deadline = monotonic() + seconds
        while due():
            ready = self._selector.select(max(0.0, deadline - monotonic()))
            if not ready:
                raise TimedOut(f"no end after {seconds:g} s", data_left=False)
            for key, _ in ready:
                yield from self._read(key.data, key.fd)

    def _read(self, name: str, descriptor: int) -> Iterator[tuple[str, dict[str, Any]]]:
        if block := os.read(descriptor, 1 << 16):
            *lines, self._unread[name] = (self._unread[name] + block).split(b"\n")
            for line in lines:
                yield name, json.loads(line)
            return
        child = self._children.pop(name)
        assert child.stdout is not None
        self._selector.unregister(child.stdout)
        _release(child)
        if code := child.wait():
            how = f"exit code {code}" if code > 0 else f"signal {-code}"
            voice.fail(f"the process of {name} ended with {how}")
            raise SystemExit(code if code > 0 else Aborted.exit_code)

    def close(self) -> None:
        """End every child: close its stdin, which ends it, then terminate, and at last kill it."""
        for child in self._children.values():
            _release(child)
        steps: tuple[Callable[[Process], None], ...] = (
            lambda _: None,
            lambda child: child.terminate(),
            lambda child: child.kill(),
        )
        for end, seconds in zip(steps, (0.5, 2, 60), strict=True):
            self._end(end, seconds)
        self._children.clear()
        self._selector.close()

    def _end(self, end: Callable[[Process], None], seconds: float) -> None:
        """Do something to children that are still there, and wait for their end at most so long."""
        there = [child for child in self._children.values() if child.poll() is None]
        for child in there:
            end(child)
        until = monotonic() + seconds
        for child in there:
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, until - monotonic()))


def _start(kind: str) -> Process:
    """Start a child: a fork that has what its kind needs, or else an interpreter of its own."""
    if forking.possible():
        from ostraka.cli import child

        child.warm_up(kind)
        return forking.fork(partial(child.serve, kind))
    # -P: a file in the current directory is no module of the child.
    return subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
        [sys.executable, "-P", "-m", "ostraka.cli.child", kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def _release(child: Process) -> None:
    for pipe in (child.stdin, child.stdout):
        assert pipe is not None
        with suppress(OSError):
            pipe.close()


@contextmanager
def workplace(kind: str) -> Iterator[str]:
    """Make a temporary directory for a fleet as a context; it is gone after it.

    Where this process is killed, its children remove the directory; where they are killed as well,
    the next fleet does. A lock on the directory, which ends with the process, tells.
    """
    import fcntl
    from tempfile import TemporaryDirectory, gettempdir

    _sweep(Path(gettempdir()), f"ostraka-{kind}-")
    with TemporaryDirectory(prefix=f"ostraka-{kind}-", ignore_cleanup_errors=True) as directory:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield directory
        finally:
            os.close(descriptor)


def _sweep(directory: Path, prefix: str) -> None:
    """Remove what fleets of this user left that were killed with all their children."""
    for path in directory.glob(f"{prefix}*"):
        with suppress(OSError):
            found = path.lstat()
            old = time() - found.st_mtime > OLD_SECONDS
            if old and S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and _left(path):
                rmtree(path, ignore_errors=True)


def _left(path: Path) -> bool:
    """Return whether no process holds the lock of a directory."""
    import fcntl

    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def make_keys(names: list[str], directory: Path) -> dict[str, str]:
    """Make a key for each name in `directory`; return the fingerprints as manifests write them."""
    from ostraka import identity

    return {n: identity.fingerprint_text(identity.create(n, directory).fingerprint) for n in names}
