"""Compute party's part of a run: from the parcels it is given to its share of the result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import Draw
from ostraka.delivery.agree import Allow
from ostraka.delivery.enclosure import Enclosure
from ostraka.delivery.opening import Opening, Share
from ostraka.delivery.party import Party
from ostraka.delivery.source import Parcels, Source
from ostraka.errors import PeerViolation
from ostraka.exchange import type_codes
from ostraka.inputs.encoding import Signed
from ostraka.names import PartyId
from ostraka.protocols.phases import Phases
from ostraka.protocols.protocol import Protocol
from ostraka.protocols.shares import Shares


@dataclass
class Computing:
    """Compute party in one run.

    Attributes:
        draw: where its own randomness comes from.
        gate: asked before anything about the contributors counted can become known.
        enclosure: what it gives the other compute parties, and then what it was given by them.
        dealt: its noise, if it was drawn before.
        settle: in a collection: asked about those counted at last; the parties consent once more.
    """

    protocol: Protocol
    party: Party
    draw: Draw
    gate: Allow
    enclosure: Enclosure | None
    dealt: Signed | None = None
    settle: Allow | None = None

    async def collect(self, source: Source, parcels: Parcels) -> None:
        """Add to `parcels`, which holds this party's own, those of all contributors that came.

        Raises:
            PeerLost: a party is missing that must be counted.
            PeerViolation: a party sent no parcel, or a malformed enclosure.
        """
        protocol, me = self.protocol, self.party.me
        parcels |= source.stored()
        for giver in (name for name in protocol.givers if name != me and name not in parcels):
            if (agreed := source.agreed(giver, protocol.lengths.get(giver, 0))) is not None:
                parcels[giver] = agreed
                continue
            message = await source.message_of(giver, protocol.expected(giver, me))
            if message is not None:
                self._take(giver, message, parcels)

    def _take(self, giver: PartyId, message: NDArray[Any], parcels: Parcels) -> None:
        """Take a parcel, an enclosure, or one after the other."""
        protocol, rest = self.protocol, message.view(np.uint8)
        try:
            if giver in protocol.lengths:
                expected = protocol.scheme.expected(giver, self.party.me, protocol.lengths[giver])
                parcel, rest = rest[: expected.nbytes], rest[expected.nbytes :]
                parcels[giver] = protocol.scheme.parcel(parcel.view(type_codes[expected.dtype]))
            if self.enclosure and len(rest):
                self.enclosure.take(giver, rest.view(np.uint64))
        except ValueError as problem:
            raise PeerViolation(f"{giver} sent no share: {problem}", peer=giver) from None

    async def compute(self, phases: Phases, parcels: Parcels) -> Share:
        """Agree on whom to count, if a contributor may be missing, and compute on their shares.

        Returns:
            The share of the result, once all compute parties that must consent to whom it counts
            have done so. Consumes `parcels`.
        """
        protocol, party = self.protocol, self.party
        counted = await self._agree(phases, parcels)
        kept = {c: parcels[c] for c in counted}
        parcels.clear()
        recount = partial(phases.consent.give, allow=self._allow)
        shares = Shares(
            party.scheme,
            protocol.lengths,
            kept,
            party.me,
            self.draw,
            recount,
            self.enclosure,
            self.dealt,
        )
        party.step = phases.computing
        result = await protocol.compute(party, shares)
        await phases.consent.complete()
        if self.settle is not None:
            await phases.consent.give(shares.counted, self.settle)
            await phases.consent.complete()
        return Share(result, shares.counted)

    async def _agree(self, phases: Phases, held: Iterable[PartyId]) -> tuple[PartyId, ...]:
        """Return whom to count. Refuse, or consent: by a share itself where all are needed."""
        if phases.agreement:
            return await phases.agreement.reach(held, self._allow)
        counted = self.party.scheme.contributors
        if self.party.scheme.survives_dropouts:
            await phases.consent.give(counted, self._allow)
        else:
            await self._allow(counted)
        return counted

    async def _allow(self, counted: tuple[PartyId, ...]) -> None:
        self.protocol.check_policy(counted)
        await self.gate(counted)


def announce(openings: Sequence[tuple[Opening, slice]], own: Share) -> None:
    """Send to all recipients what this party's share says about what they may learn."""
    for opening, part in openings:
        opening.announce(own.part(part))
