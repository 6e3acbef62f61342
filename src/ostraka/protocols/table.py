"""Tables of sums, of which each is given only where disclosure rules allow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import BeforeValidator, Field, StrictBool, StrictInt

from ostraka.arithmetic.randomness import Words
from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.backend import Backend
from ostraka.engine.compare import less_than_zero
from ostraka.engine.multiply import mul
from ostraka.inputs.encoding import Codec, Signed
from ostraka.inputs.rendering import renderer
from ostraka.inputs.row_forms import CellForm, RowForm
from ostraka.manifest import InputSchema, IntType, Manifest
from ostraka.names import PartyId
from ostraka.outcome import Output, Value
from ostraka.protocols.forms.cells import Cells
from ostraka.protocols.forms.disclosure import Rules
from ostraka.protocols.forms.grid import TOTAL, Grid
from ostraka.protocols.forms.numbers import Comparing
from ostraka.protocols.forms.release import figures_given, given_openly, summed
from ostraka.protocols.forms.withheld import explain_pattern, explain_rules, why_withheld
from ostraka.protocols.interactive import all_zero
from ostraka.protocols.options import InputOptions, read_options, refuse
from ostraka.protocols.sentences import IF_INVALID, explain_interactive, from_the_answer
from ostraka.protocols.shares import Shares
from ostraka.text import line, same, twice

COMPARISONS: Final = 2_000_000
"""Limit on those made at once, so that they take some seconds and some hundred megabytes."""

CELLS: Final = 256
"""Limit for a table, so that the sums that follow from what is given are found in a second."""

Statistic = Literal["sum", "mean", "count"]
Name = Annotated[str, BeforeValidator(lambda name: line(name, 64))]
Names = tuple[Name, ...]


class TableOptions(InputOptions):
    """`[outputs]`: which figures the recipients get, if the policy allows them.

    Attributes:
        statistics: of each cell the sum, the heads in it, and their mean.
        rows, columns: the groups; without any there is one cell.
        totals: whether rows and columns are added up, too.
        heads: the most heads that one contributor has in one cell, where contributors give beside
            each sum of how many heads it is; 0: they do not.
        gap: of two rows, 1 - the mean of the first / the mean of the second.
    """

    statistics: tuple[Statistic, ...] = ("sum",)
    rows: Names = ()
    columns: Names = ()
    totals: StrictBool = True
    heads: Annotated[StrictInt, Field(ge=0)] = 0
    gap: tuple[Name, Name] | None = None


class Table(Comparing):
    """Sums by group over the contributors, and what follows from them. [HDF12]

    Contributors: for each cell, row by row or by name, a number within the manifest's bounds; or
    such a number and of how many heads it is the sum, [[52000, 1], [0, 0]]; no heads, no sum.
    Recipients learn: the sums that keep all rules of [policy], unless they would tell of one that
    does not; which those are; and who was counted. Compute parties learn which keep the rules, and
    whose input is out of bounds. No other party learns anything.
    Rounds for k contributors: at most 14 + log2 k and three comparisons; with totals 18 + 2 log2 k
    and five. Bytes: `cost()`.
    Tolerates: t curious compute parties of n >= 2t + 1, who must all stay.
    """

    name = "table"
    rules = frozenset({"dominance", "plausible", "min_cell"})
    options_model = TableOptions
    options: TableOptions

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self._prepare(manifest, read_options(TableOptions, manifest))
        rule = self.options
        none, most = Decimal(0), Decimal(rule.heads)
        cells = max(1, len(rule.rows)) * max(1, len(rule.columns))
        self.grid = Grid(rule.rows, rule.columns, totals=rule.totals and cells > 1)
        self.layout = self.grid.layout
        self.heads = Codec(InputSchema(type=IntType(), length=cells, min=none, max=most))
        self.cells = Cells(rule.rows, rule.columns)
        self.vectors = 2 if rule.heads else 1
        self.figures = self.grid.figures
        signed = self.codec.low < 0 and not rule.heads
        self.kept = Rules.of(manifest.policy, self.codec.quantum, signed=signed)
        self._check()
        self.lengths = dict.fromkeys(self.contributors, self.vectors * cells)
        self.opened = self.figures * (1 + self.vectors)

    # --- the figure -----------------------------------------------------------------------------

    def row_form(self, me: PartyId) -> RowForm:
        rule = self.options
        counts = self.heads.schema if rule.heads else None
        return CellForm(self.codec.schema, rule.rows, rule.columns, counts)

    def encode(self, me: PartyId, raw: object) -> Words:
        if not self.options.heads:
            return self.scheme.from_signed(self.cells.encode(raw, self.codec))
        x, of = self.cells.encode_pairs(raw, self.codec, self.heads)
        return self.scheme.from_signed(np.concatenate([x, of]))

    async def evaluate(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        cells = await self._valid(engine, x, shares)
        y = summed(cells, self.layout.sums[: self.figures].T)
        given = await figures_given(self.grid, y, self._broken)
        totals = y.sum(axis=0) * np.array(given)
        return concatenate([engine.public(given), totals.reshape(-1)])

    async def _valid(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        """Check all inputs, and share those that are what the manifest asks for afresh.

        Returns:
            Shape (contributors, vectors, cells). Rounds: 5 and one comparison.
        """
        y = (await mul(x, engine.public(1))).reshape(len(x), self.vectors, -1)
        checks = []
        for i, codec in enumerate((self.codec, self.heads)[: self.vectors]):
            checks += [y[:, i] - codec.low, codec.high - y[:, i]]
        if self.options.heads:
            checks.append(y[:, 1] - 1)
        errors = await less_than_zero(concatenate(checks, axis=1))
        if self.options.heads:
            cells = self.layout.cells
            of_no_heads = await mul(y[:, 0], errors[:, -cells:])
            errors = concatenate([errors[:, :-cells], of_no_heads], axis=1)
        valid = await all_zero(errors)
        await self.reject_invalid(shares, valid, "a table within the bounds")
        return y[valid]

    async def _broken(self, y: SecretArray, plausible: bool) -> SecretArray:
        return await self.kept.broken(y, plausible=plausible)

    def combine(self, opened: Words, counted: Sequence[PartyId]) -> tuple[Output, ...]:
        row = self.scheme.to_signed(opened)
        return tuple(self._output(name, row) for name in self.statistics)

    # --- results --------------------------------------------------------------------------------

    @property
    def statistics(self) -> Names:
        """Names of the outputs."""
        return *self.options.statistics, *(("gap",) if self.options.gap else ())

    def figures_asked(self) -> tuple[str, ...]:
        return self.statistics

    def _output(self, name: str, row: Signed) -> Output:
        """Make one output; `row` is what was opened: which figures are given, and the sums."""
        value, given = self._read(name, row.tolist()), row[: self.figures].tolist()
        missing = "" if all(given[f] for f in self._needed(name)) else self._why_not(given)
        parts = () if missing and value is None else (row.reshape(1, -1),)
        unit = self.manifest.input.unit if name in ("sum", "mean") else ""
        read = partial(self._read, name)
        counted = self.heads if name == "count" else self.codec
        wide = counted.wide(len(self.contributors) * self.layout.cells)
        return Output(name, unit, parts, read, scalar=True, withheld=missing, wide=wide)

    def _why_not(self, given: Sequence[bool]) -> str:
        return why_withheld(self.grid.titles, given, self.manifest.policy)

    def _needed(self, name: str) -> list[int]:
        """List the figures that an output is made of."""
        if name != "gap" or not self.options.gap:
            return list(range(self.figures))
        rows = map(self.options.rows.index, self.options.gap)
        return [self.grid.figure(row, column) for row in rows for column in self.grid.columns_shown]

    def _read(self, name: str, row: Sequence[int]) -> Value:
        """Read what was opened as people do; None if no figure is given, or none is defined, as
        with a mean over no heads."""
        sums = np.array(row).reshape(-1, self.figures)
        known = {f: tuple(sums[1:, f].tolist()) for f in np.flatnonzero(sums[0]).tolist()}
        if name == "gap":
            return self.grid.across(self._gaps(known))
        return self.grid.arranged({f: self._value(name, *figure) for f, figure in known.items()})

    def _value(self, statistic: str, total: int, heads: int = 0) -> Value:
        if statistic == "count":
            return heads
        if statistic == "mean":
            return self.shown(heads, fraction=True)(total) if heads else None
        return self.shown()(total)

    def _gaps(self, known: Mapping[int, tuple[int, ...]]) -> dict[int, Value]:
        """Compute the gap in each column, the last being that of the rows' totals."""
        first, second = map(self.options.rows.index, self.options.gap or ())
        found: dict[int, Value] = {}
        for column in self.grid.columns_shown:
            a, b = self.grid.figure(first, column), self.grid.figure(second, column)
            if a in known and b in known:
                found[column] = _gap(*known[a], *known[b])
        return found

    # --- before anything runs -------------------------------------------------------------------

    def _check(self) -> None:
        rule, cells, k = self.options, self.layout.cells, len(self.contributors)
        for path, names in (("rows", rule.rows), ("columns", rule.columns)):
            if twice(names) or len(names) == 1 or TOTAL in map(same, names):
                refuse(f'outputs.{path}: names two groups or more, each once, none of them "total"')
        if rule.columns and not rule.rows:
            refuse("outputs.columns: a table with columns has rows, too")
        if cells > CELLS:
            refuse(f"outputs.rows: {cells} cells are more than {CELLS}: use fewer groups")
        if self.manifest.input.length != cells:
            refuse(f"input.length: must be {cells}, the number of cells")
        if len(set(rule.statistics)) != len(rule.statistics) or not (rule.statistics or rule.gap):
            refuse("outputs.statistics: names each figure once, and at least one")
        if not rule.heads and (rule.gap or {"mean", "count"} & set(rule.statistics)):
            refuse(
                "outputs.heads: is missing: a mean needs to know of how many",
                hint="say heads = N, the most that one contributor has in one cell",
            )
        if rule.heads and not self.codec.low <= 0 <= self.codec.high:
            refuse("input.min: must be 0 or less: the sum of no heads is 0")
        if rule.gap and not (set(rule.gap) <= set(rule.rows) and len(set(rule.gap)) == 2):
            refuse('outputs.gap: names two of the rows, gap = ["women", "men"]')
        self._check_rules(k)

    def _check_rules(self, k: int) -> None:
        self.kept.check(k)
        if self.manifest.policy.dominance and self.codec.low < 0:
            refuse("policy.dominance: is about numbers that are not negative: min = 0")
        most = k * self.layout.cells * max(self.codec.magnitude, self.heads.high)
        bounds = max(abs(self.kept.low or 0), abs(self.kept.high or 0))
        if 2 * most * self.kept.scale + bounds > self.scheme.capacity:
            refuse(
                f"input.max: sums of {k} numbers up to {self.manifest.input.max} in units of "
                f"{self.codec.quantum} are too large to be compared",
                hint="lower max, use fewer digits, or rounder percentages in [policy]",
            )
        asked = self.kept.compared(k) * self.vectors * (self.figures + self.layout.sums_checked)
        if asked > COMPARISONS:
            refuse(f"input.length: more than {COMPARISONS} comparisons would be made")

    def plaintext(self, inputs: Mapping[PartyId, object]) -> dict[str, Value]:
        rows = [self.scheme.to_signed(self.encode(c, inputs[c])) for c in inputs]
        x = np.array(rows).reshape(len(rows), self.vectors, -1).tolist()
        sums = self.layout.sums[: self.figures].tolist()
        y = [[[_at(cells, of) for cells in each] for each in x] for of in sums]
        contributions: list[list[Sequence[int]]] = [list(zip(*figure, strict=True)) for figure in y]
        given = given_openly(self.grid, partial(self._keeps, contributions))
        totals = [[sum(column) for column in zip(*figure, strict=True)] for figure in y]
        row = [*given, *(total for column in zip(*totals, strict=True) for total in column)]
        return {name: self._read(name, row) for name in self.statistics}

    def _keeps(self, y: list[list[Sequence[int]]], those: Sequence[int], plausible: bool) -> bool:
        """Tell in the clear whether the sum of some figures keeps the rules.

        Args:
            y: for each figure the vectors of contributions to it, sums and then any heads.
        """
        vectors = [
            [sum(column) for column in zip(*(y[f][v] for f in those), strict=True)]
            for v in range(self.vectors)
        ]
        return self.kept.kept(vectors, plausible=plausible)

    def explain(self) -> list[str]:
        policy, unit, cells = self.manifest.policy, self.manifest.input.unit, self.layout.cells
        sums = "the sums" if cells > 1 else "the sum"
        what = "the sum" if cells == 1 else "the sum of each cell"
        what += " and the heads in it" * bool(self.options.heads)
        what += " and the totals of rows and columns" * self.grid.totals
        answer = explain_rules(policy, unit, cells=cells, signed=self.codec.low < 0)
        if policy.inside:
            what += ", as far as the rules allow"
            answer += explain_pattern(totals=self.grid.totals)
        answer += [*from_the_answer(self, sums), self._explain_checks()]
        return explain_interactive(self, what, answer)

    def _explain_checks(self) -> str:
        low, high = self.manifest.input.min, self.manifest.input.max
        heads = f", of 0 to {self.options.heads} heads" if self.options.heads else ""
        return (
            f"Inputs are checked before they count, without being seen: each number is from {low} "
            f"to {high}{heads}. Anything else is found, its value hidden: "
            f"{IF_INVALID[self.options.invalid]}."
        )


def _at(cells: Sequence[int], of: Sequence[int]) -> int:
    return sum(c for c, there in zip(cells, of, strict=True) if there)


def _gap(a: int, of_a: int, b: int, of_b: int) -> Value:
    """Compute 1 - (a / of_a) / (b / of_b); None where that is not defined."""
    return renderer(1 - Fraction(a * of_b, of_a * b), as_text=True)(1) if of_a and b else None
