"""Manual pages: one for each command, with options and examples, in well-formed roff."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

top = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def man(tmp_path_factory, program):
    where = tmp_path_factory.mktemp("man")
    done = program("man", where)
    assert done.returncode == 0, done.stderr
    return where


def test_each_command_has_a_page_with_its_options(man):
    names = {path.stem for path in man.iterdir()}
    assert {"ostraka", "ostraka-run", "ostraka-ledger", "ostraka-ledger-show"} <= names
    text = (man / "ostraka-run.1").read_text()
    for part in (".SH NAME", ".SH SYNOPSIS", "\\-\\-trust\\-new", ".SH EXAMPLES", "raise.txt"):
        assert part in text
    assert "ostraka\\-run" not in (man / "ostraka.1").read_text().partition(".SH NAME")[0]


def test_no_line_begins_with_a_request_by_accident(man):
    known = {"TH", "SH", "TP", "B", "BR", "PP", "nf", "fi", "RS", "RE"}
    for path in man.iterdir():
        for line in path.read_text().splitlines():
            request = re.match(r"[.']\s*(\w*)", line)
            assert request is None or request[1] in known or line == ".", (path.name, line)


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_mandoc_finds_no_error(man):
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", *man.iterdir()], capture_output=True, text=True
    )
    serious = [line for line in done.stdout.splitlines() if "missing date" not in line]
    assert serious == []


def test_it_wants_a_directory(program):
    done = program("man")
    assert (done.returncode, done.stderr) == (1, "usage: scripts/man DIR\n")
