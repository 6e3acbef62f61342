"""Preamble, the cleartext start of every link: each side shows its certificate to the other.

    "OSTRAKA", version (u8), length (u16, little-endian), certificate in DER form

Its fingerprint is compared with the pin. Python's TLS needs the certificate before the handshake,
as it has no callback that could decide about an unknown one, and a manifest holds fingerprints
only. A certificate shown here proves nothing yet: the TLS handshake does.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

from ostraka.errors import PeerLost, PeerViolation, PinMismatch
from ostraka.identity import fingerprint_text
from ostraka.limits import CERTIFICATE
from ostraka.wire.frames import Buffer

MAGIC: Final = b"OSTRAKA\x01"
HEADER: Final = len(MAGIC) + 2

OTHER_PROGRAM: Final = "is the manifest's address right, port included? ask the one who wrote it"

PROGRAMS: Final = {
    b"HTTP/": "an HTTP server, not ostraka,",
    b"SSH-": "an SSH server, not ostraka,",
    b"\x15\x03": "a TLS server, not ostraka,",
    b"\x05": "a SOCKS proxy, not ostraka,",
    MAGIC[:-1]: "another release of ostraka",
}
"""Programs that answer, by the first bytes that they send."""

Admit = Callable[[bytes], str]
"""Function from the fingerprint of a peer to its name; it raises an error to refuse the peer."""


def pinned(name: str, pin: bytes) -> Admit:
    """Return an `Admit` that admits one peer only: `name`, with the fingerprint `pin`."""

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
    """Parser of the peer's preamble; holds what has arrived of it."""

    def __init__(self) -> None:
        self._raw = bytearray()

    def __len__(self) -> int:
        return len(self._raw)

    def feed(self, data: Buffer) -> tuple[bytes, bytes] | None:
        """Take bytes that arrived; once the preamble is whole, return its certificate and the bytes
        after it, None before.

        Raises:
            PeerLost: another program sent the bytes; the message says which kind, if that shows.
            PeerViolation: the preamble announces a certificate that is too large.
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
            raise PeerLost(f"{_program(bytes(raw))} answers there", hint=OTHER_PROGRAM)
        if len(raw) < HEADER:
            return None
        size = int.from_bytes(raw[len(MAGIC) : HEADER], "little")
        if not 0 < size <= CERTIFICATE:
            raise PeerViolation(f"a certificate of {size} bytes")
        return size


def _program(said: bytes) -> str:
    """Return the program that begins so."""
    known = (name for sign, name in PROGRAMS.items() if said.startswith(sign))
    return next(known, "a program that is not ostraka")
