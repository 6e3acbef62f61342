"""Places of strangers at a listener: which of them has to go for a newcomer."""

from __future__ import annotations

import random

import pytest

from ostraka.transport.doorman import PROOF_SECONDS, Doorman, Shown


@pytest.fixture
def doorman() -> Doorman[str]:
    return Doorman(places=6, of_one_source=3)


def arrive(doorman, source, *names, now=0.0):
    return [doorman.arrives(name, source, now) for name in names]


def test_all_may_wait_while_there_are_places(doorman):
    assert arrive(doorman, "h", "a", "b", "c") == [None, None, None]
    assert arrive(doorman, "i", "d", "e", "f") == [None, None, None]
    assert len(doorman) == 6


def test_one_source_loses_its_own_oldest_silent_stranger(doorman):
    arrive(doorman, "i", "other")
    arrive(doorman, "h", "a", "b", "c")
    assert arrive(doorman, "h", "d", "e") == ["a", "b"]


def test_the_silent_go_before_those_that_spoke(doorman):
    arrive(doorman, "h", "a", "b", "c")
    doorman.shows("a", Shown.BYTES, 0.1)
    doorman.shows("b", Shown.BYTES, 0.2)
    assert arrive(doorman, "h", "d", "e") == ["c", "d"]


def test_a_place_is_kept_for_a_shown_key_until_it_could_have_been_proven(doorman):
    arrive(doorman, "h", "a", "b", "c")
    for name in "abc":
        doorman.shows(name, Shown.BYTES, 0.0)
        doorman.shows(name, Shown.KEY, 0.5)
    assert arrive(doorman, "h", "d", now=PROOF_SECONDS) == ["d"], "all others may be parties"
    assert arrive(doorman, "h", "e", now=0.5 + PROOF_SECONDS) == ["a"]


def test_saying_more_of_the_same_makes_no_stranger_younger(doorman):
    arrive(doorman, "h", "a", "b", "c")
    for name in "abcaa":
        doorman.shows(name, Shown.BYTES, 0.0)
        doorman.shows(name, Shown.NOTHING, 0.0)
    assert arrive(doorman, "h", "d", "e") == ["a", "d"], "dripping does not help"


def test_the_source_with_most_strangers_makes_room_for_others(doorman):
    arrive(doorman, "h", "a", "b", "c")
    for name in "abc":
        doorman.shows(name, Shown.KEY, 0.0)
    arrive(doorman, "i", "d")
    arrive(doorman, "j", "e")
    arrive(doorman, "k", "f")
    assert arrive(doorman, "l", "g") == ["a"]
    assert len(doorman) == 6


def test_proven_or_gone_makes_room(doorman):
    arrive(doorman, "h", "a", "b", "c")
    doorman.leaves("b")
    doorman.leaves("b")
    doorman.shows("b", Shown.KEY, 1.0)
    assert arrive(doorman, "h", "d") == [None]
    assert len(doorman) == 3


def test_no_places_at_all_are_one():
    doorman: Doorman[str] = Doorman(places=0, of_one_source=0)
    assert arrive(doorman, "h", "a", "b") == [None, "a"]


@pytest.mark.parametrize("seed", range(20))
def test_a_flood_never_costs_a_party_its_place(seed):
    """Strangers of few hosts do all they can but prove a key; a party needs 1 s for its proof."""
    draw, doorman = random.Random(seed), Doorman(places=8, of_one_source=4)
    now, flood, proven = 0.0, [], 0
    party: str | None = None
    for number in range(2000):
        now += draw.random() / 50
        if party is None:
            party, since = f"party {number}", now
            assert doorman.arrives(party, "its host", now) != party
            doorman.shows(party, Shown.KEY, now)
        elif now - since > 1:
            doorman.leaves(party)
            party, proven = None, proven + 1
        loser = doorman.arrives(number, draw.choice("xyz"), now)
        assert loser is None or loser != party
        flood.append(number)
        doorman.shows(draw.choice(flood[-8:]), draw.choice(list(Shown)), now)
        assert len(doorman) <= 8
    assert proven > 10
