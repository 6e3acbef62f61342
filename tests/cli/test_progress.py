"""Progress: lines without a terminal, a moving line with one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ostraka.cli import voice
from ostraka.cli.progress import Progress
from ostraka.progress import Phase


def test_plain_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "speaker", type(voice.speaker)())
    with Progress(contributes=True) as progress:
        progress.gathering(3, 4)
        assert voice.speaker.data_left is False
        progress.phase(Phase("sharing"))
        assert voice.speaker.data_left is True
        progress.moved(1, 1 << 30)
        assert not voice.speaker.opening
        progress.phase(Phase("opening"))
        assert voice.speaker.opening
        progress.phase(Phase("done"))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "gathering 3/4\nsharing\nopening\ndone\n")


def test_who_contributes_nothing_sends_nothing_of_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "speaker", type(voice.speaker)())
    with Progress(contributes=False) as progress:
        progress.phase(Phase("sharing"))
    assert voice.speaker.data_left is False


CODE = """
from ostraka.cli.progress import Progress
from ostraka.progress import Phase
with Progress(contributes=True) as progress:
    progress.gathering(3, 4)
    progress.phase(Phase("sharing"))
    progress.moved(1 << 29, 1 << 30)
    progress._bars.refresh()
"""


def test_a_bar_on_a_terminal() -> None:
    master, slave = os.openpty()
    try:
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
        done = subprocess.run(
            [sys.executable, "-c", CODE], stderr=slave, stdout=subprocess.PIPE, env=environment,
            check=True,
        )  # fmt: skip
        shown = os.read(master, 1 << 16).decode()
    finally:
        os.close(slave)
        os.close(master)
    assert done.stdout == b""
    assert "sharing" in shown
    assert "0.5/1.1 GB" in shown or "536.9" in shown
