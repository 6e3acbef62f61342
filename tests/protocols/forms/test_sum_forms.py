"""Forms of what is shared for sums; test_checked_sum.py tells valid rows from others."""

import pytest

from ostraka.protocols import protocol_for


@pytest.mark.parametrize(
    ("kind", "statistics", "entries", "count", "compared"),
    [
        ("bool", "sum", 3, 3, False),
        ("bool", "variance", 6, 6, False),
        ("int", "sum", 3, 3, True),
        ("int", "variance", 6, 6, True),
        ('choice(["a", "b"])', "histogram", 6, 6 + 3, False),
        ("int", "count", 1, 2, False),
    ],
)
def test_conditions_and_comparisons(
    manifest, everybody, kind, statistics, entries, count, compared
):
    outputs = f'statistics = ["{statistics}"]\ninvalid = "abort"'
    bounds = (-1000, 1000) if compared else (0, 9)
    sharing = {"scheme": "shamir", "threshold": 1, "least": 2}
    made = manifest(everybody(3), type=kind, length=3, bounds=bounds, outputs=outputs, **sharing)
    form = protocol_for(made).form
    assert (form.entries, form.count, bool(form.inequalities)) == (entries, count, compared)
