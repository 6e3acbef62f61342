"""Every party of a run begins the same phases, in the same order."""

import pytest

from ostraka.delivery.party import Party
from ostraka.protocols import protocol_for
from ostraka.protocols.phases import Phases
from ostraka.simulation import MemoryNet

ROLES = {"alice": "c", "bob": "ck", "carlos": "k", "david": "kr", "erin": "r"}


def begun(manifest, me, **options):
    protocol = protocol_for(manifest(ROLES, **options))
    party = Party(MemoryNet((me,)).exchange(me), protocol.scheme, protocol.attendance)
    return Phases.begin(party, protocol)


@pytest.mark.parametrize("sharing", [{}, {"scheme": "shamir", "threshold": 1}])
def test_all_parties_number_their_phases_alike(manifest, sharing):
    each = [begun(manifest, me, **sharing) for me in ROLES]
    steps = [(p.sharing, p.computing, [opening.steps for opening, _ in p.openings]) for p in each]
    assert steps == steps[:1] * len(ROLES)


def test_there_is_an_agreement_only_where_a_contributor_may_be_missing(manifest):
    assert begun(manifest, "bob").agreement is None
    found = begun(manifest, "bob", scheme="shamir", threshold=1)
    assert found.agreement is not None
    (opening, _) = found.openings[0]
    assert found.sharing < found.computing < opening.steps[0]


def test_the_vector_is_opened_whole(manifest):
    ((opening, part),) = begun(manifest, "erin", length=5).openings
    assert (opening.recipients, opening.length, part) == (("david", "erin"), 5, slice(0, 5))
