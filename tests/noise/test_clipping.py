from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import isqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import portioned

from ostraka.inputs.encoding import Codec
from ostraka.manifest import Clip, InputSchema
from ostraka.noise.clipping import Clipping, sensitivity

EDGE = 2**62 - 1


def norm(kind, x):
    """Squared for l2: exact."""
    return sum(map(abs, x)) if kind == "l1" else sum(v * v for v in x)


@given(
    st.lists(
        st.one_of(st.integers(-EDGE, EDGE), st.integers(-9, 9), st.sampled_from([EDGE, -EDGE])),
        min_size=1,
        max_size=20,
    ),
    st.one_of(st.integers(1, 50), st.integers(1, 2**64)),
    st.sampled_from(["l1", "l2"]),
)
def test_what_comes_out_is_never_longer_and_points_the_same_way(x, at, kind):
    limit = at if kind == "l1" else at * at
    found = Clipping(kind, at)(np.array(x, np.int64)).tolist()
    assert norm(kind, found) <= limit
    if norm(kind, x) <= limit:
        assert found == x
        return
    length = norm(kind, x) if kind == "l1" else isqrt(norm(kind, x)) + 1
    for before, after in zip(x, found, strict=True):
        assert before * after >= 0
        assert abs(before) * at // length - 3 <= abs(after) <= abs(before)


def test_a_million_elements_add_up_without_overflow():
    x = np.full(10**6, EDGE, np.int64)
    for kind, length in (("l1", 10**6 * EDGE), ("l2", 1000 * EDGE)):
        assert Clipping(kind, length)(x) is x
        clipped = Clipping(kind, 10**15)(x)
        assert len(set(clipped.tolist())) == 1
        assert 0 <= 10**15 * EDGE // length - int(clipped[0]) <= 3


def codec(kind, length=1, low="-2", high="3"):
    bounds = {} if kind == "bool" or kind.startswith("choice") else {"min": low, "max": high}
    return Codec(
        InputSchema(type=kind, length=length, **{k: Decimal(v) for k, v in bounds.items()})
    )


def apart(vectors):
    """The farthest two, by trying all."""
    pairs = [[a - b for a, b in zip(x, y, strict=True)] for x, y in product(vectors, repeat=2)]
    return max(norm("l1", d) for d in pairs), max(norm("l2", d) for d in pairs)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_the_sensitivity_of_numbers_is_the_farthest_two_are_apart(length):
    s = sensitivity(codec("int", length))
    assert (s.l1, s.l2_squared) == apart(list(product(range(-2, 4), repeat=length)))
    assert s.length == length


@pytest.mark.parametrize("length", [1, 2])
def test_the_sensitivity_of_choices_is_two_cells_each(length):
    s = sensitivity(codec('choice(["a","b","c"])', length))
    rows = [
        np.eye(3, dtype=int)[list(picks)].ravel().tolist()
        for picks in product(range(3), repeat=length)
    ]
    assert (s.l1, s.l2_squared) == apart(rows)
    assert s.length == 3 * length


def test_a_bit_changes_a_sum_by_one():
    s = sensitivity(codec("bool"))
    assert (s.l1, s.l2_squared, s.length) == (1, 1, 1)


@pytest.mark.parametrize("kind", ["l1", "l2"])
@pytest.mark.parametrize("at", portioned([2], [1, 3, 7]))
def test_clipping_bounds_the_sensitivity(kind, at):
    c = codec("int", 3)
    clipping = Clipping(kind, at)
    s = sensitivity(c, clipping)
    vectors = {tuple(clipping(np.array(x)).tolist()) for x in product(range(-2, 4), repeat=3)}
    l1, l2_squared = apart(vectors)
    assert l1 <= s.l1 <= 15
    assert l2_squared <= s.l2_squared <= 75
    assert s.l2_squared <= (2 * at) ** 2
    if kind == "l1":
        assert s.l1 <= 2 * at


def test_the_bound_is_in_units_of_the_input():
    c = codec("decimal(2)", 4)
    clipping = Clipping.of(Clip(norm="l2", at=Decimal("1.239")), c)
    assert clipping == Clipping("l2", 123)
    assert sensitivity(c, clipping).l2_squared == 246**2
    assert sensitivity(c).l1 == 4 * 500
    assert sensitivity(codec("float(3)"), None).l1 == Fraction(5) / Fraction(1, 8)


@pytest.mark.parametrize(("kind", "at"), [("l2", 112), ("l1", 301)])
def test_rounding_moves_numbers_that_are_far_from_zero_further_apart(kind, at):
    """(101, 100, 100) becomes (65, 64, 64), and another (63, 64, 64): they differ by 2, although
    all inputs are 100 or 101. So what bounds inputs does not bound what becomes of them."""
    c, clipping = codec("int", 3, "100", "101"), Clipping(kind, at)
    vectors = {tuple(clipping(np.array(x)).tolist()) for x in product((100, 101), repeat=3)}
    l1, l2_squared = apart(vectors)
    assert l2_squared > 3 * (c.high - c.low) ** 2
    s = sensitivity(c, clipping)
    assert l1 <= s.l1
    assert l2_squared <= s.l2_squared
