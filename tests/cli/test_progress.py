"""Progress: lines without a terminal, a moving line with one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ostraka.cli.progress import Watcher
from ostraka.progress import Phase


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Watcher() as watcher:
        watcher.gathering(3, 4)
        watcher.phase(Phase("sharing"))
        watcher.moved(1, 1 << 30)
        watcher.phase(Phase("opening"))
        watcher.phase(Phase("done"))
        watcher.warn("bob is slow")
    captured = capsys.readouterr()
    said = "gathering 3/4\nsharing\nopening\ndone\nwarning: bob is slow\n"
    assert (captured.out, captured.err) == ("", said)


CODE = """
from ostraka.cli.progress import Watcher
from ostraka.progress import Phase
with Watcher() as progress:
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
