"""Variances with noise, from input to result: without bias, and as wide as they say.

One run over a long vector is as many trials as it has elements.
"""

import json
from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
from portions import portioned

from ostraka.errors import ManifestError
from ostraka.inputs.encoding import Codec
from ostraka.protocols import protocol_for
from ostraka.protocols.advice import advise
from ostraka.protocols.forms.variance import NoisedVariance, to_its_error
from ostraka.record.budget import Spend
from ostraka.simulation import simulate_sync

D = 3000
SHAMIR = {"scheme": "shamir", "threshold": 1}
BOTH = ("sum", "variance", "count")


def noise(place, mechanism, epsilon=1.0, delta=None):
    more = f", delta = {delta}" if delta else ""
    return f'{place} = {{ mechanism = "{mechanism}", epsilon = {epsilon}{more} }}'


def figures(agreement, inputs, seed=0):
    outcome = simulate_sync(agreement, inputs, seed=seed)["alice"]
    assert outcome.status == "noised"
    return {output.name: output for output in outcome.outputs}


def off(output, truth):
    return np.array(output.value, float) - float(truth)


# --- unbiased, and as wide as it says ------------------------------------------------------------


GAUSS = ("gaussian", 5000, "1e-9")


@pytest.mark.parametrize(
    ("sharing", "law", "runs"),
    [({}, ("laplace", 5 * D), 1), (SHAMIR, ("laplace", 5 * D), 1), ({}, GAUSS, 6)],
)
@pytest.mark.parametrize("place", portioned(["local"], ["central"]))
@pytest.mark.parametrize(
    "where",
    [*portioned(["apart"], ["at one end"]), pytest.param("all alike", marks=pytest.mark.slow)],
)
def test_variances_are_unbiased_and_within_their_error(
    manifest, everybody, place, law, where, sharing, runs
):
    d = D if runs == 1 else 200
    agreement = manifest(
        everybody(7),
        length=d,
        bounds=(-10, 11),
        statistics=BOTH,
        privacy=noise(place, *law),
        **sharing,
    )
    rows = {
        "apart": [-9, -4, -1, 0, 3, 6, 11],
        "at one end": [-10] * 6 + [-9],
        "all alike": [7] * 7,
    }[where]
    inputs = {name: [x] * d for name, x in zip(everybody(7), rows, strict=True)}
    found = [figures(agreement, inputs, seed)["variance"] for seed in range(runs)]
    missed = np.concatenate([off(each, np.var(rows, ddof=1)) for each in found])
    assert missed.std() > 1
    assert abs(missed.mean()) < 4 * missed.std() / sqrt(len(missed))
    errors = np.concatenate([each.error95 for each in found])
    assert 0.93 < np.mean(np.abs(missed) <= errors) < 0.98


@pytest.mark.parametrize(
    "privacy",
    [
        'local = { mechanism = "randomized-response", truth = "1/2" }',
        noise("local", "laplace", 3 * D),
        noise("central", "laplace", D),
    ],
)
@pytest.mark.parametrize("yes", [5, 20, 38])
def test_variances_of_bits_follow_from_their_sum(manifest, privacy, yes):
    """Nothing more is shared or opened than for a sum. Few answers are no normal law: where few
    say yes, randomized responses keep their error less than 95 times in 100."""
    names = [f"p{i}" for i in range(40)]
    roles = dict.fromkeys(names, "c") | {"alice": "kr", "bob": "k"}
    agreement = manifest(roles, type="bool", length=D, statistics=BOTH, privacy=privacy)
    assert protocol_for(agreement).opened == D
    inputs = {name: np.full(D, i < yes) for i, name in enumerate(names)}
    found = figures(agreement, inputs)["variance"]
    missed = off(found, Fraction(yes * (40 - yes), 40 * 39))
    assert abs(missed.mean()) < 4 * missed.std() / sqrt(D)
    assert np.mean(np.abs(missed) <= found.error95) > 0.86


def test_those_who_are_counted_are_those_whose_variance_it_is(manifest, everybody):
    agreement = manifest(
        everybody(5),
        length=500,
        bounds=(0, 100),
        statistics=("variance",),
        least=4,
        privacy=noise("central", "laplace", 500_000),
        **SHAMIR,
    )
    inputs = {name: [20 * i] * 500 for i, name in enumerate(everybody(5))}
    outcome = simulate_sync(agreement, inputs, drop={"erin": 0})["bob"]
    assert len(outcome.contributors) == 4
    (found,) = outcome.outputs
    assert np.mean(found.value) == pytest.approx(np.var([0, 20, 40, 60], ddof=1), rel=0.05)


# --- what it costs -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "privacy",
    [noise(p, "laplace", "0.5") for p in ("local", "central")]
    + [noise("local", "gaussian", "0.5", "1e-6")],
)
def test_a_variance_costs_no_epsilon_and_no_error_of_the_sum(manifest, everybody, privacy):
    alone, beside = (
        manifest(everybody(4), bounds=(0, 100), statistics=wanted, privacy=privacy)
        for wanted in (("sum",), BOTH)
    )
    inputs = dict.fromkeys(everybody(4), 12)
    assert figures(alone, inputs)["sum"].error95 == figures(beside, inputs)["sum"].error95
    one, other = (protocol_for(m).spends(m.contributors) for m in (alone, beside))
    assert one == other
    assert other.epsilon == Fraction(1, 2)


def test_a_long_vector_spends_what_was_agreed_on(manifest, everybody):
    agreement = manifest(
        everybody(4), length=300, statistics=BOTH, privacy=noise("central", "laplace", 2)
    )
    spend = protocol_for(agreement).spends(agreement.contributors)
    assert spend.epsilon == 2
    assert 0 < spend.delta < Fraction(1, 1 << 70)
    short = manifest(everybody(4), statistics=BOTH, privacy=noise("central", "laplace", 2))
    assert protocol_for(short).spends(short.contributors) == Spend.pure(Fraction(2))


# --- the figure ----------------------------------------------------------------------------------


def test_it_is_in_the_square_of_the_unit(manifest, everybody):
    agreement = manifest(
        everybody(4),
        type="decimal(2)",
        bounds=(0, 100),
        unit="USD",
        statistics=("variance",),
        privacy=noise("local", "laplace", 10**6),
    )
    inputs = dict(zip(everybody(4), ("10.50", "99.99", "0", "55"), strict=True))
    outcome = simulate_sync(agreement, inputs)["alice"]
    (figure,) = json.loads(json.dumps(outcome.as_dict()))["outputs"]
    assert figure["unit"] == "USD^2"
    truth = protocol_for(agreement).plaintext(inputs)["variance"]
    assert abs(figure["value"] - float(truth)) <= 3 * figure["error95"] < 1


def test_without_noise_to_speak_of_it_is_the_variance(manifest, everybody):
    """Scales so small that not one unit is added, at both ends of a range that is not about 0."""
    for low in (-7, 0, 90):
        agreement = manifest(
            everybody(4),
            bounds=(low, low + 9),
            statistics=("variance",),
            privacy=noise("central", "laplace", 10**6),
        )
        inputs = dict(zip(everybody(4), (low, low + 9, low + 4, low + 4), strict=True))
        found = figures(agreement, inputs)["variance"]
        exact = protocol_for(agreement).plaintext(inputs)["variance"]
        assert (found.value, found.error95) == (pytest.approx(float(exact)), 0)


def test_the_error_is_least_in_the_middle(manifest, everybody):
    agreement = manifest(
        everybody(5), bounds=(0, 100), statistics=BOTH, privacy=noise("central", "laplace", 50)
    )
    protocol = protocol_for(agreement)
    estimate = NoisedVariance(protocol.codec, 5, protocol.noise.blur(5))
    at = [estimate.within(Fraction(part, 4)) for part in range(5)]
    assert at[2] == min(at)
    assert at[0] == at[4] == max(at)
    # At an end the noise of the sum counts n w times, and that of the spreads is n w times as wide.
    assert at[0] / at[2] == pytest.approx(sqrt(2), abs=0.01)


def test_figures_have_the_digits_of_their_error():
    assert to_its_error(12.3456789, 0.01234) == (12.3457, 0.0123)
    assert to_its_error(123456.7, 2345.6) == (123457, 2346)
    assert to_its_error(0.25, 0.0) == (0.25, 0)


def test_noise_that_could_wrap_around_is_refused(manifest, everybody):
    """Spreads are at most a quarter of the range squared, and n are added up."""
    fits = {"statistics": ("variance",), "privacy": noise("local", "laplace", 10**9)}
    assert protocol_for(manifest(everybody(3), bounds=(0, 10**9), **fits))
    with pytest.raises(ManifestError, match=r"a sum of 3 \(x - min\)\(max - x\) of values up to"):
        protocol_for(manifest(everybody(3), bounds=(0, 4 * 10**9), **fits))
    close = {"statistics": ("variance",), "privacy": noise("local", "laplace", 1)}
    with pytest.raises(ManifestError, match="more noise than a shared number can hold"):
        protocol_for(manifest(everybody(3), bounds=(0, 3 * 10**9), **close))


def test_a_clipped_vector_has_no_range_to_speak_of(manifest, everybody):
    clip = '\nclip = { norm = "l2", at = 20 }'
    with pytest.raises(ManifestError, match="shortened vectors"):
        protocol_for(
            manifest(everybody(3), statistics=BOTH, privacy=noise("central", "laplace", 1) + clip)
        )


# --- in words ------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["local", "central"])
def test_check_says_how_near_a_variance_is(manifest, everybody, place):
    agreement = manifest(
        everybody(5),
        bounds=(0, 100),
        unit="USD",
        statistics=BOTH,
        privacy=noise(place, "laplace", 1),
    )
    protocol = protocol_for(agreement)
    text = " ".join(protocol.explain())
    blur = protocol.noise.blur(5) if place == "central" else protocol.local.mechanism.blur(5)
    least = NoisedVariance(Codec(agreement.input), 5, blur).within(Fraction(1, 2))
    assert "the sum of (x - min)(max - x)" in text
    assert f"the variance is within {round(least)} USD^2" in text
    assert "may come out below 0" in text
    assert "variance is within" not in " ".join(
        protocol_for(
            manifest(everybody(5), bounds=(0, 100), privacy=noise(place, "laplace", 1))
        ).explain()
    )


def test_check_advises_on_the_widest_error(manifest, everybody):
    """Where the mean is at one end; in squares of the unit."""
    for low in (-50, 0, 50):
        agreement = manifest(
            everybody(5), bounds=(low, low + 100), unit="USD", statistics=("variance",)
        )
        found = advise(protocol_for(agreement))
        assert (found.figure, found.reach.unit, found.reach.change) == ("variance", "USD^2", 2000)
        assert found.reach.span == 3000  # two at one end and three at the other
        row = next(row for row in found.rows if row.epsilon == 1)
        noised = protocol_for(
            manifest(
                everybody(5),
                bounds=(low, low + 100),
                statistics=("variance",),
                privacy=noise("local", "laplace", 1),
            )
        )
        estimate = NoisedVariance(noised.codec, 5, noised.local.mechanism.blur(5))
        assert row.local == round(estimate.within(Fraction(0)))
