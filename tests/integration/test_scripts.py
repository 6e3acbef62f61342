"""What the scripts say on a machine that is not ready for them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

top = Path(__file__).resolve().parents[2]
needed = ("README.md", "pyproject.toml", "requirements.lock", "requirements-dev.lock", "scripts")


@pytest.fixture
def clone(tmp_path):
    """A clone without a .venv."""
    for name in needed:
        copy = shutil.copytree if (top / name).is_dir() else shutil.copy
        copy(top / name, tmp_path / name)
    return tmp_path


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def run(clone: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([f"scripts/{script}"], cwd=clone, env=os.environ | environment,
                          capture_output=True, text=True, timeout=60, check=False)  # fmt: skip


@pytest.mark.parametrize("script", ["demo", "test", "check", "bench", "test-slow", "test-thorough"])
def test_an_old_python_is_refused_in_words(clone, script):
    old = program(clone / "bin" / "python3", "exit 1")  # as the version check of a 3.10 ends
    done = run(clone, script, PYTHON=str(old))
    assert done.returncode == 1
    assert done.stderr == (
        f"error: PYTHON={old} is older than Python 3.11, or does not run\n"
        "hint: ostraka needs Python 3.11 or newer\n"
    )
    assert not (clone / ".venv").exists()


def test_a_missing_python_is_named(clone):
    done = run(clone, "demo", PYTHON="no-such-python")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        "error: PYTHON=no-such-python is not a program",
    )


def test_no_python_at_all(clone):
    tools = clone / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "cat", "cksum", "sed"):
        (tools / name).symlink_to(shutil.which(name))
    done = run(clone, "demo", PATH=str(tools), PYTHON="")
    assert done.returncode == 1
    assert done.stderr.startswith("error: no Python 3.11 or newer found\nhint: install one")


def test_a_python_without_venv_gets_a_hint(clone):
    real = sys.executable
    bare = program(clone / "bin" / "python3",
                   f'[ "$1" != -m ] || exit 1\nexec {real} "$@"')  # fmt: skip
    done = run(clone, "demo", PYTHON=str(bare))
    assert done.returncode == 1
    assert "cannot make a virtual environment" in done.stderr
    assert "python3-venv" in done.stderr
