"""What compute parties give one another before they compute, along with the shares of inputs.

Half of the seed of each pair, and what adds up to random elements: parties 0 to t share one each,
so no t parties know the sum. A party that computes sends both in the message of the sharing step,
whether it contributes or not, so they cost no round.
"""

from __future__ import annotations

import hashlib

import numpy as np

from ostraka.names import PartyId
from ostraka.sharing.randomness import SEED_BYTES, Draw, Stream, Words
from ostraka.sharing.scheme import Parcel
from ostraka.sharing.shamir import Shamir


class Offers:
    """One compute party's: what it gives and what it gets.

    Args:
        count: random elements.
        draw: where this party's own randomness comes from.

    Attributes:
        random: our shares of the random elements, once everybody's offer is taken.
    """

    def __init__(self, scheme: Shamir, me: PartyId, draw: Draw, count: int = 0) -> None:
        self.scheme, self.me, self.count = scheme, me, count
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
        """Ours to another compute party."""
        half = np.frombuffer(self._given[to], np.uint64)
        if to not in self._parcels:
            return half
        message = self.scheme.message(self._parcels[to])
        return np.concatenate((half, message.view(np.uint64)))

    def take(self, sender: PartyId, message: Words) -> None:
        """Another compute party's to us, of `words` words; ValueError if it cannot be one."""
        half = message[: SEED_BYTES // 8].tobytes()
        self._seeds[sender] = _joint(self.me, self._given[sender], sender, half)
        if len(message) > SEED_BYTES // 8:
            rest = message[SEED_BYTES // 8 :]
            expected = self.scheme.expected(sender, self.me, self.count)
            parcel = self.scheme.parcel(rest if expected.dtype == "u8" else rest.view(np.uint8))
            self.scheme.add_parcel(self.random, parcel)

    def seeds(self) -> list[bytes]:
        """Of our pairs with each compute party; KeyError while an offer is missing."""
        return [self._seeds[name] for name in self.scheme.compute]


def words(scheme: Shamir, sender: PartyId, receiver: PartyId, count: int) -> int:
    """Words of one compute party's message to another; 0 from anybody else."""
    if sender not in scheme.compute:
        return 0
    dealt = scheme.expected(sender, receiver, count).nbytes if _deals(scheme, sender) else 0
    return (SEED_BYTES + dealt * (count > 0)) // 8


def _deals(scheme: Shamir, party: PartyId) -> bool:
    return scheme.compute.index(party) <= scheme.threshold


def _joint(me: PartyId, mine: bytes, peer: PartyId, theirs: bytes) -> bytes:
    """A hash of what both sent, so one party's good randomness is enough."""
    first, second = (mine, theirs) if me < peer else (theirs, mine)
    return hashlib.sha256(b"ostraka pair 1" + first + second).digest()
