"""The secure link over carriers that alter, drop, repeat, insert or reorder what is sent."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from ostraka.errors import PeerLost, PeerViolation
from ostraka.exchange import words
from ostraka.names import Step
from ostraka.transport import memory
from ostraka.transport.contexts import Contexts
from ostraka.transport.preamble import pinned
from ostraka.transport.records import CIPHERTEXT
from ostraka.transport.tls import SecureLink
from ostraka.wire import vectors


def numbers(size: int) -> np.ndarray:
    return np.arange(size, dtype="<u8") * np.uint64(0x9E3779B97F4A7C15)


def send(link: SecureLink, size: int, step: int = 1) -> None:
    link.write(*vectors.pack(Step(0, step), numbers(size)))


async def receive(link: SecureLink, size: int, step: int = 1, seconds=None) -> np.ndarray:
    async with asyncio.timeout(20):
        received = await link.read(vectors.unpack(Step(0, step), words(size)), seconds)
    assert (received == numbers(size)).all()
    return received


# Tampering


class Tamper:
    """Does something to one piece of ciphertext, counted from when it is armed."""

    def __init__(self, act) -> None:
        self._act = act
        self.at = -1
        self._held: list[bytes] = []

    def __call__(self, piece: bytes) -> list[bytes]:
        self.at -= 1
        if self.at == -1 or self._held:
            return self._act(self._held, piece)
        return [piece]


def flip(_held, piece: bytes) -> list[bytes]:
    middle = len(piece) // 2
    return [piece[:middle] + bytes([piece[middle] ^ 1]) + piece[middle + 1 :]]


def drop(_held, piece: bytes) -> list[bytes]:
    return []


def duplicate(_held, piece: bytes) -> list[bytes]:
    return [piece, piece]


def cut(_held, piece: bytes) -> list[bytes]:
    return [piece[:-1]]


def insert(_held, piece: bytes) -> list[bytes]:
    return [b"\x17\x03\x03\x00\x20" + bytes(32), piece]


def reorder(held: list[bytes], piece: bytes) -> list[bytes]:
    if held:
        return [piece, held.pop()]
    held.append(piece)
    return []


ACTS = [flip, drop, duplicate, cut, insert, reorder]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("at", [0, 1, 5])
async def test_tampering_ends_the_link_and_gives_no_wrong_data(keys, outcome, act, at):
    from_pair = memory.pair(tamper=(tamper := Tamper(act)))
    alice = SecureLink(
        from_pair[0],
        Contexts(keys["alice"]),
        server=False,
        admit=pinned("bob", keys["bob"].fingerprint),
    )
    bob = SecureLink(
        from_pair[1],
        Contexts(keys["bob"]),
        server=True,
        admit=pinned("alice", keys["alice"].fingerprint),
    )
    await asyncio.gather(alice.open(), bob.open())
    tamper.at = at
    received: list[int] = []

    async def read_all() -> None:
        for step in range(20):
            await receive(bob, 5000, step, seconds=0.5)
            received.append(step)

    for step in range(20):
        send(alice, 5000, step)
        await alice.drain()
    failure = await outcome(read_all())
    assert isinstance(failure, PeerViolation | PeerLost)
    assert received == list(range(len(received)))
    assert len(received) < 20


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("at", [0, 1])
async def test_tampering_with_the_handshake_opens_nothing(keys, outcome, act, at):
    carriers = memory.pair(tamper=(tamper := Tamper(act)))
    tamper.at = at
    alice = SecureLink(
        carriers[0],
        Contexts(keys["alice"]),
        server=False,
        admit=pinned("bob", keys["bob"].fingerprint),
    )
    bob = SecureLink(
        carriers[1],
        Contexts(keys["bob"]),
        server=True,
        admit=pinned("alice", keys["alice"].fingerprint),
    )

    async def use(link: SecureLink) -> None:
        await link.open(0.5)
        send(link, 3)
        await receive(link, 3, seconds=0.5)

    _, its = await asyncio.gather(outcome(use(alice)), outcome(use(bob)))
    assert its is not None
    assert bob.bytes_received == 0


async def test_ciphertext_pieces_stay_below_the_bound(keys):
    largest = 0

    def measure(piece: bytes) -> list[bytes]:
        nonlocal largest
        largest = max(largest, len(piece))
        return [piece]

    carriers = memory.pair(tamper=measure)
    alice = SecureLink(
        carriers[0],
        Contexts(keys["alice"]),
        server=False,
        admit=pinned("bob", keys["bob"].fingerprint),
    )
    bob = SecureLink(
        carriers[1],
        Contexts(keys["bob"]),
        server=True,
        admit=pinned("alice", keys["alice"].fingerprint),
    )
    await asyncio.gather(alice.open(), bob.open())
    send(alice, 500_000)
    await receive(bob, 500_000)
    assert 0 < largest <= CIPHERTEXT
