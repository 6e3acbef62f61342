"""Announced shares: combined, corrected where that is certain, or refused with names."""

import numpy as np
import pytest

from ostraka.arithmetic.randomness import SeededDraw
from ostraka.delivery.combining import combined, note_liars
from ostraka.delivery.party import Party
from ostraka.errors import Aborted, PeerViolation
from ostraka.sharing.shamir import Shamir
from ostraka.simulation import MemoryNet

COMPUTE = ("a", "b", "c", "d")
SCHEME = Shamir(("x",), COMPUTE, 1)


@pytest.fixture
def party():
    return Party(MemoryNet(("x",)).exchange("x"), SCHEME)


def announced(*parties, wrong=()):
    parcels = SCHEME.split(SCHEME.from_signed(np.array([7, -2])), "x", SeededDraw(1))
    shares = {p: SCHEME.expand(parcels[p], 2).copy() for p in parties}
    for liar in wrong:
        shares[liar][1] ^= np.uint64(1)
    return shares


@pytest.mark.parametrize("count", [2, 3, 4])
def test_enough_shares_open_the_value(party, count):
    found = combined(party, announced(*COMPUTE[:count]))
    assert SCHEME.to_signed(found).tolist() == [7, -2]
    assert party.liars == []


def test_too_few_shares_name_the_parties_that_are_lost(party):
    party.lost = ["b", "c"]
    with pytest.raises(Aborted, match=r"only 1 compute parties .* \(lost: b, c\)") as caught:
        combined(party, announced("a"))
    assert caught.value.peer == "b"


def test_a_lie_is_corrected_only_where_it_is_certain(party):
    found = combined(party, announced(*COMPUTE, wrong="c"), proven=True)
    assert (SCHEME.to_signed(found).tolist(), party.liars) == ([7, -2], ["c"])
    with pytest.raises(PeerViolation, match="the shares that c announced contradict all others"):
        combined(party, announced(*COMPUTE, wrong="c"))


@pytest.mark.parametrize("proven", [True, False])
def test_a_lie_that_may_be_anybodys_is_not_pinned_on_a_party(party, proven):
    with pytest.raises(PeerViolation, match="announced by a, b, c contradict each other") as caught:
        combined(party, announced("a", "b", "c", wrong="c"), proven=proven)
    assert caught.value.peer is None
    assert party.liars == []


def test_what_is_no_element_names_its_sender(party):
    shares = announced("a", "b") | {"b": np.array([1, SCHEME.field.p], np.uint64)}
    with pytest.raises(PeerViolation, match="b announced no share") as caught:
        combined(party, shares)
    assert caught.value.peer == "b"


def test_a_liar_is_noted_once(party):
    note_liars(party, ["c"])
    note_liars(party, ["a", "c"])
    assert party.liars == ["c", "a"]
