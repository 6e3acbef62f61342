"""Agreement on reports, over queues in memory: what honest parties say, and what is no list."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from ostraka.collection.closing import ClosingTerms, ReportAgreement
from ostraka.collection.counting import PublicPart, ReportStanding
from ostraka.errors import Aborted, OstrakaError, PeerViolation
from ostraka.exchange import octets
from ostraka.names import Step
from ostraka.simulation import MemoryNet

DIGESTS = [i.to_bytes(32) for i in range(6)]


class Reports:
    """Reports of one party; `later` come when it asks again."""

    def __init__(self, digests: Sequence[bytes], later: Sequence[bytes] = ()) -> None:
        self.digests, self.later = list(digests), list(later)

    def listed(self) -> Sequence[bytes]:
        return tuple(self.digests)

    async def complete(self, missing: Sequence[bytes]) -> None:
        self.digests += [digest for digest in self.later if digest in missing]

    def standing(self, digest: bytes) -> ReportStanding:
        return ReportStanding.HELD if digest in self.digests else ReportStanding.MISSING

    def about(self, digest: bytes) -> PublicPart:
        return PublicPart(digest[-1], 1, b"k")


@pytest.fixture
def run(terms: Any) -> Any:
    """Agree among the compute parties of the vectors, and a recipient."""
    compute = terms.shape.compute
    closing = ClosingTerms(terms.shape, 1, True, Fraction(1))

    async def one(net: MemoryNet, name: str, holder: Reports | None) -> Any:
        agreement = ReportAgreement(net.exchange(name), closing, (*compute, "zoe"))  # type: ignore[arg-type]
        try:
            return await (agreement.hear() if holder is None else agreement.reach(holder))
        except OstrakaError as error:
            return error
        finally:
            net.leave(name)  # type: ignore[arg-type]

    async def all_of(*holders: Reports) -> list[Any]:
        net = MemoryNet((*compute, "zoe"))  # type: ignore[arg-type]
        parties = zip((*compute, "zoe"), (*holders, None), strict=True)
        return await asyncio.gather(*(one(net, name, holder) for name, holder in parties))

    return lambda *holders: asyncio.run(all_of(*holders))


def test_all_parties_agree_and_recipients_are_told(run: Any) -> None:
    found = run(Reports(DIGESTS[:3]), Reports(DIGESTS[1:3]), Reports(DIGESTS[2::-1]))
    assert found[0] == found[1] == found[2]
    assert found[0].places == (2, 3)
    told = found[3]
    assert (told.places, told.summary, told.reports) == (found[0].places, found[0].summary, {})


def test_what_comes_later_counts(run: Any) -> None:
    late = Reports(DIGESTS[:1], DIGESTS)
    found = run(Reports(DIGESTS[:3]), late, Reports(DIGESTS[:3]))
    assert found[1].places == (1, 2, 3)


def test_a_list_that_is_none_is_its_senders_fault(run: Any) -> None:
    twice = Reports([DIGESTS[0], DIGESTS[0]])
    found = run(Reports(DIGESTS[:1]), twice, Reports(DIGESTS[:1]))
    assert isinstance(found[0], PeerViolation)
    assert "lists a report twice" in found[0].message
    endless = Reports([i.to_bytes(32) for i in range(16 * 4 + 1)])
    found = run(Reports(DIGESTS[:1]), endless, Reports(DIGESTS[:1]))
    assert isinstance(found[0], PeerViolation)
    assert "more reports than there may be" in found[0].message


def test_a_recipient_believes_no_single_compute_party(run: Any, terms: Any) -> None:
    """Nor a mask with bits beyond the last place."""
    compute = terms.shape.compute
    closing = ClosingTerms(terms.shape, 1, True, Fraction(1))
    summary = bytes(32) + np.array([1, 0, 0, 0, 1, 0, 0, 0], np.uint64).tobytes()

    async def told(masks: Sequence[int]) -> Any:
        net = MemoryNet((*compute, "zoe"))  # type: ignore[arg-type]
        agreement = ReportAgreement(net.exchange("zoe"), closing, ("zoe",))  # type: ignore[arg-type]
        for name, mask in zip(compute, masks, strict=True):
            for n, message in ((5, bytes([mask])), (6, summary)):
                net.put(name, "zoe", Step(0, n), np.frombuffer(message, np.uint8))  # type: ignore[arg-type]
        return await agreement.hear()

    assert asyncio.run(told([2, 2, 2])).places == (2,)
    with pytest.raises(Aborted, match="agreed on different reports"):
        asyncio.run(told([2, 2, 4]))
    with pytest.raises(PeerViolation, match="what cannot be"):
        asyncio.run(told([128] * 3))
    assert octets(1).nbytes == 1
