"""Calls of coroutines from code without `await`, and of long work from code with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from ostraka import limits

T = TypeVar("T")


async def offload(nanoseconds: float, work: Callable[[], T]) -> T:
    """Return what `work` returns; it runs in another thread if it takes long.

    The event loop serves its links and timers meanwhile. Cancelling does not wait for the work,
    whose result is then dropped.

    Args:
        nanoseconds: what the work takes on one core, about: elements times what one of them takes.
            A thread costs a sum of 10^6 elements more than it saves, and text of as many less.
    """
    return work() if nanoseconds < limits.OFFLOAD else await asyncio.to_thread(work)


class Turns:
    """Pieces of work, one after the other, between which an event loop has its turns."""

    def __init__(self) -> None:
        self._worked = 0.0

    async def offload(self, nanoseconds: float, work: Callable[[], T]) -> T:
        """Return what `work` returns, as `offload` does; many short pieces do not add up to a long
        wait of the event loop either."""
        self._worked += nanoseconds
        if self._worked >= limits.OFFLOAD:
            self._worked = 0.0
            await asyncio.sleep(0)
        return await offload(nanoseconds, work)


async def offload_to_end(nanoseconds: float, work: Callable[[], None]) -> None:
    """Do as `offload`; cancelling waits for the work, then cancels."""
    if nanoseconds < limits.OFFLOAD:
        work()
        return
    working = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await working
        raise


async def offload_whole(work: Callable[[], T]) -> T:
    """Return what `work` returns; it runs in another thread, as it waits for a disk or a lock.

    Cancelling takes effect at the next `await` behind this one: what the caller does with the
    result at once is done in any case.
    """
    task, cancelled = asyncio.current_task(), False
    working = asyncio.get_running_loop().run_in_executor(None, work)
    while not working.done():
        try:
            await asyncio.shield(working)
        except asyncio.CancelledError:
            assert task is not None
            task.uncancel()
            cancelled = True
        except BaseException:
            break  # raised below
    if cancelled and task is not None:
        task.cancel()
    return working.result()


def run_to_end(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine and return its result; block the calling thread until then.

    Where an event loop runs in this thread already (a notebook), the coroutine runs in a new
    thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    return _in_a_thread(coroutine)


def _in_a_thread(coroutine: Coroutine[Any, Any, T]) -> T:
    started: Future[Callable[[], object]] = Future()

    async def main() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        started.set_result(lambda: loop.call_soon_threadsafe(task.cancel))
        return await coroutine

    with ThreadPoolExecutor(1, "ostraka") as pool:
        ended = pool.submit(asyncio.run, main())
        try:
            return ended.result()
        except KeyboardInterrupt:  # it comes to the main thread: the run must end, and say so
            with suppress(RuntimeError):
                started.result()()
            raise
