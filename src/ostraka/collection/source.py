"""Source of a compute party's parcels in a collection: the reports that it opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostraka.delivery.source import LiveLinks, Source
from ostraka.exchange import Expected, type_codes
from ostraka.names import PartyId, is_place


@dataclass
class ReportSource(Source):
    """Opened reports for places; links for what other compute parties send.

    Attributes:
        parcel: returns the bytes of the parcel in a place.
        links: to the other compute parties.
    """

    parcel: Callable[[PartyId], bytes]
    links: LiveLinks

    async def message_of(self, giver: PartyId, expected: Expected) -> NDArray[Any] | None:
        if not is_place(giver):
            return await self.links.message_of(giver, expected)
        return np.frombuffer(self.parcel(giver), type_codes[expected.dtype])
