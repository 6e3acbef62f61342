"""Shares of noise against the closed form of their law, drawn in each of the three ways."""

from fractions import Fraction
from math import exp, factorial, sqrt

import numpy as np
import pytest
from portions import portioned

from ostraka.noise import polya
from ostraka.noise.exact import Exact
from ostraka.noise.polya import FEW, Polya
from ostraka.noise.samplers import Laplace
from ostraka.noise.tables import exp_minus

MILLION = 10**6


def one_sided(scale, shape, count):
    """NB(shape, e^(-1/scale)) on 0, 1, ..."""
    k = np.arange(1, count)
    steps = np.log((k + (shape - 1)) / k) - 1 / scale
    weights = np.exp(np.concatenate([[0.0], np.cumsum(steps)]))
    return weights / weights.sum()


def law(scale, shape, sides, reach):
    """The weight of each integer."""
    p = one_sided(scale, shape, max(reach, int(50 * scale)) + 1)
    if sides == 2:
        both = np.convolve(p, p[::-1])
        return lambda x: both[len(p) - 1 + x]
    return lambda x: p[x] if x >= 0 else 0.0


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize(
    ("scale", "h"), [(Fraction(1, 3), 2), (1, 1), (2, 3), (Fraction(41, 2), 7)]
)
def test_a_million_from_the_table(scale, h, sides, stream, chi_square):
    sampler = Polya(Fraction(scale), h, sides=sides)
    assert sampler.tabled
    sample = sampler.draw(stream(f"{scale} {h} {sides}"), MILLION)
    reach = int(50 * scale) + 2
    assert chi_square(sample, law(float(scale), 1 / h, sides, reach), reach) < 4


@pytest.mark.parametrize("sides", [1, 2])
def test_jumps_have_the_same_law(sides, stream, chi_square):
    """The way of large scales, at a scale whose closed form can be worked out."""
    sample = polya._Jumps(Fraction(9), 2, sides).draw(stream(f"jumps {sides}"), MILLION)
    assert chi_square(sample, law(9.0, 0.5, sides, 600), 600) < 4


@pytest.mark.parametrize("sides", portioned([2], [1]))
def test_one_by_one_has_the_same_law(sides, stream, chi_square):
    sampler, source = Polya(Fraction(3), 2, sides=sides), stream(f"exact {sides}")
    sample = np.concatenate([sampler.draw(source, FEW - 1) for _ in range(20)])
    assert sampler.distance(FEW - 1) == 0
    assert chi_square(sample, law(3.0, 0.5, sides, 200), 200) < 4


@pytest.mark.parametrize("h", [1, 2, 9])
def test_a_few_candidates_are_poisson(h, stream):
    exact, count = Exact(stream(f"few {h}")), 20_000
    found = np.bincount([polya._few(exact, h) for _ in range(count)], minlength=4)
    p = [exp(-1 / h) / h**n / factorial(n) for n in range(4)]
    expected = count * np.array([*p[:3], 1 - sum(p[:3])])
    found = np.array([*found[:3], found[3:].sum()])
    assert ((found - expected) ** 2 / expected).sum() < 20  # 3 degrees: one chance in 5000


def test_a_law_two_percent_off_is_noticed(stream, chi_square):
    sample = Polya(Fraction(3), 2, sides=2).draw(stream("off"), MILLION)
    assert chi_square(sample, law(3.06, 0.5, 2, 200), 200) > 10
    assert chi_square(sample, law(3.0, 0.49, 2, 200), 200) > 10


@pytest.mark.parametrize("scale", [Fraction(2000), Fraction(10**15, 7)])
def test_two_shares_of_a_huge_scale_are_laplace(scale, stream):
    """Of discrete Laplace, e^(-|x| / scale) is uniform."""
    sampler, source = Polya(scale, 2, sides=2), stream(f"huge {scale}")
    assert not sampler.tabled
    total = sampler.draw(source, 20_000) + sampler.draw(source, 20_000)
    uniform = np.exp(-np.abs(total + 0.5) / float(scale))
    counts = np.histogram(uniform, 100, (0, 1))[0]
    assert ((counts - 200) ** 2 / 200).sum() < 99 + 4 * sqrt(2 * 99)
    assert abs((total >= 0).mean() - 0.5) < 4 * 0.5 / sqrt(20_000)


def test_shares_add_up_to_discrete_laplace_exactly():
    """In whole numbers: h weights convolved are the curator's, but for their rounding."""
    scale, h, far = Fraction(2), 3, 300
    right = Polya(scale, h, sides=2)._right()[: far + 1]
    share = np.array([*right[:0:-1], *right], object)
    total = share
    for _ in range(h - 1):
        total = np.convolve(total, share)
    middle = len(total) // 2
    q = exp(-1 / 2)
    for k in range(40):
        assert total[middle + k] / total[middle] == pytest.approx(q**k, rel=1e-12)
    assert max(right) == right[0]


def test_large_shares_stay_within_their_bound(stream):
    sampler = Polya(Fraction(10**6), 1, sides=2)
    assert np.abs(sampler.draw(stream("bound"), 10_000)).max() < sampler.bound
    assert sampler.bound == Laplace(Fraction(10**6)).bound


@pytest.mark.parametrize("scale", [Fraction(1), Fraction(10**6)])
def test_long_vectors_are_as_exact_as_the_cipher(scale):
    for h in (1, 50):
        assert 0 < Polya(scale, h, sides=2).distance(1 << 30) < Fraction(1, 1 << 60)


def test_floating_point_decides_as_whole_numbers_would(monkeypatch, stream):
    jumps = polya._Jumps(Fraction(10**9, 7), 2, 2)
    fast = jumps.draw(stream("both ways"), 300)
    monkeypatch.setattr(polya, "_NEAR", 2.0)
    assert np.array_equal(jumps.draw(stream("both ways"), 300), fast)


@pytest.mark.parametrize(("first", "low"), [(8, 7), (1 << 20, 12345)])
def test_comparisons_go_on_where_the_first_word_ties(first, low, stream):
    jumps = polya._Jumps(Fraction(1000), 2, 2)
    q = exp_minus(Fraction(low, 1000)) * first // (first + low)
    head, tail = divmod(q, 1 << 192)
    assert jumps._below(stream("tie"), head - 1, first, low)
    assert not jumps._below(stream("tie"), head + 1, first, low)
    more = 0
    for word in stream("tie").fill(np.empty(3, np.uint64)).tolist():
        more = more << 64 | word
    assert jumps._below(stream("tie"), head, first, low) == (more < tail)


def test_what_makes_no_sense_is_refused():
    for scale, h, sides in ((0, 1, 2), (1, 0, 2), (1, 1, 3)):
        with pytest.raises(ValueError, match="scale"):
            Polya(Fraction(scale), h, sides=sides)
