"""Samplers against their closed forms: seeds are fixed, and nothing is tried twice."""

from collections import Counter
from fractions import Fraction
from math import exp, sqrt

import numpy as np
import pytest
from portions import portioned

from ostraka.arithmetic.randomness import BLOCK
from ostraka.noise.exact import Exact
from ostraka.noise.samplers import FEW, TAIL, AliasTable, Gaussian, Laplace, gaussian, laplace
from ostraka.noise.tables import _AGAIN as AGAIN
from ostraka.noise.tables import PRECISION, exp_minus

MILLION = 10**6


SCALES = [Fraction(1, 5), Fraction(1), Fraction(7, 2), Fraction(40), Fraction(300), Fraction(9000)]
VARIANCES = [Fraction(1, 5), Fraction(1), Fraction(49, 3), Fraction(40_000), Fraction(250_000)]


@pytest.mark.parametrize("scale", SCALES)
def test_a_million_from_the_laplace_tables(scale, stream, chi_square, double):
    sample = Laplace(scale).draw(stream(f"laplace {scale}"), MILLION)
    assert chi_square(sample, double(float(scale)), int(50 * scale) + 1) < 4


@pytest.mark.parametrize("variance", VARIANCES)
def test_a_million_from_the_gaussian_tables(variance, stream, chi_square, bell):
    sample = Gaussian(variance).draw(stream(f"gaussian {variance}"), MILLION)
    assert chi_square(sample, bell(float(variance)), int(11 * sqrt(variance)) + 2) < 4


@pytest.mark.parametrize("sampler", [Laplace(Fraction(29, 10)), Gaussian(Fraction(81, 10))])
def test_the_chi_square_tells_a_scale_that_is_two_percent_off(
    sampler, stream, chi_square, bell, double
):
    """The test of the test."""
    weight = double(2.9 * 1.02) if isinstance(sampler, Laplace) else bell(8.1 * 1.04)
    assert chi_square(sampler.draw(stream("off"), MILLION), weight, 300) > 20


@pytest.mark.parametrize("scale", [Fraction(10**6), Fraction(10**17, 3)])
def test_laplace_of_huge_scale_has_the_logistic_shape(scale, stream):
    """Its absolute value is exponential: the probability integral transform is uniform."""
    x = Laplace(scale).draw(stream(f"huge {scale}"), MILLION)
    uniform = np.exp(-np.abs(x + 0.5) / float(scale))
    assert flat(uniform) < 4
    assert abs((x >= 0).mean() - 0.5) < 4 * 0.0005
    assert flat((x & 4095) / 4096) < 4


@pytest.mark.parametrize("variance", [Fraction(10**12), Fraction(10**33, 7)])
def test_gaussians_of_huge_variance_have_normal_squares(variance, stream):
    """Of two independent ones, e^(-(x^2 + y^2) / 2 variance) is uniform; low digits are too."""
    x = Gaussian(variance).draw(stream(f"huge {variance}"), MILLION)
    r = x.astype(float) ** 2 / float(2 * variance)
    assert flat(np.exp(-(r[::2] + r[1::2]))) < 4
    assert flat((x & 4095) / 4096) < 4


def flat(uniform):
    """Standard deviations by which chi-square of 256 cells of [0, 1) exceeds its mean."""
    counts = np.bincount((uniform * 256).astype(int), minlength=256)
    mean = len(uniform) / 256
    return (((counts - mean) ** 2 / mean).sum() - 255) / sqrt(2 * 255)


# --- exact ---------------------------------------------------------------------------------------

MANY = 30_000


@pytest.mark.parametrize(
    "scale", portioned([Fraction(22, 7)], [Fraction(1, 3), Fraction(1), Fraction(50)])
)
def test_exact_laplace(scale, stream, chi_square, double):
    exact = Exact(stream(f"exact {scale}"))
    sample = np.array([exact.laplace(scale) for _ in range(MANY)])
    assert chi_square(sample, double(float(scale)), int(50 * scale) + 1) < 4


@pytest.mark.parametrize(
    "variance", portioned([Fraction(22, 7)], [Fraction(1, 3), Fraction(1), Fraction(900)])
)
def test_exact_gaussian(variance, stream, chi_square, bell):
    exact = Exact(stream(f"exact {variance}"))
    sample = np.array([exact.gaussian(variance) for _ in range(MANY)])
    assert chi_square(sample, bell(float(variance)), int(11 * sqrt(variance)) + 2) < 4


def test_exact_uniform_is_below_any_n(stream):
    exact = Exact(stream("below"))
    for n in (1, 2, 3, 1000, 2**64, 2**64 + 1, 3**200):
        assert all(0 <= exact.below(n) < n for _ in range(100))
    thirds = np.bincount([exact.below(3) for _ in range(MANY)])
    assert np.abs(thirds - MANY / 3).max() < 4 * sqrt(MANY * 2 / 9)


@pytest.mark.parametrize("gamma", [Fraction(0), Fraction(1, 7), Fraction(1), Fraction(9, 4)])
def test_exact_coins(gamma, stream):
    exact = Exact(stream(f"coin {gamma}"))
    p = exp(-gamma)
    heads = sum(exact.bernoulli_exp(gamma) for _ in range(MANY))
    assert abs(heads - MANY * p) <= 4 * sqrt(MANY * p * (1 - p))
    third = sum(exact.bernoulli(Fraction(1, 3)) for _ in range(MANY))
    assert abs(third - MANY / 3) < 4 * sqrt(MANY * 2 / 9)


def test_exact_geometric_starts_at_0(stream):
    exact = Exact(stream("geometric"))
    sample = np.array([exact.geometric(Fraction(2)) for _ in range(MANY)])
    q = exp(-0.5)
    assert abs((sample == 0).mean() - (1 - q)) < 4 * sqrt(q * (1 - q) / MANY)
    assert abs(sample.mean() - q / (1 - q)) < 4 * sqrt(q / (1 - q) ** 2 / MANY)


# --- tables --------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [Fraction(0), Fraction(1), Fraction(1, 10**17), Fraction(355, 7)])
def test_the_exponential_is_right_to_the_last_place(x):
    """Against its series, summed in fractions."""
    term, series, k = Fraction(1), Fraction(0), 0
    while abs(term) > Fraction(1, 1 << (PRECISION + 20)):
        series += term
        k += 1
        term *= -x / k
    assert abs(exp_minus(x) - series * (1 << PRECISION)) <= 1
    assert exp_minus(Fraction(10**9)) == 0


def ranges(table):
    """From which word on, up to which, what is meant; read off the columns."""
    shift = int(table._shift)
    for i, top in enumerate(table._tops.tolist()):
        other, own = table._outcomes[2 * i : 2 * i + 2].tolist()
        yield i << shift, top, own
        yield top, (i + 1) << shift, other


def word_counts(table):
    """How many of the 2^64 words mean each outcome."""
    counts = Counter()
    for start, end, outcome in ranges(table):
        counts[outcome] += end - start
    return +counts


@pytest.mark.parametrize(
    "weights",
    [[1], [1, 1], [1, 2, 3], [0, 5, 0, 1], [10**40, 1, 10**38], list(range(1000)), [3] * 1024],
)
def test_a_table_is_exactly_its_weights(weights):
    """Every word counted, and the words left over share out what is still due."""
    table = AliasTable(weights, -3)
    counts = word_counts(table)
    over = counts.pop(AGAIN, 0)
    assert sum(counts.values()) + over == 1 << 64
    assert over < len(weights)
    rest = word_counts(table._rest) if over else {}
    for i, w in enumerate(weights):
        share = Fraction(w << 64, sum(weights)) - counts.get(i - 3, 0)
        assert 0 <= share < 1
        assert abs(over * rest.get(i - 3, 0) - share * 2**64) <= over


class Scripted:
    """A stream of given words."""

    def __init__(self, *words):
        self.words = iter(words)

    def fill(self, out):
        out[:] = [next(self.words) for _ in out]
        return out


def test_words_on_every_edge_mean_what_the_columns_say():
    table = AliasTable([5, 0, 3, 8, 1], 2)
    for start, end, outcome in ranges(table):
        if outcome == AGAIN or start == end:
            continue
        assert table.draw(Scripted(start), 1).tolist() == [outcome]
        assert table.draw(Scripted(end - 1), 1).tolist() == [outcome]


def test_a_word_left_over_means_another_draw_for_it_alone():
    table = AliasTable([1, 2, 4], 5)
    (over,) = (start for start, end, outcome in ranges(table) if outcome == AGAIN != start - end)
    (other,) = table.draw(Scripted(0), 1)
    seen = set()
    for start, end, outcome in ranges(table._rest):
        if outcome != AGAIN and start != end:
            assert table.draw(Scripted(0, over, 0, start), 3).tolist() == [other, outcome, other]
            seen.add(outcome)
    assert len(seen) > 1


@pytest.mark.parametrize("length", [0, 1, BLOCK - 1, BLOCK + 1])
def test_a_vector_has_its_length_and_the_stream_decides(length, stream):
    for sampler in (AliasTable([1, 2, 1]), Laplace(Fraction(10**6)), Gaussian(Fraction(10**6))):
        one, two = (sampler.draw(stream("same"), length) for _ in range(2))
        assert one.dtype == np.int64
        assert len(one) == length
        assert np.array_equal(one, two)


@pytest.mark.parametrize(
    ("sampler", "exponent"),
    [
        (laplace(Fraction(12)), lambda x: Fraction(abs(x), 12)),
        (gaussian(Fraction(900)), lambda x: Fraction(x * x, 1800)),
    ],
)
def test_tables_are_as_near_the_closed_form_as_they_say(sampler, exponent):
    """Word by word, the words left over counted as wrong."""
    (table,) = sampler.tables
    weights = {x: exp_minus(exponent(x)) for x in range(-1500, 1501)}
    total, counts = sum(weights.values()), word_counts(table)
    over = counts.pop(AGAIN)
    off = sum(abs(Fraction(counts[x], 1 << 64) - Fraction(w, total)) for x, w in weights.items())
    assert over < 1 << 11
    assert off / 2 < Fraction(over, 1 << 64)
    assert sampler.distance(FEW - 1) == 0
    assert TAIL < sampler.distance(MILLION) / MILLION < 2 * TAIL


@pytest.mark.parametrize("scale", [Fraction(1, 9), Fraction(5), Fraction(10**5, 3)])
def test_beyond_the_bound_is_a_tail_of_two_to_the_minus_100(scale):
    assert 2 * exp(-(laplace(scale).bound + 1) / scale) / (1 + exp(-1 / scale)) < 2**-100
    b = gaussian(scale).bound
    assert 2 * exp(-((b + 1) ** 2) / (2 * scale)) < 2**-100


@pytest.mark.parametrize("make", [Laplace, Gaussian])
def test_no_noise_is_no_noise(make):
    with pytest.raises(ValueError, match="above 0"):
        make(Fraction(0))
