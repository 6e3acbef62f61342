"""The command itself: help, usage errors, the voice of errors, exit codes; also cli/check.py."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from busy_machine import within

import ostraka
from ostraka import errors
from ostraka.cli import voice
from ostraka.errors import InputError, InternalError, OstrakaError, PeerLost, PinMismatch
from ostraka.progress import Phase, Progress

COMMANDS = (
    "demo", "keygen", "new", "check", "run", "coordinator", "simulate", "verify", "doctor", "bench",
)  # fmt: skip


def test_help_lists_every_command_and_goes_to_stdout(cli) -> None:
    ended = cli("--help")
    assert ended.code == 0
    assert ended.err == ""
    for command in COMMANDS:
        assert f"\n  {command} " in ended.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(cli, command: str) -> None:
    ended = cli(command, "--help")
    assert ended.code == 0
    assert ended.out.startswith(f"Usage: ostraka {command}") or "Usage: " in ended.out
    assert ended.err == ""


def test_version(cli) -> None:
    assert cli("--version").out == f"ostraka {ostraka.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "nonsense"),
        (["check"], "session.toml"),
        (["check", "x.toml", "--nonsense"], "--nonsense"),
        (["run", "x.toml"], "--as"),
        (["check", "x.toml", "--output", "yaml"], "yaml"),
        (["bench", "sum", "--parties", "1"], "--parties"),
    ],
)
def test_wrong_usage_is_2_and_says_where_help_is(cli, arguments: list[str], words: str) -> None:
    ended = cli(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    first, second = ended.err.strip().splitlines()
    assert first.startswith("error: ")
    assert words.lower() in first.lower()
    assert second.startswith("hint: ostraka")


def test_a_case_that_does_not_exist_is_answered_with_those_that_do(cli) -> None:
    ended = cli("bench", "nonsense")
    assert (ended.code, ended.out) == (2, "")
    first, second = ended.err.strip().splitlines()
    assert first.startswith('error: there is no case "nonsense" to bench')
    assert second.startswith("hint: one of mul, compare, ")


def test_a_missing_file(cli) -> None:
    ended = cli("check", "none.toml")
    assert (ended.code, ended.out) == (2, "")
    first, second = ended.err.splitlines()
    assert first == "error: cannot read none.toml: No such file or directory"
    assert second == f"hint: it is not in {Path.cwd()}"
    Path("session.toml").touch()
    assert "did you mean session.toml?" in cli("check", "sesion.toml").err
    assert "there is no directory" in cli("check", "nowhere/session.toml").err


def test_an_input_as_an_argument_is_told_from_a_file(cli, session) -> None:
    ended = cli("run", session, "--as", "alice", "--input", "3800")
    assert (ended.code, "never the input itself" in ended.err) == (20, True)


def test_a_key_that_is_elsewhere(cli, session, tmp_path, monkeypatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    ended = cli("run", session, "--as", "alice", "--input", "-")
    assert ended.code == 2
    assert "hint: if alice.key is in another directory: --keys" in ended.err


# --- the voice -----------------------------------------------------------------------------------


def said(capsys: pytest.CaptureFixture[str], error: Exception) -> tuple[int, list[str]]:
    code = voice.report(error)
    captured = capsys.readouterr()
    assert captured.out == ""
    return code, captured.err.splitlines()


@pytest.mark.parametrize(
    "kind",
    [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, OstrakaError)],
)
def test_every_error_of_ours_ends_with_its_code(
    kind: type[OstrakaError], capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = said(capsys, kind("it went wrong", hint="do this"))
    assert code == kind.exit_code
    assert lines[:2] == ["error: it went wrong", "hint: do this"]


def test_errors_say_whether_data_left(capsys: pytest.CaptureFixture[str]) -> None:
    _, lines = said(capsys, InputError("no", data_left=False))
    assert lines == ["error: no", "data: nothing of yours has left this machine"]
    _, lines = said(capsys, PeerLost("bob is gone", data_left=True))
    assert lines[-1].startswith("data: shares of your input have left this machine")
    _, lines = said(capsys, PinMismatch("not bob"))
    assert lines == ["error: not bob"]


def test_what_is_known_of_the_process_fills_in(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = Progress()
    monkeypatch.setattr(voice.speaker, "progress", progress)
    assert said(capsys, PinMismatch("not bob"))[1][-1].startswith("data: nothing")
    progress.input_leaves()
    assert said(capsys, PinMismatch("not bob"))[1][-1].endswith("alone they reveal nothing")
    progress.enter(Phase.OPENING)
    assert said(capsys, PinMismatch("not bob"))[1][-1].endswith(
        "others may have the result already"
    )
    assert said(capsys, PinMismatch("no", data_left=False))[1][-1].startswith("data: nothing")


def test_a_choice_that_is_not_there(cli) -> None:
    ended = cli("verify", "r.json", "--output", "xml")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: invalid value for '--output': 'xml' is not one of")


def test_groups_are_opened(capsys: pytest.CaptureFixture[str]) -> None:
    group = ExceptionGroup("tasks", [ValueError("x"), ExceptionGroup("y", [PeerLost("bob")])])
    assert said(capsys, group)[0] == 40


@pytest.mark.parametrize("error", [KeyError("31337"), ExceptionGroup("x", [KeyError("31337")])])
def test_a_bug_is_70_and_repeats_no_message(
    error: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(voice.DEBUG, raising=False)
    monkeypatch.setattr(sys, "argv", ["ostraka", "run", "secret-31337.toml"])

    def fails() -> int:
        raise error

    assert voice.guarded(fails) == 70
    text = capsys.readouterr().err
    assert "31337" not in text
    assert "bug in ostraka" in text
    assert "KeyError" in text
    assert "ostraka run" in text


def test_an_internal_error_asks_for_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = said(capsys, InternalError("wrong"))
    assert code == 70
    assert any("report this" in line for line in lines)


def test_ctrl_c_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    assert voice.guarded(interrupted) == 130
    assert "interrupted" in capsys.readouterr().err


def test_the_reader_of_a_pipe_may_go(tmp_path: Path) -> None:
    command = f"{sys.executable} -m ostraka.cli.main --help | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_ctrl_c_while_gathering_ends_at_once_and_nothing_has_left(ostraka, session: Path) -> None:
    """Nobody answers at the coordinator's address, so the party is gathering until its deadline."""
    (session.parent / "x").write_text("1")
    with ostraka(session.parent, "run", session, "--as", "alice", "--input", "x") as child:
        while not (line := child.stderr.readline()).startswith("gathering 1/3"):
            assert line, "it ended"
        begin = time.monotonic()
        os.kill(child.pid, signal.SIGINT)
        rest = child.stderr.read()
        assert child.wait(10) == 130
    assert time.monotonic() - begin < within(5)
    assert rest.splitlines() == [
        "error: interrupted",
        "hint: run it again when you want to take part",
        "ledger: nothing is spent or held for this run",
        "data: nothing of yours has left this machine",
    ]
