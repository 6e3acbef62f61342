"""The command `coordinator`: from a file or from options, until a signal."""

import json
import os
import re
import signal
import socket
from pathlib import Path

from ostraka import identity


def test_sigterm_stops_a_coordinator(coordinator, session: Path) -> None:
    with coordinator(session) as child:
        os.kill(child.pid, signal.SIGTERM)
        assert child.wait(10) == 0
        assert child.stderr is not None
        told = child.stderr.read()
        assert "info draining seconds=10.0 count=0\n" in told
        assert told.endswith("info stopped count=0\n")


def test_ctrl_c_stops_a_coordinator(coordinator, session: Path) -> None:
    with coordinator(session) as child:
        os.kill(child.pid, signal.SIGINT)
        assert child.wait(10) == 130
        assert child.stderr is not None
        assert child.stderr.read().startswith("error: interrupted")


def test_a_port_in_use(cli, session: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        Path("c.toml").write_text(f'listen = "127.0.0.1:{port}"\n')
        ended = cli("coordinator", "--config", "c.toml")
    assert (ended.code, ended.out) == (2, "")
    on_linux, elsewhere = f"(process {os.getpid()}) listens there", "`ss -ltnp` names it"
    assert on_linux in ended.err or elsewhere in ended.err


def test_a_coordinator_listens_where_it_is_told_or_not_at_all(cli, session: Path) -> None:
    Path("c.toml").write_text('listen = "192.0.2.1:9440"\n')  # nobody's address: RFC 5737
    ended = cli("coordinator", "--config", "c.toml")
    assert (ended.code, ended.out) == (2, "")
    assert "is that an address of this machine?" in ended.err


def test_without_a_file(ostraka, tmp_path: Path) -> None:
    """It makes its key once, and says in JSON where it listens."""
    tmp_path.chmod(0o700)
    options = ["--listen", "127.0.0.1:0", "--keys", str(tmp_path), "--log", "json"]
    seen = []
    for _ in range(2):
        with ostraka(tmp_path, "coordinator", *options) as child:
            assert child.stderr is not None
            line = child.stderr.readline()
            if line.startswith("made "):
                line = child.stderr.readline()
            seen.append(json.loads(line))
            child.send_signal(signal.SIGTERM)
            assert child.wait(20) == 0
    own = identity.load("coordinator", tmp_path)
    assert {line["event"] for line in seen} == {"listening"}
    assert {line["fingerprint"] for line in seen} == {identity.fingerprint_text(own.fingerprint)}
    assert re.fullmatch(r"127\.0\.0\.1:\d+", seen[0]["address"])


def test_options_that_are_missing_or_wrong(cli) -> None:
    for options, words in (
        ((), "needs an address to listen on"),
        (("--listen", "9440"), '--listen must be "host:port"'),
        (("--listen", "a:1", "--log", "xml"), "--log must be one of text, json"),
    ):
        ended = cli("coordinator", *options)
        assert (ended.code, ended.out) == (2, "")
        assert words in ended.err
