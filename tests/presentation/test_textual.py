"""Figures as text: aligned, no wider than the terminal, and the bars where the numbers are."""

import pytest

from ostraka.presentation.figures import figures
from ostraka.presentation.textual import ASCII, UNICODE, draw, wide

LONE = [
    {"name": "sum", "value": 12686, "unit": "USD"},
    {"name": "mean", "value": 3171.5, "unit": "USD"},
]
HOURS = {
    "name": "histogram",
    "value": {"11": 21, "12": 46, "elsewhere": -3},
    "error95": {"11": 8, "12": 8, "elsewhere": 8},
}
WAGES = {
    "name": "mean",
    "unit": "USD",
    "value": {
        "women": {"workshop": 43200, "total": 53490},
        "men": {"office": 48000, "workshop": 61000, "total": 64234},
    },
}


def drawn(*outputs, width=80, letters=ASCII, **more):
    return draw(figures(outputs), width, letters, **more)


def test_lone_values_have_a_line_each():
    assert drawn(*LONE) == ["sum   12686 USD", "mean  3171.5 USD"]


def test_a_histogram_has_a_bar_for_each_bin_and_its_interval():
    assert drawn(HOURS, width=50) == [
        "histogram",
        "  11         21 +- 8       :====|==o---|",
        "  12         46 +- 8       :==============|===o--|",
        "  elsewhere  -3 +- 8  |--o=:-|",
    ]


def test_bars_are_left_out_where_there_is_no_room():
    assert drawn(HOURS, width=30) == [
        "histogram",
        "  11         21 +- 8",
        "  12         46 +- 8",
        "  elsewhere  -3 +- 8",
    ]


def test_a_table_has_rows_and_columns_and_says_which_cells_are_missing():
    assert drawn(WAGES) == [
        "mean (USD)",
        "         workshop  office  total",
        "  -----  --------  ------  -----",
        "  women     43200       -  53490",
        "  men       61000   48000  64234",
    ]


def test_a_table_that_is_too_wide_becomes_a_list():
    lines = drawn(WAGES, width=30)
    assert lines[0] == "mean (USD)"
    assert lines[1].split() == ["women,", "workshop", "43200"]
    assert all(wide(line) <= 30 for line in lines)


@pytest.mark.parametrize("width", [40, 50, 60, 80, 120])
@pytest.mark.parametrize("letters", [ASCII, UNICODE])
def test_no_line_is_wider_than_the_terminal(width, letters):
    long = {"name": "tally", "value": {"a very long name of an option " * 3: 3, "漢字" * 20: 4}}
    for line in drawn(HOURS, WAGES, long, width=width, letters=letters):
        assert wide(line) <= width


def test_wide_letters_count_twice():
    lines = drawn({"name": "tally", "value": {"漢字": 3, "abcd": 4}}, letters=UNICODE)
    assert lines[1].index("3") + 2 == lines[2].index("4")


def test_bars_grow_with_their_values():
    one, two = drawn({"name": "n", "value": {"a": 10, "b": 20}})[1:]
    assert two.count("=") == pytest.approx(2 * one.count("="), abs=2)


def test_a_long_vector_is_cut_short_and_says_where_the_rest_is():
    (line,) = drawn({"name": "sum", "value": list(range(100))}, more="; see there")
    assert line.endswith("(100 values; see there)")


def test_a_mean_over_no_heads_has_a_sign_and_no_bar():
    lines = drawn({"name": "mean", "value": {"a": 1, "b": None, "c": 2}})
    assert lines[2].split() == ["b", "-"]
