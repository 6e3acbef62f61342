"""Rows of values, each with the weight it counts with, summed up before anything is shared.

    text    a row on each line: 55.2;300, or "55.2, 300", or 55.2,300
    JSON    [[55.2, 300]], or {"value": 55.2, "weight": 300} as one of a list
    Python  the same as JSON, or an array of shape (rows, length + 1)

Rows without a weight count once each; there must be several, as a lone one may be an average whose
weight was left out. What could be one number with a comma, or two rows, or a row, is refused: the
wrong reading would be a wrong result that no party notices. Messages never repeat a value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np

from ostraka.inputs.encoding import Codec, Signed, refuse
from ostraka.inputs.lines import Lines
from ostraka.inputs.row_forms import WeightedColumns
from ostraka.manifest import InputSchema, IntType

_ONE_NUMBER: Final = re.compile(r"[+-]?\d+,\d+|[+-]?\d{1,3}(,\d{3})+", re.ASCII)
"""Texts that are a number to some readers: 55,2 and 1,234,567."""

_WEIGHT: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_HEADER: Final = ("value", "weight")
_MISSING: Final = (
    "has no weight: write the value, a semicolon and the weight, such as 55.2;300, or 55.2;1 for "
    "a value that counts once"
)

Row = Sequence[object]


class Rows:
    """Encoder of a contributor's rows as sums of value times weight, and the sum of weights.

    Args:
        codec: of one row's values, `codec.length` of them.
        most: the largest sum of a contributor's weights; the least is 1.
    """

    def __init__(self, codec: Codec, most: int) -> None:
        self.codec, self.most = codec, most

    def encode(self, raw: object) -> Signed:
        """Encode an input as `length` sums of value times weight, then the sum of weights.

        Raises:
            InputError: the input is not what the manifest asks for; nothing was sent.
        """
        if isinstance(raw, WeightedColumns):
            return self._of_columns(raw)
        rows, place = self._rows(raw)
        weights = [self._weight(row, place(i)) for i, row in enumerate(rows)]
        self._check_sum(weights)
        d = self.codec.length
        values = [value for row in rows for value in row[:d]]
        return self._summed(self._values(values, place), np.array(weights, np.int64))

    def _check_sum(self, weights: list[int]) -> None:
        if not 1 <= sum(weights) <= self.most:
            sign = "is 0" if not sum(weights) else f"is above max_weight = {self.most}"
            refuse(f"the sum of the weights {sign}")

    def _of_columns(self, table: WeightedColumns) -> Signed:
        """Encode a table's rows column by column, without a Python loop."""
        n = len(table.values[0])
        if table.weights is None and n == 1:
            refuse("there is one row and no column of weights: name one, or a column of ones")
        codec = Codec(self.codec.schema.model_copy(update={"length": n}))
        weights = np.ones(n, np.int64)
        if table.weights is not None:
            weights = weight_codec(n, self.most).encode(table.weights)
        self._check_sum(weights.tolist())
        x = np.stack([codec.encode(column) for column in table.values], axis=1)
        return self._summed(x, weights)

    def _summed(self, x: Signed, weights: Signed) -> Signed:
        """Add up rows by weight; no sum exceeds the largest value times `most`."""
        sums = (x * weights[:, None]).sum(axis=0)
        return np.append(sums, weights.sum()).astype(np.int64)

    def _values(self, values: list[object], place: Callable[[int], str]) -> Signed:
        d = self.codec.length
        schema = self.codec.schema.model_copy(update={"length": len(values)})

        def named(i: int) -> str:
            return place(i // d) + f", value {i % d + 1}," * (d > 1)

        return Codec(schema).encode(values, named).reshape(-1, d)

    def _weight(self, row: Row, place: str) -> int:
        """Return the weight of a row; 1 where it has none."""
        if len(row) == self.codec.length:
            return 1
        weight: Any = row[-1]
        if isinstance(weight, np.generic):
            weight = weight.item()
        if isinstance(weight, str) and _WEIGHT.fullmatch(weight.strip()):
            weight = int(weight)
        number = isinstance(weight, int | float | Decimal) and not isinstance(weight, bool)
        if not number or not math.isfinite(weight):
            refuse(f"{place}: the weight is not a whole number in plain digits, such as 300")
        if weight < 0 or weight > self.most:
            refuse(f"{place}: the weight is not from 0 to max_weight = {self.most}")
        if weight % 1:
            refuse(f"{place}: the weight is not a whole number")
        return int(weight)

    # --- rows ---------------------------------------------------------------------------------

    def _rows(self, raw: object) -> tuple[list[Row], Callable[[int], str]]:
        """Split an input into rows, all with a weight or all without one, and name their places."""
        if isinstance(raw, Lines | str):
            return self._of_text(raw)
        listed = raw.tolist() if isinstance(raw, np.ndarray) else raw
        if listed is None or (isinstance(listed, list | tuple) and not listed):
            refuse("there is no input")
        found = listed if isinstance(listed, list | tuple) else [listed]
        d = self.codec.length
        if not any(isinstance(row, list | tuple | Mapping) for row in found):
            if d == 1 and len(found) == 2:
                refuse(
                    "two numbers may be a value and its weight, or two values: write [[55.2, 300]] "
                    "or [[55.2, 1], [300, 1]]"
                )
            found = [found] if d > 1 else [[value] for value in found]
        return self._checked([_listed(row) for row in found], _row)

    def _of_text(self, text: Lines | str) -> tuple[list[Row], Callable[[int], str]]:
        lines = text if isinstance(text, Lines) else Lines(text.strip())
        place, first = lines.place if lines.source else _row, 0
        rows = [_cells(line) for line in lines[:]]
        if len(rows[0]) == 2 and tuple(cell.lower() for cell in rows[0]) == _HEADER:
            first = 1
        elif all(_ONE_NUMBER.fullmatch(line.strip()) for line in lines[:]):
            refuse(
                f"{place(0)} may be one number with a comma, or a value and its weight: write a "
                "semicolon before the weight, such as 55;300, and a point before decimals"
            )
        if not rows[first:]:
            refuse("there is a header and no row")
        return self._checked(list(rows[first:]), lambda i: place(i + first))

    def _checked(
        self, rows: list[Row], place: Callable[[int], str]
    ) -> tuple[list[Row], Callable[[int], str]]:
        d, width = self.codec.length, len(rows[0])
        for i, row in enumerate(rows):
            if len(row) not in (d, d + 1):
                several = f"{d} value{'s' * (d > 1)}"
                refuse(f"{place(i)} has {len(row)} cells: write {several} and a weight")
            if len(row) != width:
                refuse(f"{place(i)} has {len(row)} cells, and {place(0)} has {width}")
        if width == d and len(rows) == 1:
            refuse(f"the input {_MISSING}")
        return rows, place


def weight_codec(length: int, most: int) -> Codec:
    """Return the codec of a column of weights: whole numbers from 0 to `most`."""
    return Codec(InputSchema(type=IntType(), length=length, min=Decimal(0), max=Decimal(most)))


def _cells(line: str) -> list[str]:
    """Split a line at semicolons or tabs, or at commas where it has neither."""
    sign = next((sign for sign in ";\t" if sign in line), ",")
    return [cell.strip() for cell in line.split(sign)]


def _listed(row: Any) -> Row:
    if isinstance(row, Mapping):
        if set(row) != set(_HEADER):
            refuse('a row that is an object has the names "value" and "weight", and no other')
        values = row["value"]
        return [*(values if isinstance(values, list | tuple) else [values]), row["weight"]]
    return row if isinstance(row, list | tuple) else [row]


def _row(i: int) -> str:
    return f"row {i + 1}"
