"""Source of parcels in a collection: reports for places, links for compute parties."""

from __future__ import annotations

from typing import Any

import numpy as np

from ostraka.arithmetic.field import P61
from ostraka.collection.source import ParcelForm, ReportSource
from ostraka.exchange import octets, words
from ostraka.names import PartyId
from ostraka.sharing.scheme import Explicit, Seed
from ostraka.sharing.shamir import Shamir


class Links:
    async def message_of(self, giver: str, _expected: object) -> Any:
        return f"link to {giver}"


async def test_places_are_reports_that_are_read_when_they_are_used() -> None:
    read: list[str] = []

    def reading(name: PartyId) -> Seed:
        read.append(name)
        return Seed(name.encode() * 16)

    places = (PartyId("#3"), PartyId("#7"))
    source = ReportSource(reading, places, Links())  # type: ignore[arg-type]
    stored = source.stored()
    assert tuple(stored) == places
    assert not read
    found = stored[PartyId("#7")].load()
    assert isinstance(found, Seed)
    assert found.seed == b"#7" * 16
    assert read == ["#7"]
    link: Any = await source.message_of(PartyId("bob"), words(1))
    assert link == "link to bob"


def test_parcels_are_looked_at_together_and_a_wrong_one_is_found() -> None:
    scheme = Shamir((PartyId("#1"),), (PartyId("a"), PartyId("b"), PartyId("c")), 1)
    form = ParcelForm(scheme, words(2))
    good, bad = np.array([5, P61.p - 1], np.uint64).tobytes(), b"\xff" * 16
    assert form.well_formed([good, good]) == [True, True]
    assert form.well_formed([good, bad, good]) == [True, False, True]
    assert form.well_formed([]) == []
    assert ParcelForm(scheme, octets(32)).well_formed([b"\xff" * 32]) == [True]
    assert isinstance(form.read(good), Explicit)
