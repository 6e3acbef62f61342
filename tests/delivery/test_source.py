"""Live links give messages of parties that are there, and None for those that may be missing."""

import numpy as np
import pytest

from ostraka.delivery.attendance import Attendance
from ostraka.delivery.party import Party
from ostraka.delivery.source import LiveLinks
from ostraka.errors import PeerLost
from ostraka.exchange import words
from ostraka.sharing.shamir import Shamir
from ostraka.simulation import MemoryNet

SCHEME = Shamir(("x", "y"), ("a", "b", "c"), 1)


async def test_a_party_that_may_be_missing_is_left_out():
    net = MemoryNet(("x", "y", "a"))
    party = Party(net.exchange("a"), SCHEME)
    net.exchange("x").send("a", party.step, np.ones(2, np.uint64))
    net.leave("y")
    source = LiveLinks(party, party.step)
    assert (await source.message_of("x", words(2))).tolist() == [1, 1]
    assert await source.message_of("y", words(2)) is None
    assert party.lost == ["y"]


async def test_a_party_that_must_be_counted_ends_the_run_by_leaving():
    net = MemoryNet(("x", "y", "a"))
    party = Party(net.exchange("a"), SCHEME, Attendance.of(SCHEME, ("y",)))
    net.leave("y")
    with pytest.raises(PeerLost) as caught:
        await LiveLinks(party, party.step).message_of("y", words(2))
    assert caught.value.peer == "y"
