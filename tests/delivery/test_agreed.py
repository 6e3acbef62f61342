"""Agreed shares: the same at both ends, other ones in each run and of each contributor."""

import numpy as np
import pytest

from ostraka.arithmetic.randomness import OsDraw
from ostraka.delivery.agreed import AgreedDraw, share_seed
from ostraka.errors import InternalError
from ostraka.sharing.additive import Additive
from ostraka.sharing.scheme import Explicit, Seed, agreed_parcel
from ostraka.sharing.shamir import Shamir
from ostraka.simulation import MemoryNet

NAMES = ("alice", "bob", "carlos")
SCHEME = Additive((*NAMES, "dora"), NAMES)


@pytest.fixture
def ends():
    net = MemoryNet((*NAMES, "dora"))
    return {name: net.exchange(name) for name in NAMES}


def test_both_ends_hold_one_seed_and_no_two_uses_have_the_same(ends):
    found = {}
    for phase in (0, 5):
        for me in NAMES:
            for peer in set(NAMES) - {me}:
                mine = share_seed(ends[me], peer, phase, me)
                assert mine == share_seed(ends[peer], me, phase, me)
                found[phase, me, peer] = mine
    assert len(set(found.values())) == len(found) == 12


@pytest.mark.parametrize("length", [1, 4, 5, 9000])
def test_what_a_contributor_keeps_is_its_input_minus_what_the_others_hold(ends, length):
    x = np.arange(length, dtype=np.uint64)
    draw = AgreedDraw(OsDraw(), ends["alice"], SCHEME, 3)
    parcels = SCHEME.split(x.copy(), "alice", draw)
    held = {
        name: agreed_parcel(share_seed(ends[name], "alice", 3, "alice"), length)
        for name in ("bob", "carlos")
    }
    assert {type(parcel) for parcel in held.values()} == {Explicit if length <= 4 else Seed}
    held["alice"] = parcels["alice"]
    shares = {name: SCHEME.expand(parcel, length) for name, parcel in held.items()}
    assert SCHEME.combine(shares).tolist() == x.tolist()


def test_a_share_is_agreed_only_where_both_compute_and_what_all_hold_opens_nothing_less():
    assert SCHEME.agrees("alice", "bob")
    assert not SCHEME.agrees("dora", "bob")
    assert not SCHEME.agrees("alice", "alice")
    assert not Shamir(NAMES, NAMES, 1).agrees("alice", "bob")


def test_a_contributor_that_does_not_compute_draws_its_seeds(ends):
    draw = AgreedDraw(OsDraw(), ends["alice"], Shamir(NAMES, NAMES, 1), 0)
    assert draw.agreed("bob") is None
    assert draw.seed() != draw.seed()


def test_shares_that_a_protocol_makes_itself_are_refused_where_they_would_not_travel(ends):
    draw = AgreedDraw(OsDraw(), ends["alice"], SCHEME, 0)
    own = {name: Seed(draw.seed()) for name in NAMES}
    with pytest.raises(InternalError, match="bob, carlos's additive share"):
        draw.require_asked(own)
    draw.require_asked(SCHEME.split(np.zeros(2, np.uint64), "alice", draw))
    of_dora = AgreedDraw(OsDraw(), MemoryNet(("dora", *NAMES)).exchange("dora"), SCHEME, 0)
    of_dora.require_asked(own)


def test_short_agreed_shares_are_uniform_to_each_bit(ends):
    drawn = [share_seed(ends["alice"], "bob", phase, "alice") for phase in range(4000)]
    bits = np.unpackbits(np.frombuffer(b"".join(drawn), np.uint8).reshape(4000, 32), axis=1)
    ones = bits.sum(axis=0).astype(float)
    chi = (((ones - 2000) ** 2) / 1000).sum()
    assert 256 - 6 * 22.7 < chi < 256 + 6 * 22.7
