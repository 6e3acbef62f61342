"""A coordinator on localhost, and parties that may misbehave."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from ostraka import identity
from ostraka.coordinator.server import Coordinator
from ostraka.errors import OstrakaError
from ostraka.identity import Identity
from ostraka.transport import tcp
from ostraka.transport.contexts import Contexts
from ostraka.transport.preamble import pinned
from ostraka.transport.tls import SecureLink
from ostraka.wire import frames, messages
from ostraka.wire.messages import VERSION, Join, Message

ROOM = b"r" * 32


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> dict[str, Identity]:
    directory: Path = tmp_path_factory.mktemp("keys")
    return {name: identity.create(name, directory) for name in ("coordinator", "a", "b", "c")}


class Party:
    """A connection that says what a test wants and hears all that comes."""

    def __init__(self, link: SecureLink) -> None:
        self.link = link
        self.heard: deque[Message | tuple[int, bytes]] = deque()
        self._news = asyncio.Event()
        self.deaf = False

    def listen(self) -> None:
        self.link.on_ended = lambda _error: self._news.set()
        self.link.follow(self._frames())

    def _frames(self):
        while True:
            kind, length = yield from frames.read_header()
            body = yield from frames.read_body(length)
            if kind is frames.Kind.CONTROL:
                self.heard.append(messages.decode(body))
            else:
                self.heard.append((int.from_bytes(body[:2], "little"), body[2:]))
            self._news.set()

    def say(self, *said: Message) -> None:
        self.link.write(*(frames.control(messages.encode(message)) for message in said))

    def relay(self, slot: int, payload: bytes) -> None:
        self.link.write(frames.relay(slot, payload))

    async def hear(self) -> Message | tuple[int, bytes]:
        """The next thing heard; EOFError when there will be none."""
        async with asyncio.timeout(10):
            while not self.heard:
                if self.link.failed is not None:
                    raise EOFError(self.link.failed.message)
                self._news.clear()
                await self._news.wait()
        return self.heard.popleft()

    async def ended(self) -> None:
        """Return when the coordinator has closed the link."""
        with suppress(EOFError):
            while True:
                await self.hear()


class World:
    """One coordinator, and the network its parties share."""

    def __init__(self, coordinator: Coordinator, address: str, keys: dict[str, Identity]) -> None:
        self.coordinator, self.address, self.keys = coordinator, address, keys
        self.network = tcp.SystemNetwork(spin=0)
        self.parties: list[Party] = []

    async def carrier(self) -> tcp.TcpCarrier:
        return await self.network.dial(self.address)

    async def connect(self, name: str) -> Party:
        pin = self.keys["coordinator"].fingerprint
        link = SecureLink(
            await self.carrier(),
            Contexts(self.keys[name]),
            server=False,
            admit=pinned("coordinator", pin),
        )
        await link.open()
        self.parties.append(Party(link))
        return self.parties[-1]

    async def join(self, name: str, room: bytes = ROOM) -> Party:
        """A party in a room, its welcome already heard."""
        party = await self.connect(name)
        party.listen()
        party.say(Join(VERSION, room))
        await party.hear()
        return party

    async def until(self, condition) -> None:
        """Return once `condition` of the statistics is true."""
        async with asyncio.timeout(10):
            while not condition(self.coordinator.statistics()):
                await asyncio.sleep(0.005)


async def run_world(keys: dict[str, Identity], **arguments) -> AsyncIterator[World]:
    coordinator = Coordinator(keys["coordinator"], **arguments)
    address = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(coordinator.serve("127.0.0.1:0", address.set_result))
    world = World(coordinator, await address, keys)
    yield world
    for party in world.parties:
        party.link.abandon(OstrakaError("the test is over"))
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    world.network.close()


@pytest.fixture
async def world(keys) -> AsyncIterator[World]:
    async for world in run_world(keys):
        yield world


@pytest.fixture
async def worlds(keys):
    """Makes the world of a coordinator that runs already."""
    made = []

    def world(coordinator: Coordinator, address: str) -> World:
        made.append(World(coordinator, address, keys))
        return made[-1]

    yield world
    for world in made:
        for party in world.parties:
            party.link.abandon(OstrakaError("the test is over"))
        world.network.close()


@pytest.fixture
async def guarded(keys) -> AsyncIterator[World]:
    """A coordinator that admits party a alone."""
    only = identity.fingerprint_text(keys["a"].fingerprint)
    async for world in run_world(keys, allow=[only]):
        yield world
