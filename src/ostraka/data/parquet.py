"""Parquet files, decoded by DuckDB; the types that they have stay exact."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from ostraka.data.cells import Cell, Unusable, cell_of
from ostraka.data.extras import need
from ostraka.data.records import Records, needed_columns, numbered
from ostraka.data.selection import Selection
from ostraka.data.sql import identifier
from ostraka.errors import InputError

_AT_ONCE: Final = 1 << 16

_SINGLE: Final = 1 << 24
"""Number from which a float of 32 bits keeps no units."""


def read(path: str, selection: Selection) -> Records:
    """Read the columns of a Parquet file that are needed; rows count from 1.

    Raises:
        UsageError: DuckDB is missing.
        InputError: the file cannot be read as Parquet, or lacks a column.
    """
    duckdb = need("duckdb", "Parquet")
    if re.search(r"[*?\[{]", path):
        problem = f"{path}: DuckDB would take * ? [ and {{ in a file's name for several files"
        raise InputError(problem, hint="rename the file", data_left=False)
    database = duckdb.connect(":memory:", config={"temp_directory": ""})
    try:
        found = database.execute("SELECT * FROM read_parquet(?) LIMIT 0", [path]).description
        header = tuple(column[0] for column in found)
        single = {i for i, column in enumerate(found) if str(column[1]).upper() == "FLOAT"}
        needed = needed_columns(header, selection, path)
        chosen = [_column(header[i], as_text=i in single) for i in needed] or ["1"]
        database.execute(f"SELECT {', '.join(chosen)} FROM read_parquet(?)", [path])  # noqa: S608
        columns: dict[int, list[Cell]] = {i: [] for i in needed}
        count = 0
        for rows in _batches(database):
            count += len(rows)
            for k, (i, column) in enumerate(columns.items()):
                convert = _of_single if i in single else cell_of
                column.extend(convert(row[k]) for row in rows)
    except duckdb.Error as error:
        problem = f"{path} cannot be read as Parquet: DuckDB says {type(error).__name__}"
        raise InputError(problem, data_left=False) from None
    return Records(path, header, columns, numbered(count), selection)


def _batches(database: Any) -> Iterator[list[Any]]:
    while rows := database.fetchmany(_AT_ONCE):
        yield rows


def _column(name: str, *, as_text: bool) -> str:
    return f"CAST({identifier(name)} AS VARCHAR)" if as_text else identifier(name)


def _of_single(text: str | None) -> Cell:
    """Return a float of 32 bits as the shortest decimal that reads back as it."""
    if text is None:
        return None
    number = Decimal(text)
    if not number.is_finite():
        return Unusable("is not a finite number")
    if abs(number) >= _SINGLE:
        return Unusable("is a float of 32 bits beyond 2^24, which keeps only the first digits")
    return number
