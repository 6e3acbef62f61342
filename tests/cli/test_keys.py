"""`keygen` and `doctor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ostraka import identity


def test_keygen(cli) -> None:
    ended = cli("keygen", "alice", "--dir", "keys")
    made = identity.load("alice", Path("keys"))
    assert ended.code == 0
    assert ended.out == identity.fingerprint_text(made.fingerprint) + "\n"
    assert Path("keys/alice.key").stat().st_mode & 0o777 == 0o600
    assert Path("keys").stat().st_mode & 0o777 == 0o700
    assert "PRIVATE" not in ended.out + ended.err


def test_keygen_uses_the_environment(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTRAKA_KEYS", "k")
    assert cli("keygen", "alice").code == 0
    assert Path("k/alice.key").exists()


def test_keygen_never_overwrites(cli) -> None:
    cli("keygen", "alice")
    before = Path("alice.key").read_bytes()
    ended = cli("keygen", "alice")
    assert (ended.code, ended.out) == (2, "")
    assert Path("alice.key").read_bytes() == before


@pytest.mark.parametrize("name", ["Alice", "../alice", "a b", "", "1a", "a" * 33])
def test_keygen_takes_only_names_that_manifests_take(cli, name: str) -> None:
    assert cli("keygen", name).code == 2
    assert not list(Path().rglob("*.key"))


# --- doctor --------------------------------------------------------------------------------------


def test_all_is_well(cli, coordinator, session: Path) -> None:
    with coordinator(session):
        ended = cli("doctor", session, "--as", "alice")
        found = cli("doctor", session, "--as", "alice", "--output", "json").json
    assert (ended.code, ended.err) == (0, ""), ended.out
    assert "FAIL" not in ended.out
    assert "answers with the key of the manifest" in ended.out
    assert found["ok"] is True
    checked = {check["check"] for check in found["checks"]}
    assert checked >= {"software", "directory", "key", "manifest", "identity", "clock", "reach"}


def test_somebody_else_answers(cli, coordinator, session: Path) -> None:
    cli("keygen", "impostor")
    with coordinator(session, "impostor"):
        ended = cli("doctor", session, "--as", "alice")
    assert ended.code == 11
    assert "FAIL  reach: coordinator" in ended.out


def test_nobody_answers(cli, session: Path) -> None:
    ended = cli("doctor", session, "--as", "alice", "--output", "json")
    assert ended.code == 10
    failed = [check["check"] for check in ended.json["checks"] if check["ok"] is False]
    assert failed == ["reach"]


def test_a_key_that_is_not_the_manifests(cli, session: Path) -> None:
    cli("keygen", "alice", "--dir", "other")
    ended = cli("doctor", session, "--as", "alice", "--keys", "other")
    assert ended.code == 11
    assert "FAIL  identity: yours is sha256:" in ended.out


def test_loose_modes(cli, session: Path) -> None:
    Path("alice.key").chmod(0o640)
    ended = cli("doctor")
    assert ended.code == 2
    assert "FAIL  key: alice.key has mode 0640" in ended.out
    Path("alice.key").chmod(0o600)
    Path().chmod(0o777)
    ended = cli("doctor")
    assert "FAIL  directory" in ended.out


def test_which_party(cli, session: Path) -> None:
    ended = cli("doctor", session)
    assert ended.code == 2
    assert "choose with --as" in ended.out
    assert "no key in empty" in cli("doctor", "--keys", "empty").out


def test_without_a_session(cli) -> None:
    cli("keygen", "alice")
    ended = cli("doctor")
    assert ended.code == 0
    assert "give a SESSION.toml" in ended.out


def test_an_expired_certificate(cli, session: Path) -> None:
    from datetime import UTC, datetime

    made = identity.create("old", Path("k"), now=datetime(2001, 1, 1, tzinfo=UTC))
    text = session.read_text()
    name, key = text.index('name = "alice"'), identity.fingerprint_text(made.fingerprint)
    start = text.index('key = "', name)
    end = text.index("\n", start)
    text = text[:start] + f'key = "{key}"' + text[end:]
    session.write_text(text.replace('"alice"', '"old"'))
    ended = cli("doctor", session, "--as", "old", "--keys", "k")
    assert "FAIL  clock: " in ended.out


# --- doctor, of a peer that has an address -------------------------------------------------------


@pytest.fixture
def direct(of_alice_and_bob, free_port: int) -> Path:
    """session.toml of alice, and bob who has an address; nobody listens there yet."""
    return of_alice_and_bob("alice.crt", f"bob.crt@127.0.0.1:{free_port}", "--deadline", "60s")


@pytest.fixture
def start_bob(ostraka: Any, direct: Path) -> Iterator[Callable[..., None]]:
    """Bob's process, gathering: it listens at his address."""
    started: list[Any] = []

    def start(session: Path, keys: str = ".") -> None:
        Path("five").write_text("5")
        options = ("--as", "bob", "--keys", keys, "--input", "five")
        child = ostraka(Path.cwd(), "run", session, *options)
        started.append(child)
        while not (line := child.stderr.readline()).startswith("gathering 1/2"):
            assert line, "it ended"

    yield start
    for child in started:
        with child:
            child.terminate()


def reach(ended) -> list[str]:
    return [line for line in ended.out.splitlines() if " reach: " in line]


def test_a_peer_that_answers(cli, direct: Path, start_bob) -> None:
    start_bob(direct)
    ended = cli("doctor", direct, "--as", "alice")
    assert ended.code == 0, ended.out
    (line,) = reach(ended)
    assert line.startswith("ok    reach: bob at 127.0.0.1:")
    assert line.endswith("answers with the key of the manifest, over TLS 1.3")


def test_a_peer_that_is_not_there(cli, direct: Path) -> None:
    ended = cli("doctor", direct, "--as", "alice")
    assert ended.code == 10
    (line,) = reach(ended)
    assert line.startswith("FAIL  reach: bob at 127.0.0.1:")
    assert line.endswith("Connection refused (perhaps not started yet)")


def test_a_peer_with_another_key(cli, direct: Path, start_bob) -> None:
    other = cli("keygen", "bob", "--dir", "impostor").out.strip()
    named = identity.fingerprint_text(identity.load("bob", Path()).fingerprint)
    Path("impostor.toml").write_text(direct.read_text().replace(named, other))
    start_bob(Path("impostor.toml"), "impostor")
    ended = cli("doctor", direct, "--as", "alice")
    assert ended.code == 11
    (line,) = reach(ended)
    assert line.startswith("FAIL  reach: bob at 127.0.0.1:")
    assert f"answered with the key {other}" in line


def test_who_has_an_address_need_not_reach_himself(cli, direct: Path) -> None:
    ended = cli("doctor", direct, "--as", "bob")
    assert (ended.code, reach(ended)) == (0, [])
