"""A pair of parties has a link exactly if it sends something over it."""

from itertools import product

import pytest

from ostraka.manifest.links import needs_link
from ostraka.names import Role

C, K, R = Role.CONTRIBUTOR, Role.COMPUTE, Role.RECIPIENT


@pytest.mark.parametrize(
    ("ours", "theirs", "linked"),
    [
        ([K], [C], True),
        ([K], [K], True),
        ([K], [R], True),
        ([R], [R], True),
        ([C, R], [C, R], True),
        ([C], [C], False),
        ([C], [R], False),
        ([C], [C, R], False),
    ],
)
def test_who_has_a_link(ours, theirs, linked):
    assert needs_link(ours, theirs) is needs_link(theirs, ours) is linked


def test_two_parties_without_a_link_both_have_one_to_any_compute_party():
    for ours, theirs in product([[C], [R], [C, R]], repeat=2):
        if not needs_link(ours, theirs):
            assert needs_link(ours, [K])
            assert needs_link(theirs, [K])
