"""Results as DataFrames: a row for each value, numbers as numbers."""

import pytest

from ostraka.presentation.frame import COLUMNS, frame_of

OUTPUTS = [
    {"name": "sum", "value": "9296.5", "unit": "USD"},
    {"name": "count", "value": 3},
    {"name": "histogram", "value": {"a": 3, "b": 5}, "error95": {"a": 2, "b": 2}},
    {"name": "mean", "value": {"w": {"x": "1.25"}, "m": {"x": None}}},
    {"name": "winner", "value": "bob"},
]


def test_each_value_has_a_row(frames):
    table = frame_of(OUTPUTS)
    assert table.columns == COLUMNS
    assert table.rows == [
        ("sum", "", "", 9296.5, None, "USD"),
        ("count", "", "", 3, None, ""),
        ("histogram", "a", "", 3, 2, ""),
        ("histogram", "b", "", 5, 2, ""),
        ("mean", "w", "x", 1.25, None, ""),
        ("mean", "m", "x", None, None, ""),
        ("winner", "", "", "bob", None, ""),
    ]


def test_pandas_takes_it():
    pandas = pytest.importorskip("pandas")
    table = frame_of(OUTPUTS)
    assert isinstance(table, pandas.DataFrame)
    assert table[table.output == "histogram"].value.sum() == 8
