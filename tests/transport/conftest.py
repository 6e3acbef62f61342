"""Identities, and pairs of links over memory and over sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest

from ostraka import identity
from ostraka.errors import OstrakaError, PeerLost
from ostraka.identity import Identity
from ostraka.transport import memory
from ostraka.transport.contexts import Contexts
from ostraka.transport.link import Carrier
from ostraka.transport.preamble import pinned
from ostraka.transport.reactor import Reactor
from ostraka.transport.tcp import SystemNetwork, TcpCarrier
from ostraka.transport.tls import SecureLink


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> dict[str, Identity]:
    directory = tmp_path_factory.mktemp("keys")
    return {name: identity.create(name, directory) for name in ("alice", "bob", "mallory")}


@pytest.fixture
async def network() -> AsyncIterator[SystemNetwork]:
    network = SystemNetwork(spin=0)
    yield network
    network.close()


@pytest.fixture
def reactor(network) -> Reactor:
    return network.reactor


class Pair:
    """Alice's and Bob's end of one link; Alice is the TLS client."""

    def __init__(self, keys: dict[str, Identity], carriers: tuple[Carrier, Carrier]) -> None:
        self.carriers = carriers
        self.alice = SecureLink(
            carriers[0],
            Contexts(keys["alice"]),
            server=False,
            admit=pinned("bob", keys["bob"].fingerprint),
        )
        self.bob = SecureLink(
            carriers[1],
            Contexts(keys["bob"]),
            server=True,
            admit=pinned("alice", keys["alice"].fingerprint),
        )

    async def open(self, seconds: float = 10) -> None:
        await asyncio.gather(self.alice.open(seconds), self.bob.open(seconds))

    def abandon(self) -> None:
        for link in (self.alice, self.bob):
            link.abandon(PeerLost("the test is over"))


@pytest.fixture(params=["memory", "sockets"])
async def join(request, keys, reactor) -> AsyncIterator[Callable[[], Pair]]:
    """Makes pairs over either carrier."""
    pairs: list[Pair] = []

    def make() -> Pair:
        if request.param == "memory":
            pair = Pair(keys, memory.pair())
        else:
            one, other = socket.socketpair()
            pair = Pair(keys, (TcpCarrier(one, reactor), TcpCarrier(other, reactor)))
        pairs.append(pair)
        return pair

    yield make
    for pair in pairs:
        pair.abandon()


@pytest.fixture
async def pair(join) -> Pair:
    """An open pair."""
    made: Pair = join()
    await made.open()
    return made


async def outcome(awaitable) -> OstrakaError | None:
    """How it failed, or None."""
    with suppress(TimeoutError):
        async with asyncio.timeout(10):
            try:
                await awaitable
            except OstrakaError as error:
                return error
            return None
    raise AssertionError("it hangs")


@pytest.fixture(name="outcome")
def _outcome():
    return outcome
