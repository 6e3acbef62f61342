"""Places: who has to go, that one host cannot take them from others, and pace."""

from __future__ import annotations

import random

import pytest

from ostraka.coordinator.places import Places, Regulars


def full(*holders: tuple[str, str], known: bool = False) -> Places[str]:
    places: Places[str] = Places(len(holders))
    for name, source in holders:
        assert places.arrives(name, source, known=known) is None
    return places


def test_a_flood_takes_places_from_itself():
    places = full(("a", "a"), ("f0", "flood"), ("f1", "flood"), ("f2", "flood"))
    for number in range(3, 10):
        assert places.arrives(f"f{number}", "flood") == f"f{number - 3}", "its oldest"
    assert places.arrives("b", "b") == "f7"
    assert "a" in places
    assert "b" in places


def test_pairs_of_made_up_keys_are_no_protection():
    places = full(*((f"f{n}", "flood") for n in range(4)))
    for number in range(4):
        places.moves(f"f{number}", together=True)
    assert places.arrives("f", "flood") == "f", "no session of the same host ends for it"
    assert places.arrives("a", "a") == "f3", "the newest: a session that has begun goes on"
    assert places.arrives("b", "b") == "f2"
    assert places.arrives("c", "c") == "f1"
    assert places.arrives("d", "d") == "d", "the flood holds no more than d would"


def test_who_is_alone_again_goes_first():
    places = full(("x", "s"), ("y", "s"), ("z", "s"))
    for name in "xyz":
        places.moves(name, together=True)
    places.moves("y", together=False)
    assert places.arrives("new", "other") == "y"


def test_the_known_keep_their_places():
    places = full(("a", "s"), ("b", "s"), known=True)
    assert places.arrives("x", "x") == "x"
    assert places.arrives("c", "c", known=True) is not None, "among the known sources count"
    places = full(("x", "x"), ("y", "y"))
    assert places.arrives("c", "c", known=True) in ("x", "y")


def test_leaving_frees_a_place_and_may_be_said_twice():
    places = full(("a", "s"), ("b", "s"))
    places.leaves("a")
    places.leaves("a")
    places.moves("a", together=True)
    assert places.arrives("c", "s") is None
    assert len(places) == 2


@pytest.mark.parametrize("seed", range(5))
def test_no_order_of_events_takes_more_places_or_loses_one(seed):
    draw, places, inside = random.Random(seed), Places[int](8), set()
    for number in range(2000):
        if draw.random() < 0.3 and inside:
            gone = draw.choice(sorted(inside))
            places.leaves(gone)
            inside.discard(gone)
        elif draw.random() < 0.3 and inside:
            places.moves(draw.choice(sorted(inside)), together=draw.random() < 0.5)
        else:
            inside.add(number)
            loser = places.arrives(number, f"s{draw.randrange(4)}", known=draw.random() < 0.3)
            assert loser is None or loser in inside
            inside.discard(loser)
        assert len(places) == len(inside) <= 8
        assert all(holder in places for holder in inside)


def test_made_up_keys_push_no_other_key_out_of_memory():
    known = Regulars(4)
    known.add(b"alice", "office")
    for number in range(20):
        known.add(b"%d" % number, "flood")
    assert b"alice" in known
    assert b"19" in known
    assert len(known) == 4
