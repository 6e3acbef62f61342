"""Messages: each in its one encoding, and nothing else."""

from __future__ import annotations

import struct

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.errors import PeerViolation
from ostraka.limits import (
    CERTIFICATE,
    CONTROL_FRAME,
    INLINE_VECTOR,
    LETTER_PART,
    LETTER_PARTS,
    PARTIES,
    READER_GROUPS,
    RELAY_WINDOW,
    TEXT,
    VECTOR,
)
from ostraka.wire import messages
from ostraka.wire.messages import (
    Abort,
    Fetch,
    Hello,
    Join,
    Joined,
    KeptPart,
    Left,
    Omission,
    Ping,
    Pong,
    Post,
    Ready,
    Refused,
    Relayed,
    Resume,
    Statement,
    Vector,
    Welcome,
    Window,
    decode,
    encode,
)

A, B, C, D = (bytes([n]) * 32 for n in b"abcd")
E = b"e" * 16

good = [
    Hello(1, A, B, C + D),
    Hello(0xFFFF, A, B, C + D),
    Ready(A, B, C + D),
    Ready(A, b"", C + D),
    Vector(0, 1, "u8", 3, bytes(24)),
    Vector(0, 0, "u1", 0, b""),
    Vector(0xFFFFFFFF, 0xFFFFFFFF, "u1", VECTOR, bytes(INLINE_VECTOR)),
    Statement(b"{}", C + D),
    Statement(b"", C + D),
    Abort("input", "bob"),
    Abort("", ""),
    Abort("ø" * TEXT, "x" * TEXT),
    Omission(b""),
    Omission(bytes(PARTIES // 8)),
    Relayed(0, b"", b""),
    Relayed(PARTIES, bytes(CERTIFICATE), encode(Hello(1, A, B, C + D))),
    Resume(A, B, 0),
    Resume(A, B, (1 << 64) - 1),
    Join(1, A),
    Welcome(0),
    Welcome(0xFFFF),
    Joined(3, A),
    Left(300),
    Window(0, RELAY_WINDOW),
    Refused("full"),
    Ping(),
    Pong(),
    Post(E, 0, 0, 1, bytes(8)),
    Post(E, 2, LETTER_PARTS - 1, LETTER_PARTS, bytes(LETTER_PART)),
    Fetch(E, 1, 0),
    KeptPart(0, b""),
    KeptPart(LETTER_PARTS, bytes(LETTER_PART)),
]


@pytest.mark.parametrize("message", good, ids=lambda message: type(message).__name__)
def test_round_trip(message):
    body = encode(message)
    again = decode(body)
    assert again == message
    assert type(again) is type(message)
    assert len(body) <= CONTROL_FRAME


def test_every_message_is_among_them():
    assert {type(message) for message in good} == set(messages._layout)


@pytest.mark.parametrize("message", good, ids=lambda message: type(message).__name__)
def test_truncated_and_trailing(message):
    body = encode(message)
    for size in range(min(len(body), 200)):
        with pytest.raises(PeerViolation):
            decode(body[:size])
    with pytest.raises(PeerViolation):
        decode(body + b"\0")


def packed(*values) -> bytes:
    return msgpack.packb(values)


bad = {
    "unknown type": packed(99),
    "negative type": packed(-1),
    "type as a boolean": packed(True, 1),
    "type as text": packed("1"),
    "type as an array": packed([1]),
    "no type": packed(),
    "a number": msgpack.packb(1),
    "a map": msgpack.packb({1: 2}),
    "nil": b"\xc0",
    "nothing": b"",
    "reserved byte": b"\xc1",
    "too few fields": packed(16, 1),
    "too many fields": packed(22, 0),
    "array for a field": packed(18, [1], A),
    "map for a field": packed(18, {}, A),
    "nil for a field": packed(18, None, A),
    "number for bytes": packed(16, 1, 5),
    "text for bytes": packed(16, 1, "r" * 32),
    "bytes for text": packed(5, b"code", "bob"),
    "float for a number": packed(17, 1.0),
    "boolean for a number": packed(17, True),
    "negative number": packed(17, -1),
    "slot too large": packed(17, 0x10000),
    "room too short": packed(16, 1, A[1:]),
    "room too long": packed(16, 1, A + b"x"),
    "digest too short": packed(1, 1, A[1:], B, C + D),
    "signature too short": packed(1, 1, A, B, C),
    "nonce of 16 bytes": packed(2, A, B[:16], C + D),
    "window too large": packed(20, 0, RELAY_WINDOW + 1),
    "place too large": packed(6, PARTIES + 1, b"", b""),
    "certificate too large": packed(6, 0, bytes(CERTIFICATE + 1), b""),
    "element type": packed(3, 0, 1, "f8", 1, b""),
    "element type as bytes": packed(3, 0, 1, b"u8", 1, b""),
    "step too large": packed(3, 0, 1 << 32, "u8", 1, b""),
    "phase too large": packed(3, 1 << 32, 0, "u8", 1, b""),
    "no phase, as version 1 wrote it": packed(3, 1, "u8", 1, bytes(8)),
    "vector too long": packed(3, 0, 1, "u8", VECTOR + 1, b""),
    "too much inline": packed(3, 0, 1, "u8", 1, bytes(INLINE_VECTOR + 1)),
    "text too long": packed(5, "x" * (TEXT + 1), ""),
    "text with a line end": packed(5, "a\nb", ""),
    "text with an escape": packed(5, "\x1b[2J", ""),
    "text that is not UTF-8": b"\x93\x05\xa1\xff\xa0",
    "array as array16": b"\xdc\x00\x02" + packed(17, 1)[1:],
    "array as array32": b"\xdd\x00\x00\x00\x02" + packed(17, 1)[1:],
    "number as uint8": b"\x92\x11\xcc\x01",
    "number as uint64": b"\x92\x11\xcf" + struct.pack(">Q", 1),
    "number as int8": b"\x92\x11\xd0\x01",
    "bytes as bin16": b"\x93\x10\x01\xc5\x00\x20" + A,
    "text as str8": b"\x93\x05\xd9\x01x\xa0",
    "type as uint8": b"\x92\xcc\x11\x01",
    "extension": b"\x92\x11\xd4\x01\x01",
    "timestamp": b"\x92\x11\xd6\xff\0\0\0\1",
    "4 GiB of bytes": b"\x92\x11\xc6\xff\xff\xff\xff",
    "4 billion elements": b"\xdd\xff\xff\xff\xff",
    "4 billion entries": b"\x92\x11\xdf\xff\xff\xff\xff",
    "deeply nested arrays": b"\x91" * (CONTROL_FRAME - 1) + b"\xc0",
    "deeply nested maps": b"\x81\x01" * (CONTROL_FRAME // 2 - 1) + b"\xc0",
    "two messages": packed(22) * 2,
}


@pytest.mark.parametrize("body", list(bad.values()), ids=list(bad))
def test_bad_encodings(body):
    with pytest.raises(PeerViolation):
        decode(body)


@given(st.binary(max_size=100))
def test_any_bytes_are_the_encoding_of_what_they_decode_to(body):
    try:
        message = decode(body)
    except PeerViolation:
        return
    assert encode(message) == body


@given(st.sampled_from([encode(message) for message in good]), st.data())
def test_a_changed_byte_is_another_message_or_a_violation(body, data):
    where = data.draw(st.integers(0, len(body) - 1))
    changed = bytearray(body)
    changed[where] ^= data.draw(st.integers(1, 255))
    try:
        message = decode(bytes(changed))
    except PeerViolation:
        return
    assert encode(message) == bytes(changed)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
        | st.binary(),
        lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=12,
    )
)  # fmt: skip
def test_any_msgpack_is_a_message_or_a_violation(value):
    body = msgpack.packb(value)
    try:
        message = decode(body)
    except PeerViolation:
        return
    assert encode(message) == body


@pytest.mark.parametrize("groups", [0, 1, 2, READER_GROUPS])
def test_a_ready_shows_nonces_of_up_to_so_many_groups(groups):
    ready = Ready(bytes(32), bytes(32 * groups), bytes(64))
    assert decode(encode(ready)) == ready


@pytest.mark.parametrize("size", [1, 31, 33, 32 * (READER_GROUPS + 1)])
def test_a_ready_shows_whole_nonces_and_no_more(size):
    with pytest.raises(PeerViolation, match="malformed Ready"):
        decode(encode(Ready(bytes(32), bytes(size), bytes(64))))
