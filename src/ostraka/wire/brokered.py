"""Packets that two parties send each other through a publish/subscribe broker.

    HERE     a client of a party is there         kind (u8), client (8 bytes)
    GONE     its connection to the broker broke   the same; said by the broker, as its last will
    LEFT     it has left                          the same
    DATA     bytes of a carrier                   kind, client, then little-endian: carrier (u32),
                                                  number (u64), received (u64), taken (u64), bytes
    ECHO     question of a client to itself       as DATA; as large as the largest
    CREDIT   what was received, without bytes     as DATA; `number` is that of the next DATA
    CLOSE    the end of a carrier                 as CREDIT

A carrier is named by the client of the party that opened it, and by that client's own count. DATA
packets of each direction are numbered from 0: a broker may lose, double or reorder them, also those
that it acknowledged. `received` is how many DATA packets have arrived from the other end, and
`taken` how many of their bytes its owner has used. Nothing here is authentic: the bytes are the two
parties' TLS session, which is.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple

from ostraka.errors import PeerViolation
from ostraka.wire.frames import Buffer

CLIENT: Final = 8
"""Bytes that name one client of a broker, drawn at random for each connection."""

EVERYBODY: Final = "_"
"""Topic level in the place of a receiver, for what all members read; no party has that name."""

_PRESENCE: Final = struct.Struct("<B8s")
_CARRIED: Final = struct.Struct("<B8sIQQQ")

OVERHEAD: Final = _CARRIED.size
"""Bytes of a DATA packet besides those that it carries."""


class PacketKind(IntEnum):
    """Kinds of packets."""

    HERE = 1
    GONE = 2
    LEFT = 3
    DATA = 4
    ECHO = 5
    CREDIT = 6
    CLOSE = 7


_PRESENCES: Final = frozenset({PacketKind.HERE, PacketKind.GONE, PacketKind.LEFT})


class Packet(NamedTuple):
    """One packet; the fields behind `client` are those of carriers only."""

    kind: PacketKind
    client: bytes
    carrier: int = 0
    number: int = 0
    received: int = 0
    taken: int = 0
    data: Buffer = b""


def encode(packet: Packet) -> bytes:
    """Return the bytes of a packet."""
    if packet.kind in _PRESENCES:
        return _PRESENCE.pack(packet.kind, packet.client)
    return _CARRIED.pack(*packet[:6]) + bytes(packet.data)


def decode(payload: bytes) -> Packet:
    """Return the packet that the bytes are.

    Raises:
        PeerViolation: they are none.
    """
    try:
        kind = PacketKind(payload[0])
        if kind in _PRESENCES:
            _, client = _PRESENCE.unpack(payload)
            return Packet(kind, client)
        _, *fields = _CARRIED.unpack_from(payload)
    except (IndexError, ValueError, struct.error):
        raise PeerViolation(f"{len(payload)} bytes that are no packet") from None
    data = memoryview(payload)[OVERHEAD:]
    if bool(data) != (kind in (PacketKind.DATA, PacketKind.ECHO)):
        raise PeerViolation(f"a {kind.name} packet with {len(data)} bytes")
    client, carrier, number, received, taken = fields
    return Packet(kind, client, carrier, number, received, taken, data)
