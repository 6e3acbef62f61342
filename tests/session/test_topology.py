"""Links and relayers: who needs whom, seen the same way by all parties."""

import itertools
import random

import pytest

from ostraka.session.topology import Topology

CONTRIBUTES, COMPUTES, LEARNS = ("contributor",), ("compute",), ("recipient",)
ROLES = {
    "alice": COMPUTES,
    "bob": ("contributor", "compute", "recipient"),
    "carlos": CONTRIBUTES,
    "david": CONTRIBUTES,
    "erin": LEARNS,
    "mallory": ("contributor", "recipient"),
}


def topologies(manifest):
    return {party: Topology(manifest, party) for party in manifest.parties}


def test_links_are_where_something_is_sent(office):
    found = topologies(office.manifest(ROLES))
    pairs = {frozenset((p, q)) for p, t in found.items() for q in t.linked}
    with_computers = {
        frozenset(pair) for pair in itertools.combinations(ROLES, 2) if {"alice", "bob"} & set(pair)
    }
    assert pairs == with_computers | {frozenset(("erin", "mallory"))}


@pytest.mark.parametrize("seed", range(20))
def test_all_parties_see_the_same_links_and_relayers(office, seed):
    rng = random.Random(seed)
    roles = {
        name: tuple(rng.sample(("contributor", "compute", "recipient"), rng.randint(1, 3)))
        for name in ROLES
    }
    roles |= {"alice": ("compute", "recipient"), "david": ("contributor", "compute")}
    direct = rng.sample(list(roles), 3)
    manifest = office.manifest(roles, relay="127.0.0.1:1", direct=direct)
    found = topologies(manifest)
    for me, other in itertools.permutations(roles, 2):
        mine, theirs = found[me], found[other]
        assert (other in mine.linked) == (me in theirs.linked)
        opened = [mine.dials(me, other), mine.dials(other, me), mine.through_coordinator(other)]
        assert opened.count(True) == 1
        if other not in mine.linked:
            relayer = mine.relayers[other]
            assert relayer in manifest.compute
            assert me in found[relayer].audience[other]
            assert other in mine.relayed_by[relayer]
            assert relayer in mine.linked and relayer in theirs.linked
    for me in roles:
        audience = {(p, q) for p, receivers in found[me].audience.items() for q in receivers}
        assert audience == {(p, q) for q in roles for p, r in found[q].relayers.items() if r == me}


def test_the_work_of_relaying_is_spread(office):
    roles = dict.fromkeys(("carlos", "david", "erin", "mallory"), CONTRIBUTES)
    manifest = office.manifest({"alice": COMPUTES, "bob": ("compute", "recipient"), **roles})
    found = topologies(manifest)
    assert {name: len(found[name].audience) for name in ("alice", "bob")} == {"alice": 2, "bob": 2}
