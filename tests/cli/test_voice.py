"""What the machine lacks or refuses is said as such, with a code of its own: 70 is for our bugs."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from portions import portioned

from ostraka.cli import voice
from ostraka.errors import RefusedByPolicy

SESSION = '[session]\ntitle = "Été 数"\nprotocol = "secure-sum"\ndeadline = "1m"\n' + "".join(
    f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\naddress = "h:{9000 + i}"\n'
    'roles = ["contributor", "compute", "recipient"]\n'
    for i, name in enumerate(("alice", "bob", "carlos"))
)
SESSION += '[input]\ntype = "int"\nmin = 0\nmax = 9\n'


@pytest.fixture
def session(tmp_path: Path) -> Path:
    path = tmp_path / "session.toml"
    path.write_text(SESSION, "utf-8")
    (tmp_path / "inputs.json").write_text('{"alice": 1, "bob": 2, "carlos": 3}')
    return path


def shell(directory: Path, line: str) -> tuple[int, bytes, str]:
    """Run a line of shell in which `ostraka` is the command: its code, stdout and stderr."""
    script = f'ostraka() {{ "{sys.executable}" -m ostraka.cli.main "$@"; }}\n{line}'
    done = subprocess.run(
        ["/bin/bash", "-c", script], cwd=directory, capture_output=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        *portioned(
            [
                ("ostraka check session.toml > /dev/full", 75, "the output: No space left"),
                ("ostraka check none.toml 2>&-", 2, ""),
                ("ostraka run session.toml --as alice >&-", 2, "so no other party was contacted"),
                ("ulimit -n 8; ostraka bench sum --size 1", 75, "ulimit -n 1024"),
            ],
            [
                ("ostraka check session.toml >&-", 2, "cannot write the output: it is closed"),
                ("ostraka check none.toml 2>/dev/full", 2, ""),
                ("ostraka run session.toml --as alice >/dev/full", 75, "no other party was"),
            ],
        ),
        *(
            pytest.param(f"{line} > /dev/full", 75, "No space left", marks=pytest.mark.slow)
            for line in ("ostraka simulate session.toml --inputs inputs.json", "ostraka --help")
        ),
    ],
)
def test_streams_and_limits(session: Path, line: str, code: int, words: str) -> None:
    ended, _, err = shell(session.parent, line)
    assert ended == code, err
    assert words in err
    assert "bug" not in err


@pytest.mark.thorough  # two interpreters; test_a_manifest_is_utf8_in_any_locale has one
def test_letters_that_the_locale_lacks(session: Path) -> None:
    in_ascii = "export PYTHONIOENCODING=ascii; ostraka check session.toml"
    code, out, _ = shell(session.parent, in_ascii)
    assert (code, rb"\xc9t\xe9 \u6570" in out) == (0, True)
    assert json.loads(shell(session.parent, f"{in_ascii} --output json")[1])["title"] == "Été 数"


def test_a_manifest_is_utf8_in_any_locale(session: Path) -> None:
    parties = " ".join(f"--party {n}=sha256:{i:064x}@h:{1 + i}" for i, n in enumerate(("a", "b")))
    line = f"ostraka new secure-sum {parties} --title 'Été 数' --min 0 --max 9"
    code, out, err = shell(session.parent, f"export PYTHONIOENCODING=ascii; {line}")
    assert (code, "Été 数" in out.decode("utf-8")) == (0, True), err


def test_what_a_peer_says_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    voice.report(RefusedByPolicy("the mailbox refuses: \x1b[2Jsent", hint="\x1b]0;x\x07"))
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), 75),
        (OSError(errno.EMFILE, "Too many open files"), 75),
        (OSError(errno.EDQUOT, "Disk quota exceeded", "alice.ledger"), 75),
        (PermissionError(errno.EACCES, "Permission denied", "x.json"), 2),
        (ExceptionGroup("", [ValueError(), OSError(errno.ENOSPC, "No space left")]), 75),
        (TimeoutError(), 70),
        (ValueError("x"), 70),
        (AssertionError(), 70),
    ],
)
def test_errors_of_the_system_are_not_bugs(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert voice.report(error) == code
    said = capsys.readouterr().err
    assert ("this is a bug" in said) == (code == 70)
    if isinstance(error, OSError) and error.filename:
        assert f"cannot use {error.filename}: {os.strerror(error.errno)}" in said
