"""Votes over real sockets: who is told what when a ballot is none."""

import numpy as np
import pytest

from ostraka import manifest
from ostraka.errors import Aborted, PeerViolation
from ostraka.progress import Observer
from ostraka.protocols import catalogue
from ostraka.protocols.threshold_vote import ThresholdVote

ROLES = {
    "alice": '"contributor", "compute"',
    "bob": '"contributor", "compute"',
    "carlos": '"contributor", "compute"',
    "david": '"contributor"',
    "erin": '"recipient"',
}


class Cheater(ThresholdVote):
    """A voter may share 1000 votes for yes."""

    def encode(self, me, raw):
        return np.array([1000], np.uint64) if raw == "1000 times" else super().encode(me, raw)


def agreement(office, invalid):
    return manifest.parse(
        '[session]\ntitle = "Shall we?"\nprotocol = "threshold-vote"\ndeadline = "10s"\n'
        f'timeout = "10s"\n{office.tables(ROLES)}[input]\ntype = "bool"\n'
        f'[outputs]\npass_at = "1/2"\ninvalid = "{invalid}"\n'
        '[sharing]\nscheme = "shamir"\nthreshold = 1\n'
    )


VOTES = {"alice": True, "bob": False, "carlos": False, "david": "yes"}


async def test_four_vote_three_count_one_is_told(office):
    found = await office.run(agreement(office, "abort"), VOTES)
    assert found["erin"]["outputs"] == [{"name": "outcome", "value": "YES"}]
    assert found["erin"]["contributors"] == 4
    for name in ("alice", "bob", "carlos", "david"):
        assert found[name]["status"] == "no-output"
        assert "outputs" not in found[name]


@pytest.mark.parametrize("who", ["david", "carlos"])
async def test_a_ballot_of_1000_ends_the_vote_and_names_its_voter(office, monkeypatch, who):
    monkeypatch.setitem(catalogue, "threshold-vote", Cheater)
    found = await office.run(agreement(office, "abort"), {**VOTES, who: "1000 times"})
    for name in ("alice", "bob", "carlos"):
        assert isinstance(found[name], PeerViolation), found[name]
        assert found[name].peer == who
    assert isinstance(found["erin"], PeerViolation | Aborted), found["erin"]
    assert f"violation, naming {who}" in found["erin"].message


async def test_a_ballot_of_1000_is_left_out_and_its_voter_named(office, monkeypatch):
    monkeypatch.setitem(catalogue, "threshold-vote", Cheater)
    told = []
    monkeypatch.setattr(Observer, "warn", lambda self, text: told.append(text))
    found = await office.run(agreement(office, "exclude"), {**VOTES, "david": "1000 times"})
    assert found["erin"]["outputs"] == [{"name": "outcome", "value": "NO"}]
    assert found["erin"]["contributors"] == 3
    assert told == ["not counted: david"]
