"""Columns of pandas, polars and pyarrow, as far as their interfaces go: none is installed here."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from ostraka.errors import InputError
from ostraka.inputs.array_likes import unwrapped
from ostraka.inputs.encoding import Codec
from ostraka.manifest import InputSchema

MANY = InputSchema.model_validate({"type": "decimal(2)", "min": 0, "max": 1000, "length": 3})


class Series:
    """What pandas and polars agree on."""

    def __init__(self, values: list[Any], dtype: str, array: Any = None) -> None:
        self.values, self.dtype, self.array = values, dtype, array

    def to_numpy(self) -> Any:
        assert self.array is not None, "it would lose digits"
        return self.array

    def to_list(self) -> list[Any]:
        return self.values


class PolarsSeries(Series):
    def null_count(self) -> int:
        return self.values.count(None)


class ArrowArray:
    def __init__(self, values: list[Any]) -> None:
        self.values = values

    def to_pylist(self) -> list[Any]:
        return self.values

    def to_numpy(self) -> Any:
        raise AssertionError("it would lose digits")


DECIMALS = [Decimal("1.10"), Decimal("2"), Decimal("3.25")]


@pytest.mark.parametrize(
    ("column", "encoded"),
    [
        (Series([1, 2, 3], "int64", np.array([1, 2, 3])), [100, 200, 300]),
        (Series([1.1, 2.0, 3.25], "float64", np.array([1.1, 2.0, 3.25])), [110, 200, 325]),
        (Series(["1.10", "2", "3.25"], "object"), [110, 200, 325]),
        (PolarsSeries([1, 2, 3], "Int64", np.array([1, 2, 3])), [100, 200, 300]),
        (PolarsSeries(DECIMALS, "Decimal(precision=9, scale=2)"), [110, 200, 325]),
        (ArrowArray(DECIMALS), [110, 200, 325]),
        ([1, 2, 3], [100, 200, 300]),
    ],
)
def test_columns_are_read_exactly(column: Any, encoded: list[int]) -> None:
    assert Codec(MANY).encode(unwrapped(column)).tolist() == encoded


@pytest.mark.parametrize(
    "column",
    [
        PolarsSeries([1, None, 3], "Int64"),
        Series([1.0, float("nan"), 3.0], "float64", np.array([1.0, np.nan, 3.0])),
        ArrowArray([1, None, 3]),
    ],
)
def test_missing_values_are_refused(column: Any) -> None:
    with pytest.raises(InputError, match=r"value 2 is (blank|not a finite number)"):
        Codec(MANY).encode(unwrapped(column))


def test_a_table_is_no_column() -> None:
    table = Series([], "object")
    table.columns = ["a", "b"]  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="give one of its columns"):
        unwrapped(table)


def test_other_inputs_stay_as_they_are() -> None:
    for raw in (None, 3, "x", [1], {"HR": [1, 2]}, np.ones(3)):
        assert unwrapped(raw) is raw
