"""Rates by group, and what they differ by, from a table of labels and predictions.

Names and numbers are those of Fairlearn: a rate of a group is the quotient of two counts as a
float; a difference is the largest rate minus the smallest, a ratio the smallest by the largest;
`equalized_odds_*` is the worse of the true positive and the false positive rate. Where a group has
no member of a kind that a rate is about, such as no positive label, Fairlearn writes 0 for its
rate, and so does this; the interval beside it is then from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt
from typing import Final, NamedTuple

from ostraka.noise.shares import Z95

WITH_LABELS: Final = ("true_negative", "false_positive", "false_negative", "true_positive")
"""Cells of a group by 2 * label + prediction."""

WITHOUT_LABELS: Final = ("not_selected", "selected")
"""Cells of a group by prediction."""

OVERALL: Final = "overall"

Counts = Mapping[str, int]
"""Cells of a group that are known, by name."""

Rates = dict[str, float]
"""Numbers by group."""


class Rate(NamedTuple):
    """Rate of a group: the members in the cells `of`, by those in `of` and `other`."""

    of: tuple[str, ...]
    other: tuple[str, ...]


_TN, _FP, _FN, _TP = ((name,) for name in WITH_LABELS)

RATES: Final = {
    "selection_rate": Rate(_FP + _TP, _TN + _FN),
    "accuracy": Rate(_TN + _TP, _FP + _FN),
    "true_positive_rate": Rate(_TP, _FN),
    "false_positive_rate": Rate(_FP, _TN),
    "true_negative_rate": Rate(_TN, _FP),
    "false_negative_rate": Rate(_FN, _TP),
}
"""Rates that follow from labels and predictions."""

SELECTION: Final = {"selection_rate": Rate(("selected",), ("not_selected",))}
"""The rate that follows from predictions alone."""

PARITY: Final = {
    "demographic_parity": ("selection_rate",),
    "equal_opportunity": ("true_positive_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
}
"""Rates that a disparity compares; the worst counts."""


@dataclass(frozen=True)
class Groups:
    """Counts of each group, and overall, as far as they are given.

    Attributes:
        counts: of each group in order, without the groups of which some cell is not given.
        overall: of all groups together; None where a cell of it is not given.
        every: number of groups that there are, those without members included.
        spread: of noise in a sum of so many cells, the most that it is off by; None: counts are
            exact.
    """

    counts: Mapping[str, Counts]
    overall: Counts | None
    every: int
    spread: Sequence[int] | None = None

    @property
    def named(self) -> Mapping[str, Counts]:
        """Counts by name, `OVERALL` last, without groups that have no members."""
        last = {} if self.overall is None else {OVERALL: self.overall}
        return {name: each for name, each in {**self.counts, **last}.items() if _total(each) > 0}

    def rates(self, rate: Rate) -> Rates:
        """Return a rate of each group and overall, from 0 to 1."""
        return {name: _rate(rate, each) for name, each in self.named.items()}

    def intervals(self, rate: Rate) -> dict[str, list[float]]:
        """Return 95% intervals of a rate of each group and overall.

        Of exact counts Wilson's: about the rate of people like those counted, of whom these are a
        sample. Of noised ones, about the exact rate of those counted, as far as the noise leaves it
        open.
        """
        return {name: self._interval(rate, each) for name, each in self.named.items()}

    def _interval(self, rate: Rate, counts: Counts) -> list[float]:
        of, other = _sum(counts, rate.of), _sum(counts, rate.other)
        if self.spread is None:
            return list(wilson(of, of + other))
        wide, rest = self.spread[len(rate.of) - 1], self.spread[len(rate.other) - 1]
        low = _part(max(0, of - wide), max(0, other + rest), 0.0)
        return [low, _part(max(0, of + wide), max(0, other - rest), 1.0)]

    def disparities(self, rates: Mapping[str, Rate]) -> Iterator[tuple[str, float]]:
        """Yield each disparity that the rates allow: nan where it is not defined.

        A group without members is left out; so a disparity needs all groups' cells.
        """
        for name, compared in PARITY.items():
            if all(each in rates for each in compared):
                by_group = [self._by_group(rates[each]) for each in compared]
                yield f"{name}_difference", max(_difference(r) for r in by_group)
                ratios = [_ratio(r) for r in by_group]
                yield f"{name}_ratio", nan if any(map(isnan, ratios)) else min(ratios)

    def _by_group(self, rate: Rate) -> list[float]:
        return [_rate(rate, each) for each in self.counts.values() if _total(each) > 0]

    @property
    def complete(self) -> bool:
        """Whether no group is missing."""
        return len(self.counts) == self.every


def wilson(of: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95% interval of a rate of which `of` of n were counted; (0, 1) for n = 0."""
    if n <= 0:
        return 0.0, 1.0
    p, z = of / n, Z95
    middle, scale = p + z * z / (2 * n), 1 + z * z / n
    wide = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (middle - wide) / scale), min(1.0, (middle + wide) / scale)


def _rate(rate: Rate, counts: Counts) -> float:
    of, other = _sum(counts, rate.of), _sum(counts, rate.other)
    return min(1.0, max(0.0, of / (of + other))) if of + other > 0 else 0.0


def _part(of: int, other: int, unknown: float) -> float:
    return of / (of + other) if of + other else unknown


def _sum(counts: Counts, names: Sequence[str]) -> int:
    return sum(counts[name] for name in names)


def _total(counts: Counts) -> int:
    return sum(counts.values())


def _difference(rates: Sequence[float]) -> float:
    return max(rates) - min(rates) if rates else nan


def _ratio(rates: Sequence[float]) -> float:
    return min(rates) / max(rates) if rates and max(rates) else nan
