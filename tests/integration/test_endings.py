"""Signals at every phase of a run, over real processes: who ends how, and what is lost."""

import json
import signal

import pytest
from busy_machine import within

from ostraka import identity
from ostraka.record import receipt

INPUTS = {"alice": 10, "bob": 20}


@pytest.fixture
def fleet(fleet, tmp_path):
    """With keys, and so ledgers, of its own."""
    fleet.keys = tmp_path / "keys"
    for name in INPUTS:
        identity.create(name, fleet.keys)
    return fleet


def command(fleet, *words):
    return fleet.start("alice", ["-m", "ostraka.cli.main", *words])


@pytest.mark.parametrize(
    ("phase", "number", "code"),
    [
        ("sharing", signal.SIGTERM, 143),
        pytest.param("sealing", signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param("computing", signal.SIGHUP, 129, marks=pytest.mark.slow),
        pytest.param("opening", signal.SIGTERM, 143, marks=pytest.mark.slow),
    ],
)
def test_a_signal_tells_the_peers_and_settles_the_run(fleet, phase, number, code):
    late = phase != "sealing"
    session = fleet.manifest(tuple(INPUTS), None, tuple(INPUTS), timeout="30s")
    parties = fleet.run_all(session, INPUTS, {"alice": (phase, number, 0)})
    alice = fleet.finish(parties)["alice"]
    assert alice.code == code, alice.err
    assert "Traceback" not in alice.err
    # Told, bob does not wait for the 30 s after which a silent party is lost. Once she shares, she
    # may be committing when the signal comes: that is not cut in two, and her share of the result
    # leaves. Then he has it, and her run is spent.
    assert parties["bob"].code in ((0, 40) if late else (40,)), parties["bob"].err
    assert parties["bob"].seconds < within(30)
    (run,) = command(fleet, "ledger", "--json", "--as", "alice", "--keys", fleet.keys).result[
        "runs"
    ]
    assert run["state"] in ("released", "committed")
    assert run["state"] == "committed" or parties["bob"].code == 40
    words = {"committed": "counts as spent", "released": "nothing is spent or held"}
    assert words[run["state"]] in alice.err


def test_a_signal_when_the_result_is_known_does_not_lose_it(fleet):
    session = fleet.manifest(tuple(INPUTS), None, tuple(INPUTS), timeout="5s")
    parties = fleet.run_all(session, INPUTS, {"alice": ("known", signal.SIGTERM, 0)})
    alice = fleet.finish(parties)["alice"]
    assert alice.code == 143, alice.err
    assert "result: it is known and kept; print it with: ostraka result" in alice.err
    again = command(fleet, "result", "--as", "alice", "--output", "json")
    assert again.result["outputs"][0]["value"] == "30"
    kept = json.loads(again.out)
    assert alice.out in ("", again.out)  # whole or not at all
    # It holds alice's own statement at least; the others' may have come before the signal did.
    assert receipt.verify(receipt.read(fleet.directory / kept["receipt"]))
