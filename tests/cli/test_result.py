"""`result`, and how `run` keeps a result before it prints it."""

import json
import sys
import threading
from pathlib import Path

import pytest

from ostraka.cli import voice
from ostraka.cli.result import ResultKeeper
from ostraka.errors import Temporary
from ostraka.home import results_directory
from ostraka.outcome import Outcome, Output

JSON, TEXT = voice.OutputFormat.JSON, voice.OutputFormat.TEXT


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("OSTRAKA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(voice, "speaker", type(voice.speaker)())
    return results_directory()


@pytest.fixture
def outcome():
    import numpy as np

    total = Output("sum", "USD", (np.array([15]),), None, scalar=True)
    of = ("alice", "bob")
    return Outcome((total,), of, (), "cd" * 32, "secure-sum", "ef" * 32, Path("receipt.json"))


def keeper(directory, output=JSON):
    found = ResultKeeper(directory, output)
    found._party, found._title = "alice", "Raises"
    return found


@pytest.mark.parametrize("output", [JSON, TEXT])
def test_a_result_is_printed_again_exactly(cli, home, outcome, capsys, output):
    one = keeper(home, output)
    one.result(outcome)
    one.finish()
    printed = capsys.readouterr().out
    assert "15" in printed
    for words in ((), ("cdcd",), ("--as", "alice")):
        again = cli("result", *words, "--output", output.value)
        assert (again.code, again.out) == (0, printed)


def test_it_is_kept_before_it_is_printed(home, outcome, monkeypatch):
    seen = []

    class Looks:
        encoding = "utf-8"

        def write(self, _):
            seen.extend(path.name for path in home.iterdir())

        def flush(self):
            pass

    monkeypatch.setattr(sys, "stdout", Looks())
    one = keeper(home)
    one.result(outcome)
    one.finish()
    assert set(seen) == {f"{'cd' * 32}.alice.json"}


def test_a_reader_that_takes_nothing_does_not_hold_the_run_up(home, outcome, monkeypatch):
    release = threading.Event()

    class Stopped:
        encoding = "utf-8"

        def write(self, _):
            release.wait(30)

        def flush(self):
            pass

    monkeypatch.setattr(sys, "stdout", Stopped())
    one = keeper(home)
    one.result(outcome)
    assert voice.speaker.kept == "cd" * 32
    assert one._printing.is_alive()
    release.set()
    one.finish()


def test_one_that_cannot_be_printed_is_named_and_kept(home, outcome, monkeypatch, capsys):
    class Broken:
        encoding = "utf-8"

        def write(self, _):
            raise BrokenPipeError(32, "Broken pipe")

        def flush(self):
            pass

    monkeypatch.setattr(sys, "stdout", Broken())
    one = keeper(home)
    one.result(outcome)
    with pytest.raises(Temporary, match="could not be printed: Broken pipe") as caught:
        one.finish()
    assert voice.report(caught.value) == 75
    assert "print it with: ostraka result cdcdcdcdcdcd" in capsys.readouterr().err


def test_one_that_cannot_be_kept_is_printed_all_the_same(home, outcome, capsys):
    home.rmdir()
    one = keeper(home)
    one.result(outcome)
    one.finish()
    captured = capsys.readouterr()
    assert json.loads(captured.out)["outputs"][0]["value"] == 15
    assert "warning: the result was not kept" in captured.err
    assert voice.speaker.kept == ""


def test_the_list_and_deletion(cli, home, outcome):
    assert (cli("result").code, cli("result", "--list").out) == (2, "")
    one = keeper(home)
    one.result(outcome)
    one.finish()
    line = cli("result", "--list").out
    assert line.split()[0] == "cd" * 6
    assert line.split()[2:] == ["alice", "released", "Raises"]
    assert cli("result", "--forget").code == 2
    assert cli("result", "cd", "--forget").code == 0
    assert cli("result").code == 2
    assert not list(home.iterdir())


def test_a_party_without_a_result_keeps_that(cli, home):
    one = keeper(home)
    one.result(Outcome(session="cd" * 32))
    one.finish()
    assert cli("result", "--output", "json").json == {"session": "cd" * 32, "status": "no-output"}
