"""Cohorts: a public draw of which each device is in as many rounds as said, at most."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ostraka.learning.cohort import cohort, rounds_of_one


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 60))
def test_no_device_is_in_more_rounds_than_its_budget_is_made_for(devices, size, rounds):
    names = [f"device-{i}" for i in range(devices)]
    drawn = [cohort("study", k, names, size) for k in range(1, rounds + 1)]
    assert all(len(set(each)) == min(size, devices) for each in drawn)
    most = max(Counter(name for each in drawn for name in each).values())
    assert most <= rounds_of_one(rounds, devices, size)
    assert most == rounds_of_one(rounds, devices, size) or devices % size


def test_the_draw_follows_from_study_and_round():
    names = [f"device-{i}" for i in range(20)]
    assert cohort("a", 1, names, 5) == cohort("a", 1, names, 5)
    assert cohort("a", 1, names, 5) != cohort("b", 1, names, 5)
    epoch = [name for k in range(1, 5) for name in cohort("a", k, names, 5)]
    assert sorted(epoch) == sorted(names)
    assert cohort("a", 5, names, 5) != cohort("a", 1, names, 5)
    assert cohort("a", 3, names, None) == tuple(names)
