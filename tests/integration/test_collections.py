"""A poll as its people see it: commands alone, a mailbox over HTTP, three compute parties.

tests/cli/test_collections.py has the same without compute parties.
"""

from __future__ import annotations

import json

import pytest
from beside import MailboxThread
from people import COMPUTE, SECONDS, Machine, compute_machines


@pytest.fixture
def box(tmp_path):
    with MailboxThread(tmp_path) as found:
        yield found


@pytest.mark.slow
def test_a_poll_from_its_draft_to_each_persons_proof(box, tmp_path, nursery):
    olga, ann = (Machine(tmp_path, name, nursery) for name in ("olga", "ann"))
    servers, parties = compute_machines(tmp_path, nursery)
    made = olga.call(
        "new", "tally", "--title", "Lunch", "--type", 'choice(["soup", "salad"])', *parties,
        "--scheme", "shamir", "--collection", "invited", "--as", "olga", "--closes", "1h",
        "--early-close", "--public", "--mailbox", box.url, "--min-contributors", "2",
        "--output", "json",
    )  # fmt: skip
    olga.call("invite", made["draft"], "--count", "3")
    olga.call("seal", made["draft"], "--out", "poll.toml")
    codes = olga.call("invite", "poll.toml", "--output", "json")["codes"]
    manifest = olga.directory / "poll.toml"
    early = ann.call("contribute", codes[0]["code"], "--input", "-", code=75)
    assert "has not accepted it" in early["err"] or "have not accepted it" in early["err"]

    for name, machine in servers.items():  # each accepts it
        machine.call("run", manifest, "--as", name, code=75)
    assert olga.call("status", "poll.toml", "--output", "json")["state"] == "open"
    receipts = []
    for code, answer in zip(codes, ("soup", "soup", "salad"), strict=True):
        (ann.directory / "answer.txt").write_text(answer)
        sent = ann.call("contribute", code["link"], "--input", "answer.txt", "--output", "json")
        receipts.append(sent["receipt"])
    (ann.directory / "answer.txt").write_text("salad")
    ann.call("contribute", codes[0]["code"], "--input", "answer.txt", "--output", "json")
    olga.call("close", "poll.toml")
    (ann.directory / "answer.txt").write_text("soup")
    ann.call("contribute", codes[0]["code"], "--input", "answer.txt", code=12)

    runs = [
        machine.start("run", manifest, "--as", name, "--output", "json")
        for name, machine in servers.items()
    ]
    found = [(run, *run.communicate(timeout=SECONDS)) for run in runs]
    for run, out, err in found:
        assert run.returncode == 0, err
        result = json.loads(out)
        assert result["outputs"][0]["value"] == {"soup": 1, "salad": 2}
        assert result["contributors"] == 3
    receipt = servers["c1"].directory / json.loads(found[0][1])["receipt"]
    for i, own in enumerate(receipts):
        status = ann.call("status", own, "--output", "json")
        assert (status["state"], status["counted"]) == ("done", list(COMPUTE))
        assert status["result"]["outputs"][0]["value"] == {"soup": 1, "salad": 2}
        checked = ann.call("verify", receipt, "--report", own, "--output", "json")["report"]
        assert (checked["place"], checked["counted"]) == (i + 1, True)
    ann.call("verify", receipt, "--report", receipt, code=2)


PROTOCOLS = {
    "threshold-vote": (
        ("--type", "bool", "--rule", "pass_at=1/2"), ("yes", "yes", "no"), {"outcome": "YES"},
    ),
    "statistics": (
        ("--type", "decimal(1)", "--min", "0", "--max", "10", "--statistic", "median"),
        ("1.5", "9", "2.5"), {"median": "2.5"},
    ),
    "table": (
        ("--type", "int", "--length", "2", "--min", "0", "--max", "99",
         "--rule", 'rows=["north", "south"]'),
        ("[1, 2]", "[3, 4]", "[5, 6]"), {"sum": {"north": 9, "south": 12, "total": 21}},
    ),
    "private-choice": (
        ("--type", 'choice(["a", "b"])', "--central", "exponential=50"), ("a", "a", "a"),
        {"choice": "a"},
    ),
    "auction": (
        ("--type", "int", "--min", "0", "--max", "99", "--rule", "price=second"),
        ("10", "30", "20"), {"winner": "#2", "price": 20},
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_protocol_through_commands(box, tmp_path, nursery, protocol):
    """Draft, invite, seal, accept, contribute, close, result, and one's own report in it."""
    asked, inputs, results = PROTOCOLS[protocol]
    olga, ann = Machine(tmp_path, "olga", nursery), Machine(tmp_path, "ann", nursery)
    servers, parties = compute_machines(tmp_path, nursery)
    made = olga.call(
        "new", protocol, "--title", "Open to all invited", *asked, *parties, "--scheme", "shamir",
        "--security", "active", "--collection", "invited", "--as", "olga", "--closes", "1h",
        "--early-close", "--mailbox", box.url, "--min-contributors", "2", "--output", "json",
    )  # fmt: skip
    olga.call("invite", made["draft"], "--count", "3")
    olga.call("seal", made["draft"], "--out", "poll.toml")
    codes = olga.call("invite", "poll.toml", "--output", "json")["codes"]
    manifest = olga.directory / "poll.toml"
    accepting = [m.start("run", manifest, "--as", name) for name, m in servers.items()]
    assert [each.communicate(timeout=SECONDS) and each.returncode for each in accepting] == [75] * 3
    receipts = []
    for code, answer in zip(codes, inputs, strict=True):
        (ann.directory / "answer.txt").write_text(answer)
        sent = ann.call("contribute", code["link"], "--input", "answer.txt", "--output", "json")
        receipts.append(sent["receipt"])
    olga.call("close", "poll.toml")
    runs = [
        machine.start("run", manifest, "--as", name, "--output", "json")
        for name, machine in servers.items()
    ]
    for run, out, err in [(run, *run.communicate(timeout=SECONDS)) for run in runs]:
        assert run.returncode == 0, err
        found = json.loads(out)
        assert {each["name"]: each["value"] for each in found["outputs"]} == results
        assert found["contributors"] == 3
    kept = servers["c1"].call("result", "--output", "json")
    assert {each["name"]: each["value"] for each in kept["outputs"]} == results
    receipt = servers["c3"].directory / found["receipt"]
    ann.call("status", receipts[2], "--output", "json")
    checked = ann.call("verify", receipt, "--report", receipts[2], "--output", "json")["report"]
    assert (checked["place"], checked["counted"]) == (3, True)
