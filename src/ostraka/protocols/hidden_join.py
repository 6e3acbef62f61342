"""Joins that no party sees a match of: bins, polynomials, and a test for zero inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

import numpy as np

from ostraka.arithmetic.randomness import Draw, Words
from ostraka.engine.array import SecretArray
from ostraka.engine.backend import Backend
from ostraka.engine.compare import equal
from ostraka.engine.multiply import dot, mul
from ostraka.names import PartyId
from ostraka.protocols.forms.bins import HASHED_WORDS, Bins
from ostraka.protocols.forms.identifiers import hashed
from ostraka.protocols.options import refuse
from ostraka.protocols.private_join import PrivateJoin
from ostraka.protocols.shares import Shares
from ostraka.sharing.scheme import Parcel

ELEMENTS: Final = 1 << 28
"""Limit on the elements that an owner shares: 2 GiB."""


class HiddenJoin(PrivateJoin):
    """Rows that two owners' lists have in common, where no party learns which match. [PSTY19]

    Contributors: two owners, a list each: identifiers, or identifiers with a value each, at most
    `[input] length` of them. They may compute, and need not.
    Recipients learn: the figures asked for. No other party learns anything.
    Rounds: 4 and a test for zero, or with `min_intersection` a comparison and one more. Bytes, of
    lists of d rows: about 1.3 d bins of 15 to 30 elements from each owner; between compute parties
    two elements and half a comparison for each bin. `cost()` is exact.
    Tolerates: t curious compute parties of n >= 2t + 1, who must all stay.
    """

    def prepare(
        self, shared: Mapping[PartyId, int], kept: Mapping[PartyId, int] | None = None
    ) -> None:
        if len(self.contributors) != 2:
            refuse(
                f'outputs.hide: "everything" is for two lists, not for {len(self.contributors)}',
                hint='use hide = "all-but-pattern", with a helper',
            )
        if self.asked.helper is not None:
            refuse('outputs.helper: has no meaning with hide = "everything"')
        if self.asked.members is not None:
            refuse('outputs.members: tells which rows match: not with hide = "everything"')
        if self.manifest.policy.min_contributors != 2:
            refuse("policy.min_contributors: both lists are needed: leave it out")
        self.shared, self.kept = shared, dict.fromkeys(self.contributors, 0)
        if max(shared.values()) > 1:
            refuse('outputs.columns: with hide = "everything" each row has one value at most')
        count, depth = self.bins.count, self.bins.depth
        self.lengths = {
            self.placed: count * (depth + shared[self.placed]),
            self.listed: count * (depth + 1 + depth * shared[self.listed]),
        }
        if max(self.lengths.values()) > ELEMENTS:
            refuse("input.length: such lists are too long to be joined with everything hidden")

    @property
    def placed(self) -> PartyId:
        """Owner of the longer list, each row of which is in one bin."""
        return max(self.contributors, key=self.rows.__getitem__)

    @property
    def listed(self) -> PartyId:
        """Owner of the other list, each row of which is in three bins."""
        return next(c for c in self.contributors if c != self.placed)

    @cached_property
    def bins(self) -> Bins:
        """Sizes that both lists' limits determine."""
        return Bins.of(self.rows[self.placed], self.rows[self.listed])

    # --- a list ---------------------------------------------------------------------------------

    def encode(self, me: PartyId, raw: object) -> Words:
        rows, field = self.read(me, raw, self.shared[me]), self._shamir.field
        values = self._values(me, rows).reshape(-1)
        hashes = hashed(rows, self.asked.identifiers, HASHED_WORDS)
        elements, bins = self.bins.rows(field, hashes)
        if me == self.listed:
            shown = self.scheme.from_signed(values) if self.shared[me] else None
            f, g = self.bins.polynomials(field, elements, bins, shown)
            return np.concatenate([f.reshape(-1), g.reshape(-1)])
        inside = self.bins.place(bins)
        powers = self.bins.powers(field, elements, inside).reshape(-1)
        if not self.shared[me]:
            return powers
        return np.concatenate([powers, self.scheme.from_signed(self.bins.in_bins(values, inside))])

    def with_noise(self, x: Words, me: PartyId, draw: Draw) -> Words:
        return x

    def share(self, x: Words, me: PartyId, draw: Draw) -> dict[PartyId, Parcel]:
        return self.scheme.split(x, me, draw)

    # --- the figure -----------------------------------------------------------------------------

    async def sums(
        self, engine: Backend, vectors: Mapping[PartyId, SecretArray], shares: Shares
    ) -> tuple[list[SecretArray], SecretArray | None]:
        count, depth = self.bins.count, self.bins.depth
        of_placed = vectors[self.placed].reshape(-1, count)
        of_listed = vectors[self.listed].reshape(-1, count)
        powers, f = of_placed[:depth], of_listed[: depth + 1]
        hit = await equal(await dot(powers, f[1:], axis=0) + f[0], 0)
        values = {self.placed: of_placed[depth:]}
        if self.paired or (self.shared[self.listed] and self.figures.codecs):
            values[self.listed] = await self._at(powers, of_listed[depth + 1 :])
        summed_owners = [self.columns[label][0] for label in self.figures.codecs]
        summed = [await dot(hit, values[owner].reshape(-1)) for owner in summed_owners]
        if self.paired:
            one, other = (values[owner].reshape(-1) for owner in self.contributors)
            summed.append(await dot(await mul(hit, one), other))
        return [each.reshape(1) for each in (hit.sum(), *summed)], None

    async def _at(self, powers: SecretArray, g: SecretArray) -> SecretArray:
        """Return g at the row of each bin: its value there, if the other list has the row."""
        return await dot(powers[:-1], g[1:], axis=0) + g[0] if len(g) > 1 else g[0]

    # --- in words -------------------------------------------------------------------------------

    def told(self) -> Sequence[PartyId]:
        return ()

    def explain_helper(self) -> Iterator[str]:
        rows = self.bins.count * self.bins.depth
        yield (
            "Matches: no party learns which rows are in both lists, nor how many, but by the "
            "figures: that is computed inside. Rows are compared by 61 bits of a hash, in bins: "
            f"with probability below 2^-{61 - rows.bit_length()} two different ones count as equal."
        )
