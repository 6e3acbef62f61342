"""Matrix products are exact: compared with Python's integers."""

import numpy as np
import pytest

from ostraka.arithmetic.field import P61, Field
from ostraka.arithmetic.matrix import INNER, LINE, SMALL, STRIP, inner_products, matmul


def exactly(a, b, p):
    rows = a.astype(object) @ b.astype(object)
    return np.array((rows % p).tolist(), np.uint64).reshape(a.shape[0], b.shape[1])


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 4, 5), (7, INNER + 3, 2), (20, 30, 10)])
@pytest.mark.parametrize("field", [P61, Field(5)], ids=["p61", "p5"])
def test_products_are_exact(field, shape):
    generator = np.random.default_rng(shape)
    a = generator.integers(0, field.p, shape[:2], dtype=np.uint64)
    b = generator.integers(0, field.p, shape[1:], dtype=np.uint64)
    assert np.array_equal(matmul(field, a, b), exactly(a, b, field.p))


def test_the_largest_elements_do_not_overflow():
    a = np.full((6, 2 * INNER), P61.p - 1, np.uint64)
    assert np.array_equal(matmul(P61, a, a.T), np.full((6, 6), 2 * INNER, np.uint64))


@pytest.mark.parametrize("columns", [7, STRIP + 3])
def test_products_by_small_numbers_are_exact(columns):
    generator = np.random.default_rng(columns)
    a = generator.integers(0, P61.p, (3, columns), dtype=np.uint64)
    a[0, :3] = 0, P61.p - 1, P61.p // 2
    b = P61.encode(generator.integers(-SMALL, SMALL + 1, (columns, 2)))
    assert np.array_equal(matmul(P61, a, b), exactly(a, b, P61.p))
    b[-1, -1] = SMALL + 1  # no longer small
    assert np.array_equal(matmul(P61, a, b), exactly(a, b, P61.p))


@pytest.mark.parametrize("rows", [(1, 1), (4, 4), (2, 3)])
@pytest.mark.parametrize("columns", [1, 9, 2 * LINE + 5])
@pytest.mark.parametrize("field", [P61, Field(5)], ids=["p61", "p5"])
def test_inner_products_of_rows_are_exact(field, rows, columns):
    generator = np.random.default_rng(columns)
    a, b = (generator.integers(0, field.p, (k, columns), dtype=np.uint64) for k in rows)
    assert np.array_equal(inner_products(field, a, b), exactly(a, b.T, field.p))


EDGES = [
    0,
    1,
    P61.p - 1,
    (1 << 20) - 1,
    1 << 20,
    (1 << 21) - 1,
    1 << 60,
    3 << 39,
    P61.p - (1 << 20),
]


@pytest.mark.parametrize("edge", EDGES)
def test_inner_products_of_the_largest_limbs_do_not_overflow(edge):
    a = np.full((1, 3 * LINE), edge, np.uint64)
    for other in EDGES:
        b = np.full((1, 3 * LINE), other, np.uint64)
        assert inner_products(P61, a, b).tolist() == [[3 * LINE * edge * other % P61.p]]


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="have no product"):
        matmul(P61, np.zeros((2, 3), np.uint64), np.zeros((2, 3), np.uint64))
