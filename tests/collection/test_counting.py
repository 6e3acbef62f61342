"""Choice of the reports that count: pure, and the same at every compute party."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.collection.counting import (
    PublicPart,
    Refusals,
    ReportStanding,
    Summary,
    count,
)
from ostraka.collection.merkle import Tree
from ostraka.errors import Aborted

HELD, MISSING, REFUSED = ReportStanding


def digest(i: int) -> bytes:
    return i.to_bytes(32)


def counted(
    public: dict[bytes, PublicPart],
    standings: Any = None,
    revoked: frozenset[int] = frozenset(),
    lists: Any = None,
    size: int = 10,
) -> Any:
    known = sorted(public)
    rows = np.zeros((3, len(known)), np.uint8) if standings is None else np.array(standings)
    lists = lists or [known] * 3
    return count(known, Refusals(rows, 1), revoked, public.__getitem__, lists, size)


def test_places_are_those_of_credentials() -> None:
    public = {digest(i): PublicPart(i, 1, b"k") for i in (3, 0, 7)}
    found = counted(public)
    assert found.places == (1, 4, 8)
    assert found.reports == {1: digest(0), 4: digest(3), 8: digest(7)}
    assert found.summary.root == Tree.of([(i + 1, digest(i)) for i in (0, 3, 7)]).root
    assert found.absent(["#1", "#2", "#4", "#8", "#9"]) == ["#2", "#9"]


def test_places_of_an_open_collection_are_ranks_and_no_more_than_there_are() -> None:
    public = {digest(i): PublicPart(None, 1, bytes([i])) for i in (9, 5, 2)}
    assert counted(public).reports == {1: digest(2), 2: digest(5), 3: digest(9)}
    assert counted(public, size=2).reports == {1: digest(2), 2: digest(5)}


def test_what_one_party_lacks_is_left_out_and_counted() -> None:
    public = {digest(i): PublicPart(i, 1, b"k") for i in range(4)}
    standings = [[0, 1, 0, 0], [0, 0, 2, 0], [0, 1, 0, 0]]
    found = counted(public, standings, revoked=frozenset({3, 9}))
    assert found.places == (1,)
    assert found.summary.refused == (1, 1, 1)
    assert (found.summary.left_out, found.summary.revoked, found.summary.agreed) == (2, 1, 1)


def test_of_two_contributors_keys_the_one_that_most_got_first_counts() -> None:
    own, thief, later = digest(9), digest(1), digest(5)
    public = {
        own: PublicPart(0, 1, b"own"),
        later: PublicPart(0, 2, b"own"),
        thief: PublicPart(0, 7, b"thief"),
    }
    lists = [[own, thief, later], [thief, own, later], [later, thief, own]]
    assert counted(public, lists=lists).reports == {1: later}
    assert counted(public, lists=[[thief, own]] * 2 + [[own]]).reports == {1: thief}


@given(st.data())
def test_the_order_in_which_reports_came_matters_to_no_other_choice(data: Any) -> None:
    credentials = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=12))
    public = {digest(i): PublicPart(c, i, bytes([c])) for i, c in enumerate(credentials)}
    lists = [data.draw(st.permutations(sorted(public))) for _ in range(3)]
    found = counted(public, lists=lists)
    assert found == counted(public)
    highest = {c + 1: digest(max(i for i, d in enumerate(credentials) if d == c))
               for c in credentials}  # fmt: skip
    assert found.reports == highest
    numbers = found.summary.numbers()
    assert Summary.of_numbers(found.summary.root, numbers) == found.summary
    assert sum(numbers[1:5]) == numbers[0]


@pytest.mark.parametrize(
    ("standings", "most", "stops"),
    [
        ([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], "0", False),
        ([[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], "0", True),
        ([[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], "1/4", False),
        ([[0, 0, 0, 0], [1, 2, 0, 0], [0, 0, 0, 0]], "1/4", True),
        ([[0, 0, 2, 0], [1, 0, 0, 0], [0, 0, 0, 0]], "1/4", True),
        ([[1, 2, 0, 0], [2, 2, 0, 0], [0, 0, 0, 0]], "0", False),  # one of them is honest
        # A liar lists made-up digests, so that its refusals are a small part of all.
        (
            [[0, 0, 0, 0] + [1] * 996, [2, 2, 0, 0] + [0] * 996, [0, 0, 0, 0] + [1] * 996],
            "1/100",
            True,
        ),
    ],
)
def test_refusals_that_may_be_lies_are_bounded(standings: Any, most: str, stops: bool) -> None:
    refusals = Refusals(np.array(standings, np.uint8), 1)
    if stops:
        with pytest.raises(Aborted, match=r"b does not have or cannot open|a does not have"):
            refusals.check(Fraction(most), ("a", "b", "c"))
    else:
        refusals.check(Fraction(most), ("a", "b", "c"))
