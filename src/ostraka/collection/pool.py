"""Worker processes that check reports and open a compute party's parcels, in blocks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

from ostraka.collection.opening import Examined, Opener
from ostraka.collection.report import Reason

BLOCK: Final = 250
"""Reports of one task: a tenth of a second of work, 100 KB to send."""

BLOCK_BYTES: Final = 1 << 21
"""Bytes of the views of one task, about: of long reports a task has a few."""

ALONE: Final = 2000
"""Reports up to which no process is started: one takes a second."""

Opened = list[Examined | Reason]


async def open_views(
    opener: Opener, views: Iterable[bytes], count: int, workers: int
) -> AsyncIterator[Opened]:
    """Yield what is in the views, in their order and in blocks.

    Args:
        views: read as they are needed: a few blocks are in memory at a time.
        count: how many there are.
        workers: processes; with 1, or few reports, a thread of this process does it.
    """
    blocks = _blocks(views)
    if workers < 2 or count <= ALONE:
        for block in blocks:
            yield await asyncio.to_thread(opener.read_block, block)
        return
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (opener,)) as pool:
        waiting: list[asyncio.Future[Opened]] = []
        for block in blocks:
            waiting.append(loop.run_in_executor(pool, _read_block, block))
            if len(waiting) >= 4 * workers:
                yield await waiting.pop(0)
        for each in waiting:
            yield await each


def _blocks(views: Iterable[bytes]) -> Iterator[list[bytes]]:
    block, size = list[bytes](), 0
    for view in views:
        block.append(view)
        size += len(view)
        if len(block) >= BLOCK or size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


_opener: list[Opener] = []


def _begin(opener: Opener) -> None:
    _opener[:] = [opener]


def _read_block(views: Sequence[bytes]) -> Opened:
    return _opener[0].read_block(views)
