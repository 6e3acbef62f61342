"""Parties without links to each other, as real processes: one session, one receipt, one ending."""

import subprocess
import sys
from pathlib import Path

import pytest

ROLES = {
    "alice": ("compute", "recipient"),
    "bob": ("compute",),
    "carlos": ("contributor",),
    "david": ("contributor",),
    "mallory": ("recipient",),
}
INPUTS = {"carlos": 3, "david": 4}
verifier = Path(__file__).resolve().parents[2] / "scripts" / "verify_receipt.py"


@pytest.mark.parametrize("relayed", [False, True])
def test_receipts_hold_the_words_of_parties_without_a_link(fleet, relayed):
    direct = () if relayed else ("alice", "bob")  # parties that no other dials need no address
    session = fleet.manifest(
        {n: r for n, r in ROLES.items() if relayed or n != "mallory"},
        fleet.coordinator() if relayed else None,
        direct,
        deadline="60s",
        timeout="60s",
    )
    parties = fleet.run_all(session, INPUTS)
    assert {name: party.code for name, party in parties.items()} == dict.fromkeys(parties, 0)
    assert parties["alice"].values["sum"] == "7"
    receipts = sorted(fleet.directory.glob("receipt-*.json"))
    assert len(receipts) == len(parties)
    for path in receipts:
        done = subprocess.run(
            [sys.executable, verifier, path], capture_output=True, text=True, check=False
        )
        # A party that only contributes leaves before the others end, and hears no statement.
        (name,) = (name for name in parties if f"-{name}-" in path.name)
        stays = set(ROLES[name]) - {"contributor"}
        assert done.returncode == (0 if stays else 51), done.stderr
        if "mallory" in path.name:
            assert f"ended     {', '.join(sorted(ROLES))}: signed" in done.stdout


def test_an_edited_manifest_at_a_party_that_only_contributes(fleet):
    session = fleet.manifest(ROLES, fleet.coordinator(), deadline="10s", timeout="60s")
    other = fleet.directory / "other.toml"
    other.write_text(session.path.read_text().replace("max = 1000000", "max = 1000001"))
    parties = {
        name: fleet.run(other if name == "david" else session, name, INPUTS.get(name))
        for name in ROLES
    }
    for name, party in parties.items():
        assert party.code == 30, (name, party.code, party.err)
        assert "holds another manifest" in party.err
        assert name == "david" or "david" in party.err
        assert "nothing of yours has left this machine" in party.err
