"""Sockets: order, backpressure, half-close, listening."""

from __future__ import annotations

import asyncio
import socket

import pytest

from ostraka.errors import Unreachable, UsageError
from ostraka.limits import READ_AHEAD
from ostraka.transport import tcp
from ostraka.transport.link import Carrier
from ostraka.transport.reactor import RECEIVE, Waiter


class Owner:
    """Keeps what a carrier reports."""

    def __init__(self, carrier) -> None:
        self.data = bytearray()
        self.news = Waiter()
        self.lost: list[str] = []
        self.carrier = carrier
        self.take = True
        carrier.on_data, carrier.on_room, carrier.on_lost = self._data, self.news.set, self._lost

    def _data(self, piece) -> None:
        self.data += piece
        if self.take:
            self.carrier.consumed(len(piece))
        self.news.set()

    def _lost(self, error) -> None:
        self.lost.append(error.message)
        self.news.set()

    async def until(self, condition) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.news.clear()
                await self.news.wait()


@pytest.fixture
def ends(reactor, request):
    made = [tcp.TcpCarrier(end, reactor) for end in socket.socketpair()]
    for carrier in made:
        request.addfinalizer(carrier.close)
    owners = [Owner(carrier) for carrier in made]
    for carrier in made:
        carrier.start()
    return *made, *owners


class Ear:
    """Keeps the connections that a listener accepts."""

    def __init__(self) -> None:
        self._accepted: asyncio.Queue[tuple[Carrier, str]] = asyncio.Queue()

    def __call__(self, carrier: Carrier, source: str) -> None:
        self._accepted.put_nowait((carrier, source))

    @property
    def empty(self) -> bool:
        return self._accepted.empty()

    async def next(self) -> tuple[Carrier, str]:
        async with asyncio.timeout(10):
            return await self._accepted.get()


@pytest.fixture
def ear() -> Ear:
    return Ear()


async def test_bytes_arrive_in_order(ends):
    one, _other, mine, its = ends
    expected = b""
    for number in range(200):
        piece = bytes([number]) * 10_000
        await mine.until(lambda: one.room)
        one.send(piece)
        expected += piece
    await its.until(lambda: len(its.data) == len(expected))
    assert its.data == expected


async def test_what_nobody_takes_is_not_read(ends):
    one, other, _, its = ends
    its.take = False
    sent = 0
    for _ in range(10_000):
        if not one.room:
            break
        one.send(bytes(65536))
        sent += 65536
        await asyncio.sleep(0)
    assert not one.room, "the sender feels it"
    before = len(its.data)
    assert READ_AHEAD < before <= READ_AHEAD + RECEIVE
    await asyncio.sleep(0)
    assert len(its.data) == before
    other.consumed(before)
    its.take = True
    await its.until(lambda: len(its.data) == sent)


async def test_the_end_of_one_is_told_to_the_other_once(ends):
    one, _, mine, its = ends
    one.send(b"last")
    one.close()
    one.close()
    await its.until(lambda: its.lost)
    assert (bytes(its.data), its.lost, mine.lost) == (b"last", ["connection closed"], [])


async def test_lingering_waits_until_the_peer_has_taken_all(ends):
    one, _other, mine, its = ends
    its.take = False
    sent = 0
    while one.room and sent < 4 * READ_AHEAD:
        one.send(bytes(65536))
        sent += 65536
        await asyncio.sleep(0)
    its.take = True
    its.carrier.consumed(len(its.data))
    await mine.until(lambda: one.room)
    async with asyncio.timeout(10):
        await asyncio.gather(one.linger(), its.until(lambda: its.lost))
    assert len(its.data) == sent


async def test_dial_and_listen(network, ear):
    listener = await network.listen("127.0.0.1:0", ear)
    assert not listener.address.endswith(":0")
    one = await network.dial(listener.address)
    other, source = await ear.next()
    assert source == "127.0.0.1"
    mine, its = Owner(one), Owner(other)
    one.start()
    other.start()
    one.send(b"there")
    other.send(b"back")
    await its.until(lambda: its.data == b"there")
    await mine.until(lambda: mine.data == b"back")
    for closing in (one, other, listener):
        closing.close()


async def test_a_listener_that_pauses_leaves_them_waiting(network, ear):
    listener = await network.listen("127.0.0.1:0", ear)
    listener.accept(False)
    one = await network.dial(listener.address)
    for _ in range(5):
        await asyncio.sleep(0)
    assert ear.empty
    listener.accept(True)
    (await ear.next())[0].close()
    one.close()
    listener.close()
    listener.close()
    listener.accept(True)  # of no effect any more


async def test_nobody_there(network):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(Unreachable, match=f"^{address}: Connection refused$"):
            await network.dial(address)


async def test_a_port_in_use_is_our_mistake(network, ear):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError):
        await network.listen(f"127.0.0.1:{taken.getsockname()[1]}", ear)
