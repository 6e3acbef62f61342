"""Rates and disparities: Fairlearn's numbers to the last digit, and intervals that hold."""

import json
from math import isnan
from pathlib import Path

import numpy as np
import pytest

from ostraka.protocols.forms.fairness import (
    OVERALL,
    PARITY,
    RATES,
    SELECTION,
    WITH_LABELS,
    WITHOUT_LABELS,
    Groups,
    wilson,
)

VECTORS = json.loads((Path(__file__).parent / "fairness.json").read_text())["cases"]


def groups_of(counts, spread=None):
    named = {g: dict(zip(WITH_LABELS, cells, strict=True)) for g, cells in counts.items()}
    overall = dict(zip(WITH_LABELS, map(sum, zip(*counts.values(), strict=True)), strict=True))
    return Groups(named, overall, len(counts), spread)


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: f"{len(case['counts'])} groups")
def test_every_number_is_fairlearns_to_the_last_digit(case):
    groups, expected = groups_of(case["counts"]), case["numbers"]
    for name, rate in RATES.items():
        assert groups.rates(rate) == expected[name], name
    for name, number in groups.disparities(RATES):
        known = expected[name]
        assert number == known or (isnan(number) and known in (None, 0.0)), name


@pytest.mark.thorough  # the import of it takes seconds
def test_fairlearn_itself_agrees_where_it_is_installed():
    metrics = pytest.importorskip("fairlearn.metrics")
    rng = np.random.default_rng(3)
    label, prediction, group = (rng.integers(0, k, 500) for k in (2, 2, 3))
    cells = np.bincount(group * 4 + label * 2 + prediction, minlength=12).reshape(3, 4)
    groups = groups_of(dict(enumerate(cells.tolist())))
    for name, number in groups.disparities(RATES):
        theirs = getattr(metrics, name)(label, prediction, sensitive_features=group)
        assert number == theirs


def test_a_disparity_without_labels_is_of_selection_alone():
    counts = {"a": dict(zip(WITHOUT_LABELS, (3, 1), strict=True)),
              "b": dict(zip(WITHOUT_LABELS, (2, 2), strict=True))}  # fmt: skip
    found = dict(Groups(counts, None, 2).disparities(SELECTION))
    assert found == {"demographic_parity_difference": 0.25, "demographic_parity_ratio": 0.5}


def test_groups_without_members_are_in_no_rate_and_no_disparity():
    groups = groups_of({"a": [1, 1, 1, 1], "b": [0, 0, 0, 0], "c": [1, 0, 1, 2]})
    assert set(groups.rates(RATES["accuracy"])) == {"a", "c", OVERALL}
    assert dict(groups.disparities(RATES))["demographic_parity_difference"] == 0.0
    assert len(PARITY) == 3


@pytest.mark.parametrize(
    ("of", "n", "low", "high"),
    [(0, 0, 0, 1), (0, 10, 0, 0.2775), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_wilsons_interval_is_that_of_the_books(of, n, low, high):
    assert wilson(of, n) == pytest.approx((low, high), abs=5e-5)


def test_intervals_of_noised_counts_hold_the_exact_rate():
    """Whatever noise within the spread does to the two counts of a rate."""
    exact = 30 / (30 + 70)
    for a in (-5, 0, 5):
        for b in (-5, 0, 5):
            found = groups_of({"g": [0, 0, 70 + b, 30 + a]}, spread=(5, 8, 9, 10))
            low, high = found.intervals(RATES["true_positive_rate"])["g"]
            assert low <= exact <= high
            assert high - low < 0.25
