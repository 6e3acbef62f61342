"""Additive sharing, n-of-n over Z_2^64: opening takes all compute parties, n - 1 learn nothing.

Shares of x are uniform elements that add up to x, modulo 2^64. All but one are derived from 32-byte
seeds; the last, x minus all the others, is the contributor's own when it computes, and is sent to
one compute party (in turn) when it does not. A contributor that computes has agreed with each
other compute party on a key, from which the seed of that party's share follows: it sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import BLOCK, Draw, Stream, Words, blocks
from ostraka.names import PartyId, is_place
from ostraka.sharing.scheme import Explicit, Parcel, Scheme, Seed, agreed_parcel, share_stream


def remainder(x: NDArray[Any], others: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return the last share, x minus the others modulo 2^(bits of an element); overwrites x."""
    for other in others:
        x -= other
    return x


def _drawn(draw: Draw, receiver: PartyId, length: int) -> Parcel:
    agreed = draw.agreed(receiver)
    return Seed(draw.seed()) if agreed is None else agreed_parcel(agreed, length)


class Additive(Scheme):
    """Additive sharing: x = x_1 + ... + x_n modulo 2^64, and compute party j holds x_j."""

    name = "additive"
    survives_dropouts = multiplies = tags_openings = False
    sums_shares = True
    capacity = (1 << 63) - 1

    def __init__(self, contributors: tuple[PartyId, ...], compute: tuple[PartyId, ...]) -> None:
        super().__init__(contributors, compute)
        self.needed, self._computing = len(compute), frozenset(compute)
        self.colluders = len(compute) - 1

    def explicit(self, contributor: PartyId) -> PartyId:
        """Return the one compute party that holds x minus the shares of all others."""
        if contributor in self.compute:
            return contributor
        if is_place(contributor):  # who reports to a collection may not know its place
            return self.compute[0]
        return self.compute[self.place[contributor] % len(self.compute)]

    def by_seed(self, contributor: PartyId) -> tuple[PartyId, ...]:
        explicit = self.explicit(contributor)
        return tuple(party for party in self.compute if party != explicit)

    def agrees(self, contributor: PartyId, receiver: PartyId) -> bool:
        computing = self._computing
        return contributor != receiver and contributor in computing and receiver in computing

    def split(self, x: Words, contributor: PartyId, draw: Draw) -> dict[PartyId, Parcel]:
        given = {p: _drawn(draw, p, len(x)) for p in self.by_seed(contributor)}
        explicit = [parcel.vector for parcel in given.values() if isinstance(parcel, Explicit)]
        remainder(x, explicit)
        streams = [share_stream(seed) for seed in given.values() if isinstance(seed, Seed)]
        scratch = np.empty(min(len(x), BLOCK), np.uint64)
        for part in blocks(len(x)) if streams else ():
            block = x[part]
            for stream in streams:
                remainder(block, [stream.fill(scratch[: len(block)])])
        return {**given, self.explicit(contributor): Explicit(x)}

    def combine(self, shares: Mapping[PartyId, Words]) -> Words:
        if set(shares) != set(self.compute):
            raise ValueError("an additive sharing opens with every compute party's share only")
        total = np.zeros(len(next(iter(shares.values()))), np.uint64)
        for share in shares.values():
            total += share
        return total

    def check(self, vector: Words) -> None:
        """Accept every vector: each 64-bit number is an element of Z_2^64."""

    def add(self, total: Words, share: Words) -> None:
        total += share

    def uniform(self, stream: Stream, out: Words) -> Words:
        return stream.fill(out)

    def from_signed(self, x: NDArray[np.int64]) -> Words:
        return x.view(np.uint64)

    def to_signed(self, a: Words) -> NDArray[np.int64]:
        return a.view(np.int64)
