#!/usr/bin/env python3
"""Make tests/protocols/forms/fairness.json: Fairlearn's numbers for made-up labels and predictions.

usage: python scripts/vectors_fairness.py

Needs fairlearn, which the project does not depend on: run it in an environment that has it. The
counts of a case are by group, in the order true negative, false positive, false negative, true
positive. A number that Fairlearn has as nan is null.
"""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path
from typing import Any

import fairlearn
from fairlearn import metrics
from sklearn.metrics import accuracy_score

RATES = {
    "selection_rate": metrics.selection_rate,
    "accuracy": accuracy_score,
    "true_positive_rate": metrics.true_positive_rate,
    "false_positive_rate": metrics.false_positive_rate,
    "true_negative_rate": metrics.true_negative_rate,
    "false_negative_rate": metrics.false_negative_rate,
    "count": metrics.count,
}
DISPARITIES = [
    f"{name}_{kind}"
    for name in ("demographic_parity", "equal_opportunity", "equalized_odds")
    for kind in ("difference", "ratio")
]
FILE = Path(__file__).resolve().parents[1] / "tests/protocols/forms/fairness.json"


def numbers(counts: dict[str, list[int]]) -> dict[str, Any]:
    """Return what Fairlearn computes from rows with these counts."""
    rows = [
        (group, cell // 2, cell % 2)
        for group, cells in counts.items()
        for cell, count in enumerate(cells)
        for _ in range(count)
    ]
    groups, labels, predictions = map(list, zip(*rows, strict=True))
    given = {"y_true": labels, "y_pred": predictions, "sensitive_features": groups}
    frame = metrics.MetricFrame(metrics=RATES, **given)
    found: dict[str, Any] = {
        name: {**column, "overall": float(frame.overall[name])}
        for name, column in frame.by_group.astype(float).to_dict().items()
    }
    for name in DISPARITIES:
        number = float(getattr(metrics, name)(**given))
        found[name] = None if isnan(number) else number
    return {"counts": counts, "numbers": found}


def cases() -> list[dict[str, list[int]]]:
    found = [
        {f"g{i}": [1 + (7919 * (4 * i + cell + groups)) % most for cell in range(4)]
         for i in range(groups)}
        for groups in (2, 3, 5, 10)
        for most in (4, 61, 2999)
    ]  # fmt: skip
    no_false_positive = {"a": [5, 0, 0, 4], "b": [3, 2, 1, 9]}
    no_positive_label = {"a": [5, 3, 0, 0], "b": [3, 2, 1, 9]}
    nothing_selected = {"a": [5, 0, 2, 0], "b": [3, 0, 1, 0]}
    return [*found, no_false_positive, no_positive_label, nothing_selected]


if __name__ == "__main__":
    made = {"fairlearn": fairlearn.__version__, "cases": [numbers(each) for each in cases()]}
    FILE.write_text(json.dumps(made, indent=1) + "\n")
