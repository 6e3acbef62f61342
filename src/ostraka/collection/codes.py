"""Codes of a collection's invitations, "ostraka2-...", and the links that hold them."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from ostraka.collection.credentials import SECRET, SigningKey
from ostraka.collection.report import OPEN
from ostraka.errors import UsageError

PREFIX: Final = "ostraka2-"
_CHECK: Final = 5
_FIXED: Final = 32 + 4 + SECRET
_TYPO: Final = "a code is one line, from ostraka2- to its last letter: copy all of it again"


@dataclass(frozen=True)
class CollectionCode:
    """Invitation to report to one collection; `repr` leaves out the secret.

    Attributes:
        manifest: the manifest's digest, 32 bytes: another manifest is refused.
        credential: the number of the credential in the roster, from 0; `OPEN` for none.
        secret: 16 bytes that the credential's key is derived from; zeros for none.
        mailbox: the mailbox's URL, ASCII, without a slash at its end.
    """

    manifest: bytes
    credential: int
    secret: bytes
    mailbox: str

    def __repr__(self) -> str:
        return f"CollectionCode({self.manifest.hex()}, {self.credential})"

    @property
    def key(self) -> SigningKey | None:
        """The credential's key; None where reports need none."""
        return None if self.credential == OPEN else SigningKey.of_credential(self.secret)

    def write(self) -> str:
        """Return the code as people paste it: lowercase letters, digits 2 to 7, no blanks."""
        number = self.credential.to_bytes(4, "little")
        body = self.manifest + number + self.secret + self.mailbox.encode("ascii")
        text = base64.b32encode(body + _checksum(body)).decode()
        return PREFIX + text.rstrip("=").lower()

    @property
    def link(self) -> str:
        """The address of the page that asks for the report; the code never leaves the browser."""
        return f"{self.mailbox}/c/{self.manifest.hex()}#{self.write()}"


def read_code(text: str) -> CollectionCode:
    """Read a code, or the link that holds it; blanks that a chat put into it do not matter.

    Raises:
        UsageError: it is not a whole code, or was mistyped.
    """
    plain = re.sub(r"\s", "", text).rpartition("#")[2].lower()
    if not plain.startswith(PREFIX):
        message = "this is neither a code nor a link of a collection's invitation"
        raise UsageError(message, hint=_TYPO, data_left=False)
    letters = plain.removeprefix(PREFIX).upper()
    try:
        whole = base64.b32decode(letters + "=" * (-len(letters) % 8))
        body, check = whole[:-_CHECK], whole[-_CHECK:]
        if check != _checksum(body) or len(body) <= _FIXED:
            raise ValueError
        return _read(body)
    except ValueError:
        message = "the code was mistyped, or cut short: its checksum does not fit"
        raise UsageError(message, hint=_TYPO, data_left=False) from None


def _read(body: bytes) -> CollectionCode:
    number, secret = int.from_bytes(body[32:36], "little"), body[36:_FIXED]
    return CollectionCode(body[:32], number, secret, body[_FIXED:].decode("ascii"))


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(b"ostraka code 2\0" + body).digest()[:_CHECK]
