"""GF(2^m): field laws by trying every element, and planes that agree with public elements."""

import numpy as np
import pytest
from portions import portioned

from ostraka.arithmetic.binary import AT_ONCE, MOST_POINTS, Binary, apply
from ostraka.arithmetic.planes import bits_of, planes_of

FIELDS = [Binary(m) for m in range(1, 7)]
LARGE = [Binary(m) for m in range(7, 11)]


@pytest.mark.parametrize("field", [*FIELDS, *LARGE], ids=lambda f: f"2^{f.m}")
def test_every_element_but_zero_has_an_inverse(field):
    elements = range(1, 1 << field.m)
    assert all(field.times(a, field.inverse(a)) == 1 for a in elements)
    with pytest.raises(ZeroDivisionError):
        field.inverse(0)


@pytest.mark.parametrize("field", portioned(LARGE[-1:], LARGE[:-1]), ids=lambda f: f"2^{f.m}")
def test_large_fields_multiply_polynomials_and_reduce_them(field):
    """Carry-less products, divided by the polynomial: a second way to each product."""
    for a, b in np.random.default_rng(field.m).integers(0, 1 << field.m, (500, 2)).tolist():
        product = 0
        for k in range(field.m):
            product ^= (a << k) * (b >> k & 1)
        for k in reversed(range(field.m, 2 * field.m)):
            product ^= (field.modulus << (k - field.m)) * (product >> k & 1)
        assert field.times(a, b) == product
        planes = (planes_of(np.array([x], np.uint64), field.m) for x in (a, b))
        assert elements_of(field.multiply(*planes), 1) == [product]


@pytest.mark.parametrize("field", FIELDS[:4], ids=lambda f: f"2^{f.m}")
def test_products_distribute_over_sums(field):
    elements = range(1 << field.m)
    for a in elements:
        for b in elements:
            assert field.times(a, b) == field.times(b, a)
            assert field.times(a, b ^ 1) == field.times(a, b) ^ a


def test_the_smallest_field_for_so_many_points():
    assert [Binary.for_points(n).m for n in (1, 3, 4, 7, 8, 63, 64)] == [1, 2, 3, 3, 4, 6, 7]
    assert Binary.for_points(MOST_POINTS).m == 10


def test_lagrange_coefficients_give_a_polynomial_anywhere():
    field = Binary(4)
    f = [field.times(3, field.times(x, x)) ^ field.times(7, x) ^ 9 for x in range(16)]
    for at in range(16):
        coefficients = field.lagrange((1, 5, 8), at)
        value = 0
        for c, x in zip(coefficients, (1, 5, 8), strict=True):
            value ^= field.times(c, f[x])
        assert value == f[at]


def elements_of(planes, count):
    bits = bits_of(planes, count)
    return sum(bits[i] << np.uint64(i) for i in range(len(bits))).tolist()


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f"2^{f.m}")
def test_planes_multiply_like_elements(field):
    pairs = [(a, b) for a in range(1 << field.m) for b in range(1 << field.m)]
    a, b = (planes_of(np.array(column, np.uint64), field.m) for column in zip(*pairs, strict=True))
    product = elements_of(field.multiply(a, b), len(pairs))
    assert product == [field.times(x, y) for x, y in pairs]


def test_a_public_factor_is_a_linear_map():
    field = Binary(5)
    planes = planes_of(np.arange(32, dtype=np.uint64), 5)
    for c in range(32):
        expected = [field.times(c, x) for x in range(32)]
        assert elements_of(apply(field.matrix(c), planes), 32) == expected


def test_long_maps_are_those_of_short_ones():
    generator = np.random.default_rng(1)
    matrix = generator.integers(0, 2, (3, 4), dtype=np.uint8)
    planes = generator.integers(0, 1 << 63, (4, AT_ONCE), dtype=np.uint64)
    piece = slice(AT_ONCE - 100, AT_ONCE)
    assert np.array_equal(apply(matrix, planes)[:, piece], apply(matrix, planes[:, piece]))
