"""Sealing of parcels to compute parties by HPKE, under keys made for one collection. [RFC9180]

A compute party publishes its keys in a statement that its pinned identity signs. A sealed parcel
is HPKE's `enc | ciphertext`, with `info` as below and no aad. Its length depends on nothing secret.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from ostraka.collection.shape import Shape
from ostraka.collection.signed import SEALING, read_statement, write_statement
from ostraka.errors import PeerViolation
from ostraka.identity import Identity


class SealingSuite(IntEnum):
    """Suites that parcels are sealed with; the number is in each report.

    CLASSIC: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM: what browsers have.
    HYBRID: ML-KEM-768 with X25519, HKDF-SHA256, AES-128-GCM: what is kept today stays sealed when
        X25519 is broken.
    """

    CLASSIC = 1
    HYBRID = 2


_SUITES: Final = {
    SealingSuite.CLASSIC: Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM),
    SealingSuite.HYBRID: Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM),
}
OVERHEAD: Final = {SealingSuite.CLASSIC: 32 + 16, SealingSuite.HYBRID: 1120 + 16}
"""Bytes that sealing adds to a parcel: the encapsulated key, and the tag."""

_X25519: Final = 32
_MLKEM: Final = 1184
_SEED: Final = 32 + 64 + 32
"""Bytes of a private key file: X25519, then ML-KEM's seed and the X25519 key beside it."""


@dataclass(frozen=True, slots=True)
class SealingStatement:
    """Public keys of one compute party for one collection.

    Attributes:
        classic: the X25519 key, 32 bytes.
        hybrid: the ML-KEM-768 key (1184 bytes) and the X25519 key beside it (32); or empty.
    """

    classic: bytes
    hybrid: bytes

    @property
    def body(self) -> bytes:
        """The bytes that the compute party signs: both keys."""
        return self.classic + self.hybrid

    @property
    def digest(self) -> bytes:
        """32 bytes: SHA-256 of the keys."""
        return hashlib.sha256(b"ostraka sealing keys\0" + self.body).digest()

    def write(self, manifest: bytes, own: Identity) -> bytes:
        """Return the statement, signed for the collection with this manifest's digest."""
        return write_statement(SEALING, manifest, self.body, own)

    @classmethod
    def read(cls, octets: bytes, shape: Shape, place: int) -> Self:
        """Read the statement of the compute party at this place, from 0.

        Raises:
            PinMismatch: another key than the manifest's signed it.
            PeerViolation: it holds no such keys, or the signature is not of it.
        """
        body = read_statement(SEALING, shape.manifest, shape.pins[place], octets)
        if len(body) not in (_X25519, _X25519 + _MLKEM + _X25519):
            name = shape.compute[place]
            raise PeerViolation(f"{name} published sealing keys of a wrong length", peer=name)
        return cls(body[:_X25519], body[_X25519:])

    def seal(self, suite: SealingSuite, parcel: bytes, info: bytes) -> bytes:
        """Seal a parcel to this compute party: `len(parcel) + OVERHEAD[suite]` bytes.

        Raises:
            PeerViolation: its key is one that nothing can be sealed to.
        """
        try:
            if suite is SealingSuite.CLASSIC:
                return _SUITES[suite].encrypt(parcel, _classic(self.classic), info=info)
            return _SUITES[suite].encrypt(parcel, _hybrid(self.hybrid), info=info)
        except ValueError:
            raise PeerViolation("a compute party's sealing key is none", data_left=False) from None


@dataclass(frozen=True)
class SealingKey:
    """Private keys of one compute party for one collection; `repr` leaves them out.

    Attributes:
        secret: X25519 key (32 bytes), ML-KEM-768 seed (64), X25519 key beside it (32).
    """

    secret: bytes = field(repr=False)

    @classmethod
    def new(cls) -> Self:
        """Make fresh keys."""
        seed = MLKEM768PrivateKey.generate().private_bytes_raw()
        one, two = (X25519PrivateKey.generate().private_bytes_raw() for _ in range(2))
        return cls(one + seed + two)

    @classmethod
    def of_bytes(cls, secret: bytes) -> Self:
        """Return the keys in these bytes; ValueError unless they are 128."""
        if len(secret) != _SEED:
            raise ValueError("not the sealing keys of a collection")
        return cls(secret)

    @property
    def public(self) -> SealingStatement:
        """The public keys, to be signed and published."""
        mlkem, beside = self._hybrid_parts()
        keys = mlkem.public_key().public_bytes_raw() + beside.public_key().public_bytes_raw()
        return SealingStatement(self._classic.public_key().public_bytes_raw(), keys)

    def open(self, suite: SealingSuite, sealed: bytes, info: bytes) -> bytes | None:
        """Open a sealed parcel; None where it was not sealed to these keys with this `info`."""
        key = self._classic if suite is SealingSuite.CLASSIC else self._hybrid
        try:
            return _SUITES[suite].decrypt(sealed, key, info=info)
        except (InvalidTag, ValueError):
            return None

    def __reduce__(self) -> tuple[type[SealingKey], tuple[bytes]]:
        """Let worker processes make the keys anew: those of OpenSSL cannot be sent."""
        return type(self), (self.secret,)

    @cached_property
    def _classic(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self.secret[:_X25519])

    def _hybrid_parts(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
        seed, beside = self.secret[_X25519:-_X25519], self.secret[-_X25519:]
        mlkem = MLKEM768PrivateKey.from_seed_bytes(seed)
        return mlkem, X25519PrivateKey.from_private_bytes(beside)

    @cached_property
    def _hybrid(self) -> MLKEM768X25519PrivateKey:
        return MLKEM768X25519PrivateKey(*self._hybrid_parts())


def _classic(key: bytes) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(key)


def _hybrid(key: bytes) -> MLKEM768X25519PublicKey:
    mlkem = MLKEM768PublicKey.from_public_bytes(key[:_MLKEM])
    return MLKEM768X25519PublicKey(mlkem, _classic(key[_MLKEM:]))
