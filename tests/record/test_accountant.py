"""Ways of adding up, against each other, dp-accounting and closed forms."""

import math
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise

import pytest

from ostraka.errors import UsageError
from ostraka.record import accountant
from ostraka.record.accountant import WAYS, epsilon
from ostraka.record.budget import EXACT, Spend, epsilon_of, total

DELTA = Fraction("1e-6")
TENTH = Spend.pure(Fraction(1, 10))
GAUSSIAN = Spend(epsilon_of(Fraction(1, 50), DELTA / 100), DELTA / 100, Fraction(1, 50))

try:
    import dp_accounting
    from dp_accounting import pld, rdp
except ImportError:
    dp_accounting = None

needs_dp_accounting = pytest.mark.skipif(
    dp_accounting is None, reason="dp-accounting is not installed: ostraka[accounting]"
)
WITHOUT = ("basic", "zcdp")


def optimal(k, each, delta):
    """The least epsilon of k releases of a pure epsilon, exactly: [KOV15, theorem 3.3], in which
    the loss is a binomial sum of +-epsilon."""
    p = 1 / (1 + math.exp(-each))

    def exceeds(bound):
        found = 0.0
        for i in range(k + 1):
            loss = (k - 2 * i) * each
            if loss > bound:
                weight = math.comb(k, i) * p ** (k - i) * (1 - p) ** i
                found += weight * -math.expm1(bound - loss)
        return found > delta

    low, high = 0.0, k * each
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if exceeds(middle) else (low, middle)
    return high


# --- without dp-accounting -----------------------------------------------------------------------


def test_epsilons_add_exactly():
    for n in (1, 2, 3, 10):
        assert epsilon([TENTH] * n, Fraction(0), "basic") == Fraction(n, 10)
    assert epsilon([], DELTA, "basic") == 0


@pytest.mark.parametrize("way", WITHOUT)
def test_an_exact_release_has_no_epsilon(way):
    assert epsilon([TENTH, EXACT], DELTA, way) is None


def test_a_delta_that_is_spent_has_no_epsilon():
    each = Spend(Fraction(1), DELTA / 2)
    assert epsilon([each] * 2, DELTA, "zcdp") == 2
    assert epsilon([each] * 3, DELTA, "zcdp") is None


def test_zcdp_is_used_where_it_is_tighter():
    assert epsilon([TENTH] * 20, DELTA, "zcdp") == 2
    many = epsilon([TENTH] * 1000, DELTA, "zcdp")
    assert many == epsilon_of(Fraction(5), DELTA)
    assert many < epsilon([TENTH] * 1000, DELTA, "basic") / 4


def test_gaussians_share_one_delta():
    """1,000 deltas of 1e-8 are 1e-5; their rhos together need only the budget's 1e-6."""
    assert epsilon([GAUSSIAN] * 1000, DELTA, "basic") is None
    assert epsilon([GAUSSIAN] * 1000, DELTA, "zcdp") == epsilon_of(Fraction(20), DELTA)


def test_what_has_no_rho_is_added_and_its_delta_taken_away():
    other = Spend(Fraction(1, 2), DELTA / 4)
    found = epsilon([GAUSSIAN] * 100 + [other], DELTA, "zcdp")
    assert found == Fraction(1, 2) + epsilon_of(Fraction(2), DELTA * 3 / 4)


def test_pure_ones_stay_basic_beside_gaussians_where_that_is_tighter():
    large = Spend.pure(Fraction(5))
    found = epsilon([large] + [GAUSSIAN] * 100, DELTA, "zcdp")
    assert found == 5 + epsilon_of(Fraction(2), DELTA)
    assert found < epsilon_of(Fraction(2) + Fraction(25, 2), DELTA)


def test_slips_are_paid_for():
    slip = Fraction(1, 2**90)
    slipping = [TENTH.slipping(slip)] * 1000
    found = epsilon(slipping, DELTA, "zcdp")
    clean = epsilon([TENTH] * 1000, DELTA, "zcdp")
    assert clean < found < clean * Fraction(1001, 1000)
    assert epsilon(slipping, Fraction(0), "basic") is None
    far = [TENTH.slipping(DELTA / 1000)] * 1000
    assert epsilon(far, DELTA, "zcdp") is None


def test_a_way_that_is_not_there_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(UsageError, match="needs dp-accounting") as caught:
        epsilon([TENTH], DELTA, "rdp")
    assert "ostraka[accounting]" in caught.value.hint


def test_dp_accounting_is_imported_only_when_asked_for():
    code = (
        "import sys, ostraka.record.ledger, ostraka.cli.main;"
        "assert not [m for m in sys.modules if m.startswith(('dp_accounting', 'scipy', 'matplot'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- with it -------------------------------------------------------------------------------------


@needs_dp_accounting
@pytest.mark.parametrize("sigma", [0.7, 2.0, 15.0])
@pytest.mark.parametrize("count", [1, 50])
def test_our_zcdp_is_dp_accounting_s_at_the_best_order(sigma, count):
    rho = Fraction(count) / (2 * Fraction(sigma) ** 2)
    ours = float(epsilon_of(rho, DELTA))
    coarse = rdp.RdpAccountant()
    fine = rdp.RdpAccountant(orders=[1.02 * 1.0002**i for i in range(40_000)])
    for theirs in (coarse, fine):
        theirs.compose(dp_accounting.GaussianDpEvent(sigma), count)
    assert ours <= coarse.get_epsilon(float(DELTA)) + 1e-9
    assert ours == pytest.approx(fine.get_epsilon(float(DELTA)), rel=1e-6)


@needs_dp_accounting
def test_renyi_is_dp_accounting_s():
    theirs = rdp.RdpAccountant(neighboring_relation=dp_accounting.NeighboringRelation.REPLACE_ONE)
    theirs.compose(dp_accounting.ZCDpEvent(0.02), 70)
    noise = 2 / (1 + math.exp(0.1))
    theirs.compose(dp_accounting.RandomizedResponseDpEvent(noise, 2), 30)
    ours = epsilon([GAUSSIAN] * 70 + [TENTH] * 30, DELTA, "rdp")
    assert float(ours) == pytest.approx(theirs.get_epsilon(float(DELTA)), abs=2e-9)


@needs_dp_accounting
@pytest.mark.parametrize(("k", "each"), [(30, 0.1), (100, 0.1), (20, 1.0), (300, 0.05)])
def test_losses_give_the_optimal_composition_of_pure_releases(k, each):
    best = optimal(k, each, float(DELTA))
    found = float(epsilon([Spend.pure(Fraction(str(each)))] * k, DELTA, "pld"))
    assert best - 1e-6 <= found <= best + k * accountant.PLD_STEP


@needs_dp_accounting
def test_losses_are_dp_accounting_s_also_with_deltas():
    each = Spend(Fraction(1, 5), Fraction("1e-8"))
    parameters = pld.common.DifferentialPrivacyParameters(0.2, 1e-8)
    one = pld.privacy_loss_distribution.from_privacy_parameters(parameters, accountant.PLD_STEP)
    theirs = one.self_compose(40).get_epsilon_for_delta(float(DELTA))
    assert float(epsilon([each] * 40, DELTA, "pld")) == pytest.approx(theirs, abs=2e-9)
    assert epsilon([each] * 101, DELTA, "pld") is None


@needs_dp_accounting
@pytest.mark.parametrize("spends", [[TENTH] * 50, [GAUSSIAN] * 50, [TENTH] * 30 + [GAUSSIAN] * 30])
def test_no_way_is_worse_than_basic_or_better_than_the_best_for_pure_releases(spends):
    found = {way: epsilon(spends, DELTA, way) for way in WAYS}
    basic = total(spends).epsilon
    assert all(value <= basic for value in found.values())
    assert found["rdp"] <= found["zcdp"] * Fraction(1001, 1000)  # fixed orders against the best
    if not any(s.concentrates for s in spends):
        best = optimal(len(spends), 0.1, float(DELTA))
        assert all(float(value) >= best - 1e-6 for value in found.values())


@needs_dp_accounting
@pytest.mark.parametrize("way", WAYS)
def test_more_releases_cost_more(way):
    costs = [epsilon([TENTH] * n, DELTA, way) for n in (1, 2, 20, 40)]
    assert all(a < b for a, b in pairwise(costs))
