"""Source of a compute party's parcels in a collection: the reports that it opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ostraka.delivery.source import LiveLinks, Source, StoredParcel
from ostraka.exchange import Expected, type_codes
from ostraka.names import PartyId
from ostraka.sharing.scheme import Parcel, Scheme

if TYPE_CHECKING:
    from ostraka.protocols.protocol import Protocol


@dataclass(frozen=True)
class ParcelForm:
    """Form of one compute party's parcels, the same in all reports of a collection."""

    scheme: Scheme
    expected: Expected

    @classmethod
    def of(cls, protocol: Protocol, party: PartyId) -> Self:
        """Return the form of the parcels that reports have for a compute party."""
        place = protocol.manifest.contributors[0]
        return cls(protocol.scheme, protocol.expected(place, party))

    def read(self, octets: bytes) -> Parcel:
        """Return the parcel in these bytes; ValueError where they are none."""
        return self.scheme.parcel(np.frombuffer(octets, type_codes[self.expected.dtype]))

    def well_formed(self, parcels: Sequence[bytes]) -> list[bool]:
        """Look at all together; return of each whether it is a parcel."""
        if self._is_parcel(b"".join(parcels)):
            return [True] * len(parcels)
        return [self._is_parcel(each) for each in parcels]

    def _is_parcel(self, octets: bytes) -> bool:
        try:
            self.read(octets)
        except ValueError:
            return False
        return True


@dataclass
class ReportSource(Source):
    """Opened reports for places; links for what other compute parties send.

    Attributes:
        read: returns the parcel in a place.
        places: that are filled, in order.
        links: to the other compute parties.
    """

    read: Callable[[PartyId], Parcel]
    places: Sequence[PartyId]
    links: LiveLinks

    def stored(self) -> dict[PartyId, StoredParcel]:
        return {place: StoredParcel(self.read, place) for place in self.places}

    async def message_of(self, giver: PartyId, expected: Expected) -> NDArray[Any] | None:
        return await self.links.message_of(giver, expected)
