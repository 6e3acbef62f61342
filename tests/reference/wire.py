"""Second implementation of frames, messages and links, from docs/spec and tests/vectors alone.

All modules here are of the same kind: plain integers, the standard library, msgpack, cryptography.
"""

import hashlib
import struct
from typing import Any

import msgpack
from cryptography import x509

WIRE = 5
HELLO, READY, VECTOR, STATEMENT, ABORT, RELAYED = range(1, 7)
U16, U32, ACK, PROBE = 2**16 - 1, 2**32 - 1, 4, 5
# Fields of each message: greatest integer, range of lengths of bytes, or text.
MESSAGES: dict[int, tuple[Any, ...]] = {
    1: (U16, (32, 32), (32, 32), (64, 64)),
    2: ((32, 32), (0, 2048), (64, 64), (0, 32)),
    3: (U32, U32, str, 2**30, (0, 8192)),
    4: ((0, 16384), (64, 64)),
    5: (str, str),
    6: (16384, (0, 4096), (0, 16384)),
    7: ((32, 32), (32, 32), 2**64 - 1),
    16: (U16, (32, 32)), 17: (U16,), 18: (U16, (32, 32)), 19: (U16,), 20: (U16, 4194304),
    21: (str,), 22: (), 23: (),
    24: ((16, 16), 2, 63, 64, (0, 8192)), 25: ((16, 16), 2, 63), 26: (64, (0, 8192)),
}  # fmt: skip
NEXT = {
    "hello": {HELLO: "ready", ABORT: "closed"},
    "ready": {READY: "open", ABORT: "closed", RELAYED: "ready"},
    "open": {VECTOR: "open", STATEMENT: "ended", ABORT: "closed", RELAYED: "open"},
    "ended": {ABORT: "closed", RELAYED: "ended"},
    "closed": {},
}


class Stop(Exception):
    """End of a session: a code of Abort, and the party that is blamed, if any."""

    def __init__(self, code: str, blame: str = "", why: str = "") -> None:
        super().__init__(f"{code} {blame}: {why}")
        self.code, self.blame = code, blame


class Lost(Exception):
    """Loss of a peer."""


def H(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def encode(number: int, *fields: Any) -> bytes:
    return msgpack.packb([number, *fields])


def decode(body: bytes) -> list[Any]:
    """Return the number and the fields of a message; its one encoding alone is taken."""
    try:
        message = msgpack.unpackb(body)
    except Exception as error:
        raise Stop("violation", why="not msgpack") from error
    if not isinstance(message, list) or not message:
        raise Stop("violation", why="not an array")
    if msgpack.packb(message) != body:
        raise Stop("violation", why="non-canonical")
    if type(message[0]) is not int or message[0] not in MESSAGES:
        raise Stop("violation", why="unknown type")
    kinds = MESSAGES[message[0]]
    if len(kinds) != len(message) - 1 or not all(map(fits, message[1:], kinds)):
        raise Stop("violation", why="malformed")
    return message


def fits(field: Any, kind: Any) -> bool:
    if kind is str:
        return isinstance(field, str) and len(field) <= 512 and field.isprintable()
    if isinstance(kind, int):
        return type(field) is int and 0 <= field <= kind
    return isinstance(field, bytes) and kind[0] <= len(field) <= kind[1]


class Link:
    def __init__(self, peer: str, certificate: bytes, reader: Any, writer: Any) -> None:
        self.peer, self.certificate, self.reader, self.writer = peer, certificate, reader, writer
        self.key: Any = x509.load_der_x509_certificate(certificate).public_key()
        self.state, self.lost, self.kept, self.taken = "hello", False, {}, 0

    def send(self, number: int, *fields: Any) -> None:
        body = encode(number, *fields)
        self.writer.write(struct.pack("<BI", 1, len(body)) + body)

    def send_vector(self, phase: int, step: int, dtype: str, data: bytes) -> None:
        inline = data if len(data) <= 8192 else b""
        self.send(VECTOR, phase, step, dtype, len(data) // int(dtype[1]), inline)
        for at in range(0, len(data) - len(inline), 2**20):
            part = data[at : at + 2**20]
            self.writer.write(struct.pack("<BI", 2, len(part)) + part)

    async def frame(self, kind: int, longest: int) -> bytes:
        head = (ACK, 0)
        while head[0] in (ACK, PROBE):  # it never reconnects, and says a word in each tick anyway
            head = struct.unpack("<BI", await self.reader.readexactly(5))
        if head[0] != kind or head[1] > longest:
            raise Stop("violation", self.peer, "another frame")
        body = await self.reader.readexactly(head[1])
        self.taken += 5 + len(body) if self.state != "hello" else 0  # behind the Hello
        return body

    async def receive(self, number: int) -> list[Any]:
        """Return the fields of the next message, which must be of that number."""
        message = decode(await self.frame(1, 16384))
        if message[0] not in NEXT[self.state] or message[0] not in (number, ABORT):
            raise Stop("violation", self.peer, "another message")
        gathering = self.state in ("hello", "ready")
        self.state = NEXT[self.state][message[0]]
        if message[0] == ABORT:
            raise Stop(message[1], message[2]) if gathering else Lost(self.peer, message[1])
        self.kept[number] = encode(*message)
        return message[1:]

    async def vector(self, phase: int, step: int, dtype: str, length: int) -> bytes:
        *head, inline = await self.receive(VECTOR)
        size, data = length * int(dtype[1]), inline
        if head != [phase, step, dtype, length] or len(inline) != (size if size <= 8192 else 0):
            raise Stop("violation", self.peer, f"another vector: {head}")
        while len(data) < size:
            expected = min(2**20, size - len(data))
            part = await self.frame(2, 2**20)
            if len(part) != expected:
                raise Stop("violation", self.peer, "another length of a data frame")
            data += part
        return data
