from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.arithmetic.correction import wrong_values
from ostraka.arithmetic.field import P61, Field


def at(polynomial, x, p):
    return sum(c * x**k for k, c in enumerate(polynomial)) % p


@given(st.data(), st.integers(0, 4), st.integers(0, 3), st.integers(0, 1))
def test_up_to_e_wrong_values_are_found(data, degree, e, spare):
    n = degree + 1 + 2 * e + spare
    element = st.integers(0, P61.p - 1)
    f = data.draw(st.lists(element, min_size=degree + 1, max_size=degree + 1))
    points = P61.points(n)
    values = [at(f, x, P61.p) for x in points]
    wrong = sorted(data.draw(st.sets(st.integers(0, n - 1), max_size=e)))
    for i in wrong:
        values[i] = (values[i] + data.draw(st.integers(1, P61.p - 1))) % P61.p
    assert wrong_values(P61, points, values, degree) == tuple(wrong)


@pytest.mark.parametrize("n", [4, 5])
def test_every_single_error_in_a_tiny_field(n):
    field = Field(5)
    points = field.points(n)
    values = [at([7, 3], x, field.p) for x in points]
    for i in range(n):
        for delta in range(1, field.p):
            changed = [*values]
            changed[i] = (changed[i] + delta) % field.p
            assert wrong_values(field, points, changed, 1) == (i,)


def test_too_many_errors_are_not_blamed_on_fewer_than_there_must_be():
    """Whatever comes back is consistent: the values left over do lie on one line."""
    field = Field(5)
    points = field.points(5)
    values = [at([7, 3], x, field.p) for x in points]
    none = 0
    for pair in combinations(range(5), 2):
        changed = [(v + 9 * (i in pair)) % field.p for i, v in enumerate(values)]
        found = wrong_values(field, points, changed, 1)
        if found is None:
            none += 1
            continue
        good = [
            (x, y) for i, (x, y) in enumerate(zip(points, changed, strict=True)) if i not in found
        ]
        slopes = {
            (y - good[0][1]) * pow(x - good[0][0], -1, field.p) % field.p for x, y in good[1:]
        }
        assert len(slopes) == 1
    assert none
