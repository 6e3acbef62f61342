from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import portioned

from ostraka.errors import ManifestError
from ostraka.protocols import protocol_for
from ostraka.protocols.forms.passing import ThresholdVoteOptions
from ostraka.simulation import simulate_sync

NAMES = ("alice", "bob", "carlos", "david", "erin", "frank")
ABSTAIN = 'choice(["yes","no","abstain"])'


def vote(manifest, n, outputs, kind='choice(["yes","no"])', **more):
    more = {"scheme": "shamir", "threshold": 1, **more}
    roles = dict.fromkeys(NAMES[:n], "ckr")
    return manifest(roles, type=kind, outputs=outputs, protocol="threshold-vote", **more)


def outcome(agreement, ballots):
    inputs = dict(zip(NAMES, ballots, strict=False))
    found = simulate_sync(agreement, inputs)["alice"].outputs[0].value
    assert protocol_for(agreement).plaintext(inputs) == {"outcome": found}
    return found


@pytest.mark.parametrize(
    ("rule", "ballots", "found"),
    [
        ('pass_at = "1/2"', ["yes", "yes", "no", "no"], "YES"),
        ('pass_above = "1/2"', ["yes", "yes", "no", "no"], "NO"),
        ('pass_above = "1/2"', ["yes", "yes", "yes", "no"], "YES"),
        ('pass_above = "1/2"', ["yes", "abstain", "abstain", "abstain"], "YES"),
        ('pass_above = "1/2"', ["yes", "no", "abstain", "abstain"], "NO"),
        ('pass_above = "1/2"', ["abstain"] * 4, "NO"),
        ('pass_above = "1/2"\nof = "all"', ["yes", "yes", "abstain", "abstain"], "NO"),
        ('pass_at = "1/2"\nof = "all"', ["yes", "yes", "abstain", "abstain"], "YES"),
        ('pass_above = "2/3"\nweights = { david = 3 }', ["yes", "no", "no", "yes"], "NO"),
        ('pass_above = "2/3"\nweights = { david = 4 }', ["yes", "no", "no", "yes"], "YES"),
    ],
)
@pytest.mark.parametrize("security", portioned(["passive"], ["active"]))
def test_more_than_half_is_not_half(manifest, rule, ballots, found, security):
    agreement = vote(manifest, 4, rule, ABSTAIN, security=security)
    assert outcome(agreement, ballots) == found


QUORUM = 'pass_at = "1/2"\nweights = { alice = 5 }\nquorum = 3'


@pytest.mark.parametrize(
    ("more", "ballots", "found"),
    [
        ("", ["yes", "abstain", "abstain", "abstain"], "YES"),
        ('\nquorum_of = "heads"', ["yes", "abstain", "abstain", "abstain"], "NO"),
        ('\nquorum_of = "heads"', ["yes", "yes", "abstain", "abstain"], "NO"),
        ('\nquorum_of = "heads"', ["yes", "no", "no", "abstain"], "YES"),
    ],
)
@pytest.mark.parametrize(
    ("security", "large"),
    portioned([("passive", 1), ("passive", 1000)], [("active", 1), ("active", 1000)]),
)
def test_a_quorum_of_heads_counts_voters(manifest, more, ballots, found, security, large):
    # With large weights margins are compared, with small ones looked up.
    outputs = QUORUM.replace("= 5", f"= {5 * large}")
    assert outcome(vote(manifest, 4, outputs + more, ABSTAIN, security=security), ballots) == found


def test_a_fraction_of_heads(manifest):
    outputs = QUORUM.replace("quorum = 3", 'quorum = "1/2"\nquorum_of = "heads"')
    agreement = vote(manifest, 4, outputs, ABSTAIN)
    assert protocol_for(agreement).quorum == 2
    assert outcome(agreement, ["yes", "abstain", "abstain", "abstain"]) == "NO"
    assert outcome(agreement, ["yes", "no", "abstain", "abstain"]) == "YES"


@pytest.mark.parametrize(
    ("n", "outputs", "kind", "said"),
    [
        (4, 'pass_at = "1/2"', None, "a tie, as many for it as not, passes"),
        (4, 'pass_above = "1/2"', None, "a tie, as many for it as not, does not pass"),
        (4, 'pass_above = "1/2"', None, "YES if more than 1/2 of the cast votes are for it"),
        (4, 'pass_above = "1/3"', None, "as not, passes"),
        (4, 'pass_at = "2/3"', None, "as not, does not pass"),
        (4, "pass_at_votes = 2", None, "as not, passes"),
        (4, "pass_at_votes = 3", None, "as not, does not pass"),
        (4, 'pass_at = "1/2"\nof = "all"', None, "as not, passes"),
        (5, 'pass_at = "1/2"', ABSTAIN, "as not, passes"),
        (5, "pass_at_votes = 3", ABSTAIN, "as not, does not pass"),
        (5, 'pass_at = "1/2"', None, None),
        (5, "pass_at_votes = 2", ABSTAIN, None),
        (5, 'pass_at = "1/2"\nof = "all"', ABSTAIN, "does not pass"),
        (6, 'pass_at = "1/2"\nof = "all"', ABSTAIN, None),
        (6, 'pass_above = "1/2"\nof = "all"', ABSTAIN, "does not pass"),
        (5, 'reveal = "winner"', None, None),
        (
            4,
            QUORUM + '\nquorum_of = "heads"',
            ABSTAIN,
            "at least 3 of 4 voters cast a vote; votes count",
        ),
        (4, 'pass_at = "1/2"', None, "Each party's ballot counts once, large or small."),
    ],
)
def test_check_says_what_a_tie_does(manifest, n, outputs, kind, said):
    kinds = {"kind": kind} if kind else {}
    lines = " ".join(protocol_for(vote(manifest, n, outputs, least=n, **kinds)).explain())
    if said is None:
        assert "a tie" not in lines
    else:
        assert said in lines


@given(
    st.fractions(0, 1, max_denominator=12).filter(lambda q: 0 < q < 1),
    st.booleans(),
    st.integers(1, 40),
    st.data(),
)
def test_needed_and_margins_say_what_the_textbook_does(fraction, above, total, data):
    name = "pass_above" if above else "pass_at"
    rule = ThresholdVoteOptions.model_validate({name: str(fraction)})
    votes = data.draw(st.integers(0, total))
    assert (votes >= rule.needed(total)) == rule.passes(votes, total)
    a, b, c = rule.margin_of_cast(total + data.draw(st.integers(0, 9)))
    assert (a * votes - b * total - c >= 0) == rule.passes(votes, total)
    assert a * 0 - b * 0 - c < 0
    tie = rule.tie_passes(2 * total, some_missing=False)
    assert tie == (Fraction(1, 2) > fraction if above else Fraction(1, 2) >= fraction)


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ('pass_at = "1/2"\npass_above = "1/2"', "pass_above: stands instead of pass_at"),
        ('pass_above = "1/2"\npass_at_votes = 2', "pass_at_votes: stands instead of pass_above"),
        ('pass_above = "1"', "more than all votes never pass"),
        ('pass_above = "3/2"', "outputs.pass_above: "),
        ('reveal = "winner"\npass_above = "1/2"', "leave pass_above out"),
        ('pass_at_votes = 2\nof = "all"', "goes with pass_at or pass_above"),
        ('pass_at = "1/2"\nquorum_of = "heads"', "quorum_of: goes with quorum"),
        ('pass_at = "1/2"\nquorum_of = "people"\nquorum = 1', "outputs.quorum_of: "),
        (QUORUM.replace("= 3", "= 5") + '\nquorum_of = "heads"', "5 voters are more than all, 4"),
    ],
)
def test_rules_that_say_two_things_are_refused(manifest, outputs, said):
    with pytest.raises(ManifestError) as caught:
        protocol_for(vote(manifest, 4, outputs))
    assert said in caught.value.message


def test_noise_goes_with_heads_only_where_they_are_votes(manifest):
    noise = {"privacy": 'central = { mechanism = "laplace", epsilon = 1.0 }'}
    with pytest.raises(ManifestError, match="noise is on votes by weight"):
        protocol_for(vote(manifest, 4, QUORUM + '\nquorum_of = "heads"', ABSTAIN, **noise))
    plain = 'pass_above = "1/2"\nquorum = 2\nquorum_of = "heads"'
    assert protocol_for(vote(manifest, 4, plain, ABSTAIN, **noise)).noise
