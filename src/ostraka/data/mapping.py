"""Mapping of records to the input that a protocol asks for: rows are checked, grouped, added up.

All sums are whole numbers of the input's smallest unit, so they are exact. A row that is wrong is a
finding, and then there is no input; none is left out unless the selection says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ostraka.data.columns import Reading, exact
from ostraka.data.fitting import require_fitting
from ostraka.data.preview import Preview, plural
from ostraka.data.records import Records
from ostraka.errors import InputError
from ostraka.inputs.encoding import Codec, Signed
from ostraka.inputs.row_forms import CellForm, ColumnForm, RowForm, WeightedColumns, WeightedForm
from ostraka.inputs.rows import weight_codec
from ostraka.manifest import InputSchema
from ostraka.values import SHOWN

_MOST: Final = 1 << 62
"""Largest number in a cell, in the input's smallest unit; bounds hold for what is sent."""


@dataclass(frozen=True)
class Prepared:
    """Input made of a table.

    Attributes:
        raw: what the protocol encodes; of no use where the preview has findings.
        preview: says what it is made of.
    """

    raw: Any
    preview: Preview


def prepare(records: Records, form: RowForm) -> Prepared:
    """Make the input of a form from records.

    Raises:
        UsageError: the selection does not go with the form.
        InputError: there are too many rows, or none. Rows that are wrong are in the preview.
    """
    require_fitting(records, form)
    reading = Reading(records)
    reading.preview.unit = form.schema.unit
    if not len(reading):
        if reading.preview.wrong:
            return Prepared(None, reading.preview)
        raise InputError(f"{records.source} has no row that counts", data_left=False)
    if isinstance(form, ColumnForm):
        raw = _of_column(reading, form)
    elif isinstance(form, CellForm):
        raw = _of_cells(reading, form)
    else:
        raw = _of_weighted(reading, form)
    return Prepared(raw, reading.preview)


# --- a column ------------------------------------------------------------------------------------


def _of_column(reading: Reading, form: ColumnForm) -> Any:
    selection, n = reading.records.selection, len(reading)
    (name,) = selection.values
    if selection.add_up:
        codec = _row_codec(form.schema, n)
        _, x = reading.encoded(name, codec)
        (total,) = _sums(x, np.zeros(n, np.intp), None, 1)
        reading.preview.parts["all"] = {"rows": str(n), "sum": _shown(total, codec)}
        return exact(total, codec)
    if not form.least <= n <= form.most and not reading.preview.wrong:
        _refuse_count(reading, form)
    if n > 1 and not reading.records.ordered:
        raise InputError(
            f"{reading.records.source} has no order of rows, and the order of the values counts",
            hint="write a query with ORDER BY: --query SQL",
            data_left=False,
        )
    if selection.order:
        reading.require_order(selection.order)
    lines, _ = reading.encoded(name, Codec(form.schema.model_copy(update={"length": n})))
    shown = ", ".join(line.strip() for line in lines[:SHOWN])
    shown += f", ... ({plural(n, 'value')})" * (n > SHOWN)
    reading.preview.parts["value" if n == 1 else plural(n, "value")] = {"values": shown}
    return lines


def _refuse_count(reading: Reading, form: ColumnForm) -> None:
    asked = plural(form.most, "value")
    if form.least != form.most:
        asked = f"{form.least} to {asked}"
    hint = "say with --where which rows count"
    if form.most == 1 and form.schema.type.numeric:
        hint = "--sum adds them up to one number; --where says which rows count"
    raise InputError(
        f"{reading.records.source} has {plural(len(reading), 'row')}, and the manifest asks for "
        f"{asked}",
        hint=hint,
        data_left=False,
    )


# --- cells by group ------------------------------------------------------------------------------


def _of_cells(reading: Reading, form: CellForm) -> Any:
    selection, n = reading.records.selection, len(reading)
    cells = int(np.prod([len(names) for names in form.groups], dtype=int))
    at = np.zeros(n, np.intp)
    for name, groups in zip(selection.groups, form.groups, strict=True):
        at = at * len(groups) + reading.places_in(name, groups)
    codec = _row_codec(form.schema, n)
    _, x = reading.encoded(selection.values[0], codec)
    weights = _whole(reading, selection.weight)
    heads = _whole(reading, selection.heads)
    sums = _sums(x, at, weights, cells)
    if heads is None:
        heads = np.ones(n, np.int64) if weights is None else weights
    counts = _sums(heads, at, None, cells)
    word = "heads" if form.heads else "rows"
    for i, (total, count) in enumerate(zip(sums, counts, strict=True)):
        figures = {word: str(count), "sum": _shown(total, codec)}
        reading.preview.parts[_cell_name(i, form)] = figures
    totals = [exact(total, codec) for total in sums]
    if form.heads:
        return [list(pair) for pair in zip(totals, counts, strict=True)]
    return totals


def _cell_name(i: int, form: CellForm) -> str:
    names: list[str] = []
    for groups in reversed(form.groups):
        i, k = divmod(i, len(groups))
        names.insert(0, groups[k])
    return "/".join(names) or "all"


def _whole(reading: Reading, name: str | None) -> Signed | None:
    """Return a column of whole numbers that are not negative, if one is selected."""
    if name is None:
        return None
    return reading.encoded(name, weight_codec(len(reading), _MOST))[1]


# --- rows with weights ---------------------------------------------------------------------------


def _of_weighted(reading: Reading, form: WeightedForm) -> Any:
    selection, n = reading.records.selection, len(reading)
    codec = Codec(form.schema.model_copy(update={"length": n}))
    columns = [reading.encoded(name, codec) for name in selection.values]
    weights = None
    times = np.ones(n, np.int64)
    if selection.weight:
        weights, times = reading.encoded(selection.weight, weight_codec(n, form.most))
    nowhere = np.zeros(n, np.intp)
    (total,) = _sums(times, nowhere, None, 1)
    reading.preview.parts["all"] = {"weight": str(total)}
    for name, (_, x) in zip(selection.values, columns, strict=True):
        (sum_,) = _sums(x, nowhere, times, 1)
        reading.preview.parts[f"{name} times weight"] = {"sum": _shown(sum_, codec)}
    return WeightedColumns([lines for lines, _ in columns], weights)


# --- sums ----------------------------------------------------------------------------------------


def _row_codec(schema: InputSchema, n: int) -> Codec:
    """Return the codec of a column whose rows are added up: no bounds but those of 64 bits."""
    quantum = Codec(schema).quantum
    bound = Decimal(_MOST // quantum.denominator)
    wide = InputSchema(type=schema.type, length=n, min=-bound, max=bound, unit=schema.unit)
    return Codec(wide)


def _sums(x: Signed, at: NDArray[np.intp], times: Signed | None, cells: int) -> list[int]:
    """Add up x, times a factor each, for every cell: exactly, also beyond 64 bits."""
    largest = max(_magnitude(x), 1) * max(_magnitude(times), 1) * max(len(x), 1)
    if largest < 1 << 63:
        sums = np.zeros(cells, np.int64)
        np.add.at(sums, at, x if times is None else x * times)
        return sums.tolist()
    found = [0] * cells
    factors: Sequence[int] = times.tolist() if times is not None else [1] * len(x)
    for i, value, factor in zip(at.tolist(), x.tolist(), factors, strict=True):
        found[i] += value * factor
    return found


def _magnitude(x: Signed | None) -> int:
    return int(np.abs(x).max(initial=0)) if x is not None else 1


def _shown(total: int, codec: Codec) -> str:
    value = exact(total, codec)
    return f"{value:f}".rstrip("0").rstrip(".") if isinstance(value, Decimal) else str(value)
