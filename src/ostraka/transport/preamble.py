"""The cleartext start of every link: each side shows its certificate, and is checked by its pin.

    "OSTRAKA", version (u8), length (u16, little-endian), certificate in DER form

Python's TLS has no callback that could decide about a certificate it does not know, and a manifest
holds fingerprints only. A certificate shown here proves nothing yet: the TLS handshake does.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

from ostraka.errors import PeerViolation, PinMismatch
from ostraka.identity import fingerprint_text
from ostraka.limits import CERTIFICATE
from ostraka.wire.frames import Buffer

MAGIC: Final = b"OSTRAKA\x01"
HEADER: Final = len(MAGIC) + 2

Admit = Callable[[bytes], str]
"""Returns the name of the peer with this fingerprint, or raises to refuse it."""


def pinned(name: str, pin: bytes) -> Admit:
    """Admit the one peer whose certificate has the fingerprint `pin`."""

    def admit(shown: bytes) -> str:
        if not hmac.compare_digest(shown, pin):
            raise PinMismatch(
                f"{name} answered with the key {fingerprint_text(shown)}, "
                f"the manifest says {fingerprint_text(pin)}",
                hint=f"ask {name} for the right fingerprint; if the manifest is right, "
                f"another program answers in the place of {name}",
            )
        return name

    return admit


def announce(certificate: bytes) -> bytes:
    """Return the preamble that shows `certificate`."""
    return MAGIC + len(certificate).to_bytes(2, "little") + certificate


class Preamble:
    """The peer's preamble, as far as it has arrived."""

    def __init__(self) -> None:
        self._raw = bytearray()

    def __len__(self) -> int:
        return len(self._raw)

    def feed(self, data: Buffer) -> tuple[bytes, bytes] | None:
        """Take bytes; return the certificate and the bytes after it once the preamble is whole.

        Raises:
            PeerViolation: the bytes are not a preamble, or announce a certificate too large.
        """
        self._raw += data
        size = self._certificate_size()
        if size is None or len(self._raw) < HEADER + size:
            return None
        raw, self._raw = bytes(self._raw), bytearray()
        return raw[HEADER : HEADER + size], raw[HEADER + size :]

    def _certificate_size(self) -> int | None:
        raw = self._raw
        if not MAGIC.startswith(bytes(raw[: len(MAGIC)])):
            raise PeerViolation("what answers there is not ostraka")
        if len(raw) < HEADER:
            return None
        size = int.from_bytes(raw[len(MAGIC) : HEADER], "little")
        if not 0 < size <= CERTIFICATE:
            raise PeerViolation(f"a certificate of {size} bytes")
        return size
