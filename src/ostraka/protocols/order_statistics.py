"""Figures that follow from an order: minimum, maximum, median, quantiles, the largest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import BeforeValidator, Field, StrictInt

from ostraka.arithmetic.randomness import Words
from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.backend import Backend
from ostraka.manifest import Manifest, exact_fraction
from ostraka.names import PartyId
from ostraka.outcome import Output, Value
from ostraka.protocols.forms.fewest import explain_fewest
from ostraka.protocols.forms.numbers import Comparing
from ostraka.protocols.forms.order import at, places
from ostraka.protocols.forms.units import explain_unit
from ostraka.protocols.options import InputOptions, read_options, refuse
from ostraka.protocols.sentences import explain_interactive, second_session
from ostraka.protocols.shares import Shares

PAIRS: Final = {"passive": 2_000_000, "three": 500_000, "active": 25_000}
"""Limit on the pairs that are compared, so that they take some seconds and some hundred megabytes:
with passive security; with active security among three compute parties; among others."""


class StatisticsOptions(InputOptions):
    """`[outputs]`: which figures the recipients get.

    Attributes:
        statistics: some of min, max and median.
        quantiles: fractions q; of each the least number that at least q of all are not above.
        top: how many of the largest, largest first; whose they are is not told.
    """

    statistics: tuple[Literal["min", "max", "median"], ...] = ()
    quantiles: tuple[Annotated[Fraction, BeforeValidator(exact_fraction)], ...] = ()
    top: Annotated[StrictInt, Field(ge=0)] = 0


class OrderStatistics(Comparing):
    """Figures of the contributors' vectors that follow from their order, elementwise. [NO07]

    Contributors: d numbers each (`[input] length`), within the manifest's bounds.
    Recipients learn: the figures asked for, not whose they are, and who was counted. Compute
    parties learn whose inputs are out of bounds. No other party learns anything.
    Rounds: at most 10 and two comparisons; bytes: `cost()`, as the square of the contributors.
    Tolerates: t curious compute parties of n >= 2t + 1, who must all stay.
    """

    name = "statistics"
    options_model = StatisticsOptions
    options: StatisticsOptions

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self._prepare(manifest, read_options(StatisticsOptions, manifest))
        self._check()
        self.figures = (
            *self.options.statistics,
            *(f"quantile {q}" for q in self.options.quantiles),
            *(("largest",) if self.options.top else ()),
        )
        self.opened = self.codec.length * (
            len(self.figures) - bool(self.options.top) + self.options.top
        )

    # --- the figure -----------------------------------------------------------------------------

    async def evaluate(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        y, ranks = await self.ranked(x, shares, "a number within the bounds")
        rows = self._ranks(len(y))
        flat = [rank for row in rows for rank in row]
        found = await at(await places(ranks, flat), y)
        starts = np.cumsum([0, *map(len, rows)])
        return concatenate([found[a:b].sum(axis=0) for a, b in pairwise(starts.tolist())])

    def combine(self, opened: Words, counted: Sequence[PartyId]) -> tuple[Output, ...]:
        rows = self.scheme.to_signed(opened).reshape(-1, self.codec.length)
        unit, scalar, outputs = self.manifest.input.unit, self.codec.length == 1, []
        single = len(rows) - self.options.top
        ranks_of = self._ranks(len(counted))
        for figure, row, those in zip(self.figures, rows[:single], ranks_of, strict=False):
            shown = self.shown(len(those), fraction=figure == "median")
            wide = figure != "median" and self.codec.wide()
            outputs.append(Output(figure, unit, (row,), shown, scalar, wide=wide))
        if self.options.top:
            render = self.shown()
            parts = tuple(rows[single:])
            figure, wide = lambda *v: list(map(render, v)), self.codec.wide()
            outputs.append(Output("largest", unit, parts, figure, scalar, wide=wide))
        return tuple(outputs)

    def _ranks(self, k: int) -> list[list[int]]:
        """List for each figure the ranks, from 0, whose mean it is.

        Args:
            k: contributors counted.
        """
        of = {"min": [0], "max": [k - 1], "median": sorted({(k - 1) // 2, k // 2})}
        rows = [of[name] for name in self.options.statistics]
        rows += [[max(0, ceil(q * k) - 1)] for q in self.options.quantiles]
        return rows + [[max(0, k - 1 - i)] for i in range(self.options.top)]

    # --- before anything runs -------------------------------------------------------------------

    def _check(self) -> None:
        rule, k = self.options, len(self.contributors)
        if not (rule.statistics or rule.quantiles or rule.top):
            refuse('outputs: asks for nothing: statistics = ["median"], quantiles or top')
        for path, named in (("statistics", rule.statistics), ("quantiles", rule.quantiles)):
            if len(set(named)) != len(named):
                refuse(f"outputs.{path}: names a figure twice")
        if rule.top > self.manifest.policy.min_contributors:
            refuse(
                f"outputs.top: {rule.top} numbers are more than min_contributors, "
                f"{self.manifest.policy.min_contributors}"
            )
        security = self.manifest.sharing.security
        kind = "three" if security == "active" and len(self.scheme.compute) == 3 else security
        if self.codec.length * k * k // 2 > PAIRS[kind]:
            refuse(
                f"input.length: more than {PAIRS[kind]} pairs would be compared, which takes too "
                f"long with {security} security among {len(self.scheme.compute)} compute parties"
            )

    def plaintext(self, inputs: Mapping[PartyId, object]) -> dict[str, Value]:
        rows = [self.codec.encode(inputs[c]).tolist() for c in inputs]
        found: dict[str, Value] = {}
        for name in self.figures:
            values = [self._textbook(name, sorted(column)) for column in zip(*rows, strict=True)]
            found[name] = values[0] if self.codec.length == 1 else values
        return found

    def _textbook(self, name: str, ordered: list[int]) -> Value:
        if name == "largest":
            return [self.shown()(x) for x in ordered[::-1][: self.options.top]]
        if name == "median":
            lower, upper = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
            return self.shown(2, fraction=True)(lower + upper)
        if name in ("min", "max"):
            return self.shown()(ordered[0] if name == "min" else ordered[-1])
        q = Fraction(name.split()[1])
        good = (x for i, x in enumerate(ordered, 1) if Fraction(i, len(ordered)) >= q)
        return self.shown()(next(good))

    def explain(self) -> list[str]:
        k = len(self.contributors)
        others = (
            f"{k - 1} of you who compare notes learn the last one's number whenever it is among "
            "the figures, and otherwise between which of theirs it lies."
        )
        if k == 1:
            others = "WARNING: with one contributor, every figure is its number."
        return explain_interactive(
            self,
            " and ".join(f"the {name}" for name in self.figures),
            [
                "The answer itself: a minimum, a maximum, a quantile, each of the largest and, of "
                "an odd number of contributors, the median are one contributor's number, though "
                "not whose; a contributor known to stand out is known by the extremes.",
                others,
                *explain_fewest(self, "the last one's number as said"),
                *explain_unit(self.figures, instead=False),
                second_session(self, "session"),
                self.explain_bounds(),
            ],
        )
