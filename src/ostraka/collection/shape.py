"""Shape of a collection: what its manifest fixes about every report."""

from __future__ import annotations

from dataclasses import dataclass

from ostraka.names import PartyId


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

    @property
    def invited(self) -> bool:
        """Whether each report needs the credential of an invitation."""
        return self.roster is not None
