"""Ledgers of real parties: a budget that ends at the right run, a kill, a refused difference."""

import signal
from pathlib import Path

import pytest

from ostraka import identity

INPUTS = {"alice": 10, "bob": 20}
NOISE = '[privacy]\ncentral = { mechanism = "discrete-laplace", epsilon = 0.5 }\n'


@pytest.fixture
def fleet(fleet, tmp_path):
    """With keys, and so ledgers, of its own."""
    fleet.keys = tmp_path / "keys"
    for name in (*INPUTS, "carlos"):
        identity.create(name, fleet.keys)
    return fleet


def ledger(fleet, name):
    arguments = ["-m", "ostraka.cli.main", "ledger", "--json", "--as", name, "--keys", fleet.keys]
    return fleet.start(name, arguments).result


def states(fleet, name):
    return [run["state"] for run in ledger(fleet, name)["runs"]]


def explain(parties):
    return "\n".join(f"--- {n}: {p.code}\n{p.out}{p.err}" for n, p in parties.items())


def test_a_composition_runs_out_of_budget_at_exactly_the_right_run(fleet):
    """S9, over processes and TLS: 0.6 and 0.4 are 1, and then nothing is left, however little."""
    budget = '[[budget]]\nsource = "payroll"\nseries = "raises-*"\nepsilon = "1"\n'
    (fleet.keys / "alice.toml").write_text(budget)
    for month, epsilon in (("may", "0.6"), ("june", "0.4")):
        session = fleet.manifest(tuple(INPUTS), None, tuple(INPUTS), title=f"Raises-{month}")
        noise = NOISE.replace("0.5", epsilon)
        session.path.write_text(session.path.read_text() + noise)
        parties = fleet.finish(fleet.run_all(session, INPUTS))
        assert all(p.code == 0 for p in parties.values()), explain(parties)
        assert parties["alice"].result["status"] == "noised"
    session.path.write_text(session.path.read_text().replace("0.4", "0.001"))
    alice = fleet.run(session, "alice", 10)
    assert alice.code == 32
    assert "the budget of payroll (raises-*) is epsilon 1, 1 of it is spent" in alice.err
    assert "nothing of yours has left this machine" in alice.err
    assert "gathering" not in alice.err
    found = ledger(fleet, "alice")
    assert [run["cost"]["epsilon"] for run in found["runs"]] == ["0.6", "0.4"]
    assert [run["outputs"] for run in found["runs"]] == [["sum", "mean"]] * 2
    (standing,) = found["budgets"]
    assert (standing["spent"], standing["left"]) == ("1", "0")
    text = (fleet.keys / "alice.ledger").read_text()
    values = [p["value"] for p in parties["alice"].result["outputs"]]
    assert not any(str(value) in text for value in values)


def test_a_kill_after_the_first_share_holds_no_budget_where_nothing_can_be_opened(fleet):
    """Additive: bob cannot open anything without alice, who had not committed."""
    session = fleet.manifest(tuple(INPUTS), None, tuple(INPUTS), timeout="3s")
    armed = {"alice": ("computing", signal.SIGKILL, 0)}
    parties = fleet.finish(fleet.run_all(session, INPUTS, armed))
    assert {n: p.code for n, p in parties.items()} == {
        "alice": -signal.SIGKILL,
        "bob": 41,
    }, explain(parties)
    assert states(fleet, "alice") == ["released"]


@pytest.mark.slow
def test_a_run_that_nobody_came_to_is_released(fleet):
    session = fleet.manifest(tuple(INPUTS), None, tuple(INPUTS), deadline="500ms")
    alice = fleet.run(session, "alice", 10)
    assert alice.code in (10, 41)
    assert states(fleet, "alice") == ["released"]


def test_a_run_without_one_of_the_last_s_contributors_is_refused_by_all(fleet):
    everybody, rule = INPUTS | {"carlos": 40}, "min_difference = 2"
    session = fleet.manifest(tuple(everybody), None, tuple(everybody), policy=rule)
    parties = fleet.finish(fleet.run_all(session, everybody))
    assert all(p.code == 0 for p in parties.values()), explain(parties)
    fewer = fleet.manifest(tuple(INPUTS), None, tuple(INPUTS), policy=rule, name="fewer")
    for name in INPUTS:
        party = fleet.run(fewer, name, 1)
        assert party.code == 32
        assert "this one would tell of carlos alone" in party.err
        assert "nothing of yours has left this machine" in party.err


TALLY = """[session]
title = "Shall we?"
protocol = "tally"
deadline = "20s"
timeout = "10s"
%s[input]
type = 'choice(["yes", "no"])'
[outputs]
invalid = "exclude"
[sharing]
scheme = "shamir"
threshold = 1
[policy]
min_contributors = 2
min_difference = 2
"""


def tally(fleet, name, voters):
    """A tally of voters who all compute and receive."""
    parties = ""
    for voter, port in zip(voters, fleet.ports(len(voters)), strict=True):
        parties += f'[[party]]\nname = "{voter}"\nkey = "{fleet.fingerprint(voter)}"\n'
        parties += f'roles = ["contributor", "compute", "recipient"]\naddress = "{port}"\n'
    path = fleet.directory / f"{name}.toml"
    path.write_text(TALLY % parties)
    return path


def test_a_ballot_spoilt_on_purpose_does_not_make_a_difference_that_a_ledger_refuses(fleet):
    """Three tallies, of which the third minus the others would be alice's ballot.

    The last voter spoils its own, so that who is counted changes after all shares have left.
    alice's ledger refuses then; that must leave the others without a result, not without alice.
    """
    for name in ("david", "erin", "frank"):
        identity.create(name, fleet.keys)
    ballots = dict.fromkeys(("alice", "bob", "carlos", "david", "erin", "frank"), "no")
    for number, voters in enumerate((("alice", "bob", "carlos"), ("alice", "david", "erin"))):
        path = tally(fleet, f"t{number}", voters)
        parties = fleet.finish({v: fleet.run(path, v, ballots[v]) for v in voters})
        assert all(party.code == 0 for party in parties.values()), explain(parties)
    path = tally(fleet, "t2", tuple(ballots))
    parties = {v: fleet.run(path, v, b) for v, b in ballots.items() if v != "frank"}
    forger = Path(__file__).with_name("forger_entry.py")
    arguments = [forger, "run", path, "--as", "frank", "--keys", fleet.keys, "--input", "-"]
    parties["frank"] = fleet.start("frank", arguments, stdin="no")
    fleet.finish(parties)
    assert parties["alice"].code == 32, explain(parties)
    assert "this one would tell of alice alone" in parties["alice"].err
    for name in ("bob", "carlos", "david", "erin"):
        assert parties[name].code in (32, 40, 41), explain(parties)
        assert parties[name].out == ""
    asked = ledger(fleet, "alice")["runs"][-1]
    assert asked["counted"] == list(ballots)  # the set that alice consented to, and only that
    assert "outputs" not in asked
