"""Desk of a party's page: its sessions, what the party would give to each, and their runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from ostraka import config, home, party
from ostraka.errors import InputError, UsageError
from ostraka.party import Seat
from ostraka.progress import Progress
from ostraka.protocols.protocol import Protocol
from ostraka.record.journal_session import SessionRecord
from ostraka.record.trust import Trust
from ostraka.ui.about import about, keys_of
from ostraka.ui.form import read_answer
from ostraka.ui.places import SessionPlace, SessionPlaces, is_on_record
from ostraka.ui.settings import PageSettings
from ostraka.ui.uploads import Uploads, columns_of, read_file, selection_of
from ostraka.ui.watching import PageRun, failure


@dataclass(frozen=True, repr=False)
class Given:
    """Input that waits for its owner's word.

    Attributes:
        raw: what the protocol encodes; secret.
        lines: say it to its owner; secret, too.
    """

    raw: Any
    lines: list[str]


class SessionDesk:
    """Sessions of one party's page.

    Args:
        tasks: of the page's service; runs are among them, and end with it.
        uploads: files that were chosen.
    """

    def __init__(self, settings: PageSettings, tasks: asyncio.TaskGroup, uploads: Uploads) -> None:
        self._settings, self._tasks, self._uploads = settings, tasks, uploads
        self._places, self._looking = SessionPlaces(settings), asyncio.Lock()
        self._about: dict[str, dict[str, Any]] = {}
        self._given: dict[str, Given] = {}
        self._runs: dict[str, PageRun] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._beginning = asyncio.Lock()

    # What there is

    async def sessions(self) -> dict[str, Any]:
        """Return the sessions that the page knows, and files that are no valid manifests."""
        async with self._looking:
            places, bad = await asyncio.to_thread(self._places.look)
        return {
            "sessions": [self._in_a_line(place) for place in places],
            "invalid": [{"file": str(path), "why": error.message} for path, error in bad],
        }

    def _in_a_line(self, place: SessionPlace) -> dict[str, Any]:
        run, manifest = self._runs.get(place.digest), place.manifest
        return {
            "digest": place.digest,
            "title": manifest.session.title,
            "protocol": manifest.session.protocol,
            "file": place.path.name,
            "parties": len(manifest.party),
            "me": place.me,
            "why": place.why,
            "state": run.state if run else "",
        }

    async def session(self, digest: str) -> dict[str, Any]:
        """Return all about one session: what it is, its keys, the input so far, the run."""
        place, protocol = await self._find(digest)
        if digest not in self._about:
            self._about[digest] = await asyncio.to_thread(about, protocol, place)
        record = bool(place.me) and is_on_record(place, self._settings.keys)
        keys = await asyncio.to_thread(keys_of, place)
        return self._about[digest] | keys | {"on_record": record} | self.run_of(digest)

    def run_of(self, digest: str) -> dict[str, Any]:
        """Return the input that waits, and the run."""
        given, run = self._given.get(digest), self._runs.get(digest)
        return {
            "given": given.lines if given else None,
            "run": run.as_json() if run else None,
        }

    async def _find(self, digest: str) -> tuple[SessionPlace, Protocol]:
        async with self._looking:
            place = await asyncio.to_thread(self._places.find, digest)
        return place, await asyncio.to_thread(config.bind, place.manifest)

    # Keys

    async def confirm(self, digest: str) -> dict[str, Any]:
        """Learn a manifest's keys: a person has compared its six words with another party.

        Raises:
            UnconfirmedKey: a key CHANGED.
        """
        place, _ = await self._find(digest)
        trust = Trust(ask=lambda _: True)
        await asyncio.to_thread(home.meet, place.manifest, place.party, trust)
        return await self.session(digest)

    # The input

    async def take_file(
        self, digest: str, name: str, parts: AsyncIterator[bytes]
    ) -> dict[str, Any]:
        """Take the file that a person has chosen; return its columns, [] of what is no table."""
        place, protocol = await self._contributing(digest)
        path = await self._uploads.take(digest, name, parts)
        columns = await asyncio.to_thread(columns_of, protocol, place.party, path)
        return {"file": path.name, "columns": columns}

    async def give(self, digest: str, given: dict[str, Any]) -> dict[str, Any]:
        """Read an input, and keep it until its owner says that it is to be sent.

        Args:
            given: "answer", as `form.read_answer` has it, or "selection", of the file.

        Returns:
            "lines", the preview; with "error" where it shows what is wrong.

        Raises:
            InputError: it is not what the manifest asks for.
        """
        place, protocol = await self._contributing(digest)
        self._given.pop(digest, None)
        if "answer" in given:
            raw, lines = read_answer(protocol, place.party, given["answer"])
            self._given[digest] = Given(raw, lines)
            return {"lines": lines}
        selection, path = selection_of(given.get("selection") or {}), self._uploads.find(digest)
        found = await asyncio.to_thread(read_file, protocol, place.party, path, selection)
        if found.error is not None:
            return {"lines": found.lines, "error": failure(found.error)}
        self._given[digest] = Given(found.raw, found.lines)
        return {"lines": found.lines}

    def take_back(self, digest: str) -> dict[str, Any]:
        """Forget an input that waits, and its file."""
        self._given.pop(digest, None)
        self._uploads.drop(digest)
        return self.run_of(digest)

    async def template(self, digest: str) -> str:
        """Return the table to fill in for this party, as CSV."""
        from ostraka.data.template import Template

        place, protocol = await self._contributing(digest)
        return Template.of(protocol.row_form(place.party), place.manifest.digest).text()

    async def _contributing(self, digest: str) -> tuple[SessionPlace, Protocol]:
        place, protocol = await self._find(digest)
        if not place.manifest.asks(place.party):
            message = f"{place.me} is asked for no input in this session"
            raise InputError(message, data_left=False)
        if digest in self._running:
            raise InputError("this session is going on already", data_left=False)
        return place, protocol

    # The run

    async def begin(self, digest: str) -> dict[str, Any]:
        """Begin to take part in a session.

        Raises:
            UnconfirmedKey: a key is not known and not confirmed, or it CHANGED.
            InputError: there is no input yet, and none is on record.
        """
        place, _ = await self._find(digest)
        async with self._beginning:
            if digest in self._running:
                raise UsageError("this session is going on already", data_left=False)
            seat = await asyncio.to_thread(self._seat, place)
            run = PageRun(place.party, place.manifest.session.label)
            unfinished, given = seat.unfinished(run.warn), self._given.get(digest)
            if seat.contributes and unfinished is None and given is None:
                hint = "fill it in, or choose a file, and look at what would be sent"
                raise InputError("your input is needed first", hint=hint, data_left=False)
            self._runs[digest] = run
            work = self._attend(digest, seat, run, None if unfinished else given, unfinished)
            self._running[digest] = self._tasks.create_task(work, name=f"session {digest[:8]}")
            await asyncio.sleep(0)  # a task that is cancelled before it starts would never say so
        return self.run_of(digest)

    def _seat(self, place: SessionPlace) -> Seat:
        its = self._settings
        own_network = home.own_network(place.party, its.keys, its.listen, its.proxy)
        return party.take_seat(
            place.manifest,
            place.party,
            keys=its.keys,
            receipts=its.receipts,
            own_network=own_network,
        )

    async def _attend(
        self,
        digest: str,
        seat: Seat,
        run: PageRun,
        given: Given | None,
        unfinished: SessionRecord | None,
    ) -> None:
        """Take part in a session to its end; cancelled, end it for all its parties."""
        progress = Progress(run)
        try:
            await seat.run(given.raw if given else None, progress, unfinished)
            run.done()
            self.take_back(digest)
        except asyncio.CancelledError:
            run.failed(_stopped(progress), progress)
            self._say_stopped(seat, run)
        except Exception as error:
            run.failed(error, progress)
        finally:
            del self._running[digest]

    def _say_stopped(self, seat: Seat, run: PageRun) -> None:
        data = (run.error or {}).get("data", "")
        self._settings.say(f'"{seat.manifest.session.title}" was stopped; data: {data}')

    async def stop(self, digest: str) -> dict[str, Any]:
        """Stop the run of a session, for all its parties, and wait until it has ended."""
        if task := self._running.get(digest):
            task.cancel()
            await asyncio.wait([task])
        return self.run_of(digest)


def _stopped(progress: Progress) -> UsageError:
    hint = "take part again when you want to"
    return UsageError("you stopped it", hint=hint, data_left=progress.data_left)
