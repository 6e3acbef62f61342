"""What a compute party takes in, what it refuses, and when it asks its gate."""

import numpy as np
import pytest

from ostraka.arithmetic.randomness import SeededDraw
from ostraka.delivery.agree import allow_all
from ostraka.delivery.party import Party
from ostraka.delivery.source import Source
from ostraka.errors import PeerViolation, RefusedByPolicy
from ostraka.protocols import protocol_for
from ostraka.protocols.computing import Computing
from ostraka.protocols.phases import Phases
from ostraka.simulation import MemoryNet

ROLES = {"alice": "ck", "bob": "ck", "carlos": "ckr"}


class Fixed(Source):
    """Source of messages that are there already."""

    def __init__(self, messages):
        self.messages = messages

    async def message_of(self, giver, expected):
        return self.messages.get(giver)


@pytest.fixture
def compute(manifest):
    """Builds carlos, as a compute party, with messages of shares of 1, 2 and 3 for it."""

    def built(gate=allow_all, **options):
        protocol = protocol_for(manifest(ROLES, **options))
        party = Party(MemoryNet(("carlos",)).exchange("carlos"), protocol.scheme)
        own, messages = {}, {}
        for i, name in enumerate(ROLES):
            draw = SeededDraw(name)
            parcels = protocol.share(protocol.input_of(name, i + 1, draw), name, draw)
            messages[name] = protocol.scheme.message(parcels["carlos"])
            own[name] = parcels["carlos"]
        computing = Computing(protocol, party, SeededDraw(1), gate, None)
        return computing, {"carlos": own["carlos"]}, messages

    return built


SHAMIR = {"scheme": "shamir", "threshold": 1}


@pytest.mark.parametrize("sharing", [{}, SHAMIR])
async def test_it_collects_from_all_contributors_and_keeps_its_own(compute, sharing):
    computing, parcels, messages = compute(**sharing)
    own = parcels["carlos"]
    await computing.collect(Fixed(messages), parcels)
    assert set(parcels) == set(ROLES)
    assert parcels["carlos"] is own


async def test_a_contributor_that_is_missing_has_no_parcel(compute):
    computing, parcels, messages = compute(**SHAMIR)
    del messages["alice"]
    await computing.collect(Fixed(messages), parcels)
    assert set(parcels) == {"bob", "carlos"}


async def test_a_message_that_is_no_share_names_its_sender(compute):
    computing, parcels, messages = compute(**SHAMIR)
    ill = next(name for name in ("alice", "bob") if messages[name].dtype == np.uint64)
    messages[ill] = np.full_like(messages[ill], 2**64 - 1)
    with pytest.raises(PeerViolation, match=f"{ill} sent no share") as caught:
        await computing.collect(Fixed(messages), parcels)
    assert caught.value.peer == ill


async def test_the_gate_is_asked_before_anything_is_computed(compute):
    async def gate(counted):
        raise RefusedByPolicy(f"not with {', '.join(counted)}")

    computing, parcels, messages = compute(gate)
    await computing.collect(Fixed(messages), parcels)
    with pytest.raises(RefusedByPolicy, match="not with alice, bob, carlos"):
        await computing.compute(Phases.begin(computing.party, computing.protocol), parcels)
    assert set(parcels) == set(ROLES), "nothing was consumed"


async def test_a_computation_consumes_the_parcels(compute):
    computing, parcels, messages = compute()
    await computing.collect(Fixed(messages), parcels)
    phases = Phases.begin(computing.party, computing.protocol)
    share = await computing.compute(phases, parcels)
    assert (share.counted, len(share.vector), parcels) == (tuple(ROLES), 1, {})
