"""Records: rows of a table and the columns that are needed, as its own program counts them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from ostraka import limits
from ostraka.data.cells import Cell, cell_of, text_of
from ostraka.data.selection import MARK, Selection, position
from ostraka.data.template import Template
from ostraka.errors import InputError
from ostraka.text import spelled

_TITLES: Final = 30
"""Rows among which the one with the names of columns is looked for."""


@dataclass(frozen=True)
class Records:
    """Rows of a table.

    Attributes:
        source: what messages call the table.
        header: the names of all its columns.
        columns: cells of those columns that are needed, by their place in the header.
        rows: the number of each row, as the table's own program counts them.
        selection: what is selected of it, a template's own choice included.
        ordered: whether the order of rows means something; not in a database.
        read: how many rows there were before a condition; None: there was none.
    """

    source: str
    header: tuple[str, ...]
    columns: dict[int, list[Cell]]
    rows: Sequence[int]
    selection: Selection
    ordered: bool = True
    read: int | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> list[Cell]:
        """Return the cells of a column.

        Raises:
            InputError: no column has this name.
        """
        return self.columns[position(self.header, name, self.source)]

    def only(self, kept: Sequence[int]) -> Records:
        """Return the records with some of the rows, given by their places from 0."""
        columns = {i: [column[k] for k in kept] for i, column in self.columns.items()}
        return replace(self, columns=columns, rows=[self.rows[k] for k in kept])


def gather(
    rows: Iterable[Sequence[Any]],
    source: str,
    selection: Selection,
    template: Template,
    convert: Callable[[Any], Cell] | None = None,
) -> Records:
    """Gather the rows of a sheet, whose names of columns stand in one of its first rows.

    That is the row with the most of the names that are selected, or else with the most cells, and
    the first of several: titles may stand above it. Rows at the end with nothing in them do not
    count.

    Args:
        convert: makes a cell of what a library read; by default it is one already.

    Raises:
        InputError: a name is missing or doubled, or a row has another number of cells.
    """
    rows = iter(rows)
    first = list(islice(rows, _TITLES))
    if convert:
        first = [list(map(convert, row)) for row in first]
    stamped = first and str(first[0][0] if first[0] else "").startswith(MARK)
    if stamped:
        selection = template.selected(str(first[0][0]), selection, source)
    at = _header_at(first, selection, int(bool(stamped)), source)
    header = tuple(map(_name, first[at]))
    needed = needed_columns(header, selection, source)
    filled = _Filled(source, len(header), needed, at + 2)
    filled.extend(first[at + 1 :])
    filled.extend(rows)
    columns, count = filled.done()
    if convert:
        columns = {i: list(map(convert, column)) for i, column in columns.items()}
    return Records(source, header, columns, range(at + 2, at + 2 + count), selection)


def needed_columns(header: Sequence[str], selection: Selection, source: str) -> list[int]:
    """Return the places of the columns that are selected, or that SQL names."""
    if selection.query is None:
        for name in selection.named:
            position(header, name, source)
    return [i for i, name in enumerate(header) if is_needed(name, selection)]


def is_needed(name: str, selection: Selection) -> bool:
    """Return whether a column of this name is selected, or named in SQL."""
    form, sql = spelled(name), selection.sql.casefold()
    if selection.query is None and form in map(spelled, selection.named):
        return True
    return bool(sql) and ("*" in sql or form.casefold().replace('"', '""') in sql)


def _header_at(
    first: Sequence[Sequence[Cell]], selection: Selection, start: int, source: str
) -> int:
    """Return which of the first rows has the names of the columns."""
    filled = [i for i in range(start, len(first)) if any(c not in (None, "") for c in first[i])]
    if not filled:
        raise InputError(f"{source} has no rows", data_left=False)
    names = {spelled(name) for name in selection.named if selection.query is None}

    def likely(i: int) -> tuple[int, int]:
        cells = list(map(_name, first[i]))
        return len(names.intersection(cells)), len(cells) - cells.count("")

    return max(filled, key=likely)


def _name(cell: Cell) -> str:
    return spelled(text_of(cell))


class _Filled:
    """Cells of the columns that are needed, as rows come in."""

    def __init__(self, source: str, width: int, needed: Sequence[int], first: int) -> None:
        self._source, self._width, self._first = source, width, first
        self._columns: dict[int, list[Cell]] = {i: [] for i in needed}
        self._count = self._last = 0

    def extend(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Add rows; one without any cell is blank."""
        picked = [(column.append, i) for i, column in self._columns.items()]
        width, count = self._width, self._count
        for row in rows:
            count += 1
            if len(row) == width:
                if row.count(None) + row.count("") < width:
                    self._last = count
                for append, i in picked:
                    append(row[i])
            elif any(cell not in (None, "") for cell in row):
                self._refuse_width(self._first + count - 1, len(row))
            else:
                for append, _ in picked:
                    append(None)
        self._count = count
        if count > limits.TABLE_ROWS:
            problem = f"{self._source} has more than {limits.TABLE_ROWS} rows"
            raise InputError(problem, data_left=False)

    def done(self) -> tuple[dict[int, list[Cell]], int]:
        """Return the columns without blank rows at their end, and how many rows there are."""
        for column in self._columns.values():
            del column[self._last :]
        return self._columns, self._last

    def _refuse_width(self, row: int, cells: int) -> None:
        has = f"{cells} cell" + "s" * (cells != 1)
        raise InputError(
            f"row {row} of {self._source} has {has}, and the row with the names {self._width}",
            hint="put a cell in quotes if it has a separator in it",
            data_left=False,
        )


def of_query(
    source: str, header: tuple[str, ...], rows: Sequence[Sequence[Any]], selection: Selection
) -> Records:
    """Return the rows that a query has made, and those of its columns that are selected.

    They have an order only if the SQL says so.

    Raises:
        InputError: a name is missing or doubled.
    """
    named = {position(header, name, source) for name in selection.named}
    columns = {i: [cell_of(row[i]) for row in rows] for i in named}
    ordered = re.search(r"\border\s+by\b", selection.sql, re.IGNORECASE) is not None
    return Records(source, header, columns, numbered(len(rows)), selection, ordered)


def numbered(count: int) -> Sequence[int]:
    """Return numbers of rows from 1."""
    return range(1, count + 1)
