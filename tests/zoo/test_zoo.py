"""Bug zoo: each mutant of mutants.toml can be made, and its tests exist; scripts/zoo runs them."""

import ast
import tomllib
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
MUTANTS = tomllib.loads((TOP / "tests" / "zoo" / "mutants.toml").read_text())["mutant"]


def named(mutants):
    return pytest.mark.parametrize("mutant", mutants, ids=[m["name"] for m in mutants])


@named(MUTANTS)
def test_a_mutant_can_be_made(mutant):
    text = (TOP / "src" / "ostraka" / mutant["file"]).read_text()
    assert text.count(mutant["old"]) == 1
    ast.parse(text.replace(mutant["old"], mutant["new"]))


@named(MUTANTS)
def test_the_tests_that_kill_it_exist(mutant):
    assert mutant["tests"]
    for test in mutant["tests"]:
        file, _, name = test.partition("::")
        tree = ast.parse((TOP / file).read_text())
        kinds = ast.FunctionDef | ast.AsyncFunctionDef
        functions = {node.name for node in tree.body if isinstance(node, kinds)}
        assert not name or name in functions


def test_each_mutant_has_a_name_of_its_own():
    names = [mutant["name"] for mutant in MUTANTS]
    assert len(set(names)) == len(names) >= 24
