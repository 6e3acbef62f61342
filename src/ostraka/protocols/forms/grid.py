"""Grid of a table's figures: named rows and columns, and where in a result each figure stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ostraka.outcome import Value
from ostraka.protocols.forms.suppression import Layout

TOTAL: Final = "total"
"""Name of the total of all groups."""


@dataclass(frozen=True)
class Grid:
    """Figures of a table under the names of its rows and columns.

    Figures are numbered as in `Layout`: the cells row by row, then the totals.

    Attributes:
        rows, columns: names of the groups; without any there is one cell.
        totals: whether the totals of rows and columns are figures, too.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    totals: bool

    @cached_property
    def layout(self) -> Layout:
        """Layout of as many rows and columns, totals included."""
        return Layout(max(1, len(self.rows)), max(1, len(self.columns)))

    @property
    def figures(self) -> int:
        """Number of figures: cells, and totals if there are any."""
        return self.layout.figures if self.totals else self.layout.cells

    @property
    def titles(self) -> list[str]:
        """Names of all figures, in their order."""
        if self.layout.cells == 1:
            return ["sum"]
        if not self.columns:
            return [*self.rows, TOTAL][: self.figures]
        cells = [f"{row}/{column}" for row in self.rows for column in self.columns]
        totals = [f"{row}/{TOTAL}" for row in self.rows]
        totals += [f"{TOTAL}/{column}" for column in self.columns]
        return [*cells, *totals, TOTAL][: self.figures]

    @property
    def columns_shown(self) -> range:
        """Columns of the table as it is shown: its own, then that of the totals of rows."""
        columns = self.layout.columns
        return range(columns + (self.totals and columns > 1))

    def figure(self, row: int, column: int) -> int:
        """Return the number of the figure in a row and a column, the totals being in the last."""
        rows, columns = self.layout.rows, self.layout.columns
        if row < rows and column < columns:
            return row * columns + column
        if self.layout.flat or (row == rows and column == columns):
            return self.figures - 1
        return self.layout.cells + (row if column == columns else rows + column)

    def arranged(self, values: Mapping[int, Value]) -> Value:
        """Arrange figures by number as a person reads them: {row: {column: value}}.

        Without columns that is {row: value}, of one cell its value. A figure that is not in
        `values` is absent; None if all are.
        """
        if self.layout.cells == 1:
            return values.get(0)
        rows = (*self.rows, TOTAL) if self.totals else self.rows
        found: dict[str, Value] = {}
        for i, name in enumerate(rows):
            line = {j: values[f] for j in self.columns_shown if (f := self.figure(i, j)) in values}
            if line:
                found[name] = self.across(line)
        return found or None

    def across(self, line: Mapping[int, Value]) -> Value:
        """Name the values of one row by their columns; without columns return the one there is."""
        if not self.columns:
            return line.get(0)
        names = (*self.columns, TOTAL)
        return {names[j]: value for j, value in line.items()} or None
