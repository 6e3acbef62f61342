"""The coordinator over real sockets: what it refuses, what it survives, what it delivers."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time

import pytest
from busy_machine import within

from ostraka import limits
from ostraka.coordinator.admission import Quotas
from ostraka.service.logs import Text
from ostraka.transport.door import Door
from ostraka.transport.records import CHUNK
from ostraka.wire import frames, messages
from ostraka.wire.messages import (
    VERSION,
    Join,
    Joined,
    Left,
    Ping,
    Pong,
    Refused,
    Welcome,
    Window,
)

OTHER = b"o" * 32


async def closed(reader: asyncio.StreamReader) -> bytes:
    """What came until the coordinator closed the connection."""
    async with asyncio.timeout(10):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


async def plain(world) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = world.address.rsplit(":", 1)
    return await asyncio.open_connection(host, int(port))


def preamble(certificate: bytes) -> bytes:
    return b"OSTRAKA\x01" + len(certificate).to_bytes(2, "little") + certificate


def client_hello(**options) -> bytes:
    """What a TLS client with other ideas says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for name, value in options.items():
        setattr(context, name, value)
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out).do_handshake()
    return out.read()


# Joining


async def test_members_learn_of_each_other(world, keys):
    a = await world.connect("a")
    a.listen()
    a.say(Join(VERSION, OTHER))
    assert await a.hear() == Welcome(0)
    b = await world.connect("b")
    b.listen()
    b.say(Join(VERSION, OTHER))
    assert [await b.hear(), await b.hear()] == [Welcome(1), Joined(0, keys["a"].fingerprint)]
    assert await a.hear() == Joined(1, keys["b"].fingerprint)
    statistics = world.coordinator.statistics()
    assert (statistics.connections, statistics.members, statistics.rooms) == (2, 2, 1)


async def test_rooms_are_apart(world):
    a, b, c = await world.join("a"), await world.join("b", OTHER), await world.join("c")
    assert await c.hear() == Joined(0, world.keys["a"].fingerprint)
    assert await a.hear() == Joined(1, world.keys["c"].fingerprint)
    c.relay(0, b"to a")
    b.relay(1, b"to nobody")
    b.say(Ping())
    assert await a.hear() == (1, b"to a")
    assert await b.hear() == Pong()
    assert world.coordinator.statistics().rooms == 2


@pytest.mark.parametrize(
    ("code", "quotas"), [("full", Quotas(members=1)), ("busy", Quotas(memory=-1))]
)
async def test_a_refusal_arrives_before_the_end(world, code, quotas):
    await world.join("a")
    world.coordinator.bound(quotas)
    late = await world.connect("b")
    late.listen()
    late.say(Join(VERSION, b"r" * 32))
    assert await late.hear() == Refused(code)
    await late.ended()
    await world.until(lambda now: now.connections == 1)


async def test_only_the_allowed_may_join(guarded):
    await guarded.join("a")
    b = await guarded.connect("b")
    b.listen()
    b.say(Join(VERSION, b"r" * 32))
    assert await b.hear() == Refused("not-allowed")
    await b.ended()


# Relaying


async def test_bytes_arrive_whole_and_in_order(world):
    a, b = await world.join("a"), await world.join("b")
    assert await a.hear() == Joined(1, world.keys["b"].fingerprint)
    await b.hear()
    sizes = [1, 2, 4096 - 7, 4097 - 7, 4097, 1, CHUNK, limits.RELAY_CHUNK, 3, 100_000, 5]
    for number, size in enumerate(sizes):
        a.relay(1, bytes([number]) * size)
    for number, size in enumerate(sizes):
        assert await b.hear() == (0, bytes([number]) * size)
    b.say(Window(0, sum(sizes)))
    assert await a.hear() == Window(1, sum(sizes))
    assert world.coordinator.statistics().relayed_bytes == sum(sizes)


async def test_what_was_sent_before_leaving_arrives_before_left(world):
    a, b = await world.join("a"), await world.join("b")
    await b.hear()
    size, count = 100_000, 40
    for number in range(count):
        a.relay(1, bytes([number]) * size)
    started = time.monotonic()
    await a.link.close(5)
    assert time.monotonic() - started < 1, "the coordinator closes its side at once"
    for number in range(count):
        assert await b.hear() == (0, bytes([number]) * size)
    assert await b.hear() == Left(0)


async def test_sudden_death_is_told(world):
    a, b = await world.join("a"), await world.join("b")
    await b.hear()
    a.relay(1, b"last words")
    await a.link.drain()
    a.link._carrier.close()
    assert [await b.hear(), await b.hear()] == [(0, b"last words"), Left(0)]
    await world.until(lambda now: now.connections == 1)


async def test_a_room_that_ends_leaves_one_line_without_keys(world, caplog):
    caplog.set_level(logging.INFO, "ostraka.service")
    a, b = await world.join("a"), await world.join("b")
    a.relay(1, b"x" * 1000)
    await b.hear()
    await b.hear()
    await a.link.close()
    await b.link.close()
    await world.until(lambda now: now.rooms == 0)
    (record,) = caplog.records
    line = Text(sources=True).format(record)
    assert "room ended room=72727272 members=2 relayed_bytes=1000 seconds=" in line
    assert not any(key.fingerprint.hex()[:8] in line for key in world.keys.values())


# Bounds


async def deaf_and_loud(world, size: int, count: int):
    """b stops reading; a sends it `count` frames of `size`, as fast as they are taken."""
    a, b = await world.join("a"), await world.join("b")
    await a.hear()
    world.network.reactor.want(b.link._carrier._sock, b.link._carrier, read=False, write=False)
    for _ in range(count):
        a.relay(1, bytes(size))
    return a, b


def hear_again(world, b) -> None:
    world.network.reactor.want(b.link._carrier._sock, b.link._carrier, read=True, write=False)


async def test_a_slow_receiver_slows_its_sender_and_nothing_is_lost(world, monkeypatch):
    monkeypatch.setattr(limits, "RELAY_WINDOW", 1 << 40)
    monkeypatch.setattr(limits, "RELAY_QUEUE", 1 << 20)
    size, count = 100_000, 300
    a, b = await deaf_and_loud(world, size, count)
    await world.until(lambda now: now.queued_bytes > limits.RELAY_QUEUE)
    await world.until(lambda _: any(one.paused for one in others(world)))
    assert a.link.backlog > 0, "the sender is left unread"
    assert world.coordinator.statistics().most_queued_bytes <= limits.RELAY_QUEUE + 2 * size
    hear_again(world, b)
    assert await b.hear() == Joined(0, world.keys["a"].fingerprint)
    for _ in range(count):
        assert await b.hear() == (0, bytes(size))
    assert a.link.backlog == 0
    await world.until(lambda now: now.queued_bytes == 0)
    assert world.coordinator.statistics().most_queued_bytes <= limits.RELAY_QUEUE + 2 * size


async def test_a_sender_that_waited_and_left_is_still_delivered(world, monkeypatch):
    monkeypatch.setattr(limits, "RELAY_WINDOW", 1 << 40)
    monkeypatch.setattr(limits, "RELAY_QUEUE", 200_000)
    size, count = 50_000, 200
    a, b = await deaf_and_loud(world, size, count)
    await world.until(lambda now: now.queued_bytes > limits.RELAY_QUEUE)
    leaving = asyncio.create_task(a.link.close(10))
    await asyncio.sleep(0)
    hear_again(world, b)
    await b.hear()
    for _ in range(count):
        assert await b.hear() == (0, bytes(size))
    assert await b.hear() == Left(0)
    await leaving


async def test_many_tiny_frames_cost_no_more_than_their_bytes(world, monkeypatch):
    monkeypatch.setattr(limits, "RELAY_QUEUE", 1 << 20)
    monkeypatch.setattr(limits, "RELAY_WINDOW", 1 << 40)
    await deaf_and_loud(world, 65_536, 100)
    await world.until(lambda now: now.queued_bytes > limits.RELAY_QUEUE // 2)
    connection = max(others(world), key=lambda one: one.queued)
    pieces = len(connection.link._stream.outbox.queue)
    for _ in range(1000):
        connection.send(frames.relay(0, b"x"))
    assert len(connection.link._stream.outbox.queue) == pieces


async def test_others_are_served_while_one_is_deaf(world, monkeypatch):
    monkeypatch.setattr(limits, "RELAY_WINDOW", 1 << 40)
    monkeypatch.setattr(limits, "RELAY_QUEUE", 1 << 20)
    await deaf_and_loud(world, 100_000, 200)
    await world.until(lambda now: now.queued_bytes > limits.RELAY_QUEUE)
    c, d = await world.join("c", OTHER), await world.join("a", OTHER)
    await d.hear()
    c.relay(1, b"hello")
    assert await d.hear() == (0, b"hello")


async def test_over_the_total_each_queue_is_short(world, monkeypatch):
    monkeypatch.setattr(limits, "RELAY_WINDOW", 1 << 40)
    world.coordinator.bound(Quotas(memory=2 << 20))
    await deaf_and_loud(world, 100_000, 300)
    await world.until(lambda now: now.queued_bytes > 1 << 20)
    late = await world.join("c", OTHER)
    assert late.link.failed is None, "one source fills its half"
    world.coordinator.bound(Quotas(memory=1 << 20))
    late = await world.connect("c")
    late.listen()
    late.say(Join(VERSION, OTHER))
    assert await late.hear() == Refused("busy")
    assert world.coordinator.statistics().most_queued_bytes <= (1 << 20) + 200_000


async def test_a_receiver_that_takes_nothing_is_given_up(world, monkeypatch):
    monkeypatch.setattr(limits, "RELAY_WINDOW", 1 << 40)
    monkeypatch.setattr(limits, "RELAY_QUEUE", 1 << 20)
    a, _ = await deaf_and_loud(world, 100_000, 200)
    await world.until(lambda now: now.queued_bytes > limits.RELAY_QUEUE)
    await world.until(lambda _: any(one.paused for one in others(world)))
    world.coordinator._tick(now := time.monotonic())
    world.coordinator._tick(now + limits.STALL_SECONDS - 1)
    assert not a.heard
    world.coordinator._tick(now + limits.STALL_SECONDS)
    assert await a.hear() == Left(1)
    await world.until(lambda now: now.queued_bytes == 0)


# Violations


def oversized() -> bytes:
    return b"\x03" + (0xFFFFFFFF).to_bytes(4, "little")


def non_canonical() -> bytes:
    body = messages.encode(Window(0, 5))
    assert body[-1:] == b"\x05"
    return frames.control(body[:-1] + b"\xcc\x05")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(oversized(), id="4 GiB by its header"),
        pytest.param(b"\x63\0\0\0\0", id="unknown kind"),
        pytest.param(frames.data_header(4) + b"data", id="data frame"),
        pytest.param(frames.control(b"\x91" * 1000 + b"\xc0"), id="nested msgpack"),
        pytest.param(frames.control(b""), id="empty message"),
        pytest.param(non_canonical(), id="non-canonical"),
        pytest.param(frames.control(messages.encode(Join(VERSION, b"r" * 32))), id="join twice"),
        pytest.param(frames.control(messages.encode(Welcome(3))), id="our own message"),
        pytest.param(frames.control(messages.encode(Window(1, 1))), id="credit for nothing"),
        pytest.param(frames.relay(1, b""), id="empty relay"),
        pytest.param(b"\x03\x01\0\0\0\x01", id="relay without a slot"),
        pytest.param(
            frames.relay(1, bytes(limits.RELAY_CHUNK)) * (limits.RELAY_WINDOW // limits.RELAY_CHUNK)
            + frames.relay(1, b"x"),
            id="beyond the window",
        ),
    ],
)
async def test_a_violation_closes_that_link_and_only_that(world, said):
    a, b = await world.join("a"), await world.join("b")
    await b.hear()
    a.link.write(said)
    await a.ended()
    while (heard := await b.hear()) != Left(0):
        assert isinstance(heard, tuple)
    b.say(Ping())
    assert await b.hear() == Pong()


@pytest.mark.parametrize(
    "first",
    [frames.control(messages.encode(Ping())), frames.relay(0, b"x"), oversized()],
)
async def test_the_first_frame_is_a_join(world, first):
    party = await world.connect("a")
    party.listen()
    party.link.write(first)
    await party.ended()
    await world.until(lambda now: now.connections == 0)


# Strangers


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="http"),
        pytest.param(b"\0" * 100, id="zeros"),
        pytest.param(client_hello(), id="TLS without preamble"),
        pytest.param(b"OSTRAKA\x01\xff\xff", id="huge certificate"),
        pytest.param(preamble(b"\x30\x03abc"), id="no certificate"),
    ],
)
async def test_garbage_is_closed(world, said):
    reader, writer = await plain(world)
    writer.write(said)
    await closed(reader)
    writer.close()
    await world.until(lambda now: now.connections == 0)


async def test_an_older_tls_is_refused(world, keys):
    reader, writer = await plain(world)
    hello = client_hello(maximum_version=ssl.TLSVersion.TLSv1_2)
    writer.write(preamble(keys["a"].certificate) + hello)
    answer = await closed(reader)
    certificate = keys["coordinator"].certificate
    assert answer.startswith(preamble(certificate))
    alert = answer[len(preamble(certificate)) :]
    assert alert[:1] + alert[3:] == b"\x15\x00\x02\x02\x46", "one alert: protocol version"
    writer.close()


async def test_a_client_without_its_certificate_is_refused(world, keys):
    """The preamble may be copied from anybody; the key may not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    reader, writer = await plain(world)
    writer.write(preamble(keys["a"].certificate))
    await reader.readexactly(len(preamble(keys["coordinator"].certificate)))
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
        async with asyncio.timeout(10):
            while True:
                try:
                    tls.do_handshake()
                    tls.read(1)
                except ssl.SSLWantReadError:
                    writer.write(outgoing.read())
                    incoming.write(await reader.read(65536))
    writer.close()
    await world.until(lambda now: now.connections == 0)
    assert world.coordinator.statistics().members == 0


async def test_another_key_than_the_preambles_is_refused(world, keys):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(keys["b"].certificate_path, keys["b"].key_path)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    reader, writer = await plain(world)
    writer.write(preamble(keys["a"].certificate))
    await reader.readexactly(len(preamble(keys["coordinator"].certificate)))
    with pytest.raises(ssl.SSLError):
        async with asyncio.timeout(10):
            while True:
                try:
                    tls.do_handshake()
                    tls.read(1)
                except ssl.SSLWantReadError:
                    writer.write(outgoing.read())
                    incoming.write(await reader.read(65536))
    writer.close()
    await world.until(lambda now: now.connections == 0)


async def test_a_handshake_that_takes_too_long_is_cut(world, monkeypatch):
    monkeypatch.setattr(limits, "HANDSHAKE_SECONDS", 0.3)
    reader, writer = await plain(world)
    started = time.monotonic()

    async def drip() -> None:
        for byte in b"OSTRAKA\x01" * 100:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    await closed(reader)
    assert time.monotonic() - started < within(3)
    dripping.cancel()
    writer.close()


async def test_a_first_frame_that_takes_too_long_is_cut(world, monkeypatch):
    monkeypatch.setattr(limits, "FIRST_FRAME_SECONDS", 0.3)
    party = await world.connect("a")
    party.listen()

    async def drip() -> None:
        for byte in frames.control(messages.encode(Join(VERSION, b"r" * 32))):
            party.link.write(bytes([byte]))
            await asyncio.sleep(0.1)

    dripping = asyncio.create_task(drip())
    await party.ended()
    dripping.cancel()
    assert not party.heard
    await world.until(lambda now: now.connections == 0)


async def test_the_oldest_strangers_go_for_new_ones(world):
    world.coordinator._door = Door(3)
    silent = [await plain(world) for _ in range(6)]
    await world.until(lambda now: now.evicted_strangers == 3 and now.strangers == 3)
    party = await world.join("a")
    assert party.link.failed is None, "no stranger takes the place of a party for long"
    assert world.coordinator.statistics().evicted_strangers == 4
    for _, writer in silent:
        writer.close()


# Silence and the end


async def test_the_silent_are_pinged_and_then_gone(world):
    a, b = await world.join("a"), await world.join("b")
    await b.hear()
    now = time.monotonic()
    world.coordinator._tick(now)
    world.coordinator._tick(now := now + limits.PING_SECONDS)
    assert [await b.hear(), await a.hear(), await a.hear()][0] == Ping()
    b.say(Pong())
    await world.until(lambda _: any(one.link.bytes_received != one._heard for one in others(world)))
    world.coordinator._tick(now + limits.PONG_SECONDS)
    assert await b.hear() == Left(0)
    await a.ended()
    assert b.link.failed is None


def others(world):
    return world.coordinator._connections


async def test_a_coordinator_that_ends_closes_everything(world):
    a, b = await world.join("a"), await world.join("b")
    (task,) = [task for task in asyncio.all_tasks() if "Coordinator.serve" in repr(task.get_coro())]
    task.cancel()
    await asyncio.wait([task])
    await a.ended()
    await b.ended()
    host, port = world.address.rsplit(":", 1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    assert world.coordinator.statistics().connections == 0
