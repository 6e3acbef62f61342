"""What one compute party holds of the contributors' inputs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from ostraka.arithmetic.randomness import Draw, Words
from ostraka.engine.shamir.offers import Offers
from ostraka.names import PartyId
from ostraka.sharing.scheme import Explicit, Parcel, Scheme


@dataclass
class Shares:
    """One compute party's shares of everybody's vectors. Consumed by whichever method is used.

    Attributes:
        counted: whose shares these are; `compute` may exclude some, every party alike.
        draw: where this compute party's own randomness comes from.
        gate: is asked about those who are left, and may refuse.
        offers: what came with the shares, for an engine.
    """

    scheme: Scheme
    length: int
    parcels: dict[PartyId, Parcel]
    own: PartyId
    draw: Draw
    gate: Callable[[tuple[PartyId, ...]], None] = lambda _: None
    offers: Offers | None = None
    counted: tuple[PartyId, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.counted = tuple(self.parcels)

    def exclude(self, those: Collection[PartyId]) -> None:
        """Leave some out of whom the result counts: before anything about the others is opened."""
        self.counted = tuple(c for c in self.counted if c not in those)
        self.gate(self.counted)

    def of(self, contributor: PartyId) -> Words:
        """This party's share of one contributor's vector: for what is not a plain sum."""
        return self.scheme.expand(self.parcels[contributor], self.length)

    def total(self) -> Words:
        """This party's share of the sum: sharing is linear, so the sum of its shares."""
        own = self.parcels.pop(self.own, None)
        total = own.vector if isinstance(own, Explicit) else self.scheme.zeros(self.length)
        while self.parcels:
            _, parcel = self.parcels.popitem()
            self.scheme.add_parcel(total, parcel)
        return total
