"""Grids: names for the figures of a table, and the places where they stand."""

import pytest

from ostraka.protocols.forms.grid import TOTAL, Grid

SQUARE = Grid(("women", "men"), ("north", "south", "west"), totals=True)
GRIDS = [
    Grid((), (), totals=False),
    Grid(("a", "b", "c"), (), totals=True),
    Grid(("a", "b", "c"), (), totals=False),
    SQUARE,
    Grid(SQUARE.rows, SQUARE.columns, totals=False),
]


@pytest.mark.parametrize("grid", GRIDS)
def test_figures_are_numbered_once_in_the_order_of_their_titles(grid):
    rows = range(max(1, len(grid.rows)) + (grid.totals and len(grid.rows) > 1))
    places = [(row, column) for row in rows for column in grid.columns_shown]
    assert sorted(grid.figure(*place) for place in places) == list(range(grid.figures))
    names = ((*grid.rows, TOTAL), (*grid.columns, TOTAL))
    for row, column in places if grid.rows else ():
        title = f"{names[0][row]}/{names[1][column]}" if grid.columns else names[0][row]
        assert grid.titles[grid.figure(row, column)] == title.replace("total/total", "total")


@pytest.mark.parametrize("grid", GRIDS[1:])
def test_each_total_is_of_its_row_or_column(grid):
    """A figure of the layout is the sum of the cells in whose row or column it stands."""
    k, columns = len(grid.rows), max(1, len(grid.columns))
    for row in range(k + grid.totals):
        for column in grid.columns_shown:
            of = [
                i * columns + j
                for i in (range(k) if row == k else [row])
                for j in (range(columns) if column == columns else [column])
            ]
            assert grid.layout.sums[grid.figure(row, column)].nonzero()[0].tolist() == of


def test_a_withheld_figure_is_absent():
    given = {0: 1, 2: 3, 6: 4, 11: 9}
    assert SQUARE.arranged(given) == {
        "women": {"north": 1, "west": 3, "total": 4},
        "total": {"total": 9},
    }
    assert SQUARE.arranged({}) is None
    assert GRIDS[1].arranged({1: 5, 3: 8}) == {"b": 5, "total": 8}
    assert GRIDS[0].arranged({0: 7}) == 7
    assert GRIDS[0].arranged({}) is None
