"""One selector for all sockets: served by asyncio, or by the task that waits."""

from __future__ import annotations

import asyncio
import select
import socket
import threading

import pytest

from ostraka.transport import reactor as reactors
from ostraka.transport.reactor import Reactor, Waiter


class Handler:
    """Counts what it is told, and sets `waiter` when its socket has something to read."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.waiter = sock, Waiter()
        self.read, self.writable = b"", 0
        self.poller = select.poll()
        self.poller.register(sock, select.POLLIN)

    def on_readable(self) -> None:
        self.read += self.sock.recv(100)
        self.waiter.set()

    def on_writable(self) -> None:
        self.writable += 1


@pytest.fixture
def sockets():
    made = [end for _ in range(2) for end in socket.socketpair()]
    yield made
    for sock in made:
        sock.close()


@pytest.fixture
def spinning():
    """A reactor that a task may spin on for as long as a test needs."""

    async def make() -> Reactor:
        return Reactor(spin=5)

    return make


async def test_asyncio_serves_every_registered_socket(reactor, sockets):
    handlers = [Handler(sockets[0]), Handler(sockets[2])]
    for handler in handlers:
        reactor.register(handler.sock, handler)
    sockets[1].send(b"one")
    sockets[3].send(b"two")
    async with asyncio.timeout(5):
        for handler in handlers:
            await handler.waiter.wait()
    assert [handler.read for handler in handlers] == [b"one", b"two"]


async def test_only_wanted_events_are_served(reactor, sockets):
    handler = Handler(sockets[0])
    reactor.register(handler.sock, handler)
    reactor.want(handler.sock, handler, read=False, write=True)
    sockets[1].send(b"unread")
    reactor.poll()
    assert (handler.read, handler.writable) == (b"", 1)
    reactor.want(handler.sock, handler, read=False, write=False)
    reactor.poll()
    reactor.want(handler.sock, handler, read=True, write=False)
    reactor.poll()
    assert (handler.read, handler.writable) == (b"unread", 1)
    reactor.forget(handler.sock, handler)
    reactor.forget(handler.sock, handler)  # of no effect
    sockets[1].send(b"unheard")
    reactor.poll()
    assert handler.read == b"unread"


async def test_spinning_serves_the_watched_socket_until_its_waiter_happens(spinning, sockets):
    reactor, watched, other = await spinning(), Handler(sockets[0]), Handler(sockets[2])
    for handler in (watched, other):
        reactor.register(handler.sock, handler)
    sockets[3].send(b"stays with the kernel")
    late = threading.Timer(0.02, sockets[1].send, [b"now"])
    late.start()
    assert reactor.spin_until(watched.waiter, watched.poller, watched)
    late.join()
    assert (watched.read, other.read) == (b"now", b"")
    reactor.close()


async def test_spinning_serves_all_while_something_waits_to_leave(spinning, sockets):
    reactor, watched, other = await spinning(), Handler(sockets[0]), Handler(sockets[2])
    for handler in (watched, other):
        reactor.register(handler.sock, handler)
    reactor.want(other.sock, other, read=False, write=True)
    sockets[1].send(b"now")
    assert reactor.spin_until(watched.waiter, watched.poller, watched)
    assert other.writable
    reactor.close()


async def test_spinning_gives_up_after_its_time(reactor, sockets):
    handler = Handler(sockets[0])
    reactor.register(handler.sock, handler)
    sockets[1].send(b"there")
    assert not reactor.spin_until(handler.waiter, handler.poller, handler), "its time is 0 s"
    handler.waiter.set()
    assert reactor.spin_until(handler.waiter, handler.poller, handler)


async def test_asyncio_runs_when_it_is_due_and_not_before(reactor, monkeypatch):
    ran: list[int] = []
    monkeypatch.setattr(reactors, "YIELD_SECONDS", 3600)
    asyncio.get_running_loop().call_soon(ran.append, 1)
    await reactor.yield_when_due()
    assert ran == []
    monkeypatch.setattr(reactors, "YIELD_SECONDS", 0)
    await reactor.yield_when_due()
    assert ran == [1]


async def test_a_waiter_waits_once_and_can_be_cancelled():
    waiter = Waiter()
    waiting = asyncio.ensure_future(waiter.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    waiter.set()
    await waiter.wait()
    waiter.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await waiter.wait()
