"""Operation of a party that stays: it looks for manifests, and takes part in what is due.

For a collection that means to accept it, which publishes the keys that reports are sealed to, and
to close it once it is due. What failed for a reason that passes is tried again; sessions on
record go on after a restart where they were.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any, Final

from ostraka import home, party
from ostraka.collecting import NotDue
from ostraka.errors import Aborted, OstrakaError, Temporary, TimedOut, Unreachable
from ostraka.inputs.reading import read_input
from ostraka.manifest import Manifest
from ostraka.names import RELEASE, PartyId
from ostraka.outcome import Outcome
from ostraka.record import results
from ostraka.service import logs
from ostraka.service.metric import Metric
from ostraka.service.operation import Service
from ostraka.serving.book import APPROVED, DONE, FAILED, REFUSED, WAITING, Entry, SessionBook
from ostraka.serving.discovery import Discovery
from ostraka.serving.objections import objections
from ostraka.serving.settings import PartySettings
from ostraka.serving.shelf import Shelf

FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 300.0
"""Seconds until what failed for a reason that passes is tried again, at first and at most."""

EARLY_LOOKS: Final = 6
"""Looks at the directory for one at whether an organiser has closed a collection early."""

DISCOVERY_LOOKS: Final = 6
"""Looks at the directory for one at mailboxes, which has a pace of its own."""

PASSING: Final = (Aborted, Temporary, TimedOut, Unreachable)

Run = Callable[[Manifest, PartySettings], Awaitable[Outcome]]


async def take_part(manifest: Manifest, its: PartySettings) -> Outcome:
    """Take part in a session once, under a service's settings.

    Raises:
        InputError: its input cannot be read, or is not what the manifest asks for; nothing was
            sent.
        OstrakaError: as `party.run`.
    """
    its.receipts.mkdir(mode=0o700, parents=True, exist_ok=True)
    given = await asyncio.to_thread(own_input, manifest, its)
    return await party.run(
        manifest, its.name, given, keys=its.keys, receipts=its.receipts, trust_new=its.trust_new
    )


def own_input(manifest: Manifest, its: PartySettings) -> Any:
    """Read the party's input from the file that it keeps for a series; None at other parties."""
    me = PartyId(its.name)
    if me not in manifest.contributors or manifest.session.series is None:
        return None
    file = its.inputs[manifest.session.series]
    return read_input(str(file), manifest.input_of(me), me)


class PartyService(Service[PartySettings]):
    """Party that stays.

    Args:
        settings: those it starts with.
        reload: reads them again on SIGHUP.
        directory: of its book; by default in the home.
        run: takes part in a session.
        discovery: asks mailboxes for collections.
    """

    def __init__(
        self,
        settings: PartySettings,
        reload: Callable[[], PartySettings] | None = None,
        *,
        directory: Path | None = None,
        run: Run = take_part,
        discovery: Discovery | None = None,
    ) -> None:
        super().__init__(settings, reload)
        self._book = SessionBook(directory or home.serving_directory(), settings.name)
        self._run = run
        self._running: dict[str, asyncio.Task[None]] = {}
        self._shelf, self._discovery = Shelf(), discovery or Discovery()
        self._unreadable: dict[Path, str] = {}
        self.looks = 0
        self._resting = asyncio.Event()
        self.ended: Counter[str] = Counter()

    async def serve(self, ready: Callable[[str], None]) -> None:
        """Look for manifests until cancelled; sessions that run are cancelled with it."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._discover(), name="discovery")
            ready(str(self.settings.sessions))
            while True:
                if not self._resting.is_set():
                    await self._look()
                    self.looks += 1
                await asyncio.sleep(self.settings.look)

    def rest(self) -> None:
        self._resting.set()

    def held(self) -> int:
        return len(self._running)

    async def empty(self) -> None:
        """Return once no session runs; those that wait for their time do not count."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    def obey(self, settings: PartySettings) -> None:
        """Take over all but the name and directories: the book stays."""
        self._unreadable.clear()

    def metrics(self) -> list[Metric]:
        name = "ostraka_party_{}".format
        states = Counter(entry.state for entry in self._book.entries())
        return [
            Metric(name("build_info"), False, "Release of ostraka.", {RELEASE: 1}, "release"),
            Metric(name("uptime_seconds"), False, "Seconds since the start.", {"": self.uptime()}),
            Metric(name("running"), False, "Sessions that run or wait.", {"": self.held()}),
            Metric(name("sessions"), False, "Sessions, by state.", dict(states), "state"),
            Metric(name("looks"), True, "Looks at the directory of sessions.", {"": self.looks}),
            Metric(name("runs"), True, "Runs that ended, by code.", dict(self.ended), "code"),
        ]

    # Sessions

    async def _look(self) -> None:
        """Begin what may begin among the manifests in the directory."""
        sessions = self.settings.sessions
        if not sessions.is_dir():
            self._note(sessions, f"there is no directory {sessions} to look for manifests in")
        found = await asyncio.to_thread(self._shelf.look, sessions)
        for path, manifest in found.items():
            if isinstance(manifest, OstrakaError):
                self._note(path, f"not a manifest, left alone: {manifest.message}")
            elif not self._resting.is_set():
                self._begin_if_due(manifest)

    async def _discover(self) -> None:
        """Ask mailboxes for collections until the service rests."""
        while not self._resting.is_set():
            await self._discovery.look(self.settings)
            await self._pause(DISCOVERY_LOOKS * self.settings.look)

    def _begin_if_due(self, manifest: Manifest) -> None:
        digest = manifest.digest.hex()
        if digest not in self._running and self._may_begin(manifest):
            task = self._tasks.create_task(self._attend(manifest), name=f"session {digest[:8]}")
            self._running[digest] = task

    def _note(self, path: Path, why: str) -> None:
        """Log what is wrong with a path, once."""
        if self._unreadable.get(path) != why:
            self._unreadable[path] = why
            logs.event(logging.WARNING, why)

    def _may_begin(self, manifest: Manifest) -> bool:
        digest = manifest.digest.hex()
        entry = self._book.find(digest)
        if entry is not None and entry.state in (DONE, FAILED, WAITING):
            return False
        why = "; ".join(objections(manifest, self.settings))
        if why:
            self._write(entry, Entry(digest, manifest.session.title, REFUSED, why))
            return False
        if entry is not None and entry.state == APPROVED:
            return True
        state = APPROVED if self.settings.approve == "auto" else WAITING
        self._write(entry, Entry(digest, manifest.session.title, state))
        return state == APPROVED

    def _write(self, old: Entry | None, entry: Entry) -> None:
        if old == entry:
            return
        self._book.write(entry)
        level = logging.WARNING if entry.state in (FAILED, REFUSED) else logging.INFO
        why = f": {entry.why}" if entry.why else ""
        logs.event(level, f"session {entry.state}{why}", room=entry.manifest[:8])

    async def _attend(self, manifest: Manifest) -> None:
        """Take part in a session until it has ended, or can never."""
        digest, pause = manifest.digest.hex(), FIRST_PAUSE
        try:
            while not self._resting.is_set():
                try:
                    self._finish(manifest, await self._run(manifest, self.settings))
                    return
                except NotDue as error:
                    due = max(error.until - time(), 0.0) + 1.0
                    await self._pause(min(due, EARLY_LOOKS * self.settings.look))
                except PASSING as error:
                    self.ended[error.code] += 1
                    logs.event(logging.WARNING, f"tried again: {error.message}", room=digest[:8])
                    await self._pause(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
        except OstrakaError as error:
            self._fail(manifest, error.code, error.message)
        except Exception as error:
            logs.LOGGER.error("a session ended by a bug", exc_info=error)
            self._fail(manifest, "internal", "a bug of this program; see the log")
        finally:
            del self._running[digest]

    def _fail(self, manifest: Manifest, code: str, why: str) -> None:
        self.ended[code] += 1
        digest = manifest.digest.hex()
        self._write(self._book.find(digest), Entry(digest, manifest.session.title, FAILED, why))

    async def _pause(self, seconds: float) -> None:
        """Wait, or return at once where the service is to end."""
        try:
            async with asyncio.timeout(seconds):
                await self._resting.wait()
        except TimeoutError:
            pass

    def _finish(self, manifest: Manifest, outcome: Outcome) -> None:
        self.ended["done"] += 1
        at = datetime.now(UTC).isoformat(timespec="seconds")
        title, name = manifest.session.label, self.settings.name
        results.keep(home.results_directory(), name, at, title, outcome.as_dict())
        old = self._book.find(manifest.digest.hex())
        assert old is not None, "it was approved"
        self._write(old, replace(old, state=DONE))
