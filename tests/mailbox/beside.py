"""A mailbox over HTTP beside a test that has no event loop."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace

from scene import running

from ostraka import identity
from ostraka.mailbox.database import Sqlite

SECONDS = 60


class MailboxThread:
    """A mailbox that runs beside the test, in an event loop of its own."""

    def __init__(self, directory: Path) -> None:
        self.own = identity.create("coordinator", directory / "box")
        self._database = directory / "reports.db"
        self._ready, self.url = threading.Event(), ""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        people = SimpleNamespace(people={"coordinator": self.own})
        async with running(people, lambda: Sqlite(self._database)) as place:
            self.url = place.url
            self._ready.set()
            await self._end.wait()

    def __enter__(self) -> MailboxThread:
        self._thread.start()
        assert self._ready.wait(SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(SECONDS)
