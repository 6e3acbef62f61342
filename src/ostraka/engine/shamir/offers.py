"""Seeds and random elements that compute parties give one another along with shares of inputs.

An offer holds half of the seed of a pair; with active security the end of a chain of hashes, for
the coin; and shares of elements that parties 0 to t draw and that add up to random ones, which no
t parties know. Each compute party sends its offers in the messages of the sharing step, whether it
contributes or not, so they cost no round.
"""

from __future__ import annotations

import hashlib

import numpy as np

from ostraka.arithmetic.randomness import SEED_BYTES, Draw, Stream, Words
from ostraka.engine.shamir.links import chain
from ostraka.names import PartyId
from ostraka.sharing.scheme import Parcel
from ostraka.sharing.shamir import Shamir


class Offers:
    """Offers of one compute party: those it makes and those it takes.

    Args:
        count: number of random elements.
        draw: source of this party's own randomness.
        active: whether offers hold the end of a chain.

    Attributes:
        random: this party's shares of the random elements, once every offer is taken.
        chain: of hashes, this party's own (`shamir.links`); empty unless active.
    """

    def __init__(
        self, scheme: Shamir, me: PartyId, draw: Draw, count: int = 0, *, active: bool = False
    ) -> None:
        self.scheme, self.me, self.count = scheme, me, count
        self.chain = chain(draw) if active else []
        self._ends = {me: self.chain[-1]} if active else {}
        self.random = scheme.zeros(count)
        self._given = {name: draw.seed() for name in scheme.compute}
        self._seeds = {me: self._given[me]}
        self._parcels: dict[PartyId, Parcel] = {}
        if count and _deals(scheme, me):
            own = scheme.uniform(Stream(draw.seed(), "offer"), np.empty(count, np.uint64))
            self._parcels = scheme.split(own, me, draw)
            scheme.add_parcel(self.random, self._parcels[me])

    def __repr__(self) -> str:
        return f"Offers({self.me}, {self.count} elements)"

    def message(self, to: PartyId) -> Words:
        """Return this party's offer to another compute party, as 64-bit words."""
        told = np.frombuffer(self._given[to] + b"".join(self.chain[-1:]), np.uint64)
        if to not in self._parcels:
            return told
        message = self.scheme.message(self._parcels[to])
        return np.concatenate((told, message.view(np.uint64)))

    def take(self, sender: PartyId, message: Words) -> None:
        """Take another compute party's offer, of `words` words; ValueError if it cannot be one."""
        half, rest = message[: SEED_BYTES // 8].tobytes(), message[SEED_BYTES // 8 :]
        self._seeds[sender] = _joint(self.me, self._given[sender], sender, half)
        if self.chain:
            self._ends[sender], rest = rest[: SEED_BYTES // 8].tobytes(), rest[SEED_BYTES // 8 :]
        if len(rest):
            expected = self.scheme.expected(sender, self.me, self.count)
            parcel = self.scheme.parcel(rest if expected.dtype == "u8" else rest.view(np.uint8))
            self.scheme.add_parcel(self.random, parcel)

    def seeds(self) -> list[bytes]:
        """Return the seed shared with each compute party; KeyError while an offer is missing."""
        return [self._seeds[name] for name in self.scheme.compute]

    def ends(self) -> list[bytes]:
        """Return the ends of all parties' chains; none unless active."""
        return [self._ends[name] for name in self.scheme.compute if self.chain]


def words(
    scheme: Shamir, sender: PartyId, receiver: PartyId, count: int = 0, *, active: bool = False
) -> int:
    """Count the words of one compute party's message to another; 0 from other parties."""
    if sender not in scheme.compute:
        return 0
    dealt = scheme.expected(sender, receiver, count).nbytes if _deals(scheme, sender) else 0
    return (SEED_BYTES * (1 + active) + dealt * (count > 0)) // 8


def _deals(scheme: Shamir, party: PartyId) -> bool:
    return scheme.compute.index(party) <= scheme.threshold


def _joint(me: PartyId, mine: bytes, peer: PartyId, theirs: bytes) -> bytes:
    """Hash both halves of a seed, so one party's good randomness is enough."""
    first, second = (mine, theirs) if me < peer else (theirs, mine)
    return hashlib.sha256(b"ostraka pair 1" + first + second).digest()
