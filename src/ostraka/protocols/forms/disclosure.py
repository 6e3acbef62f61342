"""Sums that tell too much of somebody in them: found out inside the computation. [Cox81]

What is opened of a sum is whether it keeps all rules together, not which one it breaks, nor by how
much. The rules are those of statistical offices [HDF12]; each is a linear function of the sum and
of the largest contributions, compared with zero in whole numbers, so that a tie is a tie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np

from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.compare import less_than_zero
from ostraka.engine.multiply import dot
from ostraka.engine.table import ENTRIES, look_up
from ostraka.manifest import Dominance, Policy
from ostraka.protocols.forms.order import pairs, ranks_from
from ostraka.protocols.options import refuse


@dataclass(frozen=True)
class Rules:
    """What every sum must keep to be given.

    Attributes:
        dominance: contributions are not negative where there is such a rule.
        least: how many contributors must have something in it; 1 is no rule.
        low, high: what it must be within, in encoded units.
        signed: whether what a contributor has may be below zero.
    """

    dominance: Dominance
    least: int
    low: int | None
    high: int | None
    signed: bool = False

    @classmethod
    def of(cls, policy: Policy, quantum: Fraction, *, signed: bool) -> Rules:
        """The rules of `[policy]`; `quantum` is what an encoded 1 stands for."""
        bounds = policy.plausible
        low = None if bounds is None or bounds.min is None else ceil(Fraction(bounds.min) / quantum)
        high = None if bounds is None or bounds.max is None else (
            floor(Fraction(bounds.max) / quantum)
        )  # fmt: skip
        return cls(policy.dominance or Dominance(), policy.min_cell, low, high, signed)

    @property
    def tops(self) -> tuple[int, ...]:
        """For which m the sum of the m largest contributions is needed."""
        rule = self.dominance
        p = (1, 2) if rule.p is not None else ()
        return tuple(sorted({*p, *((rule.n,) if rule.n is not None else ())}))

    @property
    def scale(self) -> int:
        """By how much a sum is multiplied at most before it is compared."""
        rule = self.dominance
        return max((f.denominator for f in (rule.largest, rule.p, rule.k) if f), default=1)

    def compared(self, k: int) -> int:
        """Comparisons for each vector of k contributions."""
        return k * (k - 1) // 2 * bool(self.tops) + k * bool(self.dominance.largest) + k + 5

    def check(self, k: int) -> None:
        """Refuse what no k contributors, or not all that many, can keep; ManifestError."""
        rule = self.dominance
        if rule.largest is not None and rule.largest * k < 1:
            refuse(
                f"policy.dominance: of {k} contributors one always makes up more than "
                f"{rule.largest} of the total",
                hint=f'with largest = "1/{k}" all would have to be equal',
            )
        if self.tops and k > ENTRIES:
            refuse(f"policy.dominance: p, n and k are for at most {ENTRIES} contributors")

    # --- inside the computation -----------------------------------------------------------------

    async def broken(self, y: SecretArray, *, plausible: bool) -> SecretArray:
        """1 for each rule that a sum breaks, else 0. Rounds: at most two comparisons and a table.

        Args:
            y: shape (contributors, vectors, figures): what each has in each figure. Of several
                vectors the dominance rules hold for each; who has nothing in the last has nothing.
            plausible: whether the bounds hold too, for the first vector.

        Returns:
            Shape (rules and more, figures).
        """
        width, total = y.shape[-1], y.sum(axis=0)
        found, less = await self._compared(y)
        found += await self._dominated(y, total, less)
        if plausible:
            found += [total[0] - self.low] if self.low is not None else []
            found += [self.high - total[0]] if self.high is not None else []
        if not found:
            return y.engine.public(0, (1, width))
        return await less_than_zero(concatenate([part.reshape(-1, width) for part in found]))

    async def _compared(self, y: SecretArray) -> tuple[list[SecretArray], SecretArray | None]:
        """Negative where too few have something in a figure; and every pair, if it is needed."""
        k, vectors, width = y.shape
        asked = self._there(y[:, -1])
        if self.tops:
            first, second = pairs(k)
            asked.append((y[first] - y[second]).reshape(-1, width))
        if not asked:
            return [], None
        less = await less_than_zero(concatenate(asked))
        counted = less[: k * (len(asked) - bool(self.tops))]
        few = [counted.sum(axis=0) - self.least] if self.least > 1 else []
        pair = less[len(counted) :].reshape(-1, vectors, width) if self.tops else None
        return few, pair

    def _there(self, x: SecretArray) -> list[SecretArray]:
        """One of these is negative exactly where x is not 0."""
        if self.least == 1:
            return []
        return [-x, x] if self.signed else [-x]

    async def _dominated(
        self, y: SecretArray, total: SecretArray, less: SecretArray | None
    ) -> list[SecretArray]:
        """Negative where the rule is broken."""
        rule, found = self.dominance, []
        if rule.largest is not None:
            found.append(_part(rule.largest, total, y))
        if less is not None:
            tops = await top_sums(y, less, self.tops)
            if rule.p is not None:
                rest = total - tops[self.tops.index(2)]
                largest = tops[self.tops.index(1)]
                found.append(rule.p.denominator * rest - rule.p.numerator * largest)
            if rule.n is not None and rule.k is not None:
                found.append(_part(rule.k, total, tops[self.tops.index(rule.n)]))
        return found

    # --- by the textbook ------------------------------------------------------------------------

    def kept(self, vectors: Sequence[Sequence[int]], *, plausible: bool) -> bool:
        """The same from everybody's numbers: each of some vectors of contributions."""
        rule = self.dominance
        if self.least > 1 and sum(x != 0 for x in vectors[-1]) < self.least:
            return False
        for x in vectors:
            total, ordered = sum(x), [*sorted(x, reverse=True), 0, 0]
            if rule.largest is not None and ordered[0] > rule.largest * total:
                return False
            if rule.p is not None and total - ordered[0] - ordered[1] < rule.p * ordered[0]:
                return False
            if rule.k is not None and sum(ordered[: rule.n]) > rule.k * total:
                return False
        total = sum(vectors[0])
        low_enough = self.high is None or total <= self.high
        return not plausible or (low_enough and (self.low is None or total >= self.low))


def _part(share: Fraction, total: SecretArray, x: SecretArray) -> SecretArray:
    """Negative where x is more than such a share of the total."""
    return share.numerator * total - share.denominator * x


async def top_sums(x: SecretArray, less: SecretArray, counts: Sequence[int]) -> SecretArray:
    """For each m of `counts` the sum of the m largest along the first axis.

    ceil(log2 k) + 1 rounds for k elements. `less`: of each of `order.pairs(k)` whether the first is
    less than the second.
    """
    k = len(x)
    member = (np.arange(k)[:, None] >= k - np.array(counts)).astype(np.int64)
    among = await look_up(ranks_from(less, k), member)
    axes = tuple(range(1, x.ndim))
    return await dot(among.transpose(x.ndim, *axes, 0), x.transpose(*axes, 0)[None])
