"""What compute parties give one another with the shares of inputs."""

from itertools import product

import numpy as np
import pytest

from ostraka.arithmetic.field import P61, Field
from ostraka.arithmetic.randomness import SeededDraw
from ostraka.engine.shamir.offers import Offers, words
from ostraka.sharing.shamir import Shamir

SIZES = [(3, 1), (4, 1), (5, 2), (20, 9)]


def exchanged(n, t, count, field=P61, seed=0):
    names = tuple(f"p{i}" for i in range(n))
    scheme = Shamir((*names, "x"), names, t, field)
    offers = {name: Offers(scheme, name, SeededDraw(f"{seed} {name}"), count) for name in names}
    for sender, receiver in product(names, names):
        if sender != receiver:
            message = offers[sender].message(receiver)
            assert message.dtype == np.uint64
            assert len(message) == words(scheme, sender, receiver, count)
            offers[receiver].take(sender, message)
    return scheme, offers


@pytest.mark.parametrize(("n", "t"), SIZES)
@pytest.mark.parametrize("count", [0, 1, 50])
def test_every_pair_gets_a_seed_and_everybody_the_same_elements(n, t, count):
    scheme, offers = exchanged(n, t, count)
    seeds = [offer.seeds() for offer in offers.values()]
    assert all(seeds[i][j] == seeds[j][i] for i in range(n) for j in range(n))
    assert len({seed for row in seeds for seed in row}) == n * (n + 1) // 2
    opened = scheme.combine({name: offer.random for name, offer in offers.items()})
    assert len(set(opened.tolist())) == count
    other = exchanged(n, t, count, seed=1)[1]
    assert not set(seeds[0]) & set(other["p0"].seeds())


def test_who_deals_and_what_it_costs():
    scheme = Shamir(("x",), ("a", "b", "c", "d"), 1)
    sizes = [words(scheme, sender, "d", 10) for sender in ("a", "b", "c", "x")]
    assert sizes == [4 + 10, 4 + 10, 4, 0]  # parties 0 to t deal; who does not compute, nothing
    assert words(scheme, "a", "b", 10) == 4 + 4  # a seed for the one who reads its share
    assert words(scheme, "a", "b", 0) == 4


def test_elements_are_uniform_whoever_dealt():
    """Over p = 7 the sum of a known and an unknown party's element takes all values alike."""
    counts = np.zeros(7, int)
    for seed in range(20):
        scheme, offers = exchanged(3, 1, 500, Field(3), seed)
        opened = scheme.combine({name: offer.random for name, offer in offers.items()})
        counts += np.bincount(opened.astype(int), minlength=7)
    expected = 10_000 / 7
    assert ((counts - expected) ** 2 / expected).sum() < 22.5  # 6 degrees of freedom, 1 in 1000


def test_what_is_no_offer():
    scheme = Shamir(("x",), ("a", "b", "c"), 1)
    offers = Offers(scheme, "a", SeededDraw(0), 2)
    with pytest.raises(KeyError):
        offers.seeds()
    message = np.full(words(scheme, "b", "a", 2), P61.p, np.uint64)
    with pytest.raises(ValueError, match="not an element"):
        offers.take("b", message)


def test_an_offer_does_not_print_what_it_holds():
    scheme = Shamir(("x",), ("a", "b", "c"), 1)
    assert repr(Offers(scheme, "a", SeededDraw(0), 2)) == "Offers(a, 2 elements)"
