"""Desk of a mailbox: a store for an event loop. One thread writes, in batches; a few read.

Uploads that come while a transaction is on its way to disk share the next one: the promise of each
waits for one sync of the disk, and many promises for the same.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import time
from typing import Final, NamedTuple, TypeVar

from ostraka.mailbox.batch import Accepted, Upload
from ostraka.mailbox.database import Database, DatabaseGone
from ostraka.mailbox.store import Store

T = TypeVar("T")

READERS: Final = 4
"""Connections of one process for all but uploads."""

BATCH: Final = 500
"""Uploads of one transaction, at most."""

BATCH_BYTES: Final = 16 << 20
"""Bytes of them from which a transaction begins."""

WAITING_BYTES: Final = 64 << 20
"""Bytes of uploads that wait for the disk; above it uploads are refused as busy."""


class _Waiting(NamedTuple):
    upload: Upload
    outcome: asyncio.Future[Accepted | str]


class Desk:
    """Store for the coroutines of one event loop.

    Args:
        connect: connects to the database.
        most_bytes: bytes of all reports together.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        connect: Callable[[], Database],
        most_bytes: int,
        clock: Callable[[], float] = time,
    ) -> None:
        self._connect, self._most_bytes, self._clock = connect, most_bytes, clock
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._idle: queue.SimpleQueue[Database] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, "mailbox-read")
        self._writer = threading.Thread(target=self._write, name="mailbox-write", daemon=True)
        self.waiting_bytes = 0

    async def open(self) -> None:
        """Make the tables, and start.

        Raises:
            UsageError, DatabaseGone, DatabaseFull: the store cannot be used.
        """
        await self.ask(lambda store: store.create())
        self._writer.start()

    async def close(self) -> None:
        """Write what waits, then close all connections."""
        if self._writer.is_alive():
            self._waiting.put(None)
            await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        while not self._idle.empty():
            self._idle.get().close()

    async def ask(self, question: Callable[[Store], T]) -> T:
        """Return what a function of the store returns; it runs in a thread of its own.

        Raises:
            DatabaseFull, DatabaseGone: as their names say.
        """
        return await self._loop.run_in_executor(self._readers, self._answer, question)

    def _answer(self, question: Callable[[Store], T]) -> T:
        database = self._take()
        try:
            return question(Store(database, self._most_bytes))
        except DatabaseGone:
            database.close()
            raise
        finally:
            self._give_back(database)

    def _take(self) -> Database:
        with suppress(queue.Empty):
            return self._idle.get_nowait()
        return self._connect()

    def _give_back(self, database: Database) -> None:
        if not database.broken:
            self._idle.put(database)

    async def keep(self, upload: Upload) -> Accepted | str:
        """Keep a report: its place, once it is on disk, or why not, as `Store.keep` says; "busy"
        too. Cancelling does not take it back.

        Raises:
            DatabaseFull, DatabaseGone: it is not promised, and may be there.
        """
        if self.waiting_bytes > WAITING_BYTES:
            return "busy"
        self.waiting_bytes += len(upload.octets)
        outcome: asyncio.Future[Accepted | str] = self._loop.create_future()
        self._waiting.put(_Waiting(upload, outcome))
        return await outcome

    # The writer's thread

    def _write(self) -> None:
        database: Database | None = None
        more = True
        while more:
            batch, more = self._batch()
            if not batch:
                continue
            found: list[Accepted | str] | Exception
            try:
                database = database or self._connect()
                found = Store(database, self._most_bytes).keep(
                    [one.upload for one in batch], self._clock()
                )
            except Exception as error:
                found = error
                _discard(database)
                database = None
            self._loop.call_soon_threadsafe(self._settle, batch, found)
        _discard(database)

    def _batch(self) -> tuple[list[_Waiting], bool]:
        """Return uploads that wait, at least one, and whether more will come."""
        batch: list[_Waiting] = []
        size = 0
        with suppress(queue.Empty):
            while len(batch) < BATCH and size < BATCH_BYTES:
                one = self._waiting.get(block=not batch)
                if one is None:
                    return batch, False
                batch.append(one)
                size += len(one.upload.octets)
        return batch, True

    def _settle(self, batch: list[_Waiting], found: list[Accepted | str] | Exception) -> None:
        self.waiting_bytes -= sum(len(one.upload.octets) for one in batch)
        for number, (_, outcome) in enumerate(batch):
            if outcome.cancelled():
                continue
            if isinstance(found, Exception):
                outcome.set_exception(found)
            else:
                outcome.set_result(found[number])


def _discard(database: Database | None) -> None:
    """Close a connection that may be in any state; the next batch makes another."""
    if database is not None:
        with suppress(Exception):
            database.close()
