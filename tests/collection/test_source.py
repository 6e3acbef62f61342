"""Source of parcels in a collection: reports for places, links for compute parties."""

from __future__ import annotations

from typing import Any

from ostraka.collection.source import ReportSource
from ostraka.exchange import octets, words


class Links:
    async def message_of(self, giver: str, _expected: object) -> Any:
        return f"link to {giver}"


async def test_places_are_reports() -> None:
    source = ReportSource(lambda name: name.encode() * 4, Links())  # type: ignore[arg-type]
    assert (await source.message_of("#7", octets(8))).tobytes() == b"#7#7#7#7"
    assert (await source.message_of("#7", words(1))).dtype == "<u8"
    assert await source.message_of("bob", words(1)) == "link to bob"  # type: ignore[comparison-overlap]
