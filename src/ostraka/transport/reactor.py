"""Reactor: all sockets of a process behind one selector, served by asyncio or by a waiting task.

A selector's own descriptor can be waited for, so asyncio needs a single reader for all of them. And
a task that needs bytes *now* may serve the sockets itself first (`spin_until`): for up to `SPIN` it
polls the selector directly and so skips two trips through the event loop, which is what makes a
round of 64 bytes take tens of microseconds instead of hundreds. Then asyncio takes over, so timers,
signals and other tasks are never held up for longer. See docs/decisions/0004-transport.md.
"""

from __future__ import annotations

import asyncio
import select
import selectors
import socket
from time import monotonic
from typing import Final, Protocol

SPIN: Final = 0.01
"""Seconds for which a waiting task serves the sockets itself; it sleeps while nothing comes.

Timers and signals are late by as much at most. With 20 parties on two cores, hardly any message
takes longer."""

RECEIVE: Final = 256 * 1024
"""Number of bytes received from a socket at a time, at most."""

YIELD_SECONDS: Final = 0.02
"""Seconds after which a task lets asyncio run once, even if its spinning always succeeds."""


class Handler(Protocol):
    """Owner of a registered socket, called on the socket's events. Must not raise."""

    def on_readable(self) -> None:
        """Read from the socket, which has bytes or has ended."""

    def on_writable(self) -> None:
        """Write to the socket, which has room."""


class Closable(Protocol):
    """Owner of a socket that the reactor closes at its end."""

    def close(self) -> None:
        """Close the socket. Idempotent."""


class Waiter:
    """Event that is set from a callback, and awaited by at most one task at a time."""

    __slots__ = ("_future", "happened")

    def __init__(self) -> None:
        self.happened = False
        self._future: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Set the event, and wake the task that waits for it."""
        self.happened = True
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def clear(self) -> None:
        """Reset the event, so that it can be waited for again."""
        self.happened = False

    async def wait(self) -> None:
        """Wait until the event is set. Safe to cancel."""
        if not self.happened:
            self._future = asyncio.get_running_loop().create_future()
            try:
                await self._future
            finally:
                self._future = None


class Reactor:
    """Sockets of one event loop.

    Args:
        spin: seconds `spin_until` may take; 0 where several parties share one event loop.
    """

    def __init__(self, spin: float = SPIN) -> None:
        self._selector = selectors.DefaultSelector()
        self.scratch = memoryview(bytearray(RECEIVE))
        """Buffer that all sockets receive into: its bytes are passed on before the next receive."""
        self._loop = asyncio.get_running_loop()
        self._spin = spin
        self._yielded = monotonic()
        self._writing: set[Handler] = set()
        self.carriers: set[Closable] = set()
        """Carriers that are open: a task may be cancelled before it takes up the one it is for."""
        self._loop.add_reader(self._selector, self.poll)

    def register(self, sock: socket.socket, handler: Handler) -> None:
        """Call `handler` from now on whenever the socket is readable."""
        self._selector.register(sock, selectors.EVENT_READ, handler)

    def want(self, sock: socket.socket, handler: Handler, *, read: bool, write: bool) -> None:
        """Change on which of a registered socket's events `handler` is called."""
        events = (selectors.EVENT_READ if read else 0) | (selectors.EVENT_WRITE if write else 0)
        (self._writing.add if write else self._writing.discard)(handler)
        known = sock in self._selector.get_map()
        if events and known:
            self._selector.modify(sock, events, handler)
        elif events:
            self._selector.register(sock, events, handler)
        elif known:
            self._selector.unregister(sock)

    def forget(self, sock: socket.socket, handler: Handler) -> None:
        """Stop serving a socket."""
        self._writing.discard(handler)
        if sock in self._selector.get_map():
            self._selector.unregister(sock)

    def poll(self, timeout: float = 0) -> None:
        """Call the handlers of sockets that are ready; wait `timeout` seconds for one at most."""
        for key, events in self._selector.select(timeout):
            if events & selectors.EVENT_READ:
                key.data.on_readable()
            if events & selectors.EVENT_WRITE:
                key.data.on_writable()

    def spin_until(self, waiter: Waiter, poller: select.poll, handler: Handler) -> bool:
        """Serve sockets for up to `spin` seconds, or until `waiter` is set; return whether it is.

        While no socket waits to send, only the socket of `poller` and `handler` is watched. Bytes
        for other sockets stay with the kernel meanwhile, and do not wake this task.
        """
        now = monotonic()
        until = now + self._spin
        while not waiter.happened and now < until:
            if self._writing:
                self.poll(until - now)
            elif poller.poll(1000 * (until - now)):
                handler.on_readable()
            now = monotonic()
        return waiter.happened

    async def yield_when_due(self) -> None:
        """Let asyncio run once if it has not for `YIELD_SECONDS`, because spinning succeeded."""
        if monotonic() - self._yielded > YIELD_SECONDS:
            await asyncio.sleep(0)
            self._yielded = monotonic()

    def close(self) -> None:
        """Close all carriers that are open, and stop serving sockets; others close listeners."""
        for carrier in list(self.carriers):
            carrier.close()
        self._loop.remove_reader(self._selector)
        self._selector.close()
