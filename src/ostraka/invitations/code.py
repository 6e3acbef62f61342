"""Code of an invitation: what a person pastes, "ostraka1-..."."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ostraka.errors import UsageError

PREFIX: Final = "ostraka1-"
SECRET: Final = 16
"""Bytes of a code's secret."""

_CHECK: Final = 5
_FIXED: Final = 32 + 32 + 8 + SECRET + 8
_TYPO: Final = "a code is one line, from ostraka1- to its last letter: copy all of it again"


@dataclass(frozen=True)
class Code:
    """Invitation of one party to one draft; `repr` leaves out the secret.

    Attributes:
        name: the party's name in the draft.
        address, coordinator: "host:port" of the coordinator, and its fingerprint.
        organiser: the organiser's fingerprint: a manifest under any other is refused.
        draft: the draft's id, 8 bytes.
        secret: 16 bytes; the coordinator never learns it.
        expires: seconds since 1970.
    """

    name: str
    address: str
    coordinator: bytes
    organiser: bytes
    draft: bytes
    secret: bytes
    expires: int

    def __repr__(self) -> str:
        return f"Code({self.name!r}, draft={self.draft.hex()})"

    @property
    def box(self) -> bytes:
        """The place at the coordinator where letters are left, 16 bytes."""
        return self.derive(b"box")[:16]

    def derive(self, use: bytes) -> bytes:
        """Return a key for one use, 32 bytes: HKDF-SHA256 of the secret and the draft."""
        return HKDF(SHA256(), 32, self.draft, b"ostraka invitation 1 " + use).derive(self.secret)

    def write(self) -> str:
        """Return the code as people paste it: lowercase letters, digits 2 to 7, no blanks."""
        body = b"".join((
            self.coordinator, self.organiser, self.draft, self.secret, self.expires.to_bytes(8),
            bytes([len(self.name)]), self.name.encode(), self.address.encode(),
        ))  # fmt: skip
        text = base64.b32encode(body + _checksum(body)).decode()
        return PREFIX + text.rstrip("=").lower()


def read(text: str) -> Code:
    """Read a code; blanks and line breaks that a chat put into it do not matter.

    Raises:
        UsageError: it is not a whole code, or was mistyped.
    """
    plain = re.sub(r"\s", "", text).lower()
    if not plain.startswith(PREFIX):
        raise UsageError("this is not an invitation's code", hint=_TYPO, data_left=False)
    letters = plain.removeprefix(PREFIX).upper()
    try:
        whole = base64.b32decode(letters + "=" * (-len(letters) % 8))
        body, check = whole[:-_CHECK], whole[-_CHECK:]
        if check != _checksum(body) or len(body) <= _FIXED:
            raise ValueError
        return _read(body)
    except (ValueError, UnicodeDecodeError):
        message = "the code was mistyped, or cut short: its checksum does not fit"
        raise UsageError(message, hint=_TYPO, data_left=False) from None


def _read(body: bytes) -> Code:
    fields, rest = [], body
    for size in (32, 32, 8, SECRET, 8, 1):
        fields.append(rest[:size])
        rest = rest[size:]
    coordinator, organiser, draft, secret, expires, length = fields
    name, address = rest[: length[0]].decode(), rest[length[0] :].decode()
    return Code(name, address, coordinator, organiser, draft, secret, int.from_bytes(expires))


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(b"ostraka code 1\0" + body).digest()[:_CHECK]
