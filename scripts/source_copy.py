"""Copies of src/ to make mistakes in, and tests on them, for scripts/zoo and scripts/mutation."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent

OF_CI = "not slow and not docker and not netns"
"""The tests that CI runs, for pytest's `-m`."""

LONGEST = 300
"""Seconds after which tests on a mistake are given up."""


@contextmanager
def source_copy() -> Iterator[Path]:
    """Make a copy of src/ as a context; it is gone after it."""
    with tempfile.TemporaryDirectory() as place:
        src = Path(place) / "src"
        shutil.copytree(TOP / "src", src)
        yield src


def tested(src: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    """Run tests on a copy until one fails.

    Raises:
        subprocess.TimeoutExpired: they did not end within `LONGEST`.
    """
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", OF_CI, *tests],
        cwd=TOP,
        env={**os.environ, "PYTHONPATH": str(src)},
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
