"""Telling the user, while a session gathers, whom it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ostraka.names import PartyId
from ostraka.session.pace import TOLD_SECONDS
from ostraka.session.waiting import Waiting


@contextmanager
def telling(waiting: Waiting, says: Callable[[str], None], seconds: float) -> Iterator[None]:
    """Tell the user inside this context whom the session waits for, when that changes.

    Args:
        says: is called with the words, `TOLD_SECONDS` after the beginning for the first time.
        seconds: the deadline.
    """
    loop, known = asyncio.get_running_loop(), list[PartyId]()
    end, timers = loop.time() + seconds, list[asyncio.TimerHandle]()

    def tell() -> None:
        nonlocal known
        if (missing := waiting.missing()) and missing != known:
            known = missing
            says(waiting.words(missing, end - loop.time()))
        timers[:] = [loop.call_later(TOLD_SECONDS, tell)]

    timers.append(loop.call_later(TOLD_SECONDS, tell))
    try:
        yield
    finally:
        timers[0].cancel()
