"""Messages on a link: a closed set of types, each a flat msgpack array of type number and fields.

Between parties (inside the TLS session of the two):

    Hello      protocol version, manifest digest, nonce, signature of the three
    Ready      session id, nonces of results or their hashes (recipients to recipients, else empty),
               signature of the session id, half of the pair's key (compute parties to compute
               parties, else empty)
    Vector     phase and number of the step, element type, length; the elements follow inline or
               in data frames
    Statement  a party's signed account of the session (receipt), and its signature
    Abort      a code, and the name of the party it blames, or nothing
    Relayed    place of a third party in the manifest, its certificate (with a Hello, else empty),
               and one message of that party, encoded: Hello, Ready, Statement, or Abort when it
               has left
    Omission   the parties that a session is to begin without, a bit for each place in the
               manifest

Between a party and the coordinator (inside the TLS session of these two):

    Join       protocol version, room
    Welcome    the slot given
    Joined     slot and fingerprint of another member      Left    a slot that is empty again
    Window     bytes of a slot's traffic that were taken   Refused a code
    Ping, Pong

Between a party and the coordinator's mailbox (in place of Join; each has one answer):

    Post       box, cell, part, number of parts, content of the part
    Fetch      box, cell, part
    KeptPart       number of parts, content of the part; empty in answer to a Post; or Refused

Anything else from a peer is a violation: unknown types, other field counts, types or sizes, nested
values, and any encoding but the one `encode` produces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgpack

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

VERSION: Final = 5


class Hello(NamedTuple):
    """Message of a party that shows which manifest it holds, signed."""

    version: int
    digest: bytes
    nonce: bytes
    signature: bytes


class Ready(NamedTuple):
    """Message of a party that holds all Hellos: the session id, signed."""

    session: bytes
    result_nonces: bytes
    signature: bytes
    pair: bytes = b""


class Vector(NamedTuple):
    """Announcement of a vector, with its elements if it is short."""

    phase: int
    n: int
    dtype: str
    length: int
    inline: bytes


class Statement(NamedTuple):
    """Account of the session that a party signs at its end."""

    body: bytes
    signature: bytes


class Abort(NamedTuple):
    """Farewell of a party that ends the session, with the error's code and the party to blame."""

    code: str
    blames: str


class Relayed(NamedTuple):
    """Message of a third party, passed on by a compute party."""

    party: int
    certificate: bytes
    message: bytes


class Omission(NamedTuple):
    """Set of parties that a session is to begin without, as bits by their places."""

    absent: bytes


class Resume(NamedTuple):
    """First message of a party on a later connection of a link that it holds."""

    own: bytes
    peers: bytes
    received: int


class Join(NamedTuple):
    """Request of a party to the coordinator to enter a room."""

    version: int
    room: bytes


class Welcome(NamedTuple):
    """Answer of the coordinator to a Join: the slot of the party."""

    slot: int


class Joined(NamedTuple):
    """News from the coordinator that another member is in the room."""

    slot: int
    fingerprint: bytes


class Left(NamedTuple):
    """News from the coordinator that a member has left the room."""

    slot: int


class Window(NamedTuple):
    """Credit for bytes of a slot that their receiver has taken."""

    slot: int
    taken: int


class Refused(NamedTuple):
    """Refusal of a Join by the coordinator."""

    code: str


class Post(NamedTuple):
    """Part of a letter that the coordinator's mailbox is to keep."""

    box: bytes
    cell: int
    part: int
    parts: int
    content: bytes


class Fetch(NamedTuple):
    """Request for a part of a letter in the coordinator's mailbox."""

    box: bytes
    cell: int
    part: int


class KeptPart(NamedTuple):
    """Answer of the coordinator's mailbox: a part of a letter; `parts` is 0 if there is none."""

    parts: int
    content: bytes


class Ping(NamedTuple):
    """Question of the coordinator whether a party is still there."""


class Pong(NamedTuple):
    """Answer of a party to a Ping."""


Message = (
    Hello
    | Ready
    | Vector
    | Statement
    | Abort
    | Relayed
    | Omission
    | Resume
    | Join
    | Welcome
    | Joined
    | Left
    | Window
    | Refused
    | Ping
    | Pong
    | Post
    | Fetch
    | KeptPart
)
Check = Callable[[Any], bool]


def _number(limit: int) -> Check:
    return lambda value: type(value) is int and 0 <= value <= limit


def _octets(*sizes: int) -> Check:
    return lambda value: type(value) is bytes and len(value) in sizes


def _upto(limit: int) -> Check:
    return lambda value: type(value) is bytes and len(value) <= limit


def _text(limit: int = TEXT) -> Check:
    return lambda value: type(value) is str and len(value) <= limit and value.isprintable()


def _one_of(*words: str) -> Check:
    return lambda value: value in words


_slot: Final = _number(0xFFFF)

_layout: Final[dict[type[Message], tuple[int, tuple[Check, ...]]]] = {
    Hello: (1, (_number(0xFFFF), _octets(32), _octets(32), _octets(64))),
    Ready: (
        2,
        (
            _octets(32),
            _octets(*range(0, 32 * READER_GROUPS + 1, 32)),
            _octets(64),
            _octets(0, 32),
        ),
    ),
    Vector: (
        3,
        (
            _number(0xFFFFFFFF),
            _number(0xFFFFFFFF),
            _one_of("u8", "u1"),
            _number(VECTOR),
            _upto(INLINE_VECTOR),
        ),
    ),
    Statement: (4, (_upto(CONTROL_FRAME), _octets(64))),
    Abort: (5, (_text(), _text())),
    Relayed: (6, (_number(PARTIES), _upto(CERTIFICATE), _upto(CONTROL_FRAME))),
    Resume: (7, (_octets(32), _octets(32), _number((1 << 64) - 1))),
    Omission: (8, (_upto((PARTIES + 7) // 8),)),
    Join: (16, (_number(0xFFFF), _octets(32))),
    Welcome: (17, (_slot,)),
    Joined: (18, (_slot, _octets(32))),
    Left: (19, (_slot,)),
    Window: (20, (_slot, _number(RELAY_WINDOW))),
    Refused: (21, (_text(),)),
    Ping: (22, ()),
    Pong: (23, ()),
    Post: (
        24,
        (
            _octets(16),
            _number(2),
            _number(LETTER_PARTS - 1),
            _number(LETTER_PARTS),
            _upto(LETTER_PART),
        ),
    ),
    Fetch: (25, (_octets(16), _number(2), _number(LETTER_PARTS - 1))),
    KeptPart: (26, (_number(LETTER_PARTS), _upto(LETTER_PART))),
}
_numbers: Final = {kind: number for kind, (number, _) in _layout.items()}
_types: Final = {number: kind for kind, (number, _) in _layout.items()}
_packer: Final = msgpack.Packer()
"""One for all messages: making a packer for each would take longer than packing."""


def encode(message: Message) -> bytes:
    """Return the one encoding of `message`."""
    body: bytes = _packer.pack((_numbers[type(message)], *message))
    return body


def decode(body: bytes | bytearray) -> Message:
    """Return the message that `body` encodes.

    Raises:
        PeerViolation: `body` is not the one encoding of a message of a known type.
    """
    values = _unpack(body)
    kind = _types.get(values[0]) if values and type(values[0]) is int else None
    if kind is None:
        raise PeerViolation("a message of unknown type")
    _check(kind, values[1:])
    message = kind(*values[1:])
    if encode(message) != body:
        raise PeerViolation(f"a {kind.__name__} message in a non-canonical encoding")
    return message


def _unpack(body: bytes | bytearray) -> Sequence[Any]:
    try:
        values = msgpack.unpackb(
            body,
            max_array_len=8,
            max_map_len=0,
            max_ext_len=0,
            max_bin_len=CONTROL_FRAME,
            max_str_len=4 * TEXT,
        )
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
        raise PeerViolation("a message that is not msgpack within its limits") from None
    if type(values) is not list:
        raise PeerViolation("a message that is not an array")
    return values


def _check(kind: type[Message], values: Sequence[Any]) -> None:
    _, checks = _layout[kind]
    if len(values) != len(checks) or not all(
        check(value) for check, value in zip(checks, values, strict=True)
    ):
        raise PeerViolation(f"a malformed {kind.__name__} message")
