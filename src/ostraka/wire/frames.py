"""Bytes <-> frames, sans-I/O.

A frame is a 5-byte header, its kind (u8) and its body's length (u32, little-endian), and the body.

    CONTROL  one msgpack message, at most `limits.CONTROL_FRAME`
    DATA     raw bytes of the vector that the control message before it announced
    RELAY    to and from the coordinator only: a slot number (u16) and opaque bytes

Parsers are generators: each `yield` hands out a view that the driver must fill completely before
it resumes. The parser thereby says where bytes shall go (into the middle of an 80 MB vector, say)
and nobody copies them; and it is handed no byte that it did not ask for, so trailing bytes simply
stay with the link.
"""

from __future__ import annotations

import struct
from collections.abc import Generator
from enum import IntEnum
from typing import Final, TypeVar

from ostraka.errors import PeerViolation
from ostraka.limits import CONTROL_FRAME, DATA_FRAME, RELAY_CHUNK

T = TypeVar("T")
Buffer = bytes | bytearray | memoryview
Parser = Generator[memoryview, None, T]

_header: Final = struct.Struct("<BI")
_relay: Final = struct.Struct("<BIH")
HEADER: Final = _header.size
RELAY_HEADER: Final = _relay.size


class Kind(IntEnum):
    """What a frame holds."""

    CONTROL = 1
    DATA = 2
    RELAY = 3


_CONTROL: Final = Kind.CONTROL
_DATA: Final = Kind.DATA
"""Names of their own: looking up an enumeration's member takes long enough to be seen."""

_kinds: Final = {
    1: (Kind.CONTROL, CONTROL_FRAME),
    2: (Kind.DATA, DATA_FRAME),
    3: (Kind.RELAY, RELAY_CHUNK + 2),
}
"""Kinds by their number, each with the length of its longest body."""


def control(body: bytes) -> bytes:
    """A whole control frame."""
    if len(body) > CONTROL_FRAME:
        raise ValueError(f"a control message of {len(body)} bytes")
    return _header.pack(_CONTROL, len(body)) + body


def data_header(length: int) -> bytes:
    """The header of a chunk of `length` bytes."""
    return _header.pack(_DATA, length)


def relay(slot: int, payload: bytes) -> bytes:
    """A whole relay frame."""
    return _relay.pack(Kind.RELAY, len(payload) + 2, slot) + payload


def read_header() -> Parser[tuple[Kind, int]]:
    """The next frame's kind and length, both within bounds.

    Raises:
        PeerViolation: an unknown kind, or a length beyond the kind's limit. Nothing was allocated.
    """
    buffer = bytearray(HEADER)
    yield memoryview(buffer)
    number, length = _header.unpack(buffer)
    if number not in _kinds:
        raise PeerViolation(f"a frame of unknown kind {number}")
    kind, longest = _kinds[number]
    if length > longest:
        raise PeerViolation(f"a {kind.name} frame of {length} bytes; {longest} is the limit")
    return kind, length


def read_body(length: int) -> Parser[bytearray]:
    """The `length` bytes after a header."""
    buffer = bytearray(length)
    if length:
        yield memoryview(buffer)
    return buffer


def read_control() -> Parser[bytearray]:
    """The body of the next frame, which must be a control message.

    Raises:
        PeerViolation: it is of another kind.
    """
    kind, length = yield from read_header()
    if kind is not _CONTROL:
        raise PeerViolation(f"a {kind.name} frame where a message was due")
    return (yield from read_body(length))


def read_chunks(view: memoryview) -> Parser[None]:
    """Fill `view` from data frames of exactly the sizes `chunks` cuts.

    Raises:
        PeerViolation: a frame of another kind or size.
    """
    for chunk in chunks(view):
        kind, length = yield from read_header()
        if kind is not _DATA or length != len(chunk):
            raise PeerViolation(f"a {kind.name} frame of {length} bytes inside a vector")
        yield chunk


def chunks(view: memoryview) -> Generator[memoryview]:
    """Cut `view` into pieces of at most one data frame."""
    for start in range(0, len(view), DATA_FRAME):
        yield view[start : start + DATA_FRAME]


def read_relay(length: int) -> Parser[bytearray]:
    """The whole relay frame whose header announced `length`: ready to be passed on without a copy.

    Raises:
        PeerViolation: too short to hold a slot.
    """
    if length < 2:
        raise PeerViolation("a relay frame without a slot")
    frame = bytearray(HEADER + length)
    _header.pack_into(frame, 0, Kind.RELAY, length)
    yield memoryview(frame)[HEADER:]
    return frame


def relay_slot(frame: bytes | bytearray) -> int:
    """The slot in a whole relay frame."""
    return int.from_bytes(frame[HEADER:RELAY_HEADER], "little")


def set_relay_slot(frame: bytearray, slot: int) -> None:
    """Put another slot into a whole relay frame."""
    frame[HEADER:RELAY_HEADER] = slot.to_bytes(2, "little")


def split_relay(body: memoryview) -> tuple[int, memoryview]:
    """A relay frame's slot and payload.

    Raises:
        PeerViolation: too short to hold a slot.
    """
    if len(body) < 2:
        raise PeerViolation("a relay frame without a slot")
    return int.from_bytes(body[:2], "little"), body[2:]
