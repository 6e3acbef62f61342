"""An event loop with a virtual clock, and processes on it that can be killed at any callback.

Nothing here waits: when no callback is due, the clock jumps to the next timer. Callbacks run in one
order, so that a run is repeated exactly by its seed. A *process* is a context: all tasks and timers
that begin in it belong to it. To kill it is to drop all its callbacks from then on, without any of
its `finally` blocks.
"""

from __future__ import annotations

import asyncio
import ctypes
import selectors
from contextvars import ContextVar, copy_context

PROCESS = ContextVar("process", default=None)


class Deadlock(Exception):
    """No callback and no timer is left, but the run has not ended."""


class Overrun(Exception):
    """The virtual clock passed the end that the run was given."""


class Process:
    """One simulated process.

    Args:
        name: for messages.
        dies_at: the number of the callback before which it is killed; None: it lives.
        on_death: is called when it is killed.
    """

    def __init__(self, name, dies_at=None, on_death=lambda: None):
        self.name, self.dies_at, self.on_death = name, dies_at, on_death
        self.steps = 0
        self.alive = True
        self.tasks = []

    def __repr__(self):
        return f"<{self.name}, {self.steps} steps{'' if self.alive else ', dead'}>"

    def kill(self):
        if self.alive:
            self.alive = False
            for task in self.tasks:
                if (
                    not task.done()
                ):  # never freed: freeing it would run what a killed process does not
                    ctypes.pythonapi.Py_IncRef(ctypes.py_object(task))
            self.on_death()

    @property
    def left(self):
        """Its tasks that have not ended."""
        return [task for task in self.tasks if not task.done()]

    async def end(self):
        """Cancel what is left of it, and wait: for processes that are no party's."""
        left = self.left
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def run(self, callback, args):
        if self.alive and self.steps == self.dies_at:
            self.kill()
        if self.alive:
            self.steps += 1
            callback(*args)


class _NoFiles(selectors.SelectSelector):
    """Selector that moves the clock forward instead of waiting."""

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.end = None

    def select(self, timeout=None):
        if timeout is None:
            raise Deadlock
        self.now += max(timeout, 0)
        if self.end is not None and self.now > self.end:
            raise Overrun(f"{self.now:.1f} s of virtual time")
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Event loop whose time is virtual; sockets and threads have no place on it."""

    def __init__(self, end=None):
        self._clock = _NoFiles()
        super().__init__(self._clock)
        self._clock.end = end
        self.callbacks = 0
        self.problems = []
        self.set_exception_handler(lambda _loop, context: self.problems.append(context))

    def time(self):
        return self._clock.now

    def call_soon(self, callback, *args, context=None):
        return super().call_soon(*self._owned(callback, args, context), context=context)

    def call_at(self, when, callback, *args, context=None):
        return super().call_at(when, *self._owned(callback, args, context), context=context)

    def call_soon_threadsafe(self, callback, *args, context=None):
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor, func, *args):
        """Do the work at once: a thread would make the order of events a matter of luck."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except BaseException as error:
            future.set_exception(error)
        return future

    def _owned(self, callback, args, context):
        self.callbacks += 1
        process = PROCESS.get() if context is None else context.get(PROCESS)
        return (callback, *args) if process is None else (process.run, callback, args)

    def create_task(self, coroutine, *, name=None, context=None):
        task = super().create_task(coroutine, name=name, context=context)
        process = PROCESS.get() if context is None else context.get(PROCESS)
        if process is not None:
            process.tasks.append(task)
            task.add_done_callback(process.tasks.remove)
        return task

    def start(self, process, coroutine):
        """Run a coroutine as a task of a process."""
        context = copy_context()
        context.run(PROCESS.set, process)
        task = self.create_task(coroutine, name=process.name, context=context)
        task.add_done_callback(self._note)
        return task

    def _note(self, task):
        if not task.cancelled() and (error := task.exception()) is not None:
            self.problems.append({"task": task.get_name(), "exception": error})

    def world(self, process, call, *args):
        """Call a function as code of `process`, or of none."""
        context = copy_context()
        context.run(PROCESS.set, process)
        return context.run(call, *args)


def run(main, end=3600.0):
    """Run a coroutine function to its end on a new virtual loop, which it gets; return its result.

    Raises:
        Deadlock, Overrun: it does not end.
    """
    loop = VirtualLoop(end)
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(main(loop))
    finally:
        asyncio.set_event_loop(None)
        loop.close()
