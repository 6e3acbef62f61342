"""Local noise from input to result: one run over a vector is as many trials as it has elements."""

import json
from decimal import Decimal
from fractions import Fraction
from math import log, sqrt

import numpy as np
import pytest
from portions import portioned

from ostraka.arithmetic.randomness import SeededDraw
from ostraka.errors import ManifestError
from ostraka.protocols import protocol_for
from ostraka.simulation import simulate_sync

COLOURS = 'choice(["red", "green", "blue"])'
COINS = 'local = { mechanism = "randomized-response", truth = "1/2" }'
SHAMIR = {"scheme": "shamir", "threshold": 1}


def local(mechanism, epsilon, delta=None):
    more = f", delta = {delta}" if delta else ""
    return f'local = {{ mechanism = "{mechanism}", epsilon = {epsilon}{more} }}'


def outputs(agreement, inputs, seed=0):
    outcome = simulate_sync(agreement, inputs, seed=seed)["alice"]
    assert outcome.status == "noised"
    return {output.name: output for output in outcome.outputs}


def covered(found, truth, error):
    """How many figures are within their error of the truth."""
    found, truth, error = (np.array([float(v) for v in values]) for values in (found, truth, error))
    return (np.abs(found - truth) <= error + 1e-9).mean()


# --- unbiased, and as wide as it says ------------------------------------------------------------

D = 4000


GAUSS = local("gaussian", 10, "1e-6")


@pytest.mark.parametrize(
    ("noise", "sharing"),
    portioned(
        [(local("laplace", 100 * D), {}), (GAUSS, SHAMIR)],
        [
            (local("laplace", 100 * D), SHAMIR),
            *((local("laplace", 20 * D), sharing) for sharing in ({}, SHAMIR)),
            (GAUSS, {}),
        ],
    ),
)
def test_noised_sums_are_unbiased_and_within_their_error(manifest, everybody, noise, sharing):
    agreement = manifest(
        everybody(5),
        length=D,
        bounds=(-100, 100),
        statistics=("sum", "mean"),
        privacy=noise,
        **sharing,
    )
    inputs = {name: (np.arange(D) * (i + 3)) % 201 - 100 for i, name in enumerate(everybody(5))}
    found = outputs(agreement, inputs)
    twin = protocol_for(agreement).plaintext(inputs)
    total, error = found["sum"].value, found["sum"].error95
    off = np.array(total) - np.array(twin["sum"])
    assert off.any()
    assert len(set(error)) == 1
    assert abs(off.mean()) < 4 * off.std() / sqrt(D)
    assert 0.945 < covered(total, twin["sum"], error) < 0.985
    assert covered(found["mean"].value, twin["mean"], found["mean"].error95) == pytest.approx(
        covered(total, twin["sum"], error), abs=0.002
    )


@pytest.mark.parametrize("noise", [COINS, local("randomized-response", 3 * D)])
def test_randomized_responses_are_unbiased_and_within_their_error(manifest, everybody, noise):
    names = everybody(7)
    agreement = manifest(
        names, type="bool", length=D, statistics=("sum", "mean", "count"), privacy=noise
    )
    inputs = {name: np.arange(D) % 7 <= i for i, name in enumerate(names)}
    found = outputs(agreement, inputs)
    assert found["count"].value == 7
    assert found["count"].error95 is None
    truth = protocol_for(agreement).plaintext(inputs)["sum"]
    estimates = np.array(found["sum"].value)
    assert abs((estimates - truth).mean()) < 4 * (estimates - truth).std() / sqrt(D)
    assert 0.92 < covered(estimates, truth, found["sum"].error95) < 0.98
    means = np.array(found["mean"].value)
    assert np.abs(means - estimates / 7).max() < 0.01


@pytest.mark.thorough
def test_histograms_of_randomized_responses(manifest, everybody):
    names = everybody(7)
    agreement = manifest(names, type=COLOURS, length=D, statistics=("histogram",), privacy=COINS)
    picks = {name: ["red", "green", "blue"][i % 3] for i, name in enumerate(names)}
    inputs = {name: [colour] * D for name, colour in picks.items()}
    found = outputs(agreement, inputs)["histogram"]
    for colour, meant in (("red", 3), ("green", 2), ("blue", 2)):
        cells = np.array([cell[colour] for cell in found.value])
        assert abs(cells.mean() - meant) < 4 * cells.std() / sqrt(D)
    # Every report names one option, so an estimate adds up to all reports.
    assert {round(sum(cell.values()), 1) for cell in found.value} == {7.0}


def test_histograms_with_laplace_noise_in_every_cell(manifest, everybody):
    names = everybody(4)
    noise = local("laplace", 2 * D)
    agreement = manifest(names, type=COLOURS, length=D, statistics=("histogram",), privacy=noise)
    inputs = {name: ["green"] * D for name in names}
    found = outputs(agreement, inputs)["histogram"]
    for colour, meant in (("red", 0), ("green", 4), ("blue", 0)):
        cells = np.array([cell[colour] for cell in found.value])
        errors = [cell[colour] for cell in found.error95]
        assert abs(cells.mean() - meant) < 4 * cells.std() / sqrt(D)
        assert 0.945 < covered(cells, [meant] * D, errors) < 0.985


# --- units, shapes, JSON -------------------------------------------------------------------------


def test_figures_and_errors_are_in_the_unit_of_the_input(manifest, everybody):
    agreement = manifest(
        everybody(4),
        type="decimal(2)",
        bounds=(0, 100),
        unit="USD",
        statistics=("sum", "mean", "count"),
        privacy=local("laplace", "0.5"),
    )
    outcome = simulate_sync(agreement, dict.fromkeys(everybody(4), "12.34"))["alice"]
    result = json.loads(json.dumps(outcome.as_dict()))
    total, mean, count = result["outputs"]
    assert result["status"] == "noised"
    # Four of scale 200: the deviation is 200 * sqrt(8), and the tails are heavier than normal.
    assert 1 < float(total["error95"]) / (1.96 * 200 * sqrt(8)) < 1.04
    assert Fraction(mean["error95"]) == Fraction(total["error95"]) / 4
    assert Fraction(mean["value"]) == Fraction(total["value"]) / 4
    assert Decimal(total["value"]).as_tuple().exponent >= -2
    assert count == {"name": "count", "value": 4}


def test_the_poll_of_the_article(manifest, everybody):
    """N said yes: 2 N / n - 1/2, with its error, to three digits of that."""
    agreement = manifest(everybody(7), type="bool", statistics=("mean",), privacy=COINS)
    inputs = dict.fromkeys(everybody(7), True)
    protocol = protocol_for(agreement)
    for said in range(8):
        (mean,) = protocol.combine(np.array([said], np.uint64), agreement.contributors)
        assert mean.value == round(2 * said / 7 - 0.5, 3)
        assert mean.error95 == round(1.96 * 2 * sqrt(3 / 16 / 7), 3)
    assert outputs(agreement, inputs)["mean"].error95 == 0.642


def test_large_estimates_are_whole_numbers(manifest):
    roles = {f"p{i}": "c" for i in range(1000)} | {"a": "kr", "b": "k"}
    agreement = manifest(roles, type="bool", statistics=("sum",), privacy=COINS)
    protocol = protocol_for(agreement)
    (total,) = protocol.combine(np.array([600], np.uint64), agreement.contributors)
    assert (total.value, total.error95) == (700.0, 53.7)


# --- nobody but the contributor knows ------------------------------------------------------------


def test_what_is_shared_is_the_report_and_never_the_input(manifest, everybody):
    """All compute parties together see the report: recombined shares differ from the input."""
    d = 300
    agreement = manifest(everybody(3), type="bool", length=d, privacy=COINS)
    protocol = protocol_for(agreement)
    draw = SeededDraw(1)
    x = protocol.input_of("alice", [True] * d, draw)
    parcels = protocol.share(x, agreement.contributors[0], draw)
    total = protocol.scheme.zeros(d)
    for parcel in parcels.values():
        protocol.scheme.add_parcel(total, parcel)
    report = protocol.scheme.to_signed(total)
    assert set(report.tolist()) == {0, 1}
    assert abs(report.mean() - 3 / 4) < 4 * sqrt(3 / 16 / d)


@pytest.mark.parametrize(
    ("noise", "bounds", "epsilon"),
    [(COINS, None, log(3)), (local("laplace", 50_000), (0, 1), 0.5)],
)
def test_shares_pooled_by_all_compute_parties_tell_no_more_than_epsilon(
    manifest, everybody, told_at_least, noise, bounds, epsilon
):
    """Each element is one more report on the same bit, with an epsilon of its own."""
    d = 100_000
    kind = {"type": "int", "bounds": bounds} if bounds else {"type": "bool"}
    protocol = protocol_for(manifest(everybody(3), length=d, privacy=noise, **kind))

    def report(bit):
        draw = SeededDraw(f"pooled {bit}")
        x = protocol.input_of("alice", np.full(d, bit), draw)
        total = protocol.scheme.zeros(d)
        for parcel in protocol.share(x, "alice", draw).values():
            protocol.scheme.add_parcel(total, parcel)
        return protocol.scheme.to_signed(total)

    assert 0.9 * epsilon < told_at_least(report(0), report(1)) <= epsilon


def test_whoever_is_missing_takes_the_noise_along(manifest, everybody):
    """Estimates and errors are of those who were counted."""
    agreement = manifest(
        everybody(5), type="bool", length=200, least=4, privacy=COINS, scheme="shamir", threshold=1
    )
    outcome = simulate_sync(agreement, dict.fromkeys(everybody(5), [True] * 200), drop={"erin": 0})[
        "bob"
    ]
    assert len(outcome.contributors) == 4
    (total,) = outcome.outputs
    assert set(total.error95) == {round(1.96 * 2 * sqrt(4 * 3 / 16), 2)}
    assert abs(np.mean(total.value) - 4) < 4 * 2 * sqrt(4 * 3 / 16 / 200)


def test_noise_and_active_security_go_together(manifest, everybody):
    agreement = manifest(
        everybody(4), length=3, privacy=local("laplace", 1), security="active", **SHAMIR
    )
    found = outputs(agreement, dict.fromkeys(everybody(4), (1, 2, 3)))["sum"]
    assert len(found.value) == len(found.error95) == 3


def test_every_report_draws_noise_of_its_own(manifest, everybody):
    agreement = manifest(everybody(3), privacy=local("laplace", 1))
    seen = {
        outputs(agreement, dict.fromkeys(everybody(3), 5), seed)["sum"].value for seed in range(9)
    }
    assert len(seen) == 9


def test_a_clipped_vector_is_noised_less(manifest, everybody):
    free, clipped = (
        protocol_for(
            manifest(
                everybody(3),
                length=100,
                bounds=(-10, 10),
                privacy=local("gaussian", 1, "1e-6") + clip,
            )
        )
        for clip in ("", '\nclip = { norm = "l2", at = 20 }')
    )
    assert free.local.mechanism.variance == pytest.approx(25 * clipped.local.mechanism.variance)
    long = dict.fromkeys(everybody(3), [10] * 100)
    assert free.plaintext(long)["sum"] == [30] * 100
    assert "Clipping: inputs longer than 20 in the L2 norm" in "\n".join(clipped.explain())
    assert "Clipping" not in "\n".join(free.explain())
    # Of length 100, to 20: a fifth of it, rounded down in whole numbers.
    assert set(clipped.plaintext(long)["sum"]) <= {0, 3, 6}


# --- what the ledger is told, and the reader -----------------------------------------------------


def test_the_spend_is_what_the_manifest_agreed_on(manifest, everybody):
    def spend(**how):
        agreement = manifest(everybody(3), **how)
        return protocol_for(agreement).spends(agreement.contributors)

    assert spend(privacy=local("laplace", "0.25")).epsilon == Fraction(1, 4)
    assert spend(privacy=local("gaussian", 2, "1e-7")).delta == Fraction(1, 10**7)
    coins = spend(privacy=COINS, type="bool", length=3).epsilon
    assert float(coins) == pytest.approx(3 * log(3))


def test_check_says_what_noise_does_and_no_longer_warns_of_subtraction(manifest, everybody):
    agreement = manifest(
        everybody(2), type="decimal(2)", bounds=(0, 100), unit="USD", privacy=local("laplace", 1)
    )
    text = "\n".join(protocol_for(agreement).explain())
    assert "WARNING" not in text
    assert "subtracting" not in text
    assert "discrete Laplace noise of scale 100 USD" in text
    assert "epsilon = 1, that is, no report is more than 2.72 times as likely" in text
    # Of two Laplace variables, (1 + x / 2) e^-x is beyond x scales: 0.05 at 4.11.
    assert "over 2 contributors, a sum is within 411 USD of the truth, 95 times in 100" in text


def test_check_explains_the_two_coins(manifest, everybody):
    agreement = manifest(everybody(4), type="bool", privacy=COINS)
    text = "\n".join(protocol_for(agreement).explain())
    assert "the answer is true with probability 0.5, and otherwise one of the 2 at random" in text
    assert "no report is more than 3 times as likely" in text
    assert "unanimous" not in text


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ({"privacy": COINS}, "randomized-response is for bool and choice, not int"),
        ({"privacy": local("laplace", 1), "statistics": ["count"]}, "known anyway"),
        (
            {"privacy": local("laplace", 1), "bounds": (0, 2**62)},
            "can reach 13835058055282163712",
        ),
        ({"privacy": local("laplace", "1e-17")}, "more noise than a shared number can hold"),
        ({"privacy": local("randomized-response", "1e-25"), "type": "bool"}, "no truth at all"),
        ({"privacy": local("gaussian", 1, "1e-30"), "length": 1000}, "delta is too small"),
        (
            {"privacy": local("laplace", 1) + '\nclip = { norm = "l1", at = 1 }', "type": "bool"},
            "bool has no length",
        ),
        ({"privacy": local("laplace", 1) + '\nclip = { norm = "l1", at = 0.5 }'}, "below one unit"),
    ],
)
def test_what_has_no_meaning_is_refused_before_anything_runs(manifest, everybody, how, problem):
    with pytest.raises(ManifestError, match=problem) as caught:
        protocol_for(manifest(everybody(3), **how))
    assert caught.value.data_left is False
