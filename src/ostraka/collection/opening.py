"""Opening of reports in blocks: what a compute party's worker processes do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ostraka.collection.report import BadReport, Reason, Report, read_view
from ostraka.collection.sealing import SealingKey
from ostraka.collection.terms import Terms


class Examined(NamedTuple):
    """Report whose form and signatures hold, as one compute party sees it.

    Attributes:
        digest: of the whole report, 32 bytes.
        credential: its number in the roster, from 0; `report.OPEN` for none.
        counter: from 1; the higher one replaces the lower.
        contributor: the contributor's public key, 32 bytes.
        parcel: this party's; None where it is not sealed to this party.
    """

    digest: bytes
    credential: int
    counter: int
    contributor: bytes
    parcel: bytes | None


@dataclass(frozen=True)
class Opener:
    """Compute party that opens its parcels; may be sent to worker processes of its own machine.

    Args:
        terms: the collection's.
        place: of the compute party in manifest order, from 0.
        key: its sealing keys.
        both: as for `read_view`: with False, half the time goes, and of several reports of one
            credential each has to be checked by `signed_by_contributor`.
    """

    terms: Terms
    place: int
    key: SealingKey
    both: bool = True

    def open(self, report: Report) -> bytes | None:
        """Return the parcel in a report; None where it is not sealed to this party."""
        info = self.terms.info(self.place, report.head.write())
        parcel = self.key.open(report.head.suite, report.sealed[self.place], info)
        fits = parcel is not None and len(parcel) == self.terms.shape.lengths[self.place]
        return parcel if fits else None

    def read(self, view: bytes) -> Examined | Reason:
        """Check a view and open its parcel; return why, where the report is refused."""
        try:
            report = read_view(view, self.terms, self.place, both=self.both)
        except BadReport as refused:
            return refused.reason
        head, parcel = report.head, self.open(report)
        return Examined(report.digest, head.credential, head.counter, head.contributor, parcel)

    def read_block(self, views: Sequence[bytes]) -> list[Examined | Reason]:
        """Return `read` of each view."""
        return [self.read(view) for view in views]
