"""Protocols on an engine: how many compute parties there may be."""

import pytest

from ostraka.errors import ManifestError
from ostraka.manifest import parse
from ostraka.protocols import protocol_for
from ostraka.simulation import simulate_sync


def vote(n):
    """A vote of n parties whose weights are too large for a table, so that it compares."""
    text = '[session]\ntitle = "Test"\nprotocol = "threshold-vote"\ndeadline = "1m"\n'
    for i in range(n):
        text += f'[[party]]\nname = "p{i}"\nkey = "sha256:{i:064x}"\naddress = "h:{1 + i}"\n'
        text += 'roles = ["contributor", "compute", "recipient"]\n'
    text += '[input]\ntype = "bool"\n[outputs]\npass_at = "1/2"\nweights = { p0 = 1000000 }\n'
    return parse(text + '[sharing]\nscheme = "shamir"\nthreshold = 1\n')


@pytest.mark.thorough
@pytest.mark.parametrize(("first", "outcome"), [(True, "YES")])
def test_more_than_sixty_parties_compare(first, outcome):
    """64 points need GF(2^7)."""
    manifest = vote(64)
    inputs = dict.fromkeys(manifest.contributors, not first) | {"p0": first}
    found = simulate_sync(manifest, inputs)
    assert {result.value("outcome") for result in found.values()} == {outcome}


def test_more_parties_than_the_largest_field_has_points_are_refused():
    with pytest.raises(ManifestError, match="among at most 1023 compute parties, and there are"):
        protocol_for(vote(1024))
