"""Chains of hashes: each link is checked by the one after it."""

from ostraka.arithmetic.randomness import SeededDraw
from ostraka.engine.shamir.links import LINKS, after, chain


def test_every_link_leads_to_the_next():
    links = chain(SeededDraw(1))
    assert len(links) == LINKS + 1
    assert [after(link) for link in links[:-1]] == links[1:]


def test_chains_of_other_randomness_have_no_link_in_common():
    assert not set(chain(SeededDraw(1))) & set(chain(SeededDraw(2)))
    assert chain(SeededDraw(1)) == chain(SeededDraw(1))
