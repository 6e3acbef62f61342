"""Sockets: order, backpressure, half-close, listening."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from contextlib import suppress

import pytest

from ostraka.errors import Unreachable, UsageError
from ostraka.limits import READ_AHEAD
from ostraka.transport import dialling, tcp
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


@pytest.fixture
def name(monkeypatch):
    """Gives bob.example the addresses that a test says."""

    def name(*hosts: str) -> None:
        def look_up(_host, port, *, type):
            return [
                (socket.AF_INET6, type, 6, "", (host, port, 0, 0))
                if ":" in host
                else (socket.AF_INET, type, 6, "", (host, port))
                for host in hosts
            ]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return name


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


async def test_any_address_of_a_name_will_do(network, ear, name):
    name("127.0.0.2", "127.0.0.3", "::1")
    listener = await network.listen("[::1]:0", ear)
    port = listener.address.rpartition(":")[2]
    (await network.dial(f"bob.example:{port}")).close()
    carrier, source = await ear.next()
    assert source == "::/64"
    carrier.close()
    listener.close()


async def test_each_dial_begins_with_another_address(network, ear, name):
    """The first address may be another program's: it connects, and the handshake fails."""
    name("127.0.0.1", "127.0.0.2")
    listener = await network.listen("0.0.0.0:0", ear)
    reached = []
    for _ in range(3):
        carrier = await network.dial(f"bob.example:{listener.address.rpartition(':')[2]}")
        reached.append(carrier._sock.getpeername()[0])
        carrier.close()
        (await ear.next())[0].close()
    assert reached == ["127.0.0.1", "127.0.0.2", "127.0.0.1"]
    listener.close()


async def test_all_that_was_tried_is_said(network, name, monkeypatch):
    name("127.0.0.1", "192.0.2.7", "127.0.0.2")
    port, real = free_port(), dialling.connect

    async def connect(place):
        if place.host == "192.0.2.7":
            await asyncio.sleep(60)
        return await real(place)

    monkeypatch.setattr(dialling, "connect", connect)
    monkeypatch.setattr(dialling, "CONNECT_SECONDS", 0.5)
    with pytest.raises(Unreachable) as failed:
        await network.dial(f"bob.example:{port}")
    assert str(failed.value) == (
        f"bob.example:{port}: 127.0.0.1: Connection refused; "
        "192.0.2.7: no answer within 0.5 s; 127.0.0.2: Connection refused"
    )


async def test_a_name_that_is_not_known(network, name, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match=r"^bob\.example:7: no address is known for this name$"):
        await network.dial("bob.example:7")
    name()
    with pytest.raises(Unreachable, match=r"^bob\.example:7: no address is known for this name$"):
        await network.dial("bob.example:7")


async def test_a_listener_without_descriptors_rests_and_says_so(ear, monkeypatch):
    """A limit of 128 open files made the process spin: the kernel reports the socket again."""
    warned: list[str] = []
    monkeypatch.setattr(tcp, "REST_SECONDS", 0.05)
    network = tcp.SystemNetwork(spin=0, warn=warned.append)
    listener = await network.listen("127.0.0.1:0", ear)
    host, _, port = listener.address.rpartition(":")
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.create_connection((host, int(port))):
        highest = max(map(int, os.listdir("/proc/self/fd"))) + 1
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest, files[1]))
        fillers = []
        try:
            with suppress(OSError):
                while True:
                    fillers.append(os.dup(0))
            polls = 0
            poll = network.reactor.poll

            def counted(timeout=0):
                nonlocal polls
                polls += 1
                poll(timeout)

            loop = asyncio.get_running_loop()
            loop.remove_reader(network.reactor._selector)
            loop.add_reader(network.reactor._selector, counted)
            await asyncio.sleep(0.5)
            assert ear.empty
            assert 1 <= polls <= 20, "once a rest, and not all the time"
            (warning,) = warned
            assert warning.startswith("connections wait outside: Too many open files; raise")
        finally:
            for each in fillers:
                os.close(each)
            resource.setrlimit(resource.RLIMIT_NOFILE, files)
        (await ear.next())[0].close()
    listener.close()
    network.close()


async def test_a_port_in_use_is_our_mistake(network, ear):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError):
        await network.listen(f"127.0.0.1:{taken.getsockname()[1]}", ear)
