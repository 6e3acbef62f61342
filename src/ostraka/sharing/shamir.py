"""Shamir sharing over F_p, p = 2^61 - 1: any t + 1 of n compute parties open, t learn nothing.

A value x is hidden as f(0) of a polynomial of degree t that is otherwise uniform; compute party j
holds f(X_j), X_j = 2^j. The contributor fixes f by drawing the shares of t parties from streams
whose seeds it sends them, 32 bytes each, and computes every other share from those and x:

    f(X_e) = x + sum_s c_es (f(X_s) - x),   c_es the Lagrange coefficients on the points 0, X_s.

With t = 1 the one coefficient is X_e / X_s, a power of two: the product is a rotation. [Sha79]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.correction import wrong_values
from ostraka.arithmetic.field import P61, Field
from ostraka.arithmetic.randomness import BLOCK, Draw, Stream, Words, blocks
from ostraka.names import PartyId, is_place
from ostraka.sharing.scheme import (
    Explicit,
    InconsistentShares,
    Parcel,
    Scheme,
    Seed,
    share_stream,
)


def complete(
    field: Field, x: Words, fixed: Sequence[Words], coefficients: Sequence[Sequence[int]]
) -> list[Words]:
    """Return the shares of x that follow from the `fixed` ones, one per row of coefficients."""
    differences = [field.subtract(r, x) for r in fixed]
    return [field.add(x, share, out=share) for share in field.mix(coefficients, differences)]


class Shamir(Scheme):
    """Shamir sharing: a polynomial f of degree t with f(0) = x; compute party j holds f(2^j).

    Args:
        threshold: t, at least 1 and below the number of compute parties.
        field: F_p of the elements; another one than P61 only in tests.
    """

    name = "shamir"
    survives_dropouts = multiplies = tags_openings = True
    sums_shares = False

    def __init__(
        self,
        contributors: tuple[PartyId, ...],
        compute: tuple[PartyId, ...],
        threshold: int,
        field: Field = P61,
    ) -> None:
        super().__init__(contributors, compute)
        if not 1 <= threshold < len(compute):
            raise ValueError("a threshold is at least 1 and below the number of compute parties")
        self.field = field
        self.threshold = self.colluders = threshold
        self.needed = threshold + 1
        self.capacity = (field.p - 1) // 2
        self.point = dict(zip(compute, field.points(len(compute)), strict=True))
        self._rows: dict[tuple[object, ...], list[int]] = {}

    def by_seed(self, contributor: PartyId) -> tuple[PartyId, ...]:
        """Return the t compute parties that get seeds, counted from the contributor's own place.

        For all places of a collection they are the first t: who reports may not know its place.
        """
        n = len(self.compute)
        if contributor in self.compute:
            first = self.compute.index(contributor) + 1
        else:
            first = 0 if is_place(contributor) else self.place[contributor]
        return tuple(self.compute[(first + k) % n] for k in range(self.threshold))

    def coefficients(
        self, seeded: Sequence[PartyId], targets: Sequence[PartyId]
    ) -> list[list[int]]:
        """Return, for `complete`, a row of coefficients that gives each target's share."""
        points = [0, *(self.point[party] for party in seeded)]
        return [self.field.lagrange(points, self.point[party])[1:] for party in targets]

    def split(self, x: Words, contributor: PartyId, draw: Draw) -> dict[PartyId, Parcel]:
        seeds = {party: Seed(draw.seed()) for party in self.by_seed(contributor)}
        targets = [party for party in self.compute if party not in seeds]
        vectors = [x, *(np.empty(len(x), np.uint64) for _ in targets[1:])]
        coefficients = self.coefficients(list(seeds), targets)
        streams = [share_stream(seed) for seed in seeds.values()]
        scratch = np.empty((len(streams), min(len(x), BLOCK)), np.uint64)
        for part in blocks(len(x)):
            size = part.stop - part.start
            fixed = [self.uniform(s, row[:size]) for s, row in zip(streams, scratch, strict=True)]
            shares = complete(self.field, x[part], fixed, coefficients)
            for vector, share in zip(vectors, shares, strict=True):
                vector[part] = share
        explicit = {t: Explicit(v) for t, v in zip(targets, vectors, strict=True)}
        return {**seeds, **explicit}

    def combine(self, shares: Mapping[PartyId, Words]) -> Words:
        parties = list(shares)
        if len(parties) < self.needed:
            raise ValueError(f"opening needs {self.needed} shares, not {len(parties)}")
        base, surplus = parties[: self.needed], parties[self.needed :]
        rows = [self._row(base, at) for at in (0, *(self.point[party] for party in surplus))]
        value = np.empty(len(shares[base[0]]), np.uint64)
        for part in blocks(len(value)):
            origin, *rest = (shares[party][part] for party in base)
            found, *predicted = complete(self.field, origin, rest, rows)
            for party, share in zip(surplus, predicted, strict=True):
                if not np.array_equal(share, shares[party][part]):
                    raise InconsistentShares(
                        part.start + int(np.argmax(share != shares[party][part]))
                    )
            value[part] = found
        return value

    def contradictions(self, shares: Mapping[PartyId, Words]) -> NDArray[np.bool_]:
        """Return for each element whether its shares, more than t + 1, are of no polynomial."""
        parties = list(shares)
        base, surplus = parties[: self.needed], parties[self.needed :]
        rows = [self._row(base, self.point[party]) for party in surplus]
        origin, *rest = (shares[party] for party in base)
        found = np.zeros(len(origin), bool)
        predicted = complete(self.field, origin, rest, rows)
        for party, share in zip(surplus, predicted, strict=True):
            found |= share != shares[party]
        return found

    def corrected(self, shares: Mapping[PartyId, Words]) -> tuple[Words, tuple[PartyId, ...]]:
        """Return the value and the parties whose shares are wrong: right while at most t are.

        Needs 3 t + 1 shares; with fewer no wrong share can be corrected.

        Raises:
            InconsistentShares: there are fewer than 3 t + 1 shares, or more than t wrong ones
                are noticed.
        """
        right, liars = dict(shares), list[PartyId]()
        while True:
            try:
                return self.combine(right), tuple(liars)
            except InconsistentShares as contradiction:
                found = self._wrong(right, contradiction.at)
                if len(shares) < 3 * self.threshold + 1 or not found:
                    raise
                liars += found
                if len(liars) > self.threshold:
                    raise
                right = {party: share for party, share in right.items() if party not in found}

    def _wrong(self, shares: Mapping[PartyId, Words], at: int) -> list[PartyId]:
        """Return the parties off the polynomial that most of these elements are on.

        Without such a polynomial, no party is named.
        """
        parties = list(shares)
        points = [self.point[party] for party in parties]
        values = [int(share[at]) for share in shares.values()]
        wrong = wrong_values(self.field, points, values, self.threshold) or ()
        return [parties[k] for k in wrong]

    def _row(self, base: Sequence[PartyId], at: int) -> list[int]:
        """Return c_j of f(at) = y_0 + sum c_j (y_j - y_0): Lagrange coefficients add up to one."""
        key = (*base, at)
        if key not in self._rows:
            self._rows[key] = self.field.lagrange([self.point[party] for party in base], at)[1:]
        return self._rows[key]

    def check(self, vector: Words) -> None:
        self.field.check(vector)

    def add(self, total: Words, share: Words) -> None:
        self.field.add(total, share, out=total)

    def uniform(self, stream: Stream, out: Words) -> Words:
        return self.field.uniform(stream, out)

    def rows(self, parcels: Sequence[Parcel], length: int) -> NDArray[np.uint64]:
        rows = np.empty((len(parcels), length), np.uint64)
        for row, parcel in zip(rows, parcels, strict=True):
            if isinstance(parcel, Explicit):
                row[:] = parcel.vector
            else:
                share_stream(parcel).fill(row)
        rows &= np.uint64(self.field.p)
        for i in np.flatnonzero((rows == self.field.p).any(axis=1)).tolist():
            rows[i] = self.expand(parcels[i], length)  # the stream's word p is skipped
        return rows

    def from_signed(self, x: NDArray[np.int64]) -> Words:
        elements = x.view(np.uint64)
        for part in blocks(len(x)):
            block = elements[part]
            np.minimum(block, block + np.uint64(self.field.p), out=block)
        return elements

    def to_signed(self, a: Words) -> NDArray[np.int64]:
        signed = a.view(np.int64)
        for part in blocks(len(a)):
            block = signed[part]
            np.subtract(block, self.field.p, out=block, where=block > self.capacity)
        return signed
