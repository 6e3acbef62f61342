"""Dialling and listening between hosts: black holes, IPv6 alone, names that mean something else."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.netns


@pytest.fixture
def hosts(rig):
    return rig.host("alice"), rig.host("bob")


@pytest.fixture
def session(tmp_path, monkeypatch):
    """Makes session.toml of alice, and bob at an address; the party's arguments of `run`."""
    monkeypatch.chdir(tmp_path)

    def ostraka(*arguments):
        command = [sys.executable, "-m", "ostraka.cli.main", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    for name in ("alice", "bob"):
        ostraka("keygen", name)
        (tmp_path / name).write_text("5")

    def session(address, deadline="40s"):
        text = ostraka(
            "new", "secure-sum", "--party", "alice.crt", "--party", f"bob.crt@{address}",
            "--min", "0", "--max", "10", "--deadline", deadline,
        )  # fmt: skip
        (tmp_path / "session.toml").write_text(text)

    return session


def start(host, *arguments):
    """The run of the party of that name on its host."""
    options = ("--as", host.name, "--input", host.name, "--output", "json")
    return host.start("run", "session.toml", *options, *arguments)


def finish(process, within=40):
    out, err = process.communicate(timeout=within)
    assert process.returncode == 0, err
    assert json.loads(out)["outputs"][0]["value"] == 10
    return err


def run_both(hosts):
    """Start both parties, bob first, and finish both."""
    alice, bob = hosts
    both = start(bob), start(alice)
    for process in both:
        finish(process)


def listening(host, seconds=20):
    """Wait until a program listens on port 9441 of a host."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if host.rig.inside(host.netns, "ss", "-Hltn", "sport = :9441").stdout:
            return
        time.sleep(0.05)
    raise AssertionError("no program listens")


def test_two_hosts(hosts, session):
    _alice, bob = hosts
    session(f"{bob.v4}:9441")
    run_both(hosts)


def test_the_first_address_is_a_black_hole(hosts, session):
    """There was no connection: addresses were tried one after the other, a minute each."""
    alice, bob = hosts
    hole = alice.hole(99)  # on alice's own wire, so the system prefers it
    alice.names(bob_example=[hole, bob.v4])
    bob.names(bob_example=bob.v4)
    session("bob.example:9441")
    bobs = start(bob)
    listening(bob)
    started = time.monotonic()
    finish(start(alice))
    assert time.monotonic() - started < 15
    finish(bobs)


def test_ipv6_alone(hosts, session):
    _alice, bob = hosts
    for host in hosts:
        host.rig.inside(host.netns, "ip", "-4", "addr", "flush", "dev", "eth0")
    session(f"[{bob.v6}]:9441")
    run_both(hosts)


def test_a_name_with_both_families_of_which_one_works(hosts, session):
    alice, bob = hosts
    alice.names(bob_example=[bob.v6, bob.v4])
    bob.names(bob_example=[bob.v6, bob.v4])
    bob.rig.inside(bob.netns, "ip", "-6", "route", "del", "default")  # answers do not come back
    session("bob.example:9441")
    run_both(hosts)


@pytest.mark.parametrize("own", ["127.0.1.1", None])
def test_an_own_name_that_is_loopback_or_unknown_on_its_host(hosts, session, own):
    """Bob listened on 127.0.1.1 alone, where no other host could reach him."""
    alice, bob = hosts
    alice.names(bob_example=bob.v4)
    bob.names(**({"bob_example": own} if own else {}))
    session("bob.example:9441")
    both = start(bob), start(alice)
    assert "listening on all addresses of this machine instead" in finish(both[0])
    finish(both[1])


def test_name_servers_that_are_a_black_hole(hosts, session):
    """A word comes within 5 s, and Ctrl-C does not wait for them; it took 9 s."""
    alice, _bob = hosts
    alice.names(server=alice.hole(53))
    session("bob.example:9441", "8s")
    process = start(alice)
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    process.communicate(timeout=30)
    assert time.monotonic() - started < 3
    assert process.returncode == 130
    process = start(alice)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 41
    assert "bob.example:9441: the name servers of this machine do not answer" in err


def test_a_dialler_that_changes_its_address_before_it_is_answered(hosts, session):
    alice, bob = hosts
    session(f"{bob.v4}:9441")
    dialling = start(alice)
    time.sleep(2)
    alice.unplug()
    alice.connect(last=7)
    bobs = start(bob)
    for process in (bobs, dialling):
        finish(process)


def test_packets_that_vanish_are_told_of(hosts, session):
    """There was no word for 54 s."""
    alice, _bob = hosts
    session(f"{(hole := alice.hole(99))}:9441", "30s")
    process = start(alice)
    lines = iter(process.stderr.readline, "")
    assert next(lines) == "gathering 1/2\n"
    started = time.monotonic()
    assert next(lines) == f"warning: waiting for bob: {hole}:9441: no answer within 4 s\n"
    assert time.monotonic() - started < 7
