"""An inner product over real processes: each owner its own input, and ledgers."""

import json
import re
from pathlib import Path

import pytest

from ostraka import identity

ROLES = {
    "alice": ("contributor", "compute", "recipient"),
    "bob": ("contributor",),
    "carlos": ("compute", "recipient"),
    "david": ("compute",),
}
INPUTS = """\
[[input]]
name = "amounts"
of = ["alice"]
type = "int"
length = 3
min = 0
max = 50
unit = "kg"

[[input]]
name = "prices"
of = ["bob"]
type = "decimal(2)"
length = 3
min = 0
max = 9.99
unit = "EUR/kg"

[outputs]
"""


@pytest.fixture
def fleet(fleet, tmp_path):
    """With keys, and so ledgers, of its own."""
    fleet.keys = tmp_path / "keys"
    for name in (*ROLES, "coordinator"):
        identity.create(name, fleet.keys)
    return fleet


def agreement(fleet, relay, security):
    sharing = f'scheme = "shamir"\nthreshold = 1\nsecurity = "{security}"'
    session = fleet.manifest(ROLES, relay, sharing=sharing, title="Stock")
    text = session.path.read_text().replace('"secure-sum"', '"inner-product"')
    session.path.write_text(re.sub(r"\[input\](.|\n)*\[outputs\]\n.*\n", INPUTS, text))
    return session


def ledger(fleet, name):
    arguments = ["-m", "ostraka.cli.main", "ledger", "--json", "--as", name, "--keys", fleet.keys]
    return fleet.start(name, arguments).result["runs"]


@pytest.mark.parametrize("security", ["passive", pytest.param("active", marks=pytest.mark.slow)])
def test_the_value_of_a_stock_that_nobody_shows(fleet, security):
    session = agreement(fleet, fleet.coordinator(), security)
    parties = fleet.run_all(session, {"alice": "[10, 0, 50]", "bob": '["1.25", 9.99, "0.01"]'})
    for name in ("alice", "carlos"):
        told = parties[name].result
        (output,) = told["outputs"]
        assert output == {"name": "inner-product", "value": "13", "unit": "kg*EUR/kg"}
        assert (told["status"], told["contributors"]) == ("released", 2)
        verified = fleet.start("verify", ["-m", "ostraka.cli.main", "verify", told["receipt"]])
        assert verified.code == 0
    for name in ("bob", "david"):
        assert parties[name].result["status"] == "no-output"
    receipt = json.loads(Path(parties["bob"].result["receipt"]).read_text())
    assert [entry["name"] for entry in json.loads(receipt["manifest"])["input"]] == [
        "amounts", "prices",
    ]  # fmt: skip
    for name in ("alice", "bob"):
        (run,) = ledger(fleet, name)
        assert (run["title"], run["protocol"], run["state"]) == (
            "Stock", "inner-product", "committed",
        )  # fmt: skip


def test_an_owner_is_asked_for_its_own_input_before_anybody_is_contacted(fleet):
    session = agreement(fleet, "127.0.0.1:1", "passive")
    for name, value, words in (
        ("alice", "[51, 0, 0]", "value 1 is above max = 50"),
        ("alice", '["1.25", 0, 0]', "value 1 is not a whole number"),
        ("bob", "[10, 0, 50]", "value 1 is above max = 9.99"),
        ("bob", "[1, 2]", "the input has 2 values; the manifest asks for 3"),
    ):
        process = fleet.run(session, name, value)
        assert process.code == 20
        assert words in process.err
        assert "gathering" not in process.err
        assert not (fleet.keys / f"{name}.ledger").exists()


def test_a_budget_refuses_an_exact_answer(fleet):
    session = agreement(fleet, "127.0.0.1:1", "passive")
    (fleet.keys / "bob.toml").write_text('[[budget]]\nsource = "prices"\nepsilon = "1"\n')
    bob = fleet.run(session, "bob", "[1, 2, 3]")
    assert bob.code == 32
    assert "gathering" not in bob.err
