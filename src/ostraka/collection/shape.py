"""Shape of a collection: what its manifest fixes about every report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ostraka.names import PartyId

if TYPE_CHECKING:
    from ostraka.protocols.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Shape:
    """Shape of all reports to one collection, as its manifest fixes it.

    Attributes:
        manifest: the manifest's digest, 32 bytes.
        compute: the compute parties, in manifest order.
        pins: the fingerprint of each one's certificate, 32 bytes.
        lengths: bytes of the parcel that each compute party gets, before it is sealed.
        organiser: the fingerprint of the organiser's certificate, 32 bytes.
        roster: the roster's digest, 32 bytes; None where reports need no invitation.
        size: number of places, "#1" to "#size": of the roster's credentials, or `max_reports`.
    """

    manifest: bytes
    compute: tuple[PartyId, ...]
    pins: tuple[bytes, ...]
    lengths: tuple[int, ...]
    organiser: bytes
    roster: bytes | None
    size: int

    @classmethod
    def of(cls, protocol: Protocol) -> Self:
        """Return the shape of a protocol's collection; ValueError where its manifest has none."""
        manifest = protocol.manifest
        if manifest.collection is None:
            raise ValueError("this manifest has no [collection]")
        place, compute = manifest.contributors[0], manifest.compute
        return cls(
            manifest.digest,
            compute,
            tuple(map(manifest.pin, compute)),
            tuple(protocol.expected(place, receiver).nbytes for receiver in compute),
            digest_of(manifest.collection.organiser),
            digest_of(manifest.collection.roster) if manifest.collection.roster else None,
            manifest.collection.places_count,
        )

    @property
    def invited(self) -> bool:
        """Whether each report needs the credential of an invitation."""
        return self.roster is not None


def digest_of(fingerprint: str) -> bytes:
    """Return the 32 bytes that a manifest writes as `sha256:` and 64 hex digits."""
    return bytes.fromhex(fingerprint.removeprefix("sha256:"))
