"""Templates: tables to fill in, made for one manifest and stamped with its digest."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from ostraka.data.selection import MARK, Selection
from ostraka.errors import InputError, UsageError
from ostraka.inputs.row_forms import CellForm, ColumnForm, RowForm

_STAMP: Final = 16
"""Hexadecimal digits of the digest in a stamp."""

_MOST_ROWS: Final = 100_000


@dataclass(frozen=True)
class Template:
    """Table to fill in for one form of input, under one manifest.

    Attributes:
        stamp: the beginning of the manifest's digest, in hexadecimal digits.
        selection: what is read from the table.
        names: of its columns.
        rows: what stands in its rows.
    """

    stamp: str
    selection: Selection
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, form: RowForm, digest: bytes) -> Template:
        """Make the template of an input's form."""
        if isinstance(form, ColumnForm):
            selection, names, rows = _of_column(form)
        elif isinstance(form, CellForm):
            selection, names, rows = _of_cells(form)
        else:
            d = form.schema.length
            values = tuple(f"value {i + 1}" for i in range(d)) if d > 1 else ("value",)
            selection = Selection(values=values, weight="weight")
            names, rows = (*values, "weight"), ()
        return cls(digest.hex()[:_STAMP], selection, names, tuple(rows))

    def text(self) -> str:
        """Return the template as CSV.

        Raises:
            UsageError: it would have too many rows to fill in by hand.
        """
        if len(self.rows) > _MOST_ROWS:
            problem = f"the input has {len(self.rows)} values: too many to fill in by hand"
            hint = "ostraka run ... --input FILE --value COLUMN reads a column of any table"
            raise UsageError(problem, hint=hint, data_left=False)
        out = io.StringIO()
        out.write(f"{MARK}{self.stamp}\r\n")
        writer = csv.writer(out)
        writer.writerow(self.names)
        writer.writerows((*row, *[""] * (len(self.names) - len(row))) for row in self.rows)
        return out.getvalue()

    def selected(self, cell: str, given: Selection, source: str) -> Selection:
        """Return what is read from a table that has this stamp in its first cell: what is `given`,
        or else what the template is for.

        Raises:
            InputError: the table was made for another manifest.
        """
        stamp = cell.strip().removeprefix(MARK).strip()
        if stamp != self.stamp:
            raise InputError(
                f"{source} was made for another manifest: its stamp is {stamp[:_STAMP]}, and this "
                f"manifest's is {self.stamp}",
                hint="make a new one: ostraka template SESSION.toml > input.csv",
                data_left=False,
            )
        if given.named:
            return given
        mine = self.selection
        return replace(
            given, values=mine.values, groups=mine.groups, weight=mine.weight, heads=mine.heads,
            order=mine.order,
        )  # fmt: skip


Parts = tuple[Selection, tuple[str, ...], Iterable[tuple[str, ...]]]


def _of_column(form: ColumnForm) -> Parts:
    if form.least == form.most > 1:
        rows = [(str(i + 1),) for i in range(min(form.most, _MOST_ROWS + 1))]
        return Selection(values=("value",), order="element"), ("element", "value"), rows
    return Selection(values=("value",)), ("value",), [("",)] * (form.most == 1)


def _of_cells(form: CellForm) -> Parts:
    groups = ("row", "column")[: len(form.groups)]
    selection = Selection(values=("sum",), groups=groups, heads="heads" if form.heads else None)
    return selection, (*groups, "sum", *["heads"] * form.heads), product(*form.groups)
