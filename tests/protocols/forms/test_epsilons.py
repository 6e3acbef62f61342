"""Epsilons from 10^-30 to 10^30: refused with what to change, or explained and worked out."""

import re
from fractions import Fraction

import numpy as np
import pytest
from portions import portioned, thinned

from ostraka.errors import ManifestError
from ostraka.explanation import Explanation
from ostraka.protocols import protocol_for
from ostraka.protocols.forms.epsilons import explain_large, odds

SHAMIR = {"scheme": "shamir", "threshold": 1}
VOTE = {"type": 'choice(["yes", "no", "abstain"])', **SHAMIR}
RANGE = {"type": "int", "bounds": (0, 100), "length": 2, **SHAMIR}
QUESTIONS = {
    "bits": {"bounds": (0, 1)},
    "money": {"type": "decimal(2)", "bounds": (0, 20_000_000_000_000), "statistics": ("mean",)},
    "fine": {"type": "decimal(9)", "bounds": (0, 4_000_000), "statistics": ("sum", "mean")},
    "variance": {"bounds": (-5, 5), "statistics": ("sum", "variance"), "length": 3},
    "float": {"type": "float(20)", "bounds": (-1, 1), "length": 300},
    "histogram": {"type": 'choice(["a", "b", "c"])', "statistics": ("histogram",)},
    "tally": {"protocol": "tally", "outputs": "", **VOTE},
    "vote": {"protocol": "threshold-vote", "outputs": 'pass_at = "1/2"', **VOTE},
    "choice": {"protocol": "private-choice", "outputs": "", **VOTE},
    "scores": {"protocol": "private-choice", "outputs": 'options = ["a", "b"]', **RANGE},
}
EPSILONS = ["1e-30", "1e-9", "0.1", "1", "1e30"]
MORE = ("1e-15", "30", "1e6", "1e15")
SUMS = ("bits", "money", "fine", "variance", "float", "histogram")
COUNTS = ("tally", "vote")
GAUSSIANS = [f'"gaussian", delta = {delta}' for delta in ("1e-30", "1e-6", "0.9")]
NOISES = [
    *(("local", '"laplace"', question) for question in SUMS),
    *(("central", '"laplace"', question) for question in SUMS + COUNTS),
    *(("local", noise, question) for noise in GAUSSIANS for question in SUMS),
    *(("central", noise, question) for noise in GAUSSIANS for question in SUMS + COUNTS),
    ("local", '"randomized-response"', "histogram"),
    ("central", '"exponential"', "choice"),
    ("central", '"exponential"', "scores"),
]


def noised(manifest, everybody, place, noise, question, epsilon):
    privacy = f"{place} = {{ mechanism = {noise}, epsilon = {epsilon} }}"
    return protocol_for(manifest(everybody(3), privacy=privacy, **QUESTIONS[question]))


@pytest.mark.parametrize(
    "epsilons",
    [*portioned([["1e-9", "1"]], [EPSILONS]), pytest.param(MORE, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize(
    ("place", "noise", "question"),
    thinned(NOISES, lambda _place, noise, _question: noise not in GAUSSIANS or "1e-6" in noise),
)
def test_every_epsilon_is_refused_or_worked_out(
    manifest, everybody, place, noise, question, epsilons
):
    """Nothing raises after that: neither the sentences nor figures and errors of any total."""
    refused = []
    for epsilon in epsilons:
        try:
            protocol = noised(manifest, everybody, place, noise, question, epsilon)
        except ManifestError as refusal:
            refused.append((epsilon, refusal))
            continue
        text = " ".join(Explanation.of(protocol).sentences)
        large = Fraction(epsilon) / protocol.manifest.input.length > 10
        assert ("noised in name only" in text) == large
        assert protocol.spends_at_worst().epsilon <= Fraction(epsilon)
        for total in (0, protocol.codec.high * 3) if question not in ("choice", "scores") else ():
            opened = protocol.scheme.from_signed(np.full(protocol.opened, total))
            for output in protocol.combine(opened, protocol.contributors):
                assert output.value is not None
    for epsilon, refusal in refused:
        assert refusal.message.startswith(f"privacy.{place}")
        assert re.match(r"raise (epsilon|delta)", refusal.hint)
        assert Fraction(epsilon) <= Fraction(1, 10) or "delta" in refusal.message


def test_a_small_epsilon_says_which_would_do(manifest, everybody):
    """And it would."""
    for place, question, wanted in (("local", "money", "4.6e-02"), ("central", "tally", "2.9e-15")):
        with pytest.raises(ManifestError, match="more noise than a shared number can hold") as it:
            noised(manifest, everybody, place, '"laplace"', question, "1e-30")
        assert it.value.hint == (
            f"raise epsilon, or lower max (or raise min): {wanted} or a little more would do"
        )
        assert noised(manifest, everybody, place, '"laplace"', question, float(wanted) * 1.1)


@pytest.mark.parametrize(
    ("epsilon", "length", "said"),
    [
        ("10", 1, None),
        ("10.5", 1, "With epsilon = 10.5 an answer may be e^10.5 times as likely"),
        ("1e6", 1, "With epsilon = 1000000 an answer may be e^1e+06 times"),
        ("1000", 100, None),
        ("1001", 100, "that is 10.01 for each of 100 numbers: the noise hides next to nothing"),
    ],
)
def test_a_large_epsilon_is_called_noise_in_name_only(epsilon, length, said):
    found = explain_large(Fraction(epsilon), length)
    assert bool(found) == bool(said)
    for line in found:
        assert line.startswith("WARNING: noised in name only. ")
        assert said in line


def test_odds_are_for_people():
    assert [odds(Fraction(e)) for e in (0, 1, 10, 700)] == ["1", "2.72", "2.2e+04", "e^700"]
