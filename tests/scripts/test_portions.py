"""Which tests run when: each marker is selected by a script that CI runs, or that is documented,
and what CI leaves out is a twin of what it runs, or needs a machine of its own."""

import re
import tomllib
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression
from portions import portioned, thinned

top = Path(__file__).resolve().parents[2]
SELECTS = re.compile(r"pytest.* -m (?:\"([^\"]+)\"|(\w+))")
OPTIONS = tomllib.loads((top / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
DEFAULT = OPTIONS["addopts"][OPTIONS["addopts"].index("-m") + 1]
MARKERS = [text.partition(":")[0] for text in OPTIONS["markers"]]


def selected(script):
    """The expression by which a script chooses tests; None when it runs none by marker."""
    text = (top / script).read_text()
    if found := SELECTS.search(text):
        return found[1] or found[2]
    return DEFAULT if "pytest" in text else None


def scripts():
    """Scripts that choose tests, each with its expression."""
    names = sorted(f"scripts/{path.name}" for path in (top / "scripts").glob("test*"))
    return {name: said for name in names if (said := selected(name))}


def runs(expression, *markers):
    """Return whether a test that has these markers is chosen."""
    return Expression.compile(expression).evaluate(lambda name, **_: name in markers)


@pytest.mark.parametrize("marker", MARKERS)
def test_the_tests_of_a_marker_are_run_by_a_script_that_is_documented(marker):
    assert not runs(DEFAULT, marker), "the default suite leaves out what has a marker"
    by = [script for script, expression in scripts().items() if runs(expression, marker)]
    assert by, f"no script runs the tests that are marked {marker}"
    said = (top / ".ci/run").read_text() + (top / "CONTRIBUTING.md").read_text()
    assert all(re.search(rf"{script}\b(?!-)", said) for script in by)


def test_ci_runs_the_default_suite_and_what_is_thorough():
    (script,) = re.findall(r"^(scripts/test\S*) ", (top / ".ci/run").read_text(), re.MULTILINE)
    expression = scripts()[script]
    assert runs(expression) and runs(expression, "thorough")
    assert not any(runs(expression, marker) for marker in ("slow", "docker", "netns"))
    mistakes = (top / "scripts" / "source_copy.py").read_text()
    assert f'OF_CI = "{expression}"' in mistakes, "the bug zoo is for tests that CI runs"


def test_no_file_has_thorough_tests_alone(by_default):
    """Each file of those that are collected here; test_tree.py wants a file for each module."""
    assert {name for name, found in by_default.items() if found == {False}} == set()


def test_cases_are_marked():
    marked = portioned([1, (2, 3)], [4, (5, 6)])
    assert marked[:2] == [1, (2, 3)]
    assert [case.values for case in marked[2:]] == [(4,), (5, 6)]
    slow = pytest.param(9, 9, marks=pytest.mark.slow)
    thin = thinned([(1, 2), (3, 4), slow], lambda a, b: a < 2)
    assert thin[0] == (1, 2)
    names = [{mark.name for mark in case.marks} for case in thin[1:]]
    assert names == [{"thorough"}, {"slow", "thorough"}]
