import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from ostraka.protocols.forms.suppression import Layout, determined, secondary, smallest_sums

LAYOUTS = [Layout(), Layout(2), Layout(5), Layout(1, 4), Layout(2, 2), Layout(3, 4), Layout(4, 3)]


def follows(rows, row):
    """Whether `row` is a combination of `rows`: by exact elimination, no graph in sight."""
    reduced = {}
    for vector in rows:
        rest = eliminated(vector, reduced)
        if any(rest):
            pivot = next(i for i, x in enumerate(rest) if x)
            reduced[pivot] = [x / rest[pivot] for x in rest]
    return not any(eliminated(row, reduced))


def eliminated(vector, reduced):
    rest = [Fraction(int(x)) for x in vector]
    for pivot in sorted(reduced):
        if factor := rest[pivot]:
            rest = [x - factor * y for x, y in zip(rest, reduced[pivot], strict=True)]
    return rest


def known(layout, given):
    """The withheld figures that linear algebra finds."""
    rows = [layout.sums[f] for f in range(layout.figures) if given[f]]
    hidden = [f for f in range(layout.figures) if not given[f]]
    return [f for f in hidden if follows(rows, layout.sums[f])]


@st.composite
def patterns(draw):
    layout = draw(st.sampled_from(LAYOUTS))
    n = layout.figures
    hidden = draw(st.sets(st.integers(0, n - 1), max_size=draw(st.sampled_from([1, 2, 4, n]))))
    return layout, tuple(f not in hidden for f in range(n))


def test_elimination_finds_what_follows():
    assert follows([[1, 1, 0], [0, 1, 1]], [1, 0, -1])
    assert not follows([[1, 1, 0], [0, 1, 1]], [1, 0, 0])
    assert follows([], [0, 0])


@drawn(patterns())
def test_bridges_are_what_linear_algebra_finds(pattern):
    layout, given = pattern
    assert determined(layout, given) == known(layout, given)


@drawn(patterns())
def test_nothing_withheld_follows_from_what_is_given(pattern):
    layout, given = pattern
    found = secondary(layout, given)
    assert known(layout, found) == []
    assert all(before for before, after in zip(given, found, strict=True) if after)
    assert secondary(layout, found) == found
    if known(layout, given) == []:
        assert found == given


@pytest.mark.parametrize("layout", [Layout(2), Layout(5), Layout(1, 4)])
def test_with_one_total_no_fewer_would_do(layout):
    for given in itertools.product([False, True], repeat=layout.figures):
        kept = [f for f in range(layout.figures) if given[f]]
        enough = next(
            more
            for more in range(len(kept) + 1)
            for extra in itertools.combinations(kept, more)
            if not known(layout, [g and f not in extra for f, g in enumerate(given)])
        )
        assert sum(given) - sum(secondary(layout, given)) == enough <= 1


def test_a_cell_of_a_square_takes_its_row_its_column_and_their_corner():
    layout = Layout(3, 3)
    found = secondary(layout, [f != 4 for f in range(layout.figures)])
    hidden = [f for f, there in enumerate(found) if not there]
    assert hidden == [0, 1, 3, 4]


def test_without_totals_nothing_follows_but_what_may():
    layout = Layout(2, 3)
    fine = [f != 0 for f in range(layout.figures)]
    cells = [there and f < 6 for f, there in enumerate(fine)]
    assert secondary(layout, fine, cells) == tuple(cells)  # the second row adds up, and it may
    fine[7] = False
    found = secondary(layout, fine, cells)
    assert 7 not in known(layout, found)
    assert sum(found) == 4


def test_as_much_flows_into_each_node_as_out_of_it():
    for layout in LAYOUTS[1:]:
        value = layout.sums @ np.arange(1, layout.cells + 1) ** 2
        flow = np.zeros(2 + layout.rows + layout.columns, np.int64)
        for (start, end), amount in zip(layout.edges, value, strict=True):
            flow[start] -= amount
            flow[end] += amount
        assert not flow.any()
        assert value[-1] == value[: layout.cells].sum()


@drawn(patterns())
def test_every_sum_that_follows_is_made_up_of_the_smallest(pattern):
    """Of all sets of withheld figures, those whose sum linear algebra finds to be known."""
    layout, fine = pattern
    given = secondary(layout, fine)
    hidden = [f for f, known in enumerate(given) if not known][:9]
    given = [f not in hidden for f in range(layout.figures)]
    rows = [layout.sums[f] for f in range(layout.figures) if given[f]]
    smallest = []
    for size in range(1, len(hidden) + 1):
        for those in itertools.combinations(hidden, size):
            if any(set(less) <= set(those) for less in smallest):
                continue
            if follows(rows, layout.sums[list(those)].sum(axis=0)):
                smallest.append(those)
    if layout.cells > 1 and len(smallest) <= layout.sums_checked:
        assert sorted(smallest_sums(layout, given)) == sorted(smallest)


def test_two_rows_less_a_column_is_a_sum_too():
    layout = Layout(3, 3)
    hidden = {0, 1, 4, 5, 8, 6}  # a circle: 1 and 2, 2 and 3, 3 and 1
    sums = smallest_sums(layout, [f not in hidden for f in range(layout.figures)])
    assert (0, 5) in sums
    assert len(sums) == 9


def test_what_cannot_all_be_checked_is_not_checked_at_all():
    layout = Layout(12, 12)
    hidden = {12 * i + j for i in range(12) for j in (i, (i + 1) % 12, (5 * i + 3) % 12)}
    given = [f not in hidden for f in range(layout.figures)]
    assert determined(layout, given) == []
    assert smallest_sums(layout, given) is None


def test_a_large_table_takes_no_time_to_speak_of():
    layout = Layout(60, 20)
    given = secondary(layout, [f % 173 != 0 or f > 1200 for f in range(layout.figures)])
    assert determined(layout, given) == []
    assert smallest_sums(layout, given)


def test_little_more_than_the_fewest_cells_are_withheld():
    layout, spent, least = Layout(3, 3), 0, 0
    for hidden in itertools.islice(itertools.combinations(range(9), 4), 0, None, 4):
        fine = [f not in hidden for f in range(layout.figures)]
        spent += 9 - 4 - sum(secondary(layout, fine)[:9])
        free = [f for f in range(9) if fine[f]]
        least += next(
            more
            for more in range(6)
            for extra in itertools.combinations(free, more)
            if not determined(layout, [ok and f not in extra for f, ok in enumerate(fine)])
        )
    assert least <= spent <= 1.2 * least
