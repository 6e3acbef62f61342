"""Mechanisms against their closed forms, their claims and OpenDP. Seeds are fixed, and nothing is
tried twice; OpenDP cannot be seeded, so there only one chance in a million fails."""

from fractions import Fraction
from itertools import pairwise
from math import log, sqrt

import numpy as np
import pytest
from portions import portioned

from ostraka.noise.mechanisms import DiscreteGaussian, DiscreteLaplace, RandomizedResponse
from ostraka.noise.shares import Sensitivity
from ostraka.record.budget import epsilon_of

MILLION = 10**6
ONE = Sensitivity(1, 1, 1)
TEN = Sensitivity(10, 100, 1)


def reports(mechanism, x, stream, count=MILLION):
    """Independent reports on one number."""
    return mechanism.randomize(np.full(count, x, np.int64), stream)


# --- the distributions ---------------------------------------------------------------------------


@pytest.mark.parametrize(("epsilon", "apart"), [(1, ONE), (Fraction(1, 2), TEN), (5, ONE)])
def test_a_million_laplace_reports(epsilon, apart, stream, chi_square, double):
    mechanism = DiscreteLaplace(Fraction(epsilon), apart)
    noise = reports(mechanism, 7, stream(f"laplace {epsilon}")) - 7
    scale = float(apart.l1 / epsilon)
    assert chi_square(noise, double(scale), int(80 * scale) + 1) < 4


@pytest.mark.parametrize(("epsilon", "apart"), [(1, ONE), (Fraction(1, 2), TEN), (5, ONE)])
def test_a_million_gaussian_reports(epsilon, apart, stream, chi_square, bell):
    mechanism = DiscreteGaussian(Fraction(epsilon), Fraction(1, 10**6), apart)
    noise = reports(mechanism, -3, stream(f"gaussian {epsilon}")) + 3
    reach = int(13 * sqrt(mechanism.variance)) + 1
    assert chi_square(noise, bell(float(mechanism.variance)), reach) < 4


@pytest.mark.parametrize(
    ("k", "truth"), [(2, Fraction(1, 2)), (2, Fraction(9, 10)), (5, Fraction(1, 3))]
)
def test_a_million_randomized_responses(k, truth, stream, chi_square):
    mechanism = RandomizedResponse(k, truth)
    for x in (0, k - 1):
        told = reports(mechanism, x, stream(f"response {k} {x}"))
        mine = float(truth + (1 - truth) / k)
        weights = [(1 - mine) / (k - 1)] * k
        weights[x] = mine
        assert chi_square(told, lambda y, w=weights: w[y] if 0 <= y < k else 0, k) < 4


def test_few_responses_are_exact_coins(stream):
    mechanism = RandomizedResponse(3, Fraction(1, 2))
    source = stream("few")
    told = [mechanism.randomize(np.array([1, 2]), source) for _ in range(5000)]
    for i, x in enumerate((1, 2)):
        counts = np.bincount([pair[i] for pair in told], minlength=3)
        for y, p in enumerate([1 / 6 + (y == x) / 2 for y in range(3)]):
            assert abs(counts[y] - 5000 * p) < 4 * sqrt(5000 * p * (1 - p))


# --- what a report tells -------------------------------------------------------------------------


HALF = Fraction(1, 2)
CLAIMS = [
    (DiscreteLaplace(Fraction(1), ONE), DiscreteLaplace(Fraction(2), ONE), 1),
    (DiscreteLaplace(HALF, TEN), DiscreteLaplace(Fraction(1), TEN), 10),
    (
        DiscreteGaussian(Fraction(1), Fraction(1, 100), TEN),
        DiscreteGaussian(Fraction(1), Fraction(1, 100), Sensitivity(5, 25, 1)),
        10,
    ),
    (RandomizedResponse(2, HALF), RandomizedResponse(2, Fraction(3, 4)), 1),
    (RandomizedResponse.of_epsilon(4, Fraction(2)), RandomizedResponse(4, Fraction(4, 5)), 3),
]


@pytest.mark.parametrize(("mechanism", "broken", "apart"), CLAIMS)
def test_reports_tell_no_more_than_claimed_and_half_the_noise_is_found_out(
    mechanism, broken, apart, stream, told_at_least
):
    """The test is tested: with half the noise the same reports tell more than the claim."""
    epsilon, delta = float(mechanism.spend.epsilon), float(mechanism.spend.delta)
    claimed, halved = (
        told_at_least(
            reports(tried, 0, stream(f"left {i}")),
            reports(tried, apart, stream(f"right {i}")),
            delta,
        )
        for i, tried in enumerate((mechanism, broken))
    )
    assert 0.6 * epsilon < claimed <= epsilon
    assert halved > epsilon


@pytest.mark.parametrize("k", [2, 3, 10])
@pytest.mark.parametrize("truth", [HALF, Fraction(1, 100), Fraction(999, 1000)])
def test_the_claim_of_randomized_response_is_the_odds_of_an_answer(k, truth):
    mechanism = RandomizedResponse(k, truth, length=4)
    mine, other = truth + (1 - truth) / k, (1 - truth) / k
    assert 0 < mechanism.spend.epsilon - 4 * Fraction(log(mine / other)) < Fraction(1, 10**9)


def test_two_coins_are_the_logarithm_of_three():
    assert float(RandomizedResponse(2, HALF).spend.epsilon) == pytest.approx(log(3), abs=1e-11)


@pytest.mark.parametrize("epsilon", [Fraction(1, 1000), Fraction(1), Fraction(40), Fraction(500)])
@pytest.mark.parametrize(("k", "length"), [(2, 1), (7, 3)])
def test_as_much_truth_as_epsilon_allows_and_no_more(epsilon, k, length):
    mechanism = RandomizedResponse.of_epsilon(k, epsilon, length)
    assert mechanism.spend.epsilon == epsilon
    assert RandomizedResponse(k, mechanism.truth, length).spend.epsilon <= epsilon + Fraction(
        1, 10**10
    )
    step = Fraction(1, 1 << 64)
    if mechanism.truth + step < 1:
        more = (mechanism.truth + step) / ((1 - mechanism.truth - step) / k)
        assert length * log(1 + more) > float(epsilon) * (1 - 1e-12)


def test_an_epsilon_without_any_truth_is_refused():
    with pytest.raises(ValueError, match="truth"):
        RandomizedResponse.of_epsilon(2, Fraction(1, 10**30))


def test_the_gaussian_claim_is_that_of_its_variance():
    delta = Fraction(1, 10**6)
    mechanism = DiscreteGaussian(Fraction(1), delta, TEN)
    rho = TEN.l2_squared / (2 * mechanism.variance)
    assert rho <= mechanism.spend.rho
    assert Fraction(999, 1000) < epsilon_of(rho, delta) <= 1
    assert mechanism.spend.delta == delta


def test_samples_that_are_not_quite_exact_are_paid_for():
    long = Sensitivity(MILLION, MILLION, MILLION)
    spend = DiscreteLaplace(Fraction(1), long).spend
    assert 0 < spend.delta < Fraction(1, 1 << 75)
    assert DiscreteLaplace(Fraction(1), ONE).spend.delta == 0
    with pytest.raises(ValueError, match="delta is too small"):
        DiscreteGaussian(Fraction(1), Fraction(1, 10**22), long)


# --- how wide the result is ----------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 3, 20, 300])
@pytest.mark.parametrize(
    "mechanism",
    [
        DiscreteLaplace(Fraction(1), ONE),
        DiscreteLaplace(Fraction(1, 3), TEN),
        DiscreteLaplace(Fraction(6), ONE),
        DiscreteGaussian(Fraction(1), Fraction(1, 10**6), TEN),
    ],
)
def test_sums_are_within_their_error_95_times_in_100(n, mechanism, stream):
    trials = 20_000
    noise = reports(mechanism, 0, stream(f"sums {n}"), trials * n).reshape(trials, n).sum(1)
    width = mechanism.error95(n)
    assert (np.abs(noise) <= width).mean() > 0.9445
    assert width == 0 or (np.abs(noise) <= width - 1).mean() < 0.9555


@pytest.mark.parametrize(("n", "ones"), [(100, 50), (1000, 0), (1000, 990)])
@pytest.mark.parametrize(("k", "truth"), [(2, HALF), (5, Fraction(1, 4))])
def test_estimates_are_unbiased_and_within_their_error(n, ones, k, truth, stream):
    mechanism, trials = RandomizedResponse(k, truth), 2000
    x = np.tile(np.arange(n) < ones, trials).astype(np.int64)
    said = (mechanism.randomize(x, stream("estimates")).reshape(trials, n) == 1).sum(1)
    found = np.array([float(mechanism.estimate(int(s), n)) for s in said])
    widths = np.array([mechanism.error95(int(s), n) for s in said])
    assert abs(found.mean() - ones) < 4 * found.std() / sqrt(trials)
    assert 0.93 < (np.abs(found - ones) <= widths).mean() < 0.97


@pytest.mark.parametrize(("k", "truth"), [(2, HALF), (3, Fraction(1, 7))])
def test_the_estimate_is_exactly_unbiased(k, truth):
    mechanism, n = RandomizedResponse(k, truth), 12
    for meant in range(n + 1):
        mine, other = truth + (1 - truth) / k, (1 - truth) / k
        assert mechanism.estimate(meant * mine + (n - meant) * other, n) == meant


def test_the_figures_of_the_article():
    """2 N / n - 1/2 of the two coins, and +- 188 for 10,000 people at epsilon 1."""
    coins = RandomizedResponse(2, HALF)
    for said in (0, 2500, 5123):
        assert coins.estimate(said, 10_000) / 10_000 == Fraction(2 * said, 10_000) - HALF
    poll = RandomizedResponse.of_epsilon(2, Fraction(1))
    assert poll.error95(5000, 10_000) == pytest.approx(188, abs=0.5)
    assert poll.error95(123, 10_000) == poll.error95(5000, 10_000)


def test_errors_grow_with_contributors_without_a_jump():
    mechanism = DiscreteLaplace(Fraction(1, 100), ONE)
    widths = [mechanism.error95(n) for n in range(90, 111)]
    assert all(1 < b / a < 1.01 for a, b in pairwise(widths))


# --- OpenDP --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dp():
    prelude = pytest.importorskip("opendp.prelude")
    prelude.enable_features("contrib")
    return prelude


def vectors(dp, norm, scale):
    domain = dp.vector_domain(dp.atom_domain(T="i64"))
    if norm == "l1":
        return dp.m.make_laplace(domain, dp.l1_distance(T="i64"), scale)
    return dp.m.make_gaussian(domain, dp.l2_distance(T="f64"), scale)


@pytest.mark.parametrize("epsilon", [Fraction(1, 4), Fraction(1), Fraction(3)])
def test_opendp_maps_our_laplace_scale_to_our_epsilon(epsilon, dp):
    mechanism = DiscreteLaplace(epsilon, Sensitivity(30, 100, 3))
    assert vectors(dp, "l1", float(mechanism.scale)).map(30) == pytest.approx(float(epsilon))


@pytest.mark.parametrize("delta", [Fraction(1, 100), Fraction(1, 10**6), Fraction(1, 10**10)])
@pytest.mark.parametrize("epsilon", [Fraction(1, 4), Fraction(1), Fraction(3)])
def test_opendp_maps_our_gaussian_variance_to_our_epsilon(epsilon, delta, dp):
    mechanism = DiscreteGaussian(epsilon, delta, Sensitivity(30, 400, 3))
    theirs = vectors(dp, "l2", sqrt(mechanism.variance))
    assert theirs.map(20.0) == pytest.approx(float(mechanism.spend.rho), rel=2e-3)
    approximate = dp.c.make_fix_delta(dp.c.make_zCDP_to_approxDP(theirs), float(delta))
    found, _ = approximate.map(20.0)
    assert 0.99 * float(epsilon) < found <= float(epsilon) * (1 + 1e-9)


@pytest.mark.parametrize(("k", "truth"), [(2, HALF), (2, Fraction(1, 5)), (6, Fraction(2, 3))])
def test_opendp_maps_our_truth_to_our_epsilon(k, truth, dp):
    prob = float(truth + (1 - truth) / k)
    theirs = (
        dp.m.make_randomized_response_bool(prob)
        if k == 2
        else dp.m.make_randomized_response([f"{i}" for i in range(k)], prob)
    )
    assert theirs.map(1) == pytest.approx(float(RandomizedResponse(k, truth).spend.epsilon))


@pytest.mark.parametrize("norm", portioned(["l2"], ["l1"]))
def test_opendp_draws_what_we_draw(norm, dp, stream):
    """Two samples, one chi-square: 20,000 of theirs, exact but slow, and a million of ours."""
    mechanism = (
        DiscreteLaplace(Fraction(1, 4), ONE)
        if norm == "l1"
        else DiscreteGaussian(Fraction(1), Fraction(1, 100), ONE)
    )
    scale = float(mechanism.scale) if norm == "l1" else sqrt(mechanism.variance)
    theirs = np.array(vectors(dp, norm, scale)([0] * 20_000))
    ours = reports(mechanism, 0, stream(f"opendp {norm}"))
    reach = int(3 * scale)
    edges = np.arange(-reach, reach + 2) - 0.5
    a, b = (np.histogram(np.clip(s, -reach, reach), edges)[0] for s in (theirs, ours))
    ratio = sqrt(len(ours) / len(theirs))
    value = ((ratio * a - b / ratio) ** 2 / (a + b)).sum()
    assert (value - 2 * reach) / sqrt(4 * reach) < 7
