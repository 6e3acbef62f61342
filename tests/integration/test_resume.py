"""Parties that are killed, with kill -9, and run again: the session goes on to the same answer."""

import os
import signal
import time
from pathlib import Path

import pytest
from busy_machine import within

from ostraka import home, identity
from ostraka.record.runs import RunState

INPUTS = {"alice": 1, "bob": 2, "carlos": 4}
SHAMIR = 'scheme = "shamir"\nthreshold = 1'
PHASES = ("gathering", "sealing", "sharing", "computing", "opening", "known", "done")


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """A home without records of other tests' sessions."""
    monkeypatch.setenv("OSTRAKA_HOME", str(tmp_path / "home"))


def sessions():
    return list((Path(os.environ["OSTRAKA_HOME"]) / "sessions").glob("*"))


def runs(fleet, name, title):
    """The runs of a session in a party's ledger that count."""
    ledger = home.own_ledger(identity.load(name, fleet.keys), fleet.keys, print)
    return [r for r in ledger.counting() if r.run.title == title]


def require_same_answer(fleet, parties, title):
    results = {name: party.result for name, party in parties.items()}
    assert {party.values["sum"] for party in parties.values()} == {"7"}
    assert len({result["session"] for result in results.values()}) == 1
    for name, result in results.items():
        (run,) = runs(fleet, name, title)
        assert (run.state, run.session) == (RunState.COMMITTED, result["session"])
    assert not sessions()
    return results


@pytest.mark.parametrize(
    ("phase", "sharing", "relayed"),
    [
        pytest.param(
            phase,
            sharing,
            relayed,
            marks=()
            if (phase, sharing, relayed) in [("computing", SHAMIR, False)]
            else pytest.mark.slow,
        )
        for phase in PHASES
        for sharing in ('scheme = "additive"', SHAMIR)
        for relayed in (False, True)
    ],
)
def test_a_party_killed_in_a_phase_goes_on(fleet, phase, sharing, relayed):
    relay = fleet.coordinator() if relayed else None
    title = f"{phase} {sharing[10:16]} {relayed}"
    session = fleet.manifest(
        tuple(INPUTS), relay, () if relayed else tuple(INPUTS), sharing=sharing, title=title
    )
    parties = fleet.run_all(session, INPUTS, armed={"bob": (phase, signal.SIGKILL, 0)})
    assert parties["bob"].code == -signal.SIGKILL
    began = time.monotonic()
    again = parties["bob"] = fleet.run(session, "bob")  # no input: it is on record
    require_same_answer(fleet, parties, title)
    assert "resuming" in again.err
    assert time.monotonic() - began < within(30)


def test_all_parties_are_killed_and_run_again(fleet):
    title = "all of them"
    session = fleet.manifest(tuple(INPUTS), None, tuple(INPUTS), title=title, sharing=SHAMIR)
    armed = {
        "alice": ("computing", signal.SIGKILL, 0),
        "bob": ("sharing", signal.SIGKILL, 0),
        "carlos": ("computing", signal.SIGKILL, 0),
    }
    for party in fleet.run_all(session, INPUTS, armed=armed).values():
        assert party.code == -signal.SIGKILL, party.err
    assert len(sessions()) == 6  # a record and a key each
    parties = {name: fleet.run(session, name) for name in INPUTS}
    require_same_answer(fleet, parties, title)


def test_another_input_is_not_used_and_no_second_process_goes_on(fleet):
    title = "another input"
    session = fleet.manifest(tuple(INPUTS), None, tuple(INPUTS), title=title)
    parties = {
        "alice": fleet.run(session, "alice", 1),
        "bob": fleet.run(session, "bob", 2, armed=("sharing", signal.SIGKILL, 0)),
        "carlos": fleet.run(session, "carlos", 4, armed=("sharing", signal.SIGSTOP, 0)),
    }
    assert parties["bob"].code == -signal.SIGKILL
    parties["bob"] = fleet.run(session, "bob", 99)
    parties["bob"].says("not with this one")
    twice = fleet.run(session, "bob")
    assert twice.code == 75, twice.err
    assert "another process on this machine" in twice.err
    parties["carlos"].signal(signal.SIGCONT)
    require_same_answer(fleet, parties, title)


def test_a_party_that_keeps_no_record_begins_anew(fleet, tmp_path):
    """Its peers are told: what it shared first is lost with its memory."""
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    for kind in ("key", "crt"):
        (own / f"bob.{kind}").write_bytes((fleet.keys / f"bob.{kind}").read_bytes())
        (own / f"bob.{kind}").chmod(0o600)
    (own / "bob.toml").write_text("durable = false\n")
    session = fleet.manifest(("alice", "bob"), None, ("alice", "bob"), title="no record")
    alice = fleet.run(session, "alice", 1)
    bob = fleet.run(session, "bob", 2, keys=own, armed=("sharing", signal.SIGKILL, 0))
    assert bob.code == -signal.SIGKILL
    assert not [path for path in sessions() if path.name.startswith("bob")]
    again = fleet.run(session, "bob", 2, keys=own)
    assert again.code != 0
    assert alice.code == 40, alice.err
    assert "bob" in alice.err
