import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.arithmetic.field import MERSENNE_EXPONENTS, P61, Field
from ostraka.arithmetic.randomness import Stream

P = P61.p
EDGES = [0, 1, 2, P - 1, P - 2, P // 2, P // 2 + 1, (1 << 32) - 1, 1 << 32, (1 << 32) + 1, 1 << 60]
EDGES += [(1 << 31) - 1, 1 << 31, P - (1 << 31), P // 3, P // 3 + 1, 2 * P // 3 + 1]
elements = st.one_of(st.sampled_from(EDGES), st.integers(0, P - 1))


def vector(*values):
    return np.array(values, np.uint64)


@given(elements, elements, st.integers(-200, 200), st.integers(-(P**2), P**2))
def test_p61_agrees_with_python_integers(a, b, k, c):
    x, y = vector(a), vector(b)
    assert P61.add(x, y).tolist() == [(a + b) % P]
    assert P61.subtract(x, y).tolist() == [(a - b) % P]
    assert P61.multiply(x, y).tolist() == [a * b % P]
    assert P61.negate(x).tolist() == [-a % P]
    assert P61.rotate(x, k).tolist() == [a * pow(2, k, P) % P]
    assert P61.scale(x, c).tolist() == [a * c % P]
    assert (x.tolist(), y.tolist()) == ([a], [b])


@pytest.mark.parametrize("bits", MERSENNE_EXPONENTS)
def test_scaling_by_small_factors_takes_no_product_and_is_exact(bits, monkeypatch):
    field = Field(bits)
    p = field.p
    monkeypatch.setattr(Field, "multiply", None)
    x = vector(*sorted({e % p for e in EDGES}))
    third = pow(3, -1, p)
    for factor in (1, 3, third):
        for sign in (1, -1):
            for k in range(bits):
                c = sign * factor << k
                assert field.scale(x, c).tolist() == [int(a) * c % p for a in x]


@given(st.data(), st.integers(1, 40), st.integers(1, 5), st.sampled_from([1, 3, 5000]))
def test_mixing_is_the_sum_of_products_for_short_and_long_vectors(data, many, rows, length):
    row = st.lists(elements, min_size=many, max_size=many)
    c = data.draw(st.lists(row, min_size=rows, max_size=rows))
    v = data.draw(st.lists(st.tuples(elements, elements), min_size=many, max_size=many))
    vectors = [np.array(([a, b] * length)[:length], np.uint64) for a, b in v]
    mixed = P61.mix(c, vectors)
    for row, result in zip(c, mixed, strict=True):
        first = sum(k * a for k, (a, _) in zip(row, v, strict=True)) % P
        second = sum(k * b for k, (_, b) in zip(row, v, strict=True)) % P
        assert result[0] == first
        assert np.all(result[1::2] == second)
        assert len(result) == length


def test_every_pair_of_edges_multiplies_exactly():
    a, b = (m.ravel() for m in np.meshgrid(vector(*EDGES), vector(*EDGES)))
    expected = [x * y % P for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    assert P61.multiply(a, b).tolist() == expected


@pytest.mark.parametrize("bits", [3, 5, 7])
def test_tiny_fields_agree_on_every_pair(bits):
    field = Field(bits)
    everything = np.arange(field.p, dtype=np.uint64)
    a, b = (m.ravel() for m in np.meshgrid(everything, everything))
    p = np.uint64(field.p)
    assert np.array_equal(field.add(a, b), (a + b) % p)
    assert np.array_equal(field.subtract(a, b), (a + p - b) % p)
    assert np.array_equal(field.multiply(a, b), a * b % p)
    for c in range(field.p):
        assert np.array_equal(field.scale(everything, c), everything * np.uint64(c) % p)


def test_results_may_be_written_over_an_argument():
    a = vector(5, P - 1)
    assert P61.add(a, vector(1, 1), out=a) is a
    assert a.tolist() == [6, 0]
    assert P61.subtract(a, vector(7, 1), out=a).tolist() == [P - 1, P - 1]


@pytest.mark.parametrize("bits", [2, 4, 11, 60, 62, 64])
def test_only_mersenne_primes_make_a_field(bits):
    with pytest.raises(ValueError, match="not a Mersenne prime"):
        Field(bits)


@pytest.mark.parametrize("cuts", [[1000], [1, 999], [13, 0, 487, 500]])
def test_uniform_elements_are_the_accepted_words_in_order(cuts):
    """p itself is skipped, one word in eight in this field, so the elements are exactly uniform."""
    field, stream = Field(3), Stream(bytes(32), "share")
    words = Stream(bytes(32), "share").fill(np.empty(2000, np.uint64)) & np.uint64(7)
    found = np.concatenate([field.uniform(stream, np.empty(n, np.uint64)) for n in cuts])
    assert np.array_equal(found, words[words != 7][:1000])


class Scripted:
    """A stream that says what it is told."""

    def __init__(self, words):
        self.words = list(words)

    def fill(self, out):
        for i in range(len(out)):
            out[i] = self.words.pop(0)
        return out


def test_p_is_drawn_again_until_it_is_not_p():
    stream = Scripted([P, 3, P, 4, 2**64 - 1, P, 5, 6])
    assert P61.uniform(stream, np.empty(4, np.uint64)).tolist() == [3, 4, 5, 6]
    assert stream.words == []


@pytest.mark.parametrize("word", [P, P + 1, 2**63, 2**64 - 1])
def test_words_that_are_no_elements_are_refused(word):
    P61.check(vector(0, P - 1))
    P61.check(vector())
    with pytest.raises(ValueError, match="not an element"):
        P61.check(vector(0, word, 1))


@given(st.data(), st.sampled_from([5, 7, 61]), st.integers(1, 5))
def test_lagrange_coefficients_recover_any_polynomial(data, bits, size):
    field = Field(bits)
    polynomial = data.draw(st.lists(st.integers(0, field.p - 1), min_size=size, max_size=size))
    at = data.draw(st.integers(0, field.p - 1))
    points = field.points(size)

    def f(x):
        return sum(c * x**i for i, c in enumerate(polynomial)) % field.p

    found = sum(c * f(x) for c, x in zip(field.lagrange(points, at), points, strict=True))
    assert found % field.p == f(at)


def test_equal_points_are_refused():
    with pytest.raises(ValueError, match="distinct"):
        P61.lagrange([1, 2, P + 1], 0)


@pytest.mark.parametrize("bits", MERSENNE_EXPONENTS)
def test_points_are_distinct_and_never_zero(bits):
    field = Field(bits)
    for n in {1, 2, bits, min(bits + 1, field.p - 1), min(1000, field.p - 1)}:
        points = field.points(n)
        assert len(set(points)) == n
        assert all(0 < x < field.p for x in points)
    with pytest.raises(ValueError, match="no"):
        field.points(field.p)
