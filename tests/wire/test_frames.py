"""Frames: whole, byte by byte, with trailing bytes, and everything that is not one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.errors import PeerViolation
from ostraka.limits import CONTROL_FRAME, DATA_FRAME, RELAY_CHUNK
from ostraka.wire import frames
from ostraka.wire.frames import Kind

limit = {Kind.CONTROL: CONTROL_FRAME, Kind.DATA: DATA_FRAME, Kind.RELAY: RELAY_CHUNK + 2}


def header(kind: int, length: int) -> bytes:
    return bytes([kind]) + length.to_bytes(4, "little")


@pytest.mark.parametrize("body", [b"", b"x", b"y" * CONTROL_FRAME])
def test_control_frames(parse, body):
    assert parse(frames.read_control(), frames.control(body)) == body


def test_a_control_message_too_long_is_our_mistake():
    with pytest.raises(ValueError):
        frames.control(bytes(CONTROL_FRAME + 1))


@pytest.mark.parametrize("kind", limit)
def test_headers_up_to_the_limit(parse, kind):
    assert parse(frames.read_header(), header(kind, limit[kind])) == (kind, limit[kind])
    assert parse(frames.read_header(), header(kind, 0)) == (kind, 0)
    for length in (limit[kind] + 1, 0xFFFFFFFF):
        with pytest.raises(PeerViolation):
            parse(frames.read_header(), header(kind, length))


def test_signals_are_yielded_and_the_next_header_is_read():
    parser = frames.read_control()
    for kind, value in ((Kind.ACK, 7), (Kind.PROBE, 0), (Kind.ACK, (1 << 40) + 3)):
        view = next(parser)
        view[:] = frames.signal(kind, value)
        for filled in range(6):
            assert frames.is_part_of_signal(view, filled) is bool(filled)
        assert next(parser) == (kind, value % (1 << 32))
    view = next(parser)
    view[:] = frames.control(b"m")[:5]
    assert not frames.is_part_of_signal(view, 5)
    next(parser)[:] = b"m"
    with pytest.raises(StopIteration) as end:
        next(parser)
    assert end.value.value == b"m"


def test_a_body_that_looks_like_a_signal_is_none():
    parser = frames.read_control()
    next(parser)[:] = frames.control(bytes([Kind.ACK] * 5))[:5]
    body = next(parser)
    body[:] = bytes([Kind.ACK] * 5)
    assert not frames.is_part_of_signal(body, 5)


def test_unknown_kinds(parse):
    for kind in set(range(256)) - set(Kind):
        with pytest.raises(PeerViolation):
            parse(frames.read_header(), header(kind, 0))


@pytest.mark.parametrize("kind", [Kind.DATA, Kind.RELAY])
def test_another_kind_where_a_message_was_due(parse, kind):
    with pytest.raises(PeerViolation):
        parse(frames.read_control(), header(kind, 1) + b"x")


@pytest.mark.parametrize("payload", [b"", b"x", b"yz" * 1000])
@pytest.mark.parametrize("slot", [0, 1, 0x1234, 0xFFFF])
def test_relay_frames(parse, slot, payload):
    frame = frames.relay(slot, payload)
    kind, length = parse(frames.read_header(), frame[: frames.HEADER])
    body = parse(frames.read_body(length), frame[frames.HEADER :])
    assert kind is Kind.RELAY
    found, content = frames.split_relay(memoryview(body))
    assert (found, bytes(content)) == (slot, payload)


@pytest.mark.parametrize("body", [b"", b"x"])
def test_relay_frames_without_a_slot(parse, body):
    with pytest.raises(PeerViolation):
        frames.split_relay(memoryview(body))
    with pytest.raises(PeerViolation):
        parse(frames.read_relay(len(body)), body)


def test_relay_frames_pass_through_and_change_only_their_slot(parse):
    frame = frames.relay(3, b"payload")
    passed = parse(frames.read_relay(len(frame) - frames.HEADER), frame[frames.HEADER :])
    assert bytes(passed) == frame
    assert frames.relay_slot(passed) == 3
    frames.set_relay_slot(passed, 0xFFFF)
    assert bytes(passed) == frames.relay(0xFFFF, b"payload")


def raw(*chunks: bytes) -> bytes:
    return b"".join(frames.data_header(len(chunk)) + chunk for chunk in chunks)


@pytest.mark.parametrize("size", [0, 1, 1000, DATA_FRAME, DATA_FRAME + 1])
def test_vectors_in_chunks(parse_whole, size):
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    target = bytearray(size)
    stream = raw(*(bytes(chunk) for chunk in frames.chunks(memoryview(content))))
    parse_whole(frames.read_chunks(memoryview(target)), stream)
    assert bytes(target) == content


@pytest.mark.parametrize(
    "stream",
    [
        raw(b"abc"),
        raw(b"abcde"),
        raw(b"ab", b"cd"),
        frames.control(b"abcd"),
        frames.relay(1, b"ab"),
    ],
)
def test_chunks_of_another_kind_or_size(parse, stream):
    with pytest.raises(PeerViolation):
        parse(frames.read_chunks(memoryview(bytearray(4))), stream)


@given(st.binary(max_size=64))
def test_any_bytes_are_a_message_or_a_violation(feed_whole, data):
    try:
        body, rest = feed_whole(frames.read_control(), data)
    except (PeerViolation, EOFError):
        return
    assert frames.control(body) + rest == data
