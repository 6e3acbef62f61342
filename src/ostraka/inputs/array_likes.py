"""Columns of pandas, polars and pyarrow as inputs, without importing any of them."""

from __future__ import annotations

import re
from typing import Any, Final

from ostraka.inputs.encoding import refuse

_NUMBERS: Final = re.compile(r"(u?int|float)(8|16|32|64)|bool(ean)?", re.IGNORECASE)
"""Types of columns, by name, whose values a NumPy array holds exactly."""


def unwrapped(raw: object) -> object:
    """Return a column as a NumPy array or a list, and any other input as it is.

    A table of one column stands for that column.

    A column has `to_pylist` (pyarrow), or `to_numpy`, `to_list` and `dtype` (pandas, polars).
    Decimals and text stay exact; a missing value is refused later, as any blank one.

    Raises:
        InputError: the input is a table of several columns.
    """
    column: Any = _only_column(raw)
    if hasattr(column, "to_pylist") and not hasattr(column, "columns"):
        return column.to_pylist()
    if not hasattr(column, "to_numpy"):
        return raw
    if _NUMBERS.fullmatch(str(column.dtype)) and not _nulls(column):
        return column.to_numpy()
    return column.to_list()


def _only_column(raw: Any) -> Any:
    """Return the column of a table that has one, and anything else as it is."""
    names = getattr(raw, "column_names", getattr(raw, "columns", None))
    if names is None or not _is_table(raw):
        return raw
    if len(names) != 1:
        refuse('the input is a table: give one of its columns, such as table["Salary"]')
    return raw[names[0]]


def _is_table(raw: Any) -> bool:
    """Return whether it is a table of one of the three libraries."""
    return any(hasattr(raw, name) for name in ("to_numpy", "to_pylist"))


def _nulls(column: Any) -> bool:
    """Return whether values are missing, which polars would make floats of."""
    count = getattr(column, "null_count", None)
    return bool(count()) if callable(count) else False
