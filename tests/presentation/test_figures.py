"""Figures taken apart: cells, labels, what can be drawn."""

import pytest

from ostraka.presentation.figures import MOST_BARS, Figure, extent, figures


def figure(value, error=None, **more):
    output = {"name": "mean", "unit": "USD", "value": value, **more}
    return Figure.of(output if error is None else output | {"error95": error})


def test_a_lone_value_is_one_cell_without_a_label():
    (cell,) = figure(187, 4).cells
    assert (cell.labels, cell.words, cell.value, cell.error) == ((), "187 +- 4", 187.0, 4.0)
    assert figure(187).alone
    assert not figure(187).drawable


def test_cells_of_vectors_are_numbered_from_one():
    assert [cell.label for cell in figure(["1.5", "2"]).cells] == ["1", "2"]


def test_one_error_serves_all_cells_and_a_dictionary_each_its_own():
    assert [c.error for c in figure({"a": 1, "b": 2}, 3).cells] == [3.0, 3.0]
    assert [c.error for c in figure({"a": 1, "b": 2}, {"a": 3, "b": 4}).cells] == [3.0, 4.0]
    assert [c.error for c in figure([1, 2], ["3", "4"]).cells] == [3.0, 4.0]


def test_rows_and_columns_keep_their_order_but_totals_come_last():
    """A cell withheld in the first row would else come behind the total."""
    cells = {"women": {"total": 3}, "total": {"total": 9, "office": 6}, "men": {"office": 6}}
    assert figure(cells).grid == (["women", "men", "total"], ["office", "total"])
    assert figure({"a": 1, "b": 2}).grid is None
    assert figure({"a": {"b": 1}, "c": 2}).grid is None


@pytest.mark.parametrize(
    ("value", "drawn"),
    [
        ({"a": 1, "b": 2}, True),
        ([1, 2], True),
        ({"a": 1}, False),
        ({"a": 1, "b": None}, False),
        ({"a": 1, "b": None, "c": 2}, True),
        (["x", "y"], False),
        ([True, False], False),
        (["1e999", "2"], False),
        (list(range(MOST_BARS)), True),
        (list(range(MOST_BARS + 1)), False),
        (list(range(10**6)), False),
        ([], False),
    ],
)
def test_what_is_drawn_are_a_few_numbers(value, drawn):
    assert figure(value).drawable is drawn


def test_a_fraction_beside_its_exact_value_is_shown_short():
    (one,) = figures([{"name": "mean", "value": "0.33333333333333333", "exact": "1/3"}])
    assert one.cells[0].text == "0.333333"


def test_a_chart_reaches_from_zero_or_below_to_the_end_of_every_interval():
    assert extent(figure([5, 9], 2).cells) == (0.0, 11.0)
    assert extent(figure([-5, 9], 2).cells) == (-7.0, 11.0)
    assert extent(figure([0, 0]).cells) == (0.0, 1.0)
