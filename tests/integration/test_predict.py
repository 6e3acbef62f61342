"""A prediction over real processes: a model file, the client's query, and the owner's ledger."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from ostraka import identity
from ostraka.models import export

ROLES = {
    "alice": ("contributor", "compute", "recipient"),
    "bob": ("contributor", "compute"),
    "carlos": ("compute",),
}
INPUTS = """\
[[input]]
name = "query"
of = ["alice"]
type = "decimal(1)"
length = 4
min = 0
max = 99.9

[[input]]
name = "model"
of = ["bob"]
type = "float(12)"
length = 3
min = -4
max = 4

[outputs]
model = "logistic"
layers = [2, 1]
classes = ["refuse", "grant"]
"""
MODEL = SimpleNamespace(coef_=np.array([[0.125, -2.0]]), intercept_=0.25, classes_=[0, 1])


@pytest.fixture
def fleet(fleet, tmp_path):
    """With keys, and so ledgers, of its own."""
    fleet.keys = tmp_path / "keys"
    for name in (*ROLES, "coordinator"):
        identity.create(name, fleet.keys)
    return fleet


def agreement(fleet, relay):
    session = fleet.manifest(
        ROLES, relay, sharing='scheme = "shamir"\nthreshold = 1', title="Credit"
    )
    text = session.path.read_text().replace('"secure-sum"', '"predict"')
    session.path.write_text(re.sub(r"\[input\](.|\n)*\[outputs\]\n.*\n", INPUTS, text))
    return session


def test_the_client_alone_learns_labels_and_the_owner_s_rule_refuses_the_next_query(fleet):
    (fleet.keys / "bob.toml").write_text('[[budget]]\nsource = "model"\nmost_runs = 1\n')
    session = agreement(fleet, fleet.coordinator())
    parties = fleet.run_all(session, {"alice": "[[80, 4.9], [80, 5.2]]", "bob": export(MODEL)})
    (output,) = parties["alice"].result["outputs"]
    assert output == {"name": "label", "value": ["grant", "refuse"]}
    assert all(parties[name].result["status"] == "no-output" for name in ("bob", "carlos"))
    again = fleet.run(agreement(fleet, "127.0.0.1:1"), "bob", export(MODEL))
    assert again.code == 32
    assert "model (*) allows most_runs = 1, and 1 are spent" in again.err
    assert "gathering" not in again.err
