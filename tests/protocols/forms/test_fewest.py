"""What outcomes tell where few are counted: by enumeration of all sets and all ballots."""

from fractions import Fraction
from itertools import combinations, product
from math import ceil

import pytest

from ostraka.protocols import protocol_for
from ostraka.protocols.forms.fewest import explain_fewest_votes

RULES = {
    "half of cast": lambda total, _: ceil(Fraction(total, 2)),
    "two thirds of cast": lambda total, _: ceil(Fraction(2 * total, 3)),
    "three quarters of cast": lambda total, _: ceil(Fraction(3 * total, 4)),
    "half of all": lambda _, everybody: ceil(Fraction(everybody, 2)),
    "three votes": lambda _total, _all: 3,
    "one vote": lambda _total, _all: 1,
}
WEIGHTS = [(1, 1, 1, 1, 1), (1, 1, 1, 1, 3), (2, 2, 3, 5, 5), (1, 4, 4, 4)]


def truth(weights, least, needed):
    """Whether in any set that may be counted one voter decides, and what a YES and a NO tell."""
    decides = all_for = none_for = False
    for size in range(least, len(weights)):
        for those in combinations(weights, size):
            votes = needed(sum(those))
            told = {
                ballots: sum(w for w, b in zip(those, ballots, strict=True) if b) >= votes
                for ballots in product([False, True], repeat=size)
            }
            passing = [ballots for ballots, passes in told.items() if passes]
            failing = [ballots for ballots, passes in told.items() if not passes]
            all_for |= passing == [(True,) * size]
            none_for |= failing == [(False,) * size]
            decides |= any(all(b[i] == p for b, p in told.items()) for i in range(size))
    return decides, all_for, none_for


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_warnings_are_given_exactly_where_they_are_true(weights, rule):
    named = {f"v{i}": w for i, w in enumerate(weights)}
    for least in range(1, len(weights) + 1):
        needed = lambda total: RULES[rule](total, sum(weights))  # noqa: E731
        text = " ".join(explain_fewest_votes(named, least, needed, abstain=False))
        said = ("vote alone" in text, "every voter counted" in text, "no voter counted" in text)
        assert said == truth(weights, least, needed), (least, text)


def test_a_winner_s_voter_decides_with_more_than_half():
    def said(least):
        named = {"a": 3, "b": 2, "c": 2, "d": 2}
        return explain_fewest_votes(named, least, lambda _: None, abstain=True)

    assert said(4) == said(3) == []
    assert said(2) == [
        "WARNING: a result may count as few as 2 voters: the outcome may be a's vote alone."
    ]


ROLES = {**dict.fromkeys(("alice", "bob", "carlos"), "ckr"), "david": "c", "erin": "c"}
SHAMIR = {"scheme": "shamir", "threshold": 1}


@pytest.mark.parametrize(
    ("more", "needle"),
    [
        ({"protocol": "threshold-vote", "type": "bool", "outputs": 'pass_at = "3/4"'},
         "as few as 3 voters: one that passes may tell that every voter counted voted for it"),
        ({"protocol": "threshold-vote", "type": "bool", "outputs": 'pass_at = "1/2"'},
         "then 2 of those counted can learn the last one's vote whenever it decided"),
        ({"protocol": "statistics", "outputs": 'statistics = ["median"]'},
         "then 2 of those counted can learn the last one's number as said"),
        ({"protocol": "tally", "type": "bool", "outputs": ""}, "then 2 of those counted suffice"),
    ],
)  # fmt: skip
def test_check_says_the_worst_case(manifest, more, needle):
    """Three of five compute and must stay; the other two may be missing."""
    few, everyone = (
        " ".join(protocol_for(manifest(ROLES, least=least, **SHAMIR, **more)).explain())
        for least in (3, 5)
    )
    assert needle in few
    assert "as few as" not in everyone


def test_inputs_that_are_excluded_are_missing_too(manifest):
    """All five compute, and any may give an invalid ballot."""
    everyone = dict.fromkeys(ROLES, "ckr")
    vote = {"protocol": "threshold-vote", "type": "bool", **SHAMIR}
    for invalid, least in (("abort", 5), ("exclude", 3)):
        outputs = f'pass_at = "3/4"\ninvalid = "{invalid}"'
        protocol = protocol_for(manifest(everyone, least=3, outputs=outputs, **vote))
        assert protocol.least_counted == least
        assert ("as few as 3" in " ".join(protocol.explain())) == (invalid == "exclude")
