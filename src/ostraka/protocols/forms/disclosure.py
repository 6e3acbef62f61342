"""Disclosure rules: secret sums that would tell too much of one contributor are found. [Cox81]

A protocol opens of a sum whether it keeps all rules together, neither which rule it breaks nor by
how much. The rules are those of statistical offices [HDF12]. Each compares a linear function of the
sum and of the largest contributions with zero, in whole numbers, so nothing is rounded.
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
    """Rules that a sum must keep to be given.

    Attributes:
        dominance: limits on the largest contributions; where one is set, none may be negative.
        least: minimum number of contributors whose contribution is not 0; 1 is no rule.
        low, high: bounds of the sum in encoded units, both included; None for no bound.
        signed: whether a contribution may be below zero.
    """

    dominance: Dominance
    least: int
    low: int | None
    high: int | None
    signed: bool = False

    @classmethod
    def of(cls, policy: Policy, quantum: Fraction, *, signed: bool) -> Rules:
        """Make the rules of `[policy]`; `quantum` is the number that an encoded 1 stands for."""
        bounds = policy.plausible
        low = None if bounds is None or bounds.min is None else ceil(Fraction(bounds.min) / quantum)
        high = None if bounds is None or bounds.max is None else (
            floor(Fraction(bounds.max) / quantum)
        )  # fmt: skip
        return cls(policy.dominance or Dominance(), policy.min_cell, low, high, signed)

    @property
    def tops(self) -> tuple[int, ...]:
        """Numbers m, ascending, for which the rules need the sum of the m largest contributions."""
        rule = self.dominance
        p = (1, 2) if rule.p is not None else ()
        return tuple(sorted({*p, *((rule.n,) if rule.n is not None else ())}))

    @property
    def scale(self) -> int:
        """Largest factor by which a sum is multiplied before it is compared."""
        rule = self.dominance
        return max((f.denominator for f in (rule.largest, rule.p, rule.k) if f), default=1)

    def compared(self, k: int) -> int:
        """Count at most the comparisons for each vector of k contributions."""
        return k * (k - 1) // 2 * bool(self.tops) + k * bool(self.dominance.largest) + k + 5

    def check(self, k: int) -> None:
        """Refuse dominance rules for k contributors that cannot be kept, or cannot be computed.

        Raises:
            ManifestError: no sum above 0 of k contributions keeps `largest`, or k is more than
                a table has entries.
        """
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
        """Return secret bits, 1 where a sum breaks a rule. Opens nothing.

        Rounds: those of at most two comparisons, one table and one product.

        Args:
            y: contributions, shape (contributors, vectors, figures). Each vector must keep the
                dominance rules; `least` counts the contributors that are not 0 in the last one.
            plausible: whether the sum of the first vector must keep the bounds, too.

        Returns:
            Shape (rows, figures): a sum keeps all rules exactly if its column is all zeros.
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
        """Count the contributors to each figure, and compare each pair where a rule needs it.

        Returns:
            A list of the count less `least`, if that is a rule; and for each of `pairs(k)` whether
            the first contribution is less, shape (pairs, vectors, figures), or None.
        """
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
        """Return numbers of which one is negative exactly where x is not 0; [] without `least`."""
        if self.least == 1:
            return []
        return [-x, x] if self.signed else [-x]

    async def _dominated(
        self, y: SecretArray, total: SecretArray, less: SecretArray | None
    ) -> list[SecretArray]:
        """Return for each dominance rule numbers that are negative exactly where it is broken."""
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
        """Tell whether one figure keeps all rules, from contributions in the clear.

        Args:
            vectors: contributions to the figure, shape (vectors, contributors), as in `broken`.
        """
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
    """Return numbers that are negative exactly where x is more than this share of the total."""
    return share.numerator * total - share.denominator * x


async def top_sums(x: SecretArray, less: SecretArray, counts: Sequence[int]) -> SecretArray:
    """Add up the m largest along the first axis, for each m of `counts`. Opens nothing.

    Rounds: those of one table of k entries, and 1.

    Args:
        x: shape (k, ...).
        less: 1 where the first of a pair is less than the second, else 0: shape (pairs, ...), in
            the order of `order.pairs(k)`.

    Returns:
        Shape (len(counts), ...).
    """
    k = len(x)
    member = (np.arange(k)[:, None] >= k - np.array(counts)).astype(np.int64)
    among = await look_up(ranks_from(less, k), member)
    axes = tuple(range(1, x.ndim))
    return await dot(among.transpose(x.ndim, *axes, 0), x.transpose(*axes, 0)[None])
