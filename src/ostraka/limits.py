"""Bounds put on peers, each with its reason."""

from __future__ import annotations

from typing import Final

CONTROL_FRAME: Final = 16 * 1024
"""Bytes of one msgpack message: the largest honest one is a receipt statement of 100 parties."""

DATA_FRAME: Final = 1 << 20
"""Bytes of one raw chunk: large enough to hide its header, small enough to bound a buffer."""

INLINE_VECTOR: Final = 8 * 1024
"""Bytes up to which a vector travels in the message that announces it: one frame, one record."""

TEXT: Final = 512
"""Characters of any text from a peer: it is shown to a person, never interpreted."""

CERTIFICATE: Final = 4096
"""Bytes of a self-signed certificate: ours are about 400."""

PARSED_CERTIFICATES: Final = 1024
"""Certificates whose keys are kept, so that what they sign next is checked without parsing them
again: those of the parties of a large session, and at most 4 MiB of strangers'."""

ACK_BYTES: Final = 1 << 20
"""Bytes of a peer's stream that are settled before it is told so: until then it keeps them."""

VECTOR: Final = 1 << 30
"""Elements of one vector: 8 GiB of shares, more than a party can hold."""

INPUT: Final = 1 << 20
"""Bytes of an input's file besides its values: names, brackets and blanks."""

INPUT_VALUE: Final = 512
"""Bytes of one value in an input's file: 400 digits, a line's end, blanks."""

PARTIES: Final = 1 << 14
"""Parties of one manifest, for simulations too; over a network see `ROOM_MEMBERS`."""

DRAFT: Final = 256 << 20
"""Bytes of an organiser's draft: 10^6 invitations with names take about 150 MB."""

KEY_FILE: Final = 1 << 16
"""Bytes of a file with a key or a certificate: ours have about 400."""

PLACES: Final = 1 << 20
"""Places of one collection: as many contributors may report at most."""

HANDSHAKE_SECONDS: Final = 10.0
"""Seconds from accepted connection to finished TLS handshake; longer is a slow-loris attack."""

FIRST_FRAME_SECONDS: Final = 5.0
"""Seconds from finished handshake to the first frame."""

FIRST_BYTE_SECONDS: Final = 2.0
"""Seconds from accepted connection to the first byte, which the side that dials sends at once."""

PREAUTH_CONNECTIONS: Final = 512
"""Connections that have not finished their handshake, all peers together."""

PREAUTH_OF_ONE_SOURCE: Final = 256
"""Connections of one host that have not finished their handshake: a flood leaves others room."""

READER_GROUPS: Final = 64
"""Groups of recipients that learn different figures and that one recipient is in: an auction has
two."""

RELAY_WINDOW: Final = 4 << 20
"""Bytes that one party may have on the way to another through the coordinator. Bounds the
coordinator's memory for a pair, and still fills 80 MB/s at 50 ms."""

BROKER_WINDOW: Final = 4 << 20
"""Bytes that one party may have on the way to another through an MQTT broker."""

BROKER_PACKETS: Final = 640
"""Messages that all parties may have on the way to one at a broker. Mosquitto drops what is beyond
1,000 in a client's queue, though it acknowledged it; presence and credit need some, too."""

BROKER_MESSAGE: Final = 1 << 17
"""Bytes of one message of an MQTT broker: one encrypted chunk of 72 KiB, and its topic."""

RELAY_CHUNK: Final = 256 * 1024
"""Bytes of one relayed frame: a frame of one pair waits for at most so many of another pair."""

RELAY_QUEUE: Final = 16 << 20
"""Bytes the coordinator keeps for one member, from all others: four windows. Above it, members that
send to it are left unread until half has gone: 1,000 windows of 4 MiB would be 4 GiB."""

RELAY_MEMORY: Final = 256 << 20
"""Bytes the coordinator keeps for all members together; above it, one relayed frame for each."""

STALL_SECONDS: Final = 30.0
"""Seconds a member may leave all that waits for it unread before it counts as gone."""

READ_AHEAD: Final = 1 << 20
"""Bytes a link keeps before they are asked for; above it the socket is left unread."""

ROOM_MEMBERS: Final = 1000
"""Members of a coordinator's room: every pair of parties verifies each other, so work grows as the
square."""

COORDINATORS: Final = 8
"""Coordinators of one manifest: a party connects to all of them."""

ROOM_SAME_KEY: Final = 4
"""Members of a room with the same key: a party that reconnects before its old link is given up."""

ROOMS: Final = 4096
"""Rooms of one coordinator at once."""

COORDINATOR_CONNECTIONS: Final = 10_000
"""Connections of one coordinator at once: an idle one takes under 100 KiB."""

CONNECTIONS_OF_ONE_KEY: Final = 1024
"""Connections of one key at a coordinator, in all rooms: a party of so many sessions at once."""

CONNECTIONS_AT_ONCE: Final = 2000
"""Connections that one source may open at a coordinator in a row."""

CONNECTIONS_A_SECOND: Final = 200
"""Connections a second that one source may open at a coordinator for long; a handshake takes the
coordinator one or two milliseconds."""

PING_SECONDS: Final = 15.0
"""Seconds of silence after which the coordinator asks a party whether it is still there."""

PONG_SECONDS: Final = 15.0
"""Seconds the coordinator waits for that answer before it calls the party gone."""

PROBE_SECONDS: Final = 3.0
"""Seconds that a member has for an answer once its key has joined the room again: a host that was
switched off leaves a connection behind that never ends by itself."""

MANIFEST: Final = 4 << 20
"""Bytes of a manifest file: 1,000 parties take about 150 KiB, `PARTIES` 2.5 MiB."""

MANIFEST_GRACE_SECONDS: Final = 3.0
"""Seconds a peer that showed another manifest has to show ours. The same parties may run two
sessions at once, but nearly always one of them has edited its file."""

OFFLOAD: Final = 40_000_000
"""Nanoseconds of work from which it is done beside the event loop. Links and timers wait for less,
also on a machine of half the speed, at most a tenth of a second."""

HASHED_BESIDE: Final = 1 << 15
"""Elements of a message from which another thread hashes it: so many take a tenth of a
millisecond, ten times as long as handing them over."""

LETTER_PART: Final = 8 * 1024
"""Bytes of a part of a letter in the coordinator's mailbox: it fits into one message."""

LETTER_PARTS: Final = 64
"""Parts of a letter: 512 KiB, a manifest of 1,000 parties in base64, sealed."""

MAILBOXES_OF_ONE_KEY: Final = 1024
"""Boxes that one organiser may have at a coordinator."""

MAILBOXES: Final = 16384
"""Boxes of one coordinator, all organisers together."""

MAILBOX_BYTES: Final = 256 << 20
"""Bytes of all letters at one coordinator."""

MAILBOX_SECONDS: Final = 30 * 86400
"""Seconds from now at which a box expires at the latest."""

TABLE_BYTES: Final = 4 << 30
"""Bytes of a table's file: it is read into memory, as the party's own."""

TABLE_CELLS: Final = 1 << 27
"""Cells of a sheet from its first to its last: a lone one in the last corner of a workbook would
take hundreds of gigabytes."""

TABLE_ROWS: Final = 1 << 26
"""Rows of a table, so that a file that expands without end is noticed."""
