"""Endings from outside, for all commands in one place: Ctrl-C, SIGTERM, a closed terminal.

The first signal ends the command in order: a run is cancelled, so that its peers are told and its
reservation is settled; other code is left through an exception. A second signal ends the process at
once: the ledger then settles the run when it is next opened. The exit code is 128 and the signal's
number, as shells count.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Coroutine
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from ostraka.cli import startup, voice

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signalled(KeyboardInterrupt):
    """A signal that ends the command; where Ctrl-C is expected, so is this."""


class Endings:
    """Handler of the signals that end this process."""

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None
        self._before: dict[int, Any] = {}

    def watch(self) -> None:
        """Take the signals, but those that the parent process had ignored, as nohup does."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._end)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, as `asyncio.run` does; a signal cancels it.

        Raises:
            Signalled: a signal came, and the coroutine has ended because of it.
        """
        import asyncio

        runner = asyncio.Runner()
        try:
            found = runner.run(self._cancellable(main))
        except BaseException as error:
            if voice.speaker.signal:
                # The runner's own close would wait for threads whose work is of no use any more.
                runner.get_loop().close()
                raise Signalled from error
            runner.close()
            raise
        voice.speaker.signal = 0  # if one came, it was too late to end anything
        runner.close()
        return found

    async def _cancellable(self, main: Coroutine[Any, Any, T]) -> T:
        import asyncio

        self._task = asyncio.current_task()
        try:
            return await main
        finally:
            self._task = None

    def _end(self, number: int, _frame: FrameType | None) -> None:
        if voice.speaker.signal:
            voice.fail(f"{voice.signalled(number)} again: ended at once, in the middle of it")
            voice.drain()
            os._exit(128 + number)
        voice.speaker.signal = number
        if self._task is None:
            raise Signalled
        self._task.cancel()
        # The loop may be asleep in its selector; a call from outside wakes it.
        self._task.get_loop().call_soon_threadsafe(lambda: None)

    def leave(self, code: int) -> NoReturn:
        """Exit with a code; after a signal without waiting for threads that are still at work."""
        # A thread that writes to a stopped stderr has its lock, which Python's own end would need.
        if not voice.drain() or voice.speaker.signal:
            os._exit(code)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        startup.leave_to_the_system()
        sys.exit(code)


endings = Endings()
