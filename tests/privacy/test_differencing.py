"""Which combinations of rosters isolate somebody, against linear algebra over the fractions."""

import random
from fractions import Fraction
from itertools import combinations

import pytest

from ostraka.privacy import differencing
from ostraka.privacy.differencing import TooMany, isolated


def rank(rows):
    """Of a list of lists of fractions."""
    rows, found = [list(row) for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((r for r in rows[found:] if r[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(found, pivot)
        for i in range(found + 1, len(rows)):
            factor = rows[i][column] / pivot[column]
            rows[i] = [a - factor * b for a, b in zip(rows[i], pivot, strict=True)]
        found += 1
    return found


def isolates(sets, group):
    """Whether some combination is zero outside the group and not zero: fewer dimensions are left
    when only what is outside is looked at."""
    people = sorted(set().union(*sets))
    whole = [[Fraction(p in s) for p in people] for s in sets]
    outside = [[Fraction(p in s) for p in people if p not in group] for s in sets]
    return rank(outside) < rank(whole)


def smallest(sets, most):
    people = sorted(set().union(*sets))
    return next(
        (
            size
            for size in range(1, most + 1)
            if any(isolates(sets, set(g)) for g in combinations(people, size))
        ),
        None,
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


@pytest.mark.parametrize("seed", range(12))
def test_against_every_group_of_random_rosters(seed):
    draw = random.Random(seed)
    found = {True: 0, False: 0}
    for _ in range(25):
        people = "abcdefghijkl"[: draw.randrange(4, 13)]
        sets = [
            frozenset(draw.sample(people, draw.randrange(1, len(people) + 1)))
            for _ in range(draw.randrange(1, 7))
        ]
        fewer_than = draw.randrange(2, 6)
        group = isolated(sets, fewer_than)
        found[group is None] += 1
        assert (group is None) == (smallest(sets, fewer_than - 1) is None), (sets, fewer_than)
        if group is not None:
            assert 1 <= len(group) < fewer_than
            assert isolates(sets, group)
    assert min(found.values()) > 0


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
