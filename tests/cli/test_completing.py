"""Completion: the names that each shell offers; whether the scripts load is in the slow tests."""

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ostraka.cli import completing, options


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "session.toml").write_text(
        '[[party]]\nname = "alice"\n[[party]]\nname = "bob"\n[[party]]\nname = "anna"\n'
    )
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "other.toml").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "bob.key").touch()
    return tmp_path


def test_session_files_and_directories_are_offered(here):
    assert completing.complete_session("") == ["deep/", "session.toml"]
    assert completing.complete_session("se") == ["session.toml"]
    assert completing.complete_session("deep/") == ["deep/other.toml"]
    assert completing.complete_session(f"{here}/s") == [f"{here}/session.toml"]
    assert completing.complete_session("nowhere/") == []


def test_every_command_that_takes_a_manifest_completes_it():
    (argument,) = options.SessionArgument.__metadata__
    assert argument.autocompletion is completing.complete_session


def test_parties_are_those_of_the_manifest_with_the_own_one_first():
    of = SimpleNamespace(params={"session": "session.toml"}, args=[])
    assert completing.complete_party(of, "") == ["bob", "alice", "anna"]
    assert completing.complete_party(of, "a") == ["alice", "anna"]


@pytest.mark.parametrize("session", [None, "none.toml", "notes.txt", "bob.key"])
def test_without_a_manifest_the_keys_here_are_offered(session):
    of = SimpleNamespace(params={"session": session}, args=[])
    assert completing.complete_party(of, "") == ["bob"]


def test_protocols_are_offered_with_what_they_compute():
    found = dict(completing.complete_protocol("secure"))
    assert list(found) == ["secure-sum"]
    assert found["secure-sum"]
    assert len(completing.complete_protocol("")) >= 10


def test_kept_results_are_offered(home):
    assert isinstance(completing.complete_kept("zz"), list)


def offered(nursery, shell, line, here):
    """What a shell's script is told for a line, by the variables that it sets."""
    words = line.split(" ")
    told = {
        "_OSTRAKA_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "\n".join(words) if shell == "bash" else "",
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    done = nursery.start(["-m", "ostraka.cli.main"], here, os.environ | told, False)
    out, err = done.communicate(60)
    assert err == ""
    return out


@pytest.mark.parametrize(
    ("shell", "line", "wanted"),
    [
        ("bash", "ostraka simu", "simulate"),
        ("bash", "ostraka run session.toml --as a", "alice"),
        ("zsh", "ostraka check ses", "session.toml"),
        ("zsh", "ostraka new priv", "private-join"),
        ("fish", "ostraka run session.toml --as a", "alice"),
        ("fish", "ostraka ledger sh", "show"),
    ],
)
def test_each_shell_is_offered_the_names(nursery, shell, line, wanted, here):
    assert wanted in offered(nursery, shell, line, here)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "code"),
    [
        ("bash", 'COMP_WORDS=(ostraka check ses); COMP_CWORD=2; _ostraka_completion ostraka;'
                 ' echo "${COMPREPLY[@]}"'),
        ("fish", 'complete -C "ostraka check ses"'),
        ("zsh", "echo ${_comps[ostraka]}"),
    ],
)  # fmt: skip
def test_the_script_loads_in_the_shell(shell, code, here):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    ostraka = here / "ostraka"
    ostraka.write_text(f'#!/bin/sh\nexec {sys.executable} -m ostraka.cli.main "$@"\n')
    ostraka.chmod(0o755)
    env = os.environ | {"PATH": f"{here}:{os.environ['PATH']}"}
    told = env | {"_OSTRAKA_COMPLETE": f"source_{shell}"}
    script = subprocess.run([ostraka], capture_output=True, text=True, env=told, check=True).stdout
    first = "autoload -U compinit; compinit -u\n" if shell == "zsh" else ""
    flags = {"bash": ["--norc"], "fish": ["--no-config"], "zsh": ["-f"]}[shell]
    done = subprocess.run(
        [shell, *flags], input=f"{first}{script}\n{code}\n",
        capture_output=True, text=True, env=env, cwd=here, timeout=60,
    )  # fmt: skip
    wanted = "_ostraka_completion" if shell == "zsh" else "session.toml"
    assert wanted in done.stdout, done.stderr
