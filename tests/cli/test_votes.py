"""Votes from the command line: real processes, one word out, no count anywhere.

The demo is cli/demo_choices.py."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path

import pytest

PARTIES = ("alice", "bob", "carlos")


def test_demo_vote(cli, tmp_path: Path) -> None:
    done = cli("demo", "vote")
    assert done.out.startswith("outcome  YES\n")
    pids = re.findall(r"^\w+: process (\d+)", done.err, re.MULTILINE)
    assert len(set(pids)) == 4
    assert "tally" not in done.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("votes", "fraction", "outcome"),
    [
        pytest.param("yes,no,no,no,yes", "1/2", "NO", marks=pytest.mark.slow),
        ("yes,abstain,yes", "1/2", "YES"),
        pytest.param("yes,no,abstain,yes", "1/2", "YES", marks=pytest.mark.slow),
        pytest.param("yes,no,no", "1/2", "NO", marks=pytest.mark.slow),
        pytest.param("yes,yes,yes", "1", "YES", marks=pytest.mark.slow),
        pytest.param("yes,yes,abstain", "1", "NO", marks=pytest.mark.slow),
    ],
)
def test_demo_vote_as_json(cli, votes, fraction, outcome) -> None:
    found = cli("demo", "vote", "--votes", votes, "--pass-at", fraction, "--output", "json").json
    assert found["status"] == "released"
    assert found["outputs"] == [{"name": "outcome", "value": outcome}]
    assert len(found["parties"]) == found["contributors"] == votes.count(",") + 1
    for party in found["parties"].values():
        assert party == {"outputs": [{"name": "outcome", "value": outcome}]}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--votes", "yes,no"], 2, "this demo takes 3 to 50"),
        (["--votes", "yes,no,1000"], 20, "vote 3 is neither yes nor no"),
        (["--pass-at", "3/2"], 2, "--pass-at must be above 0 and at most 1"),
    ],
)
def test_demo_vote_refuses(cli, arguments, code, words) -> None:
    ended = cli("demo", "vote", *arguments)
    assert ended.code == code
    assert words in ended.err
    assert "process" not in ended.err


@pytest.fixture
def referendum(cli, tmp_path: Path):
    """Writes session.toml of a vote of three; all keys beside it."""
    for name in (*PARTIES, "coordinator"):
        assert cli("keygen", name).code == 0
    parties = [word for name in PARTIES for word in ("--party", f"{name}.crt")]

    def write(*rules: str) -> Path:
        made = cli(
            "new", "threshold-vote", *parties, "--coordinator", "127.0.0.1:1=coordinator.crt",
            "--title", "Shall we?", "--deadline", "20s", *rules,
        )  # fmt: skip
        assert made.code == 0, made.err
        path = tmp_path / "session.toml"
        path.write_text(made.out)
        return path

    return write


def test_new_writes_a_vote_that_check_explains(cli, referendum) -> None:
    path = referendum("--rule", "quorum=2", "--rule", "pass_at=2/3", "--rule", "weights={bob = 2}")
    text = path.read_text()
    for line in (
        "type = \"choice([\\\"yes\\\", \\\"no\\\"])\"", 'pass_at = "2/3"', "quorum = 2",
        "weights = { bob = 2 }", 'scheme = "shamir"', "threshold = 1",
    ):  # fmt: skip
        assert line in text
    found = cli("check", path, "--explain")
    assert found.code == 0
    told = " ".join(found.out.split())
    assert "YES if at least 2/3 of the cast votes are for it, and at least 2 of 4 are cast" in told
    assert "a unanimous vote looks like a narrow one" in told


def test_unanimity_is_not_said_like_a_single_vote(cli, referendum) -> None:
    told = " ".join(cli("check", referendum("--rule", "pass_at=1"), "--explain").out.split())
    assert "YES if all of the cast votes are for it" in told


def test_a_vote_that_says_nothing_passes_at_one_half(referendum) -> None:
    assert '[outputs]\npass_at = "1/2"' in referendum().read_text()


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (["--rule", "pass_at"], "--rule pass_at: is not KEY=VALUE"),
        (["--rule", "quorum=9"], "outputs.quorum: 9 votes are more than all"),
        (["--scheme", "additive"], "sharing.scheme: threshold-vote multiplies secrets"),
        (["--type", "int", "--min", "0", "--max", "1"], "input.type: a ballot is a choice"),
    ],
)
def test_new_refuses_votes_that_cannot_be(cli, referendum, rules, words) -> None:
    referendum()
    parties = [word for name in PARTIES for word in ("--party", f"{name}.crt")]
    made = cli("new", "threshold-vote", *parties, "--coordinator", "h:1=coordinator.crt", *rules)
    assert made.code == 2
    assert words in made.err


def test_simulate_a_vote(cli, referendum, tmp_path: Path) -> None:
    path = referendum("--rule", "pass_at=2/3")
    inputs = tmp_path / "inputs.json"
    inputs.write_text('{"alice": "yes", "bob": "no", "carlos": "yes"}')
    found = cli("simulate", path, "--inputs", inputs, "--output", "json").json
    assert {r["outputs"][0]["value"] for r in found["results"].values()} == {"YES"}
    inputs.write_text('{"alice": "yes", "bob": "no", "carlos": "no"}')
    assert cli("simulate", path, "--inputs", inputs).out.count("outcome NO") == 3
    inputs.write_text('{"alice": "yes", "bob": "no", "carlos": 1000}')
    assert cli("simulate", path, "--inputs", inputs).code == 20


def test_a_vote_of_three_processes_through_a_coordinator(referendum, coordinator, ostraka) -> None:
    path = referendum()
    votes = dict(zip(PARTIES, ("no", "yes", "yes"), strict=True))
    with coordinator(path), ExitStack() as stack:
        options = ("--input", "-", "--output", "json")
        children = [
            ostraka(path.parent, "run", path, "--as", name, *options, said=vote)
            for name, vote in votes.items()
        ]
        for child in children:
            stack.enter_context(child)
            out, err = child.communicate(timeout=30)
            assert child.returncode == 0, err
            found = json.loads(out)
            assert found["outputs"] == [{"name": "outcome", "value": "YES"}]
            assert "tally" not in out


def test_demo_predict_tells_the_client_alone(cli) -> None:
    done = cli("demo", "predict", "--query", "48,13")
    assert done.out.startswith("label  grant\n")
    found = cli("demo", "predict", "--query", "48,25", "--output", "json").json
    assert found["outputs"] == [{"name": "label", "value": "refuse"}]
    assert found["parties"]["bob"] == found["parties"]["carlos"] == {"outputs": []}
    assert "--query 48,13" in cli("demo", "predict", "--query", "1").err
