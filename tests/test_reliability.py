"""docs/reliability.md names a test for each row of what was seen to go wrong; each exists."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
HEADING = "## What went wrong once"


def rows():
    """{what was seen: the tests that are named for it}"""
    page = (TOP / "docs" / "reliability.md").read_text(encoding="utf-8")
    section = page.split(HEADING)[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:2] == "| "]
    return {seen: re.findall("`([^`]+)`", tests) for seen, tests in lines[1:]}


def test_there_are_as_many_rows_as_were_seen():
    assert len(rows()) == 15


@pytest.mark.parametrize("seen", rows())
def test_its_tests_exist(seen):
    assert rows()[seen]
    for test in rows()[seen]:
        path, name = test.split("::")
        text = (TOP / "tests" / path).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), test
