"""Cases of bench: made-up inputs of the size asked for, and as many expected results."""

import numpy as np
import pytest

from ostraka.protocols import catalogue
from ostraka.protocols.bench_case import yes_or_no, yes_votes


def test_made_up_answers_differ_between_neighbours_and_are_counted():
    answers = np.array([yes_or_no(voter, 4) for voter in range(3)])
    assert answers.tolist() == [
        [True, False, True, False], [False, True, False, True], [True, False, True, False],
    ]  # fmt: skip
    assert yes_votes(3, 4)[0].tolist() == [2, 1, 2, 1]


CASES = [
    pytest.param(kind, case, id=f"{kind.name} {name}")
    for kind in catalogue.values()
    for name, case in kind.bench_cases.items()
]


@pytest.mark.parametrize(("kind", "case"), CASES)
@pytest.mark.parametrize("n", [3, 5])
def test_cases_describe_inputs_of_the_size_asked_for(kind, case, n):
    tables = case.tables(8)
    assert {"input"} <= set(tables) <= {"input", "outputs", "policy", "sharing"}
    values = [case.value(voter, 8) for voter in range(n)]
    if not isinstance(tables["input"], list):  # else they are as long as each says
        assert len({np.size(value) for value in values}) == 1
    assert all(len(expected) for expected in map(np.atleast_1d, case.expected(n, 8)))
    assert case.privacy(8)
