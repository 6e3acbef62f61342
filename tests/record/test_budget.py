"""Exact figures: their texts, how they add up, and bounds that are never below the truth."""

import math
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.manifest import parse
from ostraka.record.budget import (
    EXACT,
    GRID,
    Spend,
    cost_of,
    epsilon_of,
    harm,
    log_up,
    short,
    text,
    total,
)

FRACTIONS = st.fractions(min_value=0, max_value=1000, max_denominator=10**30)
PHI = NormalDist().cdf

MANIFEST = """
[session]
title = "Test"
protocol = "secure-sum"
deadline = "1s"
[[party]]
name = "alice"
key = "sha256:{a}"
roles = ["contributor", "compute", "recipient"]
address = "127.0.0.1:9001"
[[party]]
name = "bob"
key = "sha256:{b}"
roles = ["contributor", "compute", "recipient"]
[input]
{input}
[privacy]
{privacy}
"""


def manifest(privacy, schema='type = "int"\nmin = 0\nmax = 10'):
    return parse(MANIFEST.format(a="a" * 64, b="b" * 64, privacy=privacy, input=schema))


# --- texts ---------------------------------------------------------------------------------------


@given(FRACTIONS)
def test_a_text_says_exactly_the_fraction(value):
    assert Fraction(text(value)) == value


@pytest.mark.parametrize(
    ("value", "words"),
    [("0", "0"), ("1/4", "0.25"), ("1/3", "1/3"), ("3", "3"), ("1e20", "1" + "0" * 20),
     ("1/1024", "0.0009765625"), ("7/6", "7/6")],
)  # fmt: skip
def test_texts(value, words):
    assert text(Fraction(value)) == words


@given(FRACTIONS)
def test_short_is_for_people_and_rounds_up(value):
    shown = Fraction(short(value))
    assert value <= shown <= value * (1 + Fraction(1, 10**5))
    assert len(short(value)) <= 12


def test_short_of_a_delta():
    assert short(Fraction(1, 10**6)) == "1e-6"
    assert short(Fraction(1, 3)) == "0.333334"


@given(FRACTIONS, FRACTIONS, st.none() | FRACTIONS, FRACTIONS)
def test_a_spend_goes_to_json_and_back(epsilon, delta, rho, slip):
    spend = Spend(epsilon, delta) if rho is None else Spend(epsilon, delta, rho, slip)
    assert Spend.from_json(spend.to_json()) == spend
    assert Spend.from_json(EXACT.to_json()) == EXACT


@pytest.mark.parametrize(
    "value",
    [{}, {"epsilon": "x", "delta": "0"}, {"epsilon": "-1", "delta": "0"}, {"epsilon": "1"},
     {"epsilon": "1", "delta": "0", "rho": "-1", "slip": "0"},
     {"epsilon": "1", "delta": "0", "rho": "1"}],
)  # fmt: skip
def test_no_other_json_is_a_spend(value):
    with pytest.raises((ValueError, KeyError)):
        Spend.from_json(value)


# --- composition ---------------------------------------------------------------------------------


def test_everything_adds():
    one, other = Spend.pure(Fraction(1, 2)), Spend(Fraction(1), Fraction(1, 10), Fraction(1, 4))
    assert total([one, other]) == Spend(Fraction(3, 2), Fraction(1, 10), Fraction(3, 8))
    assert total([one, Spend(Fraction(1))]).rho is None
    assert total([one, EXACT]) == EXACT
    assert total([]) == Spend.pure(Fraction(0))


def test_a_slip_is_paid_for_in_delta():
    spend = Spend.pure(Fraction(2)).slipping(Fraction(1, 1000))
    assert spend.delta >= (1 + Fraction(math.exp(2))) / 1000
    assert spend.slip == Fraction(1, 1000)
    assert not spend.concentrates
    assert harm(Fraction(10) ** 30) > 10**400  # and is there at once


# --- zCDP ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("delta", ["1e-3", "1e-6", "1e-12", "1e-30"])
@pytest.mark.parametrize("rho", ["1e-8", "1e-3", "1/8", "1/2", "7", "1e4"])
def test_the_epsilon_of_rho_holds_for_the_gaussian_mechanism(rho, delta):
    """Whose delta is known in closed form, [BW18, theorem 8]: it must not be above the claimed."""
    r, d = Fraction(rho), Fraction(delta)
    epsilon, mu = float(epsilon_of(r, d)), math.sqrt(2 * float(r))
    tail = PHI(mu / 2 - epsilon / mu)
    true = tail if epsilon > 700 else tail - math.exp(epsilon) * PHI(-mu / 2 - epsilon / mu)
    assert true <= float(d)


@pytest.mark.parametrize("rho", ["1e-3", "1/2", "7"])
def test_it_is_far_tighter_than_the_textbook_s(rho):
    r, d = Fraction(rho), Fraction("1e-6")
    textbook = float(r) + 2 * math.sqrt(float(r) * math.log(1e6))  # [BS16, proposition 1.3]
    assert 0.5 * textbook < float(epsilon_of(r, d)) < 0.98 * textbook


def test_it_is_rounded_up_from_the_best_of_a_fine_grid_of_orders():
    r, d = 0.5, 1e-6
    bounds = [
        a * r - math.log(d * a) / (a - 1) + math.log1p(-1 / a)
        for a in (1 + i / 10_000 for i in range(1000, 200_000))
    ]
    found = epsilon_of(Fraction(1, 2), Fraction("1e-6"))
    assert found * GRID % 1 == 0
    assert min(bounds) - 1e-8 < float(found) < min(bounds) + 1e-11


@given(st.fractions(0, 100, max_denominator=10**6), st.fractions(0, 1, max_denominator=10**6))
def test_more_rho_or_less_delta_is_more_epsilon(rho, delta):
    if not 0 < delta < 1:
        with pytest.raises(ValueError, match="delta between"):
            epsilon_of(rho, delta)
        return
    here = epsilon_of(rho, delta)
    assert here >= 0
    assert epsilon_of(rho + 1, delta) >= here
    assert epsilon_of(rho, delta / 2) >= here
    assert epsilon_of(Fraction(0), delta) == 0


@given(st.fractions(min_value=Fraction(1, 100), max_value=10**6, max_denominator=10**9))
def test_a_logarithm_is_rounded_up(value):
    up = log_up(value)
    exact = Decimal(value.numerator).ln() - Decimal(value.denominator).ln()
    assert exact <= Decimal(up.numerator) / up.denominator <= exact + Decimal("1.1e-12")


# --- what a manifest costs -----------------------------------------------------------------------


def test_no_noise_is_exact():
    assert cost_of(manifest("")) == EXACT


def test_the_article_s_two_coins_cost_ln_3():
    noise = 'local = { mechanism = "randomized-response", truth = "1/2" }'
    cost = cost_of(manifest(noise, 'type = "bool"'))
    assert math.log(3) <= float(cost.epsilon) < math.log(3) + 1e-11
    assert cost.rho == cost.epsilon**2 / 2
    several = cost_of(manifest(noise, 'type = "bool"\nlength = 4'))
    assert several.epsilon == 4 * cost.epsilon


def test_randomized_response_among_five():
    noise = 'local = { mechanism = "randomized-response", truth = "1/3" }'
    cost = cost_of(manifest(noise, """type = 'choice(["a", "b", "c", "d", "e"])'"""))
    true, other = 1 / 3 + 2 / 3 / 5, 2 / 3 / 5
    assert float(cost.epsilon) == pytest.approx(math.log(true / other), abs=1e-10)


@pytest.mark.parametrize("place", ["local", "central"])
def test_as_agreed(place):
    cost = cost_of(manifest(f'{place} = {{ mechanism = "laplace", epsilon = 0.1 }}'))
    assert cost == Spend.pure(Fraction(1, 10))
    cost = cost_of(manifest(f'{place} = {{ mechanism = "gaussian", epsilon = 1, delta = 1e-6 }}'))
    assert cost == Spend(Fraction(1), Fraction(1, 10**6))
