"""Commands `serve` and `approve`: their file, the service's start and end, what may be approved."""

import os
import signal
from pathlib import Path

from ostraka import home, identity
from ostraka.serving.book import APPROVED, WAITING, Entry, SessionBook

DIGEST = "ab" * 32


def test_approve(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("OSTRAKA_HOME", str(tmp_path / "home"))
    assert cli("approve", DIGEST).code == 2, "there is no party.toml"
    Path("party.toml").write_text('name = "c1"\n')
    ended = cli("approve", DIGEST[:8])
    assert (ended.code, ended.out) == (2, "")
    assert "none waits" in ended.err
    book = SessionBook(home.serving_directory(), "c1")
    book.write(Entry(DIGEST, "Poll", WAITING))
    ended = cli("approve", DIGEST[:8])
    assert ended.code == 0
    assert 'approved: "Poll"' in ended.err
    assert book.find(DIGEST) == Entry(DIGEST, "Poll", APPROVED)


def test_serve_needs_the_party_s_key(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("OSTRAKA_HOME", str(tmp_path / "home"))
    Path("party.toml").write_text('name = "c1"\n')
    ended = cli("serve", "--config", "party.toml")
    assert (ended.code, ended.out) == (2, "")


def test_sigterm_stops_a_service(nursery, tmp_path):
    identity.create("c1", tmp_path / "keys")
    (tmp_path / "party.toml").write_text('name = "c1"\nkeys = "keys"\nlook = 0.1\n')
    command = ["-m", "ostraka.cli.main", "serve", "--config", tmp_path / "party.toml"]
    environ = {**os.environ, "OSTRAKA_HOME": str(tmp_path / "home")}
    with nursery.start(command, Path.cwd(), environ, False) as child:
        assert child.stderr.readline().startswith("c1 (sha256:")
        os.kill(child.pid, signal.SIGTERM)
        assert child.wait(30) == 0
        assert "stopped" in child.stderr.read()
