"""The command line, called in this process, and a session's files."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ostraka.cli import endings, fleet, main, startup, streams, voice


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Stdout, which must be exactly one JSON object on one line."""
        assert self.out.endswith("}\n")
        assert self.out.count("\n") == 1
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


Cli = Callable[..., Ended]


def _refuse_to_exit(code: int) -> None:
    raise AssertionError(f"the process of the tests would have ended, with code {code}")


@pytest.fixture
def cli(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Cli:
    """Call `ostraka ARGUMENTS` in a directory of its own. Children of `demo` and `bench` are forked
    from a process that has loaded the package."""
    monkeypatch.chdir(tmp_path)
    for variable in ("OSTRAKA_KEYS", "OSTRAKA_RECEIPTS", "OSTRAKA_LEDGER", "OSTRAKA_DEBUG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(main, "_no_core_dumps", lambda: None)
    monkeypatch.setattr(startup, "hold_collections", lambda: None)
    monkeypatch.setattr(startup, "leave_to_the_system", lambda: None)
    # A busy machine may take longer than a person would wait; this process must not exit for it.
    monkeypatch.setattr(streams.Stderr.drain, "__defaults__", (60.0,))
    monkeypatch.setattr(endings.os, "_exit", _refuse_to_exit)
    forked = partial(_forked, lambda: request.getfixturevalue("nursery"))
    monkeypatch.setattr(fleet, "_start", forked)

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["ostraka", *map(str, arguments)])
        monkeypatch.setattr(voice, "speaker", type(voice.speaker)())
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.main()
        code = ended.value.code
        assert isinstance(code, int)
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return call


def _forked(nursery: Callable[[], Any], kind: str) -> Any:
    """Start a child as `fleet` does."""
    return nursery().start_child(["-m", "ostraka.cli.child", kind])


PARTIES = ("alice", "bob", "carlos")


@pytest.fixture(scope="session")
def agreed() -> dict[str, str]:
    """The text of the manifest of `session`, once it is written."""
    return {}


@pytest.fixture
def session(cli: Cli, tmp_path: Path, keys: Path, agreed: dict[str, str]) -> Path:
    """session.toml of three parties and a coordinator that is not there; all keys beside it."""
    for name in (*PARTIES, "coordinator"):
        for kind in ("key", "crt"):
            shutil.copy2(keys / f"{name}.{kind}", tmp_path)
    if "text" not in agreed:
        agreed["text"] = written(cli)
    path = tmp_path / "session.toml"
    path.write_text(agreed["text"])
    return path


def written(cli: Cli) -> str:
    parties = [word for name in PARTIES for word in ("--party", f"{name}.crt")]
    made = cli(
        "new", "secure-sum", *parties, "--coordinator", "127.0.0.1:1=coordinator.crt",
        "--type", "decimal(2)", "--min", "0", "--max", "1000000", "--unit", "USD",
        "--statistic", "sum", "--statistic", "mean", "--deadline", "20s",
    )  # fmt: skip
    assert made.code == 0, made.err
    return made.out


@pytest.fixture
def free_port() -> int:
    """A port on localhost where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert isinstance(port, int)
    return port


@pytest.fixture
def of_alice_and_bob(cli: Cli) -> Callable[..., Path]:
    """Write session.toml of alice and bob, each as `--party` takes it, and their keys beside it."""

    def write(alice: str, bob: str, *options: str) -> Path:
        for name in ("alice", "bob"):
            cli("keygen", name)
        bounds = ("--min", "0", "--max", "10")
        made = cli("new", "secure-sum", "--party", alice, "--party", bob, *bounds, *options)
        assert made.code == 0, made.err
        path = Path("session.toml")
        path.write_text(made.out)
        return path

    return write


Start = Callable[..., Any]


@pytest.fixture
def ostraka(nursery: Any) -> Start:
    """Start `ostraka ARGUMENTS` in a directory: a process as `subprocess.Popen` shows one, forked
    from one that has loaded the package. `said`: all of its stdin."""

    def start(directory: Path, *arguments: object, said: str | None = None) -> Any:
        command = ["-m", "ostraka.cli.main", *map(str, arguments)]
        child = nursery.start(command, directory, dict(os.environ), said is not None)
        if said is not None:
            child.stdin.write(said)
            child.stdin.close()
        return child

    return start


Coordinator = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def coordinator(ostraka: Start) -> Coordinator:
    """Start a coordinator's process; the manifest is changed to name its address."""

    @contextmanager
    def started(manifest: Path, name: str = "coordinator") -> Iterator[Any]:
        config = manifest.with_name("coordinator.toml")
        config.write_text(f'listen = "127.0.0.1:0"\nname = "{name}"\n')
        with ostraka(Path.cwd(), "coordinator", "--config", config) as child:
            try:
                words = child.stderr.readline().split()
                assert words[:2] == ["listening", "on"]
                manifest.write_text(manifest.read_text().replace("127.0.0.1:1", words[2]))
                yield child
            finally:
                child.terminate()

    return started
