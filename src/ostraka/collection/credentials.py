"""Credentials of a collection: keys from codes' secrets, and the roster of their public halves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ostraka.collection.shape import Shape
from ostraka.errors import Disagreement, PeerViolation

SECRET: Final = 16
"""Bytes of a code's secret."""

KEY: Final = 32
SIGNATURE: Final = 64

_ENTRY: Final = KEY + 4
LARGEST_WEIGHT: Final = (1 << 32) - 1


@dataclass(frozen=True)
class SigningKey:
    """Ed25519 key of a credential or of a contributor; `repr` shows its public half.

    Args:
        seed: 32 secret bytes.
    """

    seed: bytes = field(repr=False)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.hex()})"

    @classmethod
    def of_credential(cls, secret: bytes) -> Self:
        """Derive a credential's key from the 16-byte secret of its code."""
        return cls(HKDF(SHA256(), KEY, None, b"ostraka credential 1").derive(secret))

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        """Return the Ed25519 signature of `data`, 64 bytes."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(data)


def verifies(public: bytes, signature: bytes, data: bytes) -> bool:
    """Return whether a signature of `data` is valid under a raw Ed25519 public key."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Credential:
    """Entry of a roster: the public key of an invitation, and the weight of its report."""

    public: bytes
    weight: int = 1


@dataclass(frozen=True)
class CredentialRoster:
    """All credentials of an invited collection; credential i has the place "#i+1".

    A roster of N credentials has 36 N bytes: for each the public key and u32 weight.
    """

    credentials: tuple[Credential, ...]

    def write(self) -> bytes:
        """Return the roster's bytes."""
        return b"".join(c.public + c.weight.to_bytes(4, "little") for c in self.credentials)

    @property
    def digest(self) -> bytes:
        """Digest of the roster's bytes, 32 bytes: what the manifest names."""
        return _digest(self.write())

    @classmethod
    def read(cls, octets: bytes, shape: Shape) -> Self:
        """Read the roster that a collection's manifest names.

        Raises:
            Disagreement: it is another roster.
            PeerViolation: the manifest names it, and a key is in it twice, or a weight is 0.
        """
        if len(octets) != _ENTRY * shape.size or _digest(octets) != shape.roster:
            raise Disagreement(
                "the list of invitations is not the one that the manifest names",
                hint="ask the organiser; the mailbox may have another collection's",
                data_left=False,
            )
        found = tuple(_entry(octets[i : i + _ENTRY]) for i in range(0, len(octets), _ENTRY))
        if len({c.public for c in found}) < len(found) or not all(c.weight for c in found):
            message = "the list of invitations has a key twice, or a weight of 0"
            raise PeerViolation(message, hint="tell the organiser", data_left=False)
        return cls(found)


def _entry(octets: bytes) -> Credential:
    return Credential(octets[:KEY], int.from_bytes(octets[KEY:], "little"))


def _digest(octets: bytes) -> bytes:
    return hashlib.sha256(b"ostraka credentials\0" + octets).digest()
