"""Every protocol over reports of a collection: among them one that is not valid, and one whose
shares contradict each other, which no result may fail for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from polls import Poll
from portions import portioned

from ostraka.arithmetic.field import P61
from ostraka.arithmetic.randomness import SeededDraw
from ostraka.collection.report import Report
from ostraka.config import bind
from ostraka.errors import Aborted, ManifestError
from ostraka.manifest import parse

NUMBER = "type = 'int'\nmin = 0\nmax = 100"
OPTIONS = """type = 'choice(["a", "b", "c"])'"""
NOISE = '[privacy]\ncentral = { mechanism = "exponential", epsilon = 50 }'


class Case(NamedTuple):
    """Protocol, tables of its manifest, valid inputs, a vector that is none, and the results."""

    protocol: str
    asked: str
    tables: str
    inputs: list[Any]
    wrong: Any
    results: dict[str, Any]


CASES = {
    "tally": Case(
        "tally", OPTIONS, "", ["a", "b", "a", "c"], 1, {"tally": {"a": 2, "b": 1, "c": 1}},
    ),
    "tally of several": Case(
        "tally", OPTIONS, "[outputs]\nchoices = 2", [["a", "b"], "b", ["a", "c"], "c"], 1,
        {"tally": {"a": 2, "b": 2, "c": 2}},
    ),
    "tally of abstentions": Case(
        "tally", """type = 'choice(["a", "b", "abstain"])'""", "[outputs]\nchoices = 2",
        [["a", "b"], "abstain", "a", "abstain"], 1, {"tally": {"a": 2, "b": 1, "abstain": 2}},
    ),
    "referendum": Case(
        "threshold-vote", 'type = "bool"', '[outputs]\npass_at = "1/2"',
        [True, False, True, True], 7, {"outcome": "YES"},
    ),
    "winner": Case(
        "threshold-vote", OPTIONS, '[outputs]\nreveal = "winner"',
        ["a", "b", "a", "c"], 1, {"outcome": "a"},
    ),
    "statistics": Case(
        "statistics", "type = 'decimal(1)'\nmin = 0\nmax = 10",
        '[outputs]\nstatistics = ["median", "max"]', ["1.5", "2.5", "9.0", "4.5"], 101,
        {"median": "3.5", "max": "9"},
    ),
    "table": Case(
        "table", f"{NUMBER}\nlength = 2", '[outputs]\nrows = ["x", "y"]',
        [[1, 2], [3, 4], [5, 6], [7, 8]], 101, {"sum": {"x": 16, "y": 20, "total": 36}},
    ),
    "table of heads": Case(
        "table", f"{NUMBER}\nlength = 2",
        '[outputs]\nrows = ["x", "y"]\nheads = 9\nstatistics = ["sum", "count"]',
        [[[1, 1], [2, 1]], [[0, 0], [4, 2]], [[5, 1], [0, 0]], [[7, 7], [0, 9]]], 10,
        {"sum": {"x": 13, "y": 6, "total": 19}, "count": {"x": 9, "y": 12, "total": 21}},
    ),
    "choice": Case("private-choice", OPTIONS, NOISE, ["a", "a", "a", "a"], 1, {"choice": "a"}),
    "choice by scores": Case(
        "private-choice", f"{NUMBER}\nlength = 2", f'[outputs]\noptions = ["x", "y"]\n{NOISE}',
        [[1, 100], [3, 90], [0, 80], [2, 100]], 101, {"choice": "y"},
    ),
    "auction": Case(
        "auction", NUMBER, '[outputs]\nprice = "second"', [10, 20, 30, 25], 101,
        {"winner": "#3", "price": 25},
    ),
}  # fmt: skip


def poll(office: Any, home: Path, case: Case, security: str, most: str = "1/3") -> Poll:
    rules = f'[sharing]\nscheme = "shamir"\nthreshold = 1\nsecurity = "{security}"\n'
    return Poll(
        office,
        home,
        f"[input]\n{case.asked}\n{case.tables}\n{rules}[policy]\nmin_contributors = 2\n",
        protocol=case.protocol,
        size=6,
        collection=f'max_unopenable = "{most}"\n',
    )


def crooked(one: Poll, i: int, value: Any) -> Report:
    """Report whose shares are of no polynomial of degree t."""
    place, message = one.manifest.contributors[0], one.protocol.scheme.message
    split = one.protocol.share(one.protocol.encode(place, value), place, SeededDraw("crooked"))
    parcels = [np.array(message(split[name])).view(np.uint64) for name in one.shape.compute]
    parcels[2][0] = (int(parcels[2][0]) + 5000) % P61.p
    return one.sealed(i, [parcel.tobytes() for parcel in parcels])


def a_third(first: int) -> list[Any]:
    """Every third case by default, from one on; all in thorough runs."""
    default = list(CASES)[first::3]
    return portioned(default, [case for case in CASES if case not in default])


@pytest.mark.parametrize("case", a_third(0))
async def test_liars_among_reporters_cannot_stop_a_collection(
    office: Any, tmp_path: Path, case: str
) -> None:
    found = CASES[case]
    one = poll(office, tmp_path, found, "active")
    await one.accept()
    one.vote(*found.inputs)
    one.send(crooked(one, 4, found.inputs[0]), one.report(5, found.inputs[0], raw=found.wrong))
    outcomes = await one.close()
    for outcome in outcomes.values():
        assert not isinstance(outcome, BaseException), outcomes
        assert outcome.contributors == ("#1", "#2", "#3", "#4")
        assert {each.name: outcome.value(each.name) for each in outcome.outputs} == found.results


@pytest.mark.parametrize("case", a_third(1))
async def test_an_input_that_is_not_valid_is_not_counted(
    office: Any, tmp_path: Path, case: str
) -> None:
    found = CASES[case]
    one = poll(office, tmp_path, found, "passive")
    await one.accept()
    one.vote(*found.inputs)
    one.send(one.report(5, found.inputs[0], raw=found.wrong))
    outcomes = await one.close()
    for outcome in outcomes.values():
        assert not isinstance(outcome, BaseException), outcomes
        assert outcome.contributors == ("#1", "#2", "#3", "#4")
        assert {each.name: outcome.value(each.name) for each in outcome.outputs} == found.results
    assert one.warned["bob"] == ["1 of 5 reports are not valid: not counted"]


async def test_more_contradictions_than_a_liar_may_cause_stop_it(
    office: Any, tmp_path: Path
) -> None:
    found = CASES["referendum"]
    one = poll(office, tmp_path, found, "active", most="1/5")
    await one.accept()
    one.vote(*found.inputs)
    one.send(*(crooked(one, i, True) for i in (4, 5)))
    for error in (await one.close()).values():
        assert isinstance(error, Aborted)
        assert "the shares of 2 of 6 reports contradict each other" in str(error)
    said = "\n".join(one.protocol.explain())
    assert "can have up to 20% of the reports left out" in said


@pytest.mark.parametrize(
    ("protocol", "whose"),
    [
        ("inner-product", "the vectors of two"),
        ("private-join", "the lists of two owners"),
        ("predict", "the query of one and the model of another"),
    ],
)
async def test_a_collection_has_no_places_for_named_parties(
    office: Any, tmp_path: Path, protocol: str, whose: str
) -> None:
    one = poll(office, tmp_path, CASES["auction"], "passive")
    with pytest.raises(ManifestError, match=f"{protocol} takes no reports: .*{whose}"):
        bind(parse(one.toml.replace('"auction"', f'"{protocol}"')))
