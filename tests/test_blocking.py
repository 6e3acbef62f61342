"""Coroutines run from plain code, with and without a running loop."""

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ostraka import limits
from ostraka.blocking import Turns, offload, offload_to_end, offload_whole, run_to_end


async def where():
    await asyncio.sleep(0)
    return threading.current_thread()


async def fails():
    raise ValueError("31337")


def test_without_a_loop_it_runs_here():
    assert run_to_end(where()) is threading.current_thread()
    with pytest.raises(ValueError, match="31337"):
        run_to_end(fails())


async def test_inside_a_loop_a_thread_of_its_own_runs_it():
    before = threading.active_count()
    assert run_to_end(where()) is not threading.current_thread()
    with pytest.raises(ValueError, match="31337"):
        run_to_end(fails())
    assert threading.active_count() == before


async def test_work_that_takes_long_goes_beside_the_loop():
    here = threading.current_thread()
    assert await offload(limits.OFFLOAD - 1, threading.current_thread) is here
    assert await offload(limits.OFFLOAD, threading.current_thread) is not here


async def test_short_pieces_of_work_leave_the_loop_its_turns():
    turns, others = Turns(), []
    asyncio.get_running_loop().call_soon(others.append, "served")
    for i in range(5):
        assert await turns.offload(limits.OFFLOAD / 4, lambda i=i: i) == i
        assert bool(others) == (i >= 3)


async def test_an_interrupt_ends_the_run_in_the_thread(monkeypatch):
    """Ctrl-C reaches the waiting thread; the run is told to end, and nothing goes on behind."""
    ended, running = threading.Event(), threading.Event()

    async def stuck():
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    def interrupted(future, timeout=None):
        if future is not waited:
            return result(future, timeout)
        assert running.wait(10)
        raise KeyboardInterrupt

    result, waited = Future.result, None
    submit = ThreadPoolExecutor.submit

    def submitting(pool, *arguments):
        nonlocal waited
        waited = submit(pool, *arguments)
        return waited

    monkeypatch.setattr(ThreadPoolExecutor, "submit", submitting)
    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_to_end(stuck())
    assert ended.is_set()


@pytest.mark.parametrize("elements", [1, limits.OFFLOAD])
async def test_work_that_must_end_is_not_cut_short(elements):
    entered, may_end, done = threading.Event(), threading.Event(), []

    def work():
        entered.set()
        if elements > 1:
            may_end.wait(10)
        done.append(threading.current_thread() is threading.main_thread())

    task = asyncio.get_running_loop().create_task(offload_to_end(elements, work))
    while not entered.is_set():
        await asyncio.sleep(0.001)
    cancelled = task.cancel()
    await asyncio.sleep(0)
    assert task.done() == (elements == 1)
    may_end.set()
    await asyncio.wait([task])
    assert task.cancelled() == cancelled
    assert done == [elements == 1]


async def test_work_that_waits_for_a_disk_lets_the_loop_go_on_and_is_cancelled_behind_it():
    """What the caller does with its result at once is done, too: then it is cancelled."""
    entered, may_end, done = threading.Event(), threading.Event(), []

    def work():
        entered.set()
        may_end.wait(10)
        return threading.current_thread() is not threading.main_thread()

    async def acts():
        done.append(await offload_whole(work))
        done.append("acted")
        await asyncio.sleep(0)
        done.append("went on")

    task = asyncio.get_running_loop().create_task(acts())
    while not entered.is_set():
        await asyncio.sleep(0.001)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    await asyncio.wait([task])
    assert task.cancelled()
    assert done == [True, "acted"]


async def test_an_error_of_such_work_is_raised():
    def work():
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        await offload_whole(work)
