"""Filters against organisers that choose each run by the results of the last ones, against each
other, closed forms, and dp-accounting where it is installed."""

import math
import subprocess
import sys
from fractions import Fraction
from functools import cache
from itertools import pairwise

import pytest
from portions import portioned

from ostraka.noise.mechanisms import DiscreteGaussian
from ostraka.noise.shares import GaussianShares, Sensitivity
from ostraka.record.accountant import BASIC, MAIN, REST, WAYS, epsilon
from ostraka.record.budget import EXACT, Budget, Spend, epsilon_of, order_of, rho_of, total

DELTA = Fraction("1e-6")
TENTH = Spend.pure(Fraction(1, 10))
GAUSSIAN = Spend(epsilon_of(Fraction(1, 50), DELTA / 100), DELTA / 100, Fraction(1, 50))

ALTERNATIVES = ("zcdp", "rdp")


def budget(each, delta=DELTA):
    return Budget(Fraction(each), Fraction(delta))


def passes(spends, of, way):
    used = epsilon(spends, of, way)
    return used is not None and used <= of.epsilon


# --- an organiser that chooses by results ---------------------------------------------------------


UNIT = 0.1
"""Epsilons below are multiples of it, so that losses are whole numbers."""

MENUS = [((2, 5), 1.0, 0.05), ((1, 4, 9), 1.0, 0.05), ((3, 10), 1.5, 0.1), ((2, 5), 2.0, 0.01)]


def most_told(allowed, menu, limit):
    """The exact delta at epsilon = limit that the best adaptive choice among randomized responses
    gets, the worst mechanisms of their epsilons: by dynamic programming over runs and losses.

    Args:
        allowed: whether the filter passes so many runs of each kind.
        menu: epsilons of the kinds, in units.
    """

    @cache
    def value(counts, loss):
        best = max(0.0, -math.expm1(limit - UNIT * loss))
        for i, each in enumerate(menu):
            after = (*counts[:i], counts[i] + 1, *counts[i + 1 :])
            if allowed(after):
                p = 1 / (1 + math.exp(-UNIT * each))
                told = p * value(after, loss + each) + (1 - p) * value(after, loss - each)
                best = max(best, told)
        return best

    return value((0,) * len(menu), 0)


def fixed(counts, menu, limit):
    """The exact delta of runs that are all fixed beforehand: what a loss distribution says."""
    law = {0: 1.0}
    for each, count in zip(menu, counts, strict=True):
        p = 1 / (1 + math.exp(-UNIT * each))
        for _ in range(count):
            after = {}
            for loss, weight in law.items():
                after[loss + each] = after.get(loss + each, 0.0) + weight * p
                after[loss - each] = after.get(loss - each, 0.0) + weight * (1 - p)
            law = after
    return sum(w * max(0.0, -math.expm1(limit - UNIT * loss)) for loss, w in law.items())


@pytest.mark.parametrize("way", ALTERNATIVES)
@pytest.mark.parametrize(("menu", "limit", "delta"), MENUS)
def test_a_budget_holds_whatever_an_organiser_chooses_by_results(menu, limit, delta, way):
    of = budget(str(limit), str(delta))

    @cache
    def allowed(counts):
        kinds = zip(menu, counts, strict=True)
        return passes([Spend.pure(Fraction(e, 10)) for e, k in kinds for _ in range(k)], of, way)

    basic = most_told(lambda counts: _sum(counts, menu) <= limit + 1e-9, menu, limit)
    assert basic == 0
    told = most_told(allowed, menu, limit)
    assert 0 < told <= delta  # more than epsilons that add up to the limit tell


def _sum(counts, menu):
    return UNIT * sum(k * each for k, each in zip(counts, menu, strict=True))


@pytest.mark.parametrize(("menu", "limit", "delta"), MENUS)
def test_loss_distributions_are_no_filter(menu, limit, delta):
    """The broken filter: each list of runs keeps to delta by itself, and the choice among them by
    results does not. That is why `pld` is refused."""

    @cache
    def allowed(counts):
        return sum(counts) < 40 and fixed(counts, menu, limit) <= delta

    assert most_told(allowed, menu, limit) > 1.1 * delta


def test_alternatives_share_delta():
    assert MAIN + REST + BASIC == 1
    almost = [Spend(Fraction(1, 4), DELTA / 4)] * 4
    assert passes(almost, budget(1), "basic")
    assert epsilon(almost, budget(1), "zcdp") is None
    assert epsilon(almost, budget(1), "rdp") is None


# --- epsilons -------------------------------------------------------------------------------------


def test_epsilons_add_exactly():
    for n in (1, 2, 3, 10):
        assert epsilon([TENTH] * n, budget(1, 0), "basic") == Fraction(n, 10)
        assert epsilon([TENTH] * n, None, "basic") == Fraction(n, 10)
    for way in WAYS:
        assert epsilon([], budget(1), way) == epsilon([], budget(1, 0), way) == 0
        assert epsilon([TENTH] * 9, budget(1, 0), way) == Fraction(9, 10)


@pytest.mark.parametrize("way", WAYS)
def test_an_exact_release_has_no_epsilon(way):
    assert epsilon([TENTH, EXACT], budget(1), way) is None
    assert epsilon([TENTH, EXACT], None, way) is None


def test_a_delta_that_is_spent_has_no_epsilon():
    each = Spend(Fraction(1), DELTA / 2)
    assert epsilon([each] * 2, budget(3), "basic") == 2
    assert epsilon([each] * 3, budget(3), "basic") is None


def test_rhos_are_used_where_that_is_tighter():
    few, many = [TENTH] * 20, [TENTH] * 1000
    for way in ALTERNATIVES:
        assert Fraction(3, 2) < epsilon(few, budget(2), way) <= 2
        assert epsilon(many, budget(25), way) < 25
    assert epsilon(many, budget(25), "zcdp") == epsilon_of(Fraction(5), DELTA * MAIN)
    assert epsilon(many, budget(25), "basic") == 100


@pytest.mark.parametrize("way", ALTERNATIVES)
def test_gaussians_share_one_delta(way):
    """1,000 deltas of 1e-8 are 1e-5; their rhos together need only the budget's 1e-6."""
    assert epsilon([GAUSSIAN] * 1000, budget(60), "basic") is None
    fitting = epsilon_of(Fraction(20), DELTA * MAIN)
    assert passes([GAUSSIAN] * 1000, budget(fitting), way)
    assert not passes([GAUSSIAN] * 1001, budget(fitting), way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("each", ["0.01", "1", "7.5"])
def test_one_gaussian_release_may_spend_a_whole_budget(way, each):
    """Noise as the manifest asks for it, with the budget's own epsilon and delta."""
    of = budget(each)
    joint = GaussianShares(of.epsilon, DELTA, Sensitivity(3, 9, 1), 2).spends(2)
    local = DiscreteGaussian(of.epsilon, DELTA, Sensitivity(3, 9, 1)).spend
    for spend in (joint, local):
        assert passes([spend], of, way)
        assert not passes([spend, spend], of, way)


def test_pure_and_gaussian_releases_together_fit_best_at_one_order():
    mixed = [Spend.pure(Fraction(2))] + [GAUSSIAN] * 20
    by_rho, by_order = (epsilon(mixed, budget(6), way) for way in ALTERNATIVES)
    assert by_rho == epsilon_of(Fraction(2) + Fraction(2, 5), DELTA * MAIN)
    assert by_order < by_rho


def test_what_has_no_rho_is_taken_for_the_worst_and_its_delta_must_fit_the_rest():
    small = Spend(Fraction(1, 2), DELTA * REST / 2)
    found = epsilon([GAUSSIAN] * 100 + [small] * 2, budget(9), "zcdp")
    assert found == epsilon_of(Fraction(2) + Fraction(1, 4), DELTA * MAIN)
    assert epsilon([GAUSSIAN] * 100 + [small] * 3, budget(9), "zcdp") is None


def test_slips_are_paid_for():
    slip = Fraction(1, 2**100)
    slipping = [TENTH.slipping(slip)] * 1000
    for way in ALTERNATIVES:
        assert epsilon(slipping, budget(25), way) == epsilon([TENTH] * 1000, budget(25), way)
        far = [TENTH.slipping(DELTA * REST / 3**25)] * 1000
        assert not passes(far, budget(25), way)
    assert epsilon(slipping, budget(1000, 0), "basic") is None


@pytest.mark.parametrize("way", WAYS)
def test_more_releases_cost_more(way):
    costs = [epsilon([TENTH] * n, budget(10), way) for n in (1, 2, 20, 40)]
    assert all(a < b for a, b in pairwise(costs))


@pytest.mark.parametrize("each", ["1e-30", "1e-9", "1e6", "1e30"])
@pytest.mark.parametrize("way", WAYS)
def test_budgets_of_any_size(way, each):
    of = budget(each)
    assert passes([Spend.pure(of.epsilon)], of, way)
    assert not passes([Spend.pure(of.epsilon)] * 2, of, "basic")
    assert passes([], of, way)


def test_no_part_of_dp_accounting_is_imported():
    code = (
        "import sys, ostraka.record.ledger, ostraka.cli.main;"
        "assert not [m for m in sys.modules if m.startswith(('dp_accounting', 'scipy', 'matplot'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- against dp-accounting ------------------------------------------------------------------------


@pytest.fixture
def accounting():
    """dp-accounting, imported by the tests that ask it: it takes longer than they do."""
    return pytest.importorskip("dp_accounting")


@pytest.mark.parametrize(
    ("sigma", "count"),
    portioned([(2.0, 50)], [(0.7, 1), (0.7, 50), (2.0, 1), (15.0, 1), (15.0, 50)]),
)
def test_our_zcdp_is_dp_accounting_s_at_the_best_order(sigma, count, accounting):
    rho = Fraction(count) / (2 * Fraction(sigma) ** 2)
    ours = float(epsilon_of(rho, DELTA))
    coarse = accounting.rdp.RdpAccountant()
    fine = accounting.rdp.RdpAccountant(orders=[1.02 * 1.0002**i for i in range(40_000)])
    for theirs in (coarse, fine):
        theirs.compose(accounting.GaussianDpEvent(sigma), count)
    assert ours <= coarse.get_epsilon(float(DELTA)) + 1e-9
    assert ours == pytest.approx(fine.get_epsilon(float(DELTA)), rel=1e-6)


@pytest.mark.parametrize("limit", [1, 5])
def test_our_divergences_are_dp_accounting_s_at_the_same_order(limit, accounting):
    of = budget(limit)
    order = float(order_of(of.epsilon, DELTA * MAIN))
    theirs = accounting.rdp.RdpAccountant(
        orders=[order], neighboring_relation=accounting.NeighboringRelation.REPLACE_ONE
    )
    theirs.compose(accounting.ZCDpEvent(0.02), 70)
    noise = 2 / (1 + math.exp(0.1))
    theirs.compose(accounting.RandomizedResponseDpEvent(noise, 2), 300)
    ours = epsilon([GAUSSIAN] * 70 + [TENTH] * 300, of, "rdp")
    assert float(ours) == pytest.approx(theirs.get_epsilon(float(DELTA * MAIN)), abs=1e-8)


@pytest.mark.parametrize(("each", "limit"), portioned([("0.1", 5)], [("0.05", 2)]))
def test_an_order_fixed_beforehand_costs_little(each, limit):
    """How many releases fit, beside the square root law's own bound and basic composition."""
    of, one = budget(limit), Spend.pure(Fraction(each))
    fit = {way: _most(one, of, way) for way in WAYS}
    assert fit["basic"] == limit / float(each)
    assert fit["rdp"] >= fit["zcdp"] == int(rho_of(of.epsilon, DELTA * MAIN) / one.rho)
    assert fit["rdp"] < 1.2 * fit["zcdp"]
    assert total([one] * fit["zcdp"]).epsilon > of.epsilon


def _most(one, of, way):
    low, high = 0, 10_000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if passes([one] * middle, of, way) else (low, middle)
    return low
