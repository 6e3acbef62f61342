"""Shares of the contributors' vectors, as one compute party holds them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ostraka.arithmetic.field import Elements
from ostraka.arithmetic.randomness import Draw, Words
from ostraka.delivery.agree import Allow, allow_all
from ostraka.delivery.enclosure import Enclosure
from ostraka.delivery.source import Parcels, loaded
from ostraka.inputs.encoding import Signed
from ostraka.names import PartyId
from ostraka.sharing.scheme import Explicit, Scheme


@dataclass
class Shares:
    """One compute party's shares of all contributors' vectors. `total` consumes them.

    Attributes:
        lengths: elements in the vector of each contributor.
        counted: the contributors whose shares these are; `compute` may exclude some, every compute
            party alike.
        draw: where this compute party's own randomness comes from.
        gate: is asked about the contributors that are left, and may refuse.
        enclosure: what came with the shares, for an engine.
        dealt: the noise that this compute party deals, if it was drawn before.
    """

    scheme: Scheme
    lengths: Mapping[PartyId, int]
    parcels: Parcels
    own: PartyId
    draw: Draw
    gate: Allow = allow_all
    enclosure: Enclosure | None = None
    dealt: Signed | None = None
    counted: tuple[PartyId, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.counted = tuple(self.parcels)

    async def exclude(self, those: Collection[PartyId]) -> None:
        """Leave some contributors out of the result, before anything about the others is opened."""
        self.counted = tuple(c for c in self.counted if c not in those)
        await self.gate(self.counted)

    def of(self, contributor: PartyId) -> Words:
        """Return this party's share of one contributor's vector."""
        return self.scheme.expand(loaded(self.parcels[contributor]), self.lengths[contributor])

    def joined(self) -> Words:
        """Return the shares of all vectors counted, one after another in one vector."""
        joined = np.empty(sum(self.lengths[c] for c in self.counted), np.uint64)
        for contributor, part in self.places().items():
            joined[part] = self.of(contributor)
        return joined

    def rows(self, contributors: Sequence[PartyId]) -> Elements:
        """Return the shares of some vectors of one length, a row each, and consume them."""
        parcels = [loaded(self.parcels.pop(contributor)) for contributor in contributors]
        return self.scheme.rows(parcels, self.lengths[contributors[0]])

    def places(self) -> dict[PartyId, slice]:
        """Return where in `joined` the vector of each counted contributor is."""
        ends = np.cumsum([self.lengths[c] for c in self.counted]).tolist()
        return {
            c: slice(end - self.lengths[c], end) for c, end in zip(self.counted, ends, strict=True)
        }

    def total(self) -> Words:
        """Return this party's share of the sum of all vectors, which must be of one length.

        Sharing is linear, so it is the sum of this party's shares.
        """
        (length,) = {self.lengths[c] for c in self.parcels}
        own = self.parcels.pop(self.own, None)
        total = own.vector if isinstance(own, Explicit) else self.scheme.zeros(length)
        while self.parcels:
            _, parcel = self.parcels.popitem()
            self.scheme.add_parcel(total, loaded(parcel))
        return total
