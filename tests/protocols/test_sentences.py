import pytest

from ostraka.protocols.secure_sum import SecureSum
from ostraka.protocols.sentences import listed, names, second_session


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "p0"),
        (2, "p0 and p1"),
        (6, "p0, p1, p2, p3, p4 and p5"),
        (7, "p0, p1, p2, p3, p4, p5 and p6"),
        (8, "p0, p1, p2, p3, p4, p5 and 2 others"),
        (1000, "p0, p1, p2, p3, p4, p5 and 994 others"),
    ],
)
def test_very_many_names_are_cut(count, said):
    parties = tuple(f"p{i}" for i in range(count))
    assert names(parties) == said
    assert listed(parties).endswith(parties[-1])


@pytest.mark.parametrize("rule", ["same_roster_only = true", "min_difference = 2"])
@pytest.mark.parametrize(
    ("roles", "least", "said"), [("c", 3, True), ("c", 4, False), ("cr", 3, False)]
)
def test_who_only_contributes_hears_that_its_ledger_does_not_see_dropouts(
    manifest, rule, roles, least, said
):
    parties = {"alice": "ckr", "bob": "ckr", "carlos": "ckr", "david": roles}
    asked = manifest(parties, scheme="shamir", threshold=1, least=least, policy=rule)
    found = second_session(SecureSum(asked), "session")
    assert "ledger refuses" in found
    assert ("unless min_contributors = 4: then no contributor may drop out" in found) == said
