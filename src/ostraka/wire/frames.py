"""Frames: conversion between bytes and frames, without I/O.

A frame is a 5-byte header and a body. The header holds the frame's kind (u8) and the length of its
body (u32, little-endian).

    CONTROL  one msgpack message, at most `limits.CONTROL_FRAME`
    DATA     raw bytes of the vector that the control message before it announced
    RELAY    to and from the coordinator only: a slot number (u16) and opaque bytes
    ACK      no body: the length is the position, modulo 2^32, up to which the sender has settled
             what it received (see `resume`)
    PROBE    no body, length 0: asks for an ACK at once

ACK and PROBE are *signals*: they come between other frames, and are not part of the stream that
positions count. `read_header` yields each as a `Signal` and reads on.

Parsers are generators: each `yield` hands out a view that the driver must fill completely before
it resumes the parser. So bytes go where the parser wants them, such as into the middle of an 80 MB
vector, and are not copied. A parser gets no byte that it did not ask for, so trailing bytes stay
with the link.
"""

from __future__ import annotations

import struct
from collections.abc import Generator
from enum import IntEnum
from typing import Final, NamedTuple, TypeVar

from ostraka.errors import PeerViolation
from ostraka.limits import CONTROL_FRAME, DATA_FRAME, RELAY_CHUNK

T = TypeVar("T")
Buffer = bytes | bytearray | memoryview


_header: Final = struct.Struct("<BI")
_relay: Final = struct.Struct("<BIH")
HEADER: Final = _header.size
RELAY_HEADER: Final = _relay.size


class Kind(IntEnum):
    """Kinds of frames, by the number in the header."""

    CONTROL = 1
    DATA = 2
    RELAY = 3
    ACK = 4
    PROBE = 5


class Header(bytearray):
    """Buffer of a frame's header, which tells a header from a body."""


class Signal(NamedTuple):
    """Frame without a body that the other end of a link sends beside its stream."""

    kind: Kind
    value: int


Parser = Generator[memoryview | Signal, None, T]


_CONTROL: Final = Kind.CONTROL
_DATA: Final = Kind.DATA
"""Names of their own: looking up an enumeration's member takes long enough to be seen."""

_kinds: Final = {
    1: (Kind.CONTROL, CONTROL_FRAME),
    2: (Kind.DATA, DATA_FRAME),
    3: (Kind.RELAY, RELAY_CHUNK + 2),
}
"""Kinds by their number, each with the length of its longest body."""

_signals: Final = {4: Kind.ACK, 5: Kind.PROBE}


def control(body: bytes) -> bytes:
    """Return the control frame, header included, with this body; ValueError if it is too long."""
    if len(body) > CONTROL_FRAME:
        raise ValueError(f"a control message of {len(body)} bytes")
    return _header.pack(_CONTROL, len(body)) + body


def data_header(length: int) -> bytes:
    """Return the header of a chunk of `length` bytes."""
    return _header.pack(_DATA, length)


def relay(slot: int, payload: bytes) -> bytes:
    """Return the relay frame, header included, that carries `payload` to or from a slot."""
    return _relay.pack(Kind.RELAY, len(payload) + 2, slot) + payload


def signal(kind: Kind, value: int = 0) -> bytes:
    """Return the signal of a kind; `value` counts modulo 2^32."""
    return _header.pack(kind, value & 0xFFFFFFFF)


def is_part_of_signal(view: memoryview, filled: int) -> bool:
    """Return whether the first `filled` bytes of a view, as a parser handed it out, are the
    beginning of a signal."""
    return bool(filled) and type(view.obj) is Header and view[0] in _signals


def read_header() -> Parser[tuple[Kind, int]]:
    """Read a frame's header; return the kind and the length of the body. Yields signals before.

    Raises:
        PeerViolation: an unknown kind, or a length beyond the kind's limit. The body has not been
            allocated.
    """
    while True:
        buffer = Header(HEADER)
        yield memoryview(buffer)
        number, length = _header.unpack(buffer)
        if number not in _signals:
            break
        yield Signal(_signals[number], length)
    if number not in _kinds:
        raise PeerViolation(f"a frame of unknown kind {number}")
    kind, longest = _kinds[number]
    if length > longest:
        raise PeerViolation(f"a {kind.name} frame of {length} bytes; {longest} is the limit")
    return kind, length


def read_body(length: int) -> Parser[bytearray]:
    """Read and return the body of a frame: `length` bytes."""
    buffer = bytearray(length)
    if length:
        yield memoryview(buffer)
    return buffer


def read_control() -> Parser[bytearray]:
    """Read the next frame, which must be a control frame, and return its body.

    Raises:
        PeerViolation: the frame is of another kind.
    """
    kind, length = yield from read_header()
    if kind is not _CONTROL:
        raise PeerViolation(f"a {kind.name} frame where a message was due")
    return (yield from read_body(length))


def read_chunks(view: memoryview) -> Parser[None]:
    """Fill `view` from data frames, which must have exactly the sizes that `chunks` gives.

    Raises:
        PeerViolation: a frame is of another kind or size.
    """
    for chunk in chunks(view):
        kind, length = yield from read_header()
        if kind is not _DATA or length != len(chunk):
            raise PeerViolation(f"a {kind.name} frame of {length} bytes inside a vector")
        yield chunk


def chunks(view: memoryview) -> Generator[memoryview]:
    """Yield consecutive pieces of `view`, each of at most one data frame's length."""
    for start in range(0, len(view), DATA_FRAME):
        yield view[start : start + DATA_FRAME]


def read_relay(length: int) -> Parser[bytearray]:
    """Read the rest of a relay frame whose header announced `length`; return the whole frame.

    The header is rebuilt, so that the frame can be passed on without a copy.

    Raises:
        PeerViolation: the frame is too short to hold a slot.
    """
    if length < 2:
        raise PeerViolation("a relay frame without a slot")
    frame = bytearray(HEADER + length)
    _header.pack_into(frame, 0, Kind.RELAY, length)
    yield memoryview(frame)[HEADER:]
    return frame


def relay_slot(frame: bytes | bytearray) -> int:
    """Return the slot in a whole relay frame."""
    return int.from_bytes(frame[HEADER:RELAY_HEADER], "little")


def set_relay_slot(frame: bytearray, slot: int) -> None:
    """Overwrite the slot in a whole relay frame."""
    frame[HEADER:RELAY_HEADER] = slot.to_bytes(2, "little")


def split_relay(body: memoryview) -> tuple[int, memoryview]:
    """Split the body of a relay frame into its slot and its payload.

    Raises:
        PeerViolation: the body is too short to hold a slot.
    """
    if len(body) < 2:
        raise PeerViolation("a relay frame without a slot")
    return int.from_bytes(body[:2], "little"), body[2:]
