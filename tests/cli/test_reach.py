"""`doctor` on the network: what peers will see of this party, and which way it reaches them."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mosquitto import Mosquitto, needs_mosquitto
from socks_server import SocksServer

from ostraka import identity
from ostraka.cli import reach

PRIVATE = "is a private address: only machines of the same network can reach it"


@pytest.mark.parametrize(
    ("advertised", "hosts", "bound", "words"),
    [
        ("a.example:1", ["203.0.114.5"], ["203.0.114.5:1"], []),
        ("a.example:1", ["203.0.114.5"], ["[::]:1"], []),
        ("a.example:1", [], ["0.0.0.0:1"], []),
        ("10.1.2.3:1", ["10.1.2.3"], ["10.1.2.3:1"], [f"10.1.2.3 {PRIVATE}"]),
        ("100.64.0.1:1", ["100.64.0.1"], ["[::]:1"], [f"100.64.0.1 {PRIVATE}"]),
        ("[fd00::1]:1", ["fd00::1"], ["[::]:1"], [f"fd00::1 {PRIVATE}", "IPv6 only"]),
        ("[2a00::1]:1", ["2a00::1"], ["[2a00::1]:1"], ["2a00::1 is IPv6 only: peers without"]),
        ("[fe80::1]:1", ["fe80::1"], ["[::]:1"], ["link-local", "IPv6 only"]),
        ("127.0.0.1:1", ["127.0.0.1"], ["127.0.0.1:1"], ["127.0.0.1 is loopback"]),
        ("a.example:1", ["203.0.114.5"], ["127.0.0.1:1"], ["you listen on loopback alone"]),
        ("a.onion:1", [], ["127.0.0.1:1"], ["you listen on loopback alone"]),
        ("a.example:1", [], ["[::]:2"], ["others dial port 1, you listen on 2"]),
    ],
)
def test_what_peers_will_see(advertised, hosts, bound, words):
    found = reach.seen_by_peers(advertised, hosts, bound)
    assert len(found) == len(words)
    for remark, expected in zip(found, words, strict=True):
        assert expected in remark


def test_a_certificate_from_the_future_is_a_wrong_clock(tmp_path):
    made = identity.create("bob", tmp_path, now=datetime.now(UTC) + timedelta(days=30))
    notes: list[tuple[str, str]] = []
    reach.compare_clocks(lambda *note: notes.append(note), "bob", made.certificate)
    ((what, words),) = notes
    assert what == "clock"
    assert words.endswith("UTC here: one of the clocks is wrong")
    now = datetime.now(UTC) + timedelta(days=31)
    reach.compare_clocks(lambda *note: notes.append(note), "bob", made.certificate, now)
    assert len(notes) == 1


@pytest.fixture
def manifest(of_alice_and_bob, free_port: int) -> Path:
    """session.toml of alice and bob, both with names for addresses."""
    return of_alice_and_bob(f"alice.crt@alice.invalid:{free_port}", "bob.crt@bob.invalid:9441")


def lines(ended, what: str) -> list[str]:
    return [line for line in ended.out.splitlines() if f" {what}: " in line]


def test_an_own_name_that_is_not_known_here(cli, manifest):
    ended = cli("doctor", manifest, "--as", "alice")
    assert ended.code == 10, "bob is not there"
    listening, warning, name = lines(ended, "listen")
    assert listening.startswith("ok    listen: on [::]:")
    assert "others dial alice.invalid:" in listening
    assert warning.startswith("note  listen: alice.invalid: ")
    assert "listening on all addresses of this machine instead" in warning
    assert name.endswith("no address is known for it here; is it for your peers?")


def test_a_port_that_is_taken(cli, manifest):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = cli("doctor", manifest, "--as", "alice", "--listen", address)
    assert ended.code == 2
    (line,) = lines(ended, "listen")
    start = f"FAIL  listen: cannot listen on {address}: Address already in use; "
    assert line.startswith((f"{start}is", f"{start}python (process"))


def test_with_a_proxy_nothing_is_direct_and_no_name_is_looked_up(cli, manifest, monkeypatch):
    def forbidden(*arguments, **_):
        raise AssertionError(f"getaddrinfo{arguments}")

    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    with SocksServer() as proxy:
        options = "--proxy", proxy.address, "--listen", "127.0.0.1:0"
        ended = cli("doctor", manifest, "--as", "alice", *options)
        assert proxy.requests == [("bob.invalid", 9441)]
    assert ended.code == 10
    (line,) = lines(ended, "reach")
    assert line == (
        f"FAIL  reach: bob at bob.invalid:9441, through the proxy at {proxy.address}: the proxy "
        "says: no route to that host, or no address for its name (perhaps not started yet)"
    )


def test_a_run_with_a_proxy_looks_no_name_up(cli, manifest, monkeypatch):
    def forbidden(*arguments, **_):
        raise AssertionError(f"getaddrinfo{arguments}")

    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    manifest.write_text(manifest.read_text().replace('deadline = "5m"', 'deadline = "2s"'))
    Path("x").write_text("1")
    with SocksServer() as proxy:
        monkeypatch.setenv("OSTRAKA_PROXY", f"socks5h://{proxy.address}")
        ended = cli("run", manifest, "--as", "bob", "--input", "x", "--listen", "127.0.0.1:0")
        assert {host for host, _ in proxy.requests} == {"alice.invalid"}
    assert ended.code == 41, ended.err
    assert "no address for its name" in ended.err


def test_no_password_is_an_argument(cli, manifest):
    ended = cli("run", manifest, "--as", "bob", "--proxy", "u:secret@127.0.0.1:9050")
    assert ended.code == 2
    assert "OSTRAKA_PROXY" in ended.err
    assert "secret" not in ended.err


@needs_mosquitto
def test_a_broker_is_tried_as_a_session_would(cli, of_alice_and_bob, tmp_path):
    """It connects, writes and reads; what is denied or wrong is told, each with code 10."""
    where = tmp_path / "broker"
    where.mkdir()
    broker = Mosquitto(where, users={"alice": "right"}).start()
    try:
        session = of_alice_and_bob("alice.crt", "bob.crt", "--coordinator", broker.url)
        found = cli("doctor", session, "--as", "alice")
        assert found.code == 10
        (line,) = lines(found, "reach")
        assert line.startswith(f"FAIL  reach: the broker at {broker.url}: it refuses")
        own = Path("alice.toml")
        own.write_text(
            broker.access("alice").replace('"alice.password"', f'"{where}/alice.password"')
        )
        own.chmod(0o600)
        found = cli("doctor", session, "--as", "alice")
        fine, warning = lines(found, "reach")
        assert fine == (
            f"ok    reach: the broker at {broker.url} lets alice write as itself below ostraka, "
            "and read what is sent to it, in messages of 72 KiB"
        )
        assert "without TLS; so is your password" in warning
        session.write_text(session.read_text().replace('topic = "ostraka"', 'topic = "other"'))
        (line,) = lines(cli("doctor", session, "--as", "alice"), "reach")
        assert "refuses us writing other/" in line
    finally:
        broker.kill()
