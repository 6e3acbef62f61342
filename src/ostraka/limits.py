"""Every bound put on a peer, each with its reason."""

from __future__ import annotations

from typing import Final

CONTROL_FRAME: Final = 16 * 1024
"""Bytes of one msgpack message: the largest honest one is a receipt statement of 100 parties."""

DATA_FRAME: Final = 1 << 20
"""Bytes of one raw chunk: large enough to hide its header, small enough to bound a buffer."""

INLINE_VECTOR: Final = 8 * 1024
"""Vectors up to this many bytes travel inside their announcing message: one frame, one record."""

TEXT: Final = 512
"""Characters of any text from a peer: it is shown to a person, never interpreted."""

CERTIFICATE: Final = 4096
"""Bytes of a self-signed certificate: ours are about 400."""

VECTOR: Final = 1 << 30
"""Elements of one vector: 8 GiB of shares, more than a party can hold."""

PARTIES: Final = 1 << 14
"""Parties of one manifest, for simulations too; over a network see `ROOM_MEMBERS`."""

HANDSHAKE_SECONDS: Final = 10.0
"""From accepted connection to finished TLS handshake; longer is a slow-loris."""

FIRST_FRAME_SECONDS: Final = 5.0
"""From finished handshake to the first frame."""

PREAUTH_CONNECTIONS: Final = 512
"""Connections that have not finished their handshake, all peers together."""

RELAY_WINDOW: Final = 4 << 20
"""Bytes one party may have on the way to another through the coordinator before the receiver has
taken them: bounds the coordinator's memory per pair and still fills 80 MB/s at 50 ms."""

RELAY_CHUNK: Final = 256 * 1024
"""Bytes of one relayed frame: who waits for one pair is never behind more than this of another."""

RELAY_QUEUE: Final = 16 << 20
"""Bytes the coordinator keeps for one member, from all others: four windows. Above it, whoever
sends to that member is left unread until half has gone: 1,000 windows of 4 MiB would be 4 GiB."""

RELAY_MEMORY: Final = 256 << 20
"""Bytes the coordinator keeps for everybody together; above it, one relayed frame for each."""

STALL_SECONDS: Final = 30.0
"""How long a member may take nothing of what waits for it before it counts as gone."""

READ_AHEAD: Final = 1 << 20
"""Bytes a link keeps that nobody has asked for yet; above it the socket is left unread."""

ROOM_MEMBERS: Final = 1000
"""Members of a coordinator's room: every pair of parties verifies each other, so work grows as the
square."""

ROOM_SAME_KEY: Final = 4
"""Members of a room with the same key: a party that reconnects before its old link is given up."""

ROOMS: Final = 4096
"""Rooms of one coordinator at once."""

PING_SECONDS: Final = 15.0
"""Silence after which the coordinator asks a party whether it is still there."""

PONG_SECONDS: Final = 15.0
"""... and how long it waits for the answer before it calls the party gone."""

MANIFEST: Final = 4 << 20
"""Bytes of a manifest file: 1,000 parties take about 150 KiB, `PARTIES` 2.5 MiB."""

MANIFEST_GRACE_SECONDS: Final = 3.0
"""How long a peer that showed another manifest may take to show ours: the same parties may run two
sessions at once, but nearly always somebody has edited a file."""
