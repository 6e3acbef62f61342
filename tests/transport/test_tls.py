"""The secure link: pins, tampering, death, long vectors, time, cancelling."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from ostraka.errors import PeerLost, PeerViolation, PinMismatch
from ostraka.exchange import words
from ostraka.names import Step
from ostraka.transport import memory
from ostraka.transport.contexts import Contexts
from ostraka.transport.preamble import pinned
from ostraka.transport.records import CIPHERTEXT
from ostraka.transport.tls import SecureLink
from ostraka.wire import frames, vectors


def numbers(size: int) -> np.ndarray:
    return np.arange(size, dtype="<u8") * np.uint64(0x9E3779B97F4A7C15)


def send(link: SecureLink, size: int, step: int = 1) -> None:
    link.write(*vectors.pack(Step(0, step), numbers(size)))


async def receive(link: SecureLink, size: int, step: int = 1, seconds=None) -> np.ndarray:
    async with asyncio.timeout(20):
        received = await link.read(vectors.unpack(Step(0, step), words(size)), seconds)
    assert (received == numbers(size)).all()
    return received


# Opening


async def test_both_know_each_other(pair, keys):
    assert (pair.alice.peer, pair.bob.peer) == ("bob", "alice")
    assert pair.alice.peer_certificate == keys["bob"].certificate
    assert pair.bob.peer_certificate == keys["alice"].certificate
    assert pair.alice._stream._tls.version() == "TLSv1.3"


async def test_the_client_refuses_another_key(join, keys, outcome):
    pair = join()
    pair.alice._stream._admit = pinned("bob", keys["mallory"].fingerprint)
    mine, its = await asyncio.gather(outcome(pair.alice.open()), outcome(pair.bob.open()))
    assert isinstance(mine, PinMismatch)
    assert isinstance(its, PeerLost)


async def test_the_server_refuses_another_key(join, keys, outcome):
    pair = join()
    pair.bob._stream._admit = pinned("alice", keys["mallory"].fingerprint)
    mine, its = await asyncio.gather(outcome(pair.alice.open()), outcome(pair.bob.open()))
    assert isinstance(its, PinMismatch)
    assert isinstance(mine, PeerLost)


@pytest.mark.parametrize("thief", ["alice", "bob"])
async def test_a_copied_certificate_without_its_key_opens_nothing(join, keys, outcome, thief):
    """Mallory shows the victim's certificate, but can only sign with her own key."""
    pair = join()
    link = getattr(pair, thief)

    class Thief:
        certificate = keys[thief].certificate
        certificate_path, key_path = keys["mallory"].certificate_path, keys["mallory"].key_path

    link._contexts = Contexts(Thief())
    victim = pair.bob if thief == "alice" else pair.alice

    async def use(one) -> None:
        await one.open()
        await receive(one, 1)

    mine, its = await asyncio.gather(outcome(use(victim)), outcome(use(link)))
    assert isinstance(mine, PeerViolation | PeerLost)
    assert its is not None
    assert victim.bytes_received == 0


async def test_nobody_answers_in_time(keys, outcome):
    one, _ = memory.pair()
    link = SecureLink(one, Contexts(keys["alice"]), server=False, admit=pinned("bob", bytes(32)))
    assert "within 0.05 s" in str(await outcome(link.open(0.05)))


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"OSTRAKA\x02",
        b"OSTRAKA\x01\0\0",
        b"OSTRAKA\x01\x01\x10",
        b"OSTRAKA\x01\x05\0abcde",
    ],
)
async def test_what_answers_is_not_ostraka(keys, outcome, said):
    one, other = memory.pair()
    other.on_data = lambda piece: None
    other.on_lost = lambda error: None
    other.start()
    link = SecureLink(one, Contexts(keys["alice"]), server=False, admit=lambda claimed: "anybody")
    opening = asyncio.ensure_future(outcome(link.open()))
    for byte in said:
        other.send(bytes([byte]))
    assert isinstance(await opening, PeerLost), "no key is proven: no party is to blame"


# Sending and receiving


@pytest.mark.parametrize("size", [0, 1, 1024, 1025, 100_000])
async def test_vectors_arrive(pair, size):
    send(pair.alice, size)
    send(pair.bob, size)
    await asyncio.gather(receive(pair.alice, size), receive(pair.bob, size))


async def test_long_vectors_both_ways_at_once(pair):
    size = 2_000_000
    send(pair.alice, size)
    send(pair.bob, size)
    await asyncio.gather(receive(pair.alice, size), receive(pair.bob, size))


async def test_messages_wait_for_their_reader_in_order(pair):
    for step, size in enumerate((3, 5000, 0, 7)):
        send(pair.alice, size, step)
    await pair.alice.drain()
    for step, size in enumerate((3, 5000, 0, 7)):
        await receive(pair.bob, size, step)
    assert pair.bob.bytes_received == pair.alice.bytes_sent


async def test_a_reader_that_does_not_read_slows_the_sender(pair):
    send(pair.alice, 4_000_000)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await pair.alice.drain()
    assert pair.alice.backlog > 20_000_000
    assert pair.bob._stream.inbox.bio.pending < 3_000_000
    await receive(pair.bob, 4_000_000)
    assert pair.alice.backlog == 0


async def test_a_parser_that_never_ends_is_fed_as_bytes_come(pair):
    heard: list[bytes] = []

    def forever():
        while True:
            heard.append((yield from frames.read_control()))

    pair.bob.follow(forever())
    for number in range(100):
        pair.alice.write(frames.control(bytes([number])))
    pair.alice.write(frames.relay(0, b"not a message"))
    with pytest.raises(PeerViolation):
        await receive_failure(pair.bob)
    assert heard == [bytes([number]) for number in range(100)]


async def receive_failure(link: SecureLink) -> None:
    """Wait until the link has failed and raise why."""
    async with asyncio.timeout(10):
        while link.failed is None:
            await asyncio.sleep(0.001)
    raise link.failed


# Ends


async def test_what_was_sent_before_closing_is_read(pair):
    send(pair.alice, 3, 1)
    send(pair.alice, 30_000, 2)
    closing = asyncio.ensure_future(pair.alice.close())
    await receive(pair.bob, 3, 1)
    await receive(pair.bob, 30_000, 2)
    with pytest.raises(PeerLost):
        await receive(pair.bob, 1, 3)
    await closing


async def test_messages_read_late_are_not_lost_with_the_link(pair):
    """Both are there, nobody reads yet, and the link ends: first the messages, then the end."""
    send(pair.alice, 3, 1)
    send(pair.alice, 5, 2)
    await pair.alice.close(0.2)
    await receive(pair.bob, 3, 1)
    await receive(pair.bob, 5, 2)
    with pytest.raises(PeerLost):
        await receive(pair.bob, 1, 3)


async def test_a_message_and_the_end_in_one_turn(pair):
    reading = asyncio.ensure_future(receive(pair.bob, 3))
    await asyncio.sleep(0)
    send(pair.alice, 3)
    await pair.alice.drain()
    pair.alice.abandon(PeerLost("gone"))
    await reading


@pytest.mark.parametrize("size", [1, 1_000_000])
async def test_death_in_the_middle_of_a_vector(pair, outcome, size):
    pieces = list(vectors.pack(Step(0, 1), numbers(size)))
    pair.alice.write(*pieces[:-1], bytes(pieces[-1])[:-1])
    reading = asyncio.ensure_future(outcome(receive(pair.bob, size)))
    await pair.alice.drain()
    pair.carriers[0].close()
    assert isinstance(await reading, PeerLost)
    assert isinstance(pair.bob.failed, PeerLost)


async def test_after_the_end_nothing_can_be_read_and_writing_is_silent(pair, outcome):
    pair.alice.abandon(PeerLost("enough"))
    pair.alice.write(b"unheard")
    assert pair.alice.backlog == 0
    async with asyncio.timeout(1):
        await pair.alice.drain()
        await pair.alice.close()
    assert str(await outcome(receive(pair.alice, 1))) == "enough"
    assert isinstance(await outcome(receive(pair.bob, 1)), PeerLost)


async def test_silence_is_given_up_and_slowness_is_not(pair, outcome):
    stream = b"".join(bytes(piece) for piece in vectors.pack(Step(0, 1), numbers(10)))

    async def drip() -> None:
        for start in range(0, len(stream), 20):
            pair.alice.write(stream[start : start + 20])
            await asyncio.sleep(0.06)

    _, received = await asyncio.gather(drip(), receive(pair.bob, 10, seconds=0.3))
    assert len(received) == 10
    assert "silent for 0.1 s" in str(await outcome(receive(pair.bob, 1, seconds=0.1)))


async def test_a_cancelled_reader_leaves_a_link_that_can_be_closed(pair):
    reading = asyncio.ensure_future(receive(pair.bob, 10))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    async with asyncio.timeout(5):
        await asyncio.gather(pair.bob.close(), pair.alice.close())


async def test_a_cancelled_opening_can_be_abandoned(keys):
    one, _ = memory.pair()
    link = SecureLink(one, Contexts(keys["alice"]), server=False, admit=pinned("bob", bytes(32)))
    opening = asyncio.ensure_future(link.open())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    link.abandon(PeerLost("cancelled"))
    assert not one.room


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


def links(keys, tamper: Tamper) -> tuple[SecureLink, SecureLink]:
    """Both ends of a link that is tampered with: alice's, the client, and bob's."""
    ours, theirs = memory.pair(tamper=tamper)
    to_bob, to_alice = (pinned(name, keys[name].fingerprint) for name in ("bob", "alice"))
    return (
        SecureLink(ours, Contexts(keys["alice"]), server=False, admit=to_bob),
        SecureLink(theirs, Contexts(keys["bob"]), server=True, admit=to_alice),
    )


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("at", [0, 1, 5])
async def test_tampering_ends_the_link_and_gives_no_wrong_data(keys, outcome, act, at):
    alice, bob = links(keys, tamper := Tamper(act))
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
    alice, bob = links(keys, tamper := Tamper(act))
    tamper.at = at

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


async def test_closing_in_the_middle_of_a_long_vector_is_bounded(pair):
    """Nobody reads: what is queued is given up after the time allowed, and no error escapes."""
    send(pair.alice, 4_000_000)
    async with asyncio.timeout(5):
        await pair.alice.close(0.1)
    assert pair.alice.failed is not None
    assert pair.alice.backlog < 1_000_000
