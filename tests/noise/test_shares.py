"""Noise of honest makers: what it promises, by exact computation and to an adversary's eyes."""

import math
from fractions import Fraction

import numpy as np
import pytest

from ostraka.noise.shares import (
    GaussianShares,
    GeometricShares,
    LaplaceShares,
    Sensitivity,
    laplace_within,
)
from ostraka.record.budget import Spend, epsilon_of, rho_of

ONE = Sensitivity(1, 1, 1)
MILLION = Sensitivity(1, 1, 10**6)
"""As if each element were a query of its own: a million samples."""


def series(scale, shape, count=4000):
    """NB(shape, e^(-1/scale)), up to a factor."""
    k = np.arange(1, count)
    return np.exp(np.concatenate([[0.0], np.cumsum(np.log((k + (shape - 1)) / k) - 1 / scale)]))


def two_sided(scale, shape, far):
    """The law of the total on -far .. far."""
    u = series(scale, shape)
    p = np.convolve(u, u[::-1])
    middle = len(p) // 2
    return p[middle - far : middle + far + 1] / p.sum()


# --- with fewer than were counted on --------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "planned", "known"), [(9, 10, "1.10"), (3, 4, "1.27"), (1, 2, "1.68")]
)
def test_epsilon_that_holds_when_a_part_of_the_shares_arrives(there, planned, known):
    """The largest change of a log-probability, anywhere, worked out from the law itself."""
    p = np.log(two_sided(1.0, there / planned, 25))
    worst = np.abs(np.diff(p)).max()
    claimed = LaplaceShares(Fraction(1), ONE, planned).spends(there).epsilon
    assert f"{worst:.2f}" == known
    assert float(claimed) == pytest.approx(worst, abs=1e-8)
    assert claimed >= worst


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.8, 0.95])
@pytest.mark.parametrize(("scale", "shift"), [(1, 1), (3, 3), (20, 5)])
def test_no_shift_of_any_value_tells_more_than_that_of_zero(part, scale, shift):
    p = np.log(two_sided(float(scale), part, 12 * scale))
    h = 100
    claimed = LaplaceShares(Fraction(shift, scale), Sensitivity(shift, shift**2, 1), h)
    worst = np.abs(p[shift:] - p[:-shift]).max()
    assert float(claimed.spends(int(part * h)).epsilon) == pytest.approx(worst, abs=1e-8)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_a_change_spread_over_elements_tells_more_than_in_one(part):
    """Two counts of one each, or one of two: what is claimed is the worst of all splits."""
    p = np.log(two_sided(2.0, part, 30))
    loss = [p[30] - p[30 + k] for k in range(5)]
    claimed = LaplaceShares(Fraction(2), Sensitivity(4, 16, 3), 10).spends(int(10 * part)).epsilon
    splits = [loss[a] + loss[b] + loss[4 - a - b] for a in range(5) for b in range(5 - a)]
    assert float(claimed) == pytest.approx(max(splits), abs=1e-8)


def test_laws_of_large_scales_are_worked_out_as_those_of_small_ones():
    """Beyond 10^4 terms are integrated."""
    u = series(3000.0, 0.3, 400_000)
    exact = math.log(u @ u) - math.log(u[:-3000] @ u[3000:])
    claimed = LaplaceShares(Fraction(1), Sensitivity(3000, 3000**2, 1), 10).spends(3).epsilon
    assert float(claimed) == pytest.approx(exact, abs=1e-6)
    assert LaplaceShares(Fraction(1), Sensitivity(10**12, 10**24, 1), 2).spends(1).epsilon > 2


def test_more_makers_than_needed_tell_no_less_and_no_more():
    noise = LaplaceShares(Fraction(1, 3), ONE, 4)
    assert noise.spends(4) == noise.spends(9) == Spend.pure(Fraction(1, 3))
    assert noise.spends(0).exact


def test_what_tables_leave_out_is_in_delta():
    noise = LaplaceShares(Fraction(1), Sensitivity(2, 2, 10**6), 3)
    assert noise.spends(3).delta == 4 * noise.spends(3).slip > 0
    assert noise.spends(3).delta < Fraction(1, 1 << 70)


# --- as an adversary sees it ----------------------------------------------------------------------


def total(noise, makers, stream, name):
    """What honest makers drew, in the order of makers."""
    return sum(noise.draw(stream(f"{name} {i}")) for i in range(makers))


@pytest.mark.parametrize("honest", [1, 2, 5])
def test_laplace_shares_of_the_honest_keep_epsilon(honest, stream, told_at_least):
    noise = LaplaceShares(Fraction(1), MILLION, honest)
    a, b = (total(noise, honest, stream, f"{honest} {who}") for who in "ab")
    assert 0.95 < told_at_least(a, b + 1) < 1


@pytest.mark.parametrize(("n", "proven"), [(4, 1.6), (10, 1.6)])
def test_shares_sized_for_all_where_half_are_honest_are_found_out(n, proven, stream, told_at_least):
    """The broken mechanism: noise for n makers of whom n / 2 keep theirs to themselves."""
    noise = LaplaceShares(Fraction(1), MILLION, n)
    a, b = (total(noise, n // 2, stream, f"broken {n} {who}") for who in "ab")
    assert told_at_least(a, b + 1) > proven


def test_half_the_noise_is_found_out(stream, told_at_least):
    noise = LaplaceShares(Fraction(2), MILLION, 2)  # twice the epsilon that is claimed
    a, b = (total(noise, 2, stream, f"half {who}") for who in "ab")
    assert told_at_least(a, b + 1) > 1.8


def test_gaussian_shares_keep_epsilon_and_delta_and_half_of_them_do_not(stream, told_at_least):
    """The promise by way of rho is not tight, so what is broken must be broken by more."""
    noise = GaussianShares(Fraction(1), Fraction(1, 100), MILLION, 6)
    a, b = (total(noise, 6, stream, f"gauss {who}") for who in "ab")
    assert told_at_least(a, b + 1, 0.01) < 1
    a, b = (total(noise, 1, stream, f"one gauss {who}") for who in "ab")
    assert told_at_least(a, b + 1, 0.01) > 1


# --- Gaussian shares ------------------------------------------------------------------------------


def log_law(variance, count):
    """Of a sum of discrete Gaussians, as far as logarithms of 10^-100 or so."""
    far = int(22 * math.sqrt(count * variance)) + 10
    x = np.arange(-far, far + 1)
    one = np.exp(-(x**2) / (2 * variance))
    one /= one.sum()
    total = one
    for _ in range(count - 1):  # sums of positive terms keep their digits far out
        total = np.convolve(total, one)[far : 3 * far + 1]
    return np.log(total)


@pytest.mark.parametrize(("honest", "l1"), [(1, 1), (2, 3), (5, 1), (20, 10)])
def test_the_bound_on_sums_of_discrete_gaussians_covers_their_divergence(honest, l1):
    """Rényi divergences of the sum's law, worked out, are at most order times rho. [KLS21]"""
    noise = GaussianShares(Fraction(1), Fraction(1, 10**6), Sensitivity(l1, l1**2, 1), honest)
    p = log_law(float(noise.variance), honest)
    spend = noise.spends(honest)
    for order in (2, 8, 32):
        terms = order * p[:-l1] - (order - 1) * p[l1:]
        divergence = math.log(np.exp(terms).sum()) / (order - 1)
        assert 0.9 < divergence / (order * float(spend.rho)) <= 1 + 1e-9
    assert spend.epsilon <= 1


def test_gaussian_shares_are_as_wide_as_it_takes():
    delta, d = Fraction(1, 10**6), 10**6
    few = GaussianShares(Fraction(1), delta, ONE, 3)
    many = GaussianShares(Fraction(1), delta, ONE, 400)
    long = GaussianShares(Fraction(1), delta, Sensitivity(1, 1, d), 400)
    assert few.variance * 3 == pytest.approx(1 / (2 * few.spends(3).rho), rel=0.01)
    assert many.variance == 1  # not 1/20
    assert long.variance > 1  # their drift adds up over d elements
    for noise in (few, many, long):
        assert noise.spends(noise.honest).epsilon <= 1
        assert noise.spends(noise.honest).delta == delta
        assert noise.spends(noise.honest - 1).epsilon > noise.spends(noise.honest).epsilon


@pytest.mark.parametrize("epsilon", [Fraction(1, 100), Fraction(1), Fraction(12)])
def test_rho_of_is_the_inverse_of_epsilon_of(epsilon):
    delta = Fraction(1, 10**8)
    rho = rho_of(epsilon, delta)
    assert epsilon_of(rho, delta) <= epsilon < epsilon_of(rho * (1 + Fraction(1, 10**6)), delta)


@pytest.mark.parametrize("epsilon", [Fraction(1, 10**7), Fraction(1, 1000), Fraction(50)])
def test_gaussian_shares_of_any_epsilon(epsilon):
    noise = GaussianShares(epsilon, Fraction(1, 10**6), ONE, 3)
    assert noise.spends(3).epsilon <= epsilon
    if epsilon < 1:
        assert noise.spends(3).epsilon > epsilon * Fraction(99, 100)


def test_a_delta_below_what_samples_can_keep_is_refused():
    with pytest.raises(ValueError, match="delta"):
        GaussianShares(Fraction(1), Fraction(1, 10**25), MILLION, 3)


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("honest", "makers"), [(1, 1), (2, 3), (5, 5), (2, 10)])
def test_ninety_five_of_a_hundred_are_within_the_error(honest, makers, stream):
    for noise in (
        LaplaceShares(Fraction(1, 20), MILLION, honest),
        GaussianShares(Fraction(1), Fraction(1, 10**6), MILLION, honest),
    ):
        sizes = np.abs(total(noise, makers, stream, f"within {makers}"))
        width = noise.within(makers)
        assert np.mean(sizes <= width) > 0.949
        assert np.mean(sizes <= width - 1) < 0.951


def test_intervals_of_any_scale_and_number():
    """ln 20 = 2.9957; a normal law has 1.96 deviations."""
    assert laplace_within(Fraction(10**9), Fraction(1)) == pytest.approx(2.9957e9, rel=1e-3)
    assert laplace_within(Fraction(1), Fraction(1)) == 3
    assert laplace_within(Fraction(1, 30), Fraction(1)) == 0
    for shape in (999, 1001, 10**6):
        deviation = math.sqrt(2 * shape) * 1000
        assert laplace_within(Fraction(1000), Fraction(shape)) == pytest.approx(
            1.96 * deviation, rel=2e-3
        )


# --- scores ---------------------------------------------------------------------------------------


def chosen(scores, noise, makers):
    """The law of the first of the largest, in closed form: the chosen one has noise r, and every
    other less, or as much if it stands behind."""
    scale, far = float(noise.scale), int(45 * noise.scale) + max(scores) - min(scores) + 1
    p = series(scale, makers / noise.honest, far)
    p /= p.sum()
    up_to = np.concatenate([[0.0], np.cumsum(p)])
    law = []
    for j, mine in enumerate(scores):
        found = p.copy()
        for i, other in enumerate(scores):
            if i != j:
                least = np.arange(far) + mine - other + (i > j)
                found *= up_to[np.clip(least, 0, far)]
        law.append(found.sum())
    return np.array(law)


@pytest.mark.parametrize("scores", [(5, 5, 4), (9, 3, 7, 7), (0, 0)])
def test_the_choice_of_the_honest_keeps_epsilon_exactly(scores):
    noise = GeometricShares(Fraction(1), 2, len(scores), 3)
    law = chosen(scores, noise, 3)
    assert law.sum() == pytest.approx(1)
    worst = 0.0
    for change in np.ndindex(*[3] * len(scores)):
        near = chosen([s + 2 * c - 2 for s, c in zip(scores, change, strict=True)], noise, 3)
        worst = max(worst, np.abs(np.log(law / near)).max())
    assert 0.5 < worst <= 1 + 1e-9


def test_a_choice_with_fewer_shares_tells_more():
    noise = GeometricShares(Fraction(1), 1, 2, 2)
    u = series(2.0, 0.5)
    assert float(noise.spends(1).epsilon) == pytest.approx(-math.log(u[2:].sum() / u.sum()))
    law, near = chosen((6, 0), noise, 1), chosen((5, 1), noise, 1)
    assert 1 < np.abs(np.log(law / near)).max() <= float(noise.spends(1).epsilon)


def test_what_is_chosen_is_seldom_further_from_the_best_than_it_says():
    noise = GeometricShares(Fraction(1), 1, 6, 2)
    width = noise.within(3)
    for gap in (width // 2, width + 1):
        misses = 1 - chosen([gap] + [0] * 5, noise, 3)[0]
        assert (misses <= 0.05) == (gap > width)
