"""Child processes of `demo` and `bench`: a coordinator and parties; none outlives its parent."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import FrameType, TracebackType
from typing import Any, Self

from ostraka.cli import voice
from ostraka.errors import Aborted, InternalError, TimedOut

COORDINATOR = "coordinator"


class Fleet:
    """Child processes by name, and the events they report. Use as a context manager.

    Every child has a session of its own, so that Ctrl-C reaches us alone, and ends with its
    stdin, so that it ends even when we are killed.
    """

    def __init__(self) -> None:
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._selector = selectors.DefaultSelector()
        self._unread: dict[str, bytes] = {}

    def __enter__(self) -> Self:
        self._old_handler = signal.signal(signal.SIGTERM, _stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGTERM, self._old_handler)
        self.close()

    def start(self, name: str, kind: str) -> int:
        """Start a child, which imports what it needs and waits for its job; returns its pid."""
        # -P: a file in the current directory is no module of ours.
        child = subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
            [sys.executable, "-P", "-m", "ostraka.cli.child", kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
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
        deadline = monotonic() + seconds
        while set(self._children) - {COORDINATOR}:
            ready = self._selector.select(max(0.0, deadline - monotonic()))
            if not ready:
                raise TimedOut(f"no end after {seconds:g} s", data_left=False)
            for key, _ in ready:
                yield from self._read(key.data, key.fd)

    def wait_for(self, name: str, event: str, seconds: float = 20) -> dict[str, Any]:
        """Return the next event of kind `event` from the child `name`; drop all other events."""
        for who, found in self.events(seconds):
            if who == name and found["event"] == event:
                return found
        raise InternalError(f"{name} never told {event}")

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
            voice.say(f"error: the process of {name} ended with {how}")
            raise SystemExit(code if code > 0 else Aborted.exit_code)

    def close(self) -> None:
        """End every child: ask it to terminate, and kill it if it has not within two seconds."""
        for child in self._children.values():
            _release(child)
            child.terminate()
        for child in self._children.values():
            try:
                child.wait(2)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()
        self._selector.close()


def _release(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        assert pipe is not None
        with suppress(OSError):
            pipe.close()


def _stop(number: int, frame: FrameType | None) -> None:
    """Handle SIGTERM: leave through `Fleet.__exit__`, with the exit code a shell would show."""
    raise SystemExit(128 + number)


def make_keys(names: list[str], directory: Path) -> dict[str, str]:
    """Make a key for each name in `directory`; return the fingerprints as manifests write them."""
    from ostraka import identity

    return {n: identity.fingerprint_text(identity.create(n, directory).fingerprint) for n in names}
