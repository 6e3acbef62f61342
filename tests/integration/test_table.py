"""Totals under disclosure rules, over real processes: given, or withheld unseen."""

import json
from pathlib import Path

import pytest

ROLES = {
    "alice": ("contributor", "compute"),
    "bob": ("contributor", "compute"),
    "carlos": ("contributor", "compute"),
    "david": ("contributor",),
    "erin": ("recipient",),
}
POLICY = 'min_cell = 3\ndominance = { largest = "50%", p = "10%" }'


def agreement(fleet, cells, outputs):
    session = fleet.manifest(
        ROLES, fleet.coordinator(), length=cells, policy=POLICY,
        sharing='scheme = "shamir"\nthreshold = 1',
    )  # fmt: skip
    text = session.path.read_text().replace('"secure-sum"', '"table"')
    session.path.write_text(text.replace('statistics = ["sum", "mean"]', outputs))
    return session


@pytest.mark.parametrize(("loss", "given"), [(9000, True), (900_000, False)])
def test_a_total_that_betrays_nobody_is_given_and_no_other(fleet, loss, given):
    session = agreement(fleet, 1, 'statistics = ["sum"]')
    losses = {"alice": 3000, "bob": 4500, "carlos": loss, "david": 2500}
    parties = fleet.run_all(session, losses)
    told = parties["erin"].result
    assert told["contributors"] == 4
    if given:
        assert (told["status"], parties["erin"].values) == ("released", {"sum": "19000"})
        assert "why" not in told
    else:
        assert (told["status"], told["outputs"]) == ("suppressed", [])
        assert "does not keep all rules of the policy (dominance, min_cell)" in told["why"]
    for name in losses:
        assert parties[name].result["status"] == "no-output"
    receipt = Path(told["receipt"])
    assert receipt.exists()
    assert fleet.start("verify", ["-m", "ostraka.cli.main", "verify", receipt]).code == 0


def test_a_withheld_cell_is_absent(fleet):
    outputs = 'rows = ["women", "men", "others"]\nheads = 99\nstatistics = ["mean", "count"]'
    session = agreement(fleet, 3, outputs)
    pay = {name: [[400, 4], [500, 5], [0, 0]] for name in ROLES if name != "erin"}
    pay["alice"][2] = [90, 1]
    parties = fleet.run_all(session, {name: json.dumps(value) for name, value in pay.items()})
    # one company has others; women go with them, so that the total does not tell
    assert parties["erin"].values == {
        "mean": {"men": "100", "total": 99.72972972972973},
        "count": {"men": 20, "total": 37},
    }
    assert parties["erin"].result["status"] == "suppressed"
