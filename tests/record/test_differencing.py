"""Which combinations of rosters isolate somebody, against linear algebra over the fractions."""

import random
from itertools import combinations

import numpy as np
import pytest

from ostraka.record import differencing
from ostraka.record.differencing import TooMany, isolated


def isolates(sets, groups):
    """For each group, whether some combination is zero outside it and not zero: there are fewer
    dimensions when only what is outside is looked at."""
    people = sorted(set().union(*sets))
    whole = np.array([[p in s for p in people] for s in sets], float)
    outside = np.array([[p not in group for p in people] for group in groups], float)
    ranks = np.linalg.matrix_rank(whole * outside[:, None, :])
    return ranks < np.linalg.matrix_rank(whole)


def some_group(sets, most):
    people = sorted(set().union(*sets))
    return any(
        isolates(sets, list(combinations(people, size))).any()
        for size in range(1, min(most, len(people)) + 1)
    )


def roster(text):
    return frozenset(text)


def test_two_runs_that_differ_by_one():
    assert isolated([roster("abc"), roster("abcd")], 2) == roster("d")
    assert isolated([roster("abc"), roster("abcde")], 2) is None
    assert isolated([roster("abc"), roster("abcde")], 3) == roster("de")


def test_three_runs_of_which_no_two_do():
    sets = [roster("abc"), roster("de"), roster("abcd")]
    assert isolated(sets, 2) == roster("e") or isolated(sets, 2) == roster("d")
    assert isolated(sets[:2], 2) is None
    apart = [roster("abcd"), roster("efgh"), roster("abefi"), roster("cdghi")]
    assert isolated(apart, 2) == roster("i")  # the last two less the first two are twice i
    assert all(isolated(three, 2) is None for three in combinations(apart, 3))


def test_a_set_is_a_group_by_itself():
    assert isolated([roster("ab")], 2) is None
    assert isolated([roster("ab")], 3) == roster("ab")


def test_fractions_are_combinations_too():
    """ab + bc + ca is twice abc, so with the three pairs each person is known."""
    assert isolated([roster("abx"), roster("bcx"), roster("cax")], 2) is None
    assert isolated([roster("ab"), roster("bc"), roster("ca")], 2) in map(roster, "abc")


def test_nothing_to_say():
    assert isolated([], 5) is None
    assert isolated([roster("a")], 1) is None
    assert isolated([roster("abc")] * 5, 3) is None


def test_two_rows_of_which_a_column_survives():
    """Neither is light; together they leave z, and the two people they are about."""
    assert isolated([roster("amnopqz"), roster("bmnopq")], 3) is None
    assert isolated([roster("amnopqz"), roster("bmnopq")], 4) == roster("abz")


def test_the_heaviest_column_may_have_to_survive():
    """y and z stay, so that p, q, r and s, each lighter, vanish."""
    sets = list(map(roster, ("apqrsyz", "bpqrs", "pABCDE", "qFGHIJ", "rKLMNO", "yzPQRST")))
    assert isolated(sets, 4) is None
    assert isolated(sets, 5) == roster("abyz")


@pytest.mark.parametrize("large", [False, True], ids=["any size", "large"])
def test_against_every_group_of_random_rosters(large):
    draw = random.Random(large)
    found = {True: 0, False: 0}
    for _ in range(150):
        people = "abcdefghijklm"[: draw.randrange(8 if large else 4, 14)]
        least = len(people) // 2 if large else 1
        sets = [
            frozenset(draw.sample(people, draw.randrange(least, len(people) + 1)))
            for _ in range(draw.randrange(1, 7))
        ]
        fewer_than = draw.randrange(2, 7)
        group = isolated(sets, fewer_than)
        found[group is None] += 1
        assert (group is not None) == some_group(sets, fewer_than - 1), (sets, fewer_than)
        if group is not None:
            assert 1 <= len(group) < fewer_than
            assert isolates(sets, [group]).all()
    assert min(found.values()) > 20


def test_people_who_are_always_together_are_one(monkeypatch):
    """1,000 runs over 60 departments of ten: none smaller than a department is isolated."""
    draw = random.Random(1)
    departments = [frozenset(f"{d}-{i}" for i in range(10)) for d in range(60)]
    sets = [frozenset().union(*(d for d in departments if draw.random() < 0.7)) for _ in range(999)]
    assert isolated(sets, 10) is None
    assert isolated(sets, 11) in departments
    monkeypatch.setattr(differencing, "WORK", 1000)
    with pytest.raises(TooMany):
        isolated(sets, 10)
