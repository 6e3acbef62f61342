"""Statements about a collection that a pinned key signs: of a compute party, or of the organiser.

statement = u16 length of the certificate | certificate | signature (64) | body
signature = of: label | manifest digest (32) | SHA-256 of the body (32)
"""

from __future__ import annotations

import hashlib
from typing import Final

from ostraka.errors import PeerViolation, PinMismatch
from ostraka.identity import Identity, fingerprint, verify

_LENGTH: Final = 2
_SIGNATURE: Final = 64

SEALING: Final = b"ostraka sealing\0"
"""Label of a compute party's statement: the keys that parcels for it are sealed to."""

PUBLISH: Final = b"ostraka publish\0"
"""Label of the organiser's statement that opens a collection; its body is the roster."""

REVOKE: Final = b"ostraka revoke\0"
"""Label of the organiser's statement that takes invitations back."""

CLOSE: Final = b"ostraka close\0"
"""Label of the organiser's statement that closes a collection early."""

FETCH: Final = b"ostraka fetch\0"
"""Label of a compute party's request for its reports; its body is the time, u64 seconds."""

LIST: Final = b"ostraka list\0"
"""Label of a compute party's request for the ids of its collections, which is about none of them:
in place of a manifest's digest are zeros. Its body is the time, u64 seconds."""

AGREED: Final = b"ostraka agreed\0"
"""Label of a compute party's list of counted reports: for each u32 place and digest (32)."""

RECEIPT: Final = b"ostraka collection receipt\0"
"""Label of a compute party's receipt of a collection, as it leaves it at a mailbox."""


def write_statement(label: bytes, manifest: bytes, body: bytes, own: Identity) -> bytes:
    """Sign a statement about the collection with this manifest's digest."""
    signature = own.sign(_signed(label, manifest, body))
    return len(own.certificate).to_bytes(_LENGTH, "little") + own.certificate + signature + body


def signer(octets: bytes) -> bytes:
    """Return the fingerprint of the certificate in a statement, which is not checked."""
    end = _LENGTH + int.from_bytes(octets[:_LENGTH], "little")
    return fingerprint(octets[_LENGTH:end])


def read_statement(label: bytes, manifest: bytes, pin: bytes, octets: bytes) -> bytes:
    """Check a statement, and return its body.

    Args:
        pin: the fingerprint of the certificate that has to have signed it, 32 bytes.

    Raises:
        PinMismatch: another certificate signed it.
        PeerViolation: it is cut short, or the signature is not of these bytes.
    """
    end = _LENGTH + int.from_bytes(octets[:_LENGTH], "little")
    certificate, rest = octets[_LENGTH:end], octets[end:]
    if len(rest) < _SIGNATURE:
        raise PeerViolation("a statement about the collection is cut short", data_left=False)
    if fingerprint(certificate) != pin:
        raise PinMismatch(
            "a statement about the collection is signed by another key than the manifest's",
            hint="do not send anything: tell the organiser",
            data_left=False,
        )
    signature, body = rest[:_SIGNATURE], rest[_SIGNATURE:]
    verify(certificate, signature, _signed(label, manifest, body))
    return body


def _signed(label: bytes, manifest: bytes, body: bytes) -> bytes:
    return label + manifest + hashlib.sha256(body).digest()
