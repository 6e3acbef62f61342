"""Phases of one run: which there are, and the steps at which each begins."""

from __future__ import annotations

from dataclasses import dataclass

from ostraka.delivery.agree import Agreement
from ostraka.delivery.consent import Consent
from ostraka.delivery.opening import Opening, opening
from ostraka.delivery.party import Party
from ostraka.names import Step
from ostraka.protocols.protocol import Protocol


@dataclass
class Phases:
    """Phases of one run, begun by every party alike before the first message.

    Attributes:
        sharing: the step of parcels and enclosures.
        agreement: on whom to count, where a contributor may be missing.
        consent: to count whom the computation counts.
        computing: the first step of the computation.
        openings: of each part of the vector that is opened.
    """

    sharing: Step
    agreement: Agreement | None
    consent: Consent
    computing: Step
    openings: tuple[tuple[Opening, slice], ...]

    @classmethod
    def begin(cls, party: Party, protocol: Protocol) -> Phases:
        """Begin all phases of a run, in order."""
        return cls(
            party.step,
            Agreement(party) if party.attendance.must_agree else None,
            Consent(party),
            party.begin_phase(),
            tuple(
                (opening(party, recipients, part.stop - part.start), part)
                for recipients, part in protocol.openings
            ),
        )
