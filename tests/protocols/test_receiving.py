"""A recipient's outcome: from its own and the others' shares, under the policy."""

import numpy as np
import pytest

from ostraka.arithmetic.randomness import SeededDraw
from ostraka.delivery.opening import Share
from ostraka.delivery.party import Party
from ostraka.errors import RefusedByPolicy
from ostraka.protocols import protocol_for
from ostraka.protocols.computing import announce
from ostraka.protocols.phases import Phases
from ostraka.protocols.receiving import receive
from ostraka.simulation import MemoryNet

ROLES = {"alice": "ck", "bob": "ckr", "carlos": "ckr"}


async def received(manifest, me, counted=tuple(ROLES), **options):
    """What `me` makes of shares of 42, all of which are announced before it looks."""
    protocol = protocol_for(manifest(ROLES, scheme="shamir", threshold=1, **options))
    net, x = MemoryNet(protocol.manifest.parties), protocol.scheme.from_signed(np.array([42]))
    parcels, seen = protocol.scheme.split(x, "alice", SeededDraw(1)), []
    runs = {}
    for name, parcel in parcels.items():
        party = Party(net.exchange(name), protocol.scheme, protocol.attendance)
        share = Share(protocol.scheme.expand(parcel, 1), counted)
        runs[name] = party, Phases.begin(party, protocol).openings, share
        announce(runs[name][1], share)
    watch = lambda party, _: seen.append(party)  # noqa: E731
    return await receive(protocol, *runs[me], watch), seen


async def test_a_recipient_combines_its_own_share_and_the_others(manifest):
    outcome, seen = await received(manifest, "bob")
    assert [output.value for output in outcome.outputs] == [42]
    assert outcome.contributors == tuple(ROLES)
    assert sorted(seen) == sorted(ROLES)


async def test_a_party_that_is_no_recipient_gets_nothing(manifest):
    assert await received(manifest, "alice") == (None, [])


async def test_too_few_that_were_counted_give_no_outcome(manifest):
    with pytest.raises(RefusedByPolicy, match="asks for 3"):
        await received(manifest, "bob", counted=("alice", "bob"), least=3)
