"""Frames of a journal: sealed bodies, in the order in which they were written. Pure.

    file     16 bytes that name the format, then frames
    frame    length (u32, little-endian), then so many bytes: AES-256-GCM of a body, under the key
             of this life and the frame's number in it as nonce
    life     a frame of length 0, then 16 random bytes: from here on a new process writes

A process that goes on with a journal first drops what its predecessor left unfinished. So it must
not use the predecessor's nonces again: each life has its own key, derived from the journal's key,
the random bytes and the 16 bytes before its mark. A frame that was moved, changed or removed from
the middle therefore does not open; what is missing at the end cannot be noticed here.
"""

from __future__ import annotations

import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC: Final = b"ostraka record 1"
SALT_BYTES: Final = 16
KEY_BYTES: Final = 32
HEAD_BYTES: Final = 4

PIECE: Final = 1 << 18
"""Bytes of a long vector in one frame."""

LONGEST: Final = PIECE + (1 << 16)
"""Bytes of the longest body. It bounds what a damaged length makes a reader allocate."""

_TAG: Final = SALT_BYTES
_length: Final = struct.Struct("<I")

Buffer = bytes | bytearray | memoryview


class Damaged(Exception):
    """A whole frame that does not open: the file is not as it was written."""


class Torn(Exception):
    """A frame that ends before it is whole: its writer was stopped."""


def derived(key: bytes, salt: bytes, use: bytes) -> bytes:
    """Return a key for one use: HKDF-SHA256 of another key, 32 bytes."""
    return HKDF(SHA256(), KEY_BYTES, salt, b"ostraka record 1 " + use).derive(key)


class Frames:
    """Seals bodies into frames, or opens frames, one after the other.

    Args:
        key: the journal's, 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher: AESGCM | None = None
        self._number = 0

    def begin_life(self, salt: bytes, before: bytes) -> bytes:
        """Begin a life, when writing or reading; return its mark in the file.

        Args:
            before: the 16 bytes before the mark.
        """
        self._cipher = AESGCM(derived(self._key, salt, before))
        self._number = 0
        return _length.pack(0) + salt

    def seal(self, body: Buffer) -> tuple[bytes, bytes]:
        """Return the next frame that is written, as its length and its content."""
        assert self._cipher is not None
        if len(body) > LONGEST:
            raise ValueError(f"a body of {len(body)} bytes")
        sealed = self._cipher.encrypt(self._nonce(), body, None)
        return _length.pack(len(sealed)), sealed

    def open(self, content: bytes) -> bytes:
        """Return the body of the next frame that is read.

        Raises:
            Damaged: it is not the frame that was written here.
        """
        if self._cipher is None:
            raise Damaged
        try:
            return self._cipher.decrypt(self._nonce(), content, None)
        except InvalidTag:
            raise Damaged from None

    def _nonce(self) -> bytes:
        self._number += 1
        return self._number.to_bytes(12, "little")


def content_length(head: bytes) -> int:
    """Return how many bytes follow a frame's length; 0 at the mark of a life.

    Raises:
        Torn: the length is not whole.
        Damaged: no frame is so long.
    """
    if len(head) < _length.size:
        raise Torn
    (length,) = _length.unpack(head)
    if length > LONGEST + _TAG or 0 < length < _TAG:
        raise Damaged
    return int(length)
