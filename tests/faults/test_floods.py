"""A coordinator that is flooded by one host: sessions of parties at other hosts go on.

Attackers connect from 127.0.0.2, parties from 127.0.0.1: to the coordinator, two hosts. Sockets of
attackers are plain and cost the test little, except where a made-up key needs a handshake.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import sys
import time
from contextlib import asynccontextmanager, suppress

import pytest

from ostraka import identity, limits
from ostraka.coordinator import server
from ostraka.coordinator.admission import Quotas
from ostraka.coordinator.server import Coordinator
from ostraka.errors import PeerLost
from ostraka.transport.contexts import Contexts
from ostraka.transport.preamble import pinned
from ostraka.transport.tcp import TcpCarrier
from ostraka.transport.tls import SecureLink
from ostraka.wire import frames, messages
from ostraka.wire.messages import VERSION, Join, Ping, Pong

INPUTS = {"alice": 1, "bob": 20, "carlos": 300}
ATTACKER = ("127.0.0.2", 0)
SMALL = Quotas(connections=96, rooms=12, members=16)
FULL = Quotas()

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="needs a second address on loopback, which Linux has"
)


@asynccontextmanager
async def coordinator(office, quotas):
    """A coordinator with these quotas, and its address."""
    made = []

    def kind(own):
        made.append(Coordinator(own, quotas=quotas))
        return made[0]

    async with office.coordinator(kind) as address:
        yield made[0], address


async def session_seconds(office, address, deadline=60.0, room="5" * 32):
    """Seconds of processor and waiting time that one relayed session takes; it must succeed."""
    manifest = office.manifest(relay=address, deadline=deadline, timeout=deadline)
    session = manifest.session.model_copy(update={"room": room})
    manifest = manifest.model_copy(update={"session": session})
    start = time.monotonic()
    found = await office.run(manifest, INPUTS, within=2 * deadline)
    for result in found.values():
        assert isinstance(result, dict), repr(result)
        assert result["outputs"][0]["value"] == 321
    return time.monotonic() - start


def connected(address):
    """A connection of the attacker, as good as established."""
    host, port = address.rsplit(":", 1)
    sock = socket.socket()
    sock.bind(ATTACKER)
    sock.setblocking(False)
    with suppress(BlockingIOError):
        sock.connect((host, int(port)))
    return sock


class Flood:
    """Sockets of one attacker, kept open, and opened again when they are closed."""

    def __init__(self, address, count, first=b""):
        self.address, self.first = address, first
        self.sockets = [None] * count
        self.opened = 0
        self.drips = 0

    async def run(self):
        """Drip a byte through each socket in turn; replace those that are gone."""
        while True:
            for place, sock in enumerate(self.sockets):
                if sock is None or self._is_gone(sock):
                    if sock is not None:
                        sock.close()
                    self.sockets[place] = connected(self.address)
                    self.opened += 1
                if place % 16 == 15:
                    await asyncio.sleep(0.001)
            await asyncio.sleep(0.2)

    def _is_gone(self, sock):
        try:
            if self.first:
                sock.send(self.first[self.drips % len(self.first) :][:1])
                self.drips += 1
            return sock.recv(4096) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self):
        for sock in self.sockets:
            if sock is not None:
                sock.close()


def allow_files(count):
    """Raise the limit of open files to `count` for this process, or skip the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count:
        pytest.skip(f"this machine allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


async def during(flood, work):
    """Run the flood until it has opened all its sockets, then the work beside it."""
    task = asyncio.create_task(flood.run())
    try:
        await until(lambda: flood.opened >= len(flood.sockets))
        return await work()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        flood.close()


async def best_of_three(office, address):
    """Seconds of the fastest of three sessions: this machine may be busy with something else."""
    return min([await session_seconds(office, address) for _ in range(3)])


def twice(quiet, flooded):
    """Whether a session took at most twice its time; half a second is the test's own noise."""
    return flooded <= 2 * quiet + 0.5


@pytest.mark.parametrize("first", [b"", b"OSTRAKA\x01"], ids=["silent", "dripping"])
@pytest.mark.parametrize(
    ("count", "quotas"),
    [(60, SMALL), pytest.param(2000, FULL, marks=pytest.mark.slow)],
    ids=["60", "2000"],
)
async def test_sockets_without_a_key(office, first, count, quotas):
    allow_files(3 * count + 1000)
    async with coordinator(office, quotas) as (relay, address):
        quiet = await best_of_three(office, address)
        flood = Flood(address, count, first)
        flooded = await during(flood, lambda: best_of_three(office, address))
        now = relay.statistics()
        assert now.evicted_strangers > 0
        assert now.connections <= quotas.connections
    assert twice(quiet, flooded), (quiet, flooded)


@pytest.fixture(scope="session")
def made_up(tmp_path_factory):
    """Function that returns contexts of so many made-up keys."""
    directory = tmp_path_factory.mktemp("made-up")
    made = []

    def keys(count):
        while len(made) < count:
            made.append(Contexts(identity.create(f"m{len(made)}", directory)))
        return made[:count]

    return keys


async def join(address, contexts, pin, room):
    """Join a room as the attacker; return the link, open or refused."""
    sock = socket.socket()
    sock.bind(ATTACKER)
    sock.setblocking(False)
    host, port = address.rsplit(":", 1)
    await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
    network = relay_network()
    carrier = TcpCarrier(sock, network.reactor)
    link = SecureLink(carrier, contexts, server=False, admit=pinned("the coordinator", pin))
    await link.open(60)
    link.write(frames.control(messages.encode(Join(VERSION, room))))
    link.follow(answers(link))
    return link


def answers(link):
    """Parser that answers pings: the attacker wants to stay."""
    while True:
        _, length = yield from frames.read_header()
        body = yield from frames.read_body(length)
        if isinstance(messages.decode(body), Ping):
            link.write(frames.control(messages.encode(Pong())))


_networks = []


def relay_network():
    """One network of the attacker for each event loop."""
    from ostraka.transport.tcp import SystemNetwork

    loop = asyncio.get_running_loop()
    if not _networks or _networks[-1][0] is not loop:
        _networks.append((loop, SystemNetwork(spin=0)))
    return _networks[-1][1]


@asynccontextmanager
async def members(office, address, keys, rooms):
    """Made-up keys, each in its room, some of them perhaps refused."""
    pin = office.identity("coordinator").fingerprint
    few = asyncio.Semaphore(16)

    async def one(contexts, room):
        async with few:
            for _ in range(5):  # this process is both sides, and slow for one host
                with suppress(PeerLost):
                    return await join(address, contexts, pin, room)
        return None

    links = await asyncio.gather(*map(one, keys, rooms), return_exceptions=True)
    try:
        yield links
    finally:
        for link in links:
            if isinstance(link, SecureLink):
                link.abandon(PeerLost("the test is over"))


@pytest.mark.parametrize(
    ("count", "quotas"),
    [(20, SMALL), pytest.param(1000, FULL, marks=pytest.mark.slow)],
    ids=["20", "1000"],
)
async def test_made_up_keys_in_a_room_whose_name_anybody_can_compute(
    office, made_up, count, quotas
):
    from ostraka.session.ways import room_of

    allow_files(4 * count + 1000)
    async with coordinator(office, quotas) as (relay, address):
        quiet = await best_of_three(office, address)
        name = room_of(office.manifest(relay=address))
        async with members(office, address, made_up(count), [name] * count):
            await until(lambda: relay.statistics().members >= min(count, quotas.members))
            flooded = await best_of_three(office, address)
            # Without a secret a session shares its room with the flood, and is not shut out.
            await session_seconds(office, address, room=None)
    assert twice(quiet, flooded), (quiet, flooded)


@pytest.mark.parametrize(
    ("count", "quotas"),
    [(30, SMALL), pytest.param(4096, FULL, marks=pytest.mark.slow)],
    ids=["30", "4096"],
)
async def test_rooms_of_one_host(office, made_up, monkeypatch, count, quotas):
    allow_files(2 * count + 1000)
    monkeypatch.setattr(limits, "CONNECTIONS_OF_ONE_KEY", 1 << 20)
    keys = made_up(8) * (count // 8 + 1)
    rooms = [number.to_bytes(32, "big") for number in range(count)]
    quotas = Quotas(quotas.connections, quotas.rooms, quotas.members, at_once=1e6)
    async with coordinator(office, quotas) as (relay, address):
        quiet = await best_of_three(office, address)
        async with members(office, address, keys[:count], rooms):
            await until(lambda: relay.statistics().rooms >= min(count, quotas.rooms) - 1)
            flooded = await best_of_three(office, address)
            assert relay.statistics().rooms <= quotas.rooms
    assert twice(quiet, flooded), (quiet, flooded)


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_few_descriptors_cost_no_processor_time(office, monkeypatch):
    """With 96 descriptors and 200 silent sockets the coordinator rests between events."""
    monkeypatch.setattr(server, "_raise_file_limit", lambda: 96 + server.SPARE_FILES)
    monkeypatch.setattr("ostraka.transport.door.FIRST_BYTE_SECONDS", 60.0)
    async with coordinator(office, FULL) as (relay, address):
        sockets = [connected(address) for _ in range(200)]
        await until(lambda: relay.counts.accepted >= 200)
        before = time.process_time()
        await asyncio.sleep(1.0)
        assert time.process_time() - before < 0.3
        assert relay.statistics().connections <= 96
        await session_seconds(office, address)
        for sock in sockets:
            sock.close()
