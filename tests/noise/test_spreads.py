"""Numbers with their spreads: what an input moves, whatever it is, is hidden by the noise drawn."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.noise.mechanisms import DiscreteGaussian, DiscreteLaplace, RandomizedResponse
from ostraka.noise.samplers import Halves, gaussian, laplace
from ostraka.noise.shares import GaussianShares, LaplaceShares, Sensitivity

ONE, TINY = Fraction(1), Fraction(1, 10**6)


def beside(width, d=1):
    return Sensitivity(d * width, d * width**2, 2 * d, width)


def moved(a, b, width):
    """How far numbers and spreads are apart, counted from the least."""
    return abs(a - b), abs(a * (width - a) - b * (width - b))


def in_scales(laws, a, b, width):
    """What Laplace noise lets through, exactly."""
    x, spread = moved(a, b, width)
    return x / laws.first.scale + spread / laws.second.scale


def in_variances(laws, a, b, width):
    x, spread = moved(a, b, width)
    return (x**2 / laws.first.variance + spread**2 / laws.second.variance) / 2


def laplaces(width):
    return [
        DiscreteLaplace(ONE, beside(width)).sampler,
        LaplaceShares(ONE, beside(width), 3).share,
    ]


@pytest.mark.parametrize("width", range(2, 33))
def test_no_pair_of_inputs_tells_more_than_epsilon(width):
    """The sampler's own scales; the sum alone may tell as much."""
    for laws in laplaces(width):
        worst = max(in_scales(laws, a, b, width) for a, b in product(range(width + 1), repeat=2))
        assert worst == 1


@pytest.mark.parametrize("width", range(2, 33))
def test_no_pair_of_inputs_tells_more_than_rho(width):
    local = DiscreteGaussian(ONE, TINY, beside(width))
    joint = GaussianShares(ONE, TINY, beside(width), 3)
    for laws, n, spend in ((local.sampler, 1, local.spend), (joint.share, 3, joint.spends(3))):
        worst = max(in_variances(laws, a, b, width) for a, b in product(range(width + 1), repeat=2))
        assert 0.99 * spend.rho < worst / n <= spend.rho


@given(st.integers(2, 2**31), st.floats(0, 1), st.floats(0, 1))
def test_nor_does_any_of_a_wide_range(width, a, b):
    a, b = int(a * width), int(b * width)
    for laws in laplaces(width):
        assert in_scales(laws, a, b, width) <= 1
    local = DiscreteGaussian(ONE, TINY, beside(width))
    assert in_variances(local.sampler, a, b, width) <= local.spend.rho


def test_noise_that_is_narrower_is_found_out():
    """By the same measures: spreads at 99% of their scale, or 90% of their variance."""
    width = 1000
    pairs = list(product(range(0, width + 1, 8), repeat=2))
    laws = DiscreteLaplace(ONE, beside(width)).sampler
    narrow = Halves(laws.first, laplace(laws.second.scale * 99 / 100))
    assert max(in_scales(narrow, a, b, width) for a, b in pairs) > 1
    local = DiscreteGaussian(ONE, TINY, beside(width))
    narrow = Halves(local.sampler.first, gaussian(local.sampler.second.variance * 9 / 10))
    assert max(in_variances(narrow, a, b, width) for a, b in pairs) > local.spend.rho


@pytest.mark.parametrize(("a", "b", "found_out"), [(0, 20, False), (0, 16, True), (0, 10, True)])
def test_whoever_sees_reports_learns_no_more(a, b, found_out, stream, told_at_least):
    """By the likelihoods of the two inputs, which is the best anybody can do. With spreads at an
    eighth of their noise more than epsilon is told of some."""
    d, width = 100_000, 20
    fair = DiscreteLaplace(Fraction(d), beside(width, d))
    broken = DiscreteLaplace(Fraction(d), beside(width, d))
    broken.sampler = Halves(fair.sampler.first, laplace(fair.sampler.second.scale / 8))
    told = []
    for mechanism, narrower in ((fair, 1), (broken, 8)):
        seen = []
        for who in (a, b):
            x = np.repeat([who, who * (width - who)], d)
            y, q = np.split(mechanism.randomize(x, stream(f"{a} {b} {who} {narrower}")), 2)
            likely = width * (np.abs(y - b) - np.abs(y - a))
            likely += narrower * (np.abs(q - b * (width - b)) - np.abs(q - a * (width - a)))
            seen.append(likely // 25)
        told.append(told_at_least(*seen))
    assert 0.5 < told[0] <= 1
    assert (told[1] > 1) == found_out


@pytest.mark.parametrize(("there", "width"), [(1, 6), (2, 6), (3, 11)])
def test_fewer_shares_than_needed_tell_no_more_than_is_said(there, width):
    """The two laws worked out, over all pairs."""
    claimed = LaplaceShares(ONE, beside(width), 4).spends(there).epsilon
    first, second = (log_law(scale, there / 4, width**2) for scale in (width, width**2))
    worst = 0.0
    for a, b in product(range(width + 1), repeat=2):
        x, spread = moved(a, b, width)
        # a change tells most about what was at 0 (`test_shares`)
        worst = max(worst, first[0] - first[x] + second[0] - second[spread])
    assert worst <= claimed < 2 * worst
    assert claimed > 1


def log_law(scale, shape, far):
    """Of the difference of two NB(shape, e^(-1/scale)), from 0 on."""
    k = np.arange(1, 60 * scale)
    u = np.exp(np.concatenate([[0.0], np.cumsum(np.log((k + (shape - 1)) / k) - 1 / scale)]))
    return [math.log(u[: len(u) - s] @ u[s:]) for s in range(far + 1)]


# --- its moments ---------------------------------------------------------------------------------


def moments(values, weights):
    p = weights / weights.sum()
    return p @ values**2, p @ values**4


@pytest.mark.parametrize(("scale", "n"), [(Fraction(1, 3), 1), (Fraction(2), 3), (Fraction(9), 2)])
def test_the_blur_of_laplace_noise_is_that_of_its_law(scale, n):
    half = np.arange(-600, 601)
    law = np.exp(-np.abs(half) / float(scale))
    total = law
    for _ in range(n - 1):
        total = np.convolve(total, law)
    reach = len(total) // 2
    second, fourth = moments(np.arange(-reach, reach + 1.0), total)
    local = DiscreteLaplace(1 / scale, Sensitivity(1, 1, 2, 1)).blur(n)
    joint = LaplaceShares(1 / scale, Sensitivity(1, 1, 2, 1), 5).blur(5 * n)
    for blur in (local, joint):
        assert blur.variance == pytest.approx(second)
        assert blur.of_square == pytest.approx(fourth - second**2)
        assert blur.of_spread == pytest.approx(second)  # for a width of 1
        assert 1.959 < blur.sure < (2.3 if scale > 1 else 3.1)


@pytest.mark.parametrize("epsilon", [Fraction(1, 2), Fraction(20), Fraction(60)])
def test_the_blur_of_gaussian_noise_is_that_of_its_law(epsilon):
    """Of a small variance too, where the law is narrower than its parameter says."""
    mechanism = DiscreteGaussian(epsilon, TINY, beside(2))
    x = np.arange(-400, 401.0)
    second, _ = moments(x, np.exp(-(x**2) / (2 * float(mechanism.variance))))
    blur = mechanism.blur(7)
    assert blur.variance == pytest.approx(7 * second)
    assert blur.of_square == pytest.approx(2 * 49 * second**2)
    assert blur.of_spread >= blur.variance * 0.99


def test_the_blur_of_two_coins():
    """Each report varies by 3/16, and is doubled."""
    blur = RandomizedResponse(2, Fraction(1, 2)).blur(100)
    assert blur.variance == pytest.approx(100 * 4 * 3 / 16)


def test_halves_are_drawn_apart(stream):
    laws = DiscreteLaplace(Fraction(3000), beside(50, 3000)).sampler
    first, second = np.split(laws.draw(stream("halves"), 6000), 2)
    assert np.abs(first).mean() == pytest.approx(50, rel=0.1)
    assert np.abs(second).mean() == pytest.approx(2500, rel=0.1)
    assert laws.distance(6000) == laws.first.distance(3000) + laws.second.distance(3000) > 0
    assert laws.distance(100) == 0
