"""Sessions between hosts that are switched off, move, lose packets, or are attacked, on the way."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from netns_sessions import NAMES, Meeting

pytestmark = pytest.mark.netns

FLOODER = Path(__file__).parent.parent / "faults" / "flooder.py"


@pytest.fixture
def rig(rig):
    for name in (*NAMES, "hub"):
        rig.host(name)
    return rig


@pytest.fixture
def meeting(rig, tmp_path, monkeypatch):
    """Makes a session over direct links, or over the coordinator on the host "hub"."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OSTRAKA_HOME", str(tmp_path / "home"))

    def make(way, listeners=NAMES, **options):
        addresses = {name: f"{rig.hosts[name].v4}:9441" for name in listeners}
        relayed = way == "relay"
        made = Meeting(
            rig,
            tmp_path,
            addresses={} if relayed else addresses,
            relay=rig.hosts["hub"] if relayed else None,
            **options,
        )
        if relayed:
            made.hub = made.coordinator()
        return made

    return make


both = pytest.mark.parametrize("way", ["direct", "relay"])


@both
def test_a_partys_host_is_power_cycled(meeting, way):
    """Bob was refused seven times: "another bob is there already"."""
    found = meeting(way)
    found.open()
    found.hosts["bob"].power_cycle()
    began = time.monotonic()
    found.run("bob")
    found.go()
    found.require_same_answer()
    assert "resuming" in found.parties["bob"].err
    assert time.monotonic() - began < 20


def test_the_coordinators_host_is_power_cycled(meeting):
    """All waited at a ghost until the deadline."""
    found = meeting("relay")
    found.open()
    found.relay.power_cycle()
    began = time.monotonic()
    found.coordinator()
    found.go()
    found.require_same_answer()
    assert time.monotonic() - began < 20


@both
def test_a_party_changes_its_address(meeting, way):
    """Bob has no address of his own: he dials, or both meet at the coordinator."""
    found = meeting(way, listeners=("alice", "carlos"))
    found.open()
    bob = found.hosts["bob"]
    bob.unplug()
    bob.connect(last=7)
    began = time.monotonic()
    found.go()
    found.require_same_answer()
    assert time.monotonic() - began < 20


@both
def test_connections_are_reset(meeting, way):
    """One TCP reset ended the session."""
    found = meeting(way)
    found.open()
    undo = found.hosts["bob"].reset()
    time.sleep(1.5)  # a word is said each second on each link, and answered with RST
    undo()
    began = time.monotonic()
    found.go()
    found.require_same_answer()
    assert time.monotonic() - began < 10


@both
def test_a_partition_of_ten_seconds(meeting, way):
    found = meeting(way)
    found.open()
    undo = found.hosts["bob"].drop()
    found.go()
    time.sleep(10)
    undo()
    began = time.monotonic()
    found.require_same_answer()
    assert "is away since" in found.parties["alice"].err
    assert time.monotonic() - began < 10


def test_a_party_without_address_behind_nat(meeting):
    """No host can open a connection to bob's: he dials all others."""
    found = meeting("direct", listeners=("alice", "carlos"))
    found.hosts["bob"].masquerade()
    found.open()
    found.go()
    found.require_same_answer()


@pytest.mark.parametrize("scheme", ["additive", "shamir"])
def test_a_silent_death_is_noticed_in_time(meeting, scheme):
    """Bob's host is switched off, and stays off: additive sharing needs him, Shamir's does not."""
    found = meeting("direct", timeout=8, scheme=scheme)
    found.open()
    began = time.monotonic()
    found.hosts["bob"].unplug()
    del found.parties["bob"]
    found.go()
    for party in found.parties.values():
        party.says("bob is away since", within=6)
    assert time.monotonic() - began < 6
    codes = {party.code() for party in found.parties.values()}
    assert time.monotonic() - began < 8 + 4
    assert codes == {41 if scheme == "additive" else 0}, found.parties["alice"].err
    assert "bob" in found.parties["alice"].err


def test_a_flood_from_one_host_leaves_the_session_of_others(rig, meeting):
    found = meeting("relay")
    quiet = seconds_of(found)
    flooder = rig.host("flooder")
    command = [sys.executable, str(FLOODER), f"{found.relay.v4}:9440", "1000", "200"]
    process = subprocess.Popen(
        ["ip", "netns", "exec", flooder.netns, *command], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "up\n"
        assert seconds_of(found) < 2 * quiet + 10, "one machine serves all hosts here"
    finally:
        process.kill()
        process.communicate()


def seconds_of(meeting):
    """Seconds of a session, from the start of its parties to the end of the last."""
    began = time.monotonic()
    for name in NAMES:
        meeting.run(name)
    values = [party.result()["outputs"][0]["value"] for party in meeting.parties.values()]
    assert values == [111] * 3
    return time.monotonic() - began
