"""The reference implementation, written from docs/spec alone, takes part in sessions with ours."""

import ast
import json
import sys
from pathlib import Path

import pytest

from ostraka.errors import OstrakaError
from ostraka.record import receipt

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
MOST_LINES = 400
ALL = ("contributor", "compute", "recipient")
THREE = dict.fromkeys(("alice", "bob", "carlos"), ALL)
MIXED = {
    "alice": ("contributor",),
    "bob": ("contributor", "compute"),
    "carlos": ("compute", "recipient"),
    "david": ("compute", "recipient"),
}
ADDITIVE, SHAMIR = 'scheme = "additive"', 'scheme = "shamir"\nthreshold = 1'
NUMBERS = 'type = "decimal(2)"\nmin = -1000\nmax = 1000'


def test_the_reference_is_short_and_plain():
    """It imports nothing of ours and no NumPy: the standard library, msgpack and cryptography."""
    files = sorted(REFERENCE.glob("*.py"))
    lines = {path.stem: len(path.read_text().splitlines()) for path in files}
    assert lines["sharing"] + lines["party"] < MOST_LINES  # sums
    assert lines["sharing"] + lines["vote"] < MOST_LINES
    assert lines["wire"] + lines["session"] < MOST_LINES + 20
    assert lines["receipt"] < MOST_LINES // 2 + 20  # rosters too
    imported = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])
    allowed = {path.stem for path in files} | {"msgpack", "cryptography"}
    assert imported - allowed <= sys.stdlib_module_names


@pytest.mark.parametrize("sharing", [ADDITIVE, SHAMIR], ids=["additive", "shamir"])
@pytest.mark.parametrize("name", ["alice", "bob", "carlos"])
async def test_a_sum(room, reference, sharing, name):
    manifest = room.manifest("secure-sum", NUMBERS, "", sharing, THREE)
    inputs = {"alice": "38.01", "bob": "-2.5", "carlos": "7"}
    x = {"alice": 3801, "bob": -250, "carlos": 700}[name]
    theirs, ours = await room.run(reference, manifest, name, inputs, [x])
    assert theirs["found"] == [4251]
    assert theirs["counted"] == set(THREE)
    assert agreeing(theirs) == 1
    for outcome in ours.values():
        assert outcome.outputs[0].value == "42.51"
        assert outcome.session == theirs["session"].hex()
        text = outcome.receipt.read_text()
        assert name in receipt.verify(json.loads(text))["signed"]
        assert reference.check(text) == reference.COMPLETE


def agreeing(theirs):
    """How many different results the statements commit to."""
    statements = [s["figures"] for s in theirs["statements"].values() if "figures" in s]
    return len(set(map(repr, statements)))


@pytest.mark.parametrize("sharing", [ADDITIVE, SHAMIR], ids=["additive", "shamir"])
@pytest.mark.parametrize("name", ["bob", "carlos"])
async def test_a_sum_among_roles(room, reference, sharing, name):
    """A contributor that does not compute, a recipient that does not contribute: both relayed."""
    manifest = room.manifest("secure-sum", NUMBERS, "", sharing, MIXED)
    inputs = {"alice": "1.5", "bob": "2"}
    theirs, ours = await room.run(reference, manifest, name, inputs, [200])
    assert theirs["found"] == ([350] if name == "carlos" else None)
    assert ours["david"].outputs[0].value == "3.5"
    assert set(theirs["statements"]) == set(MIXED)


@pytest.mark.parametrize(
    ("sharing", "length"),
    [(ADDITIVE, 1024), (ADDITIVE, 1025), (ADDITIVE, 5000), (SHAMIR, 1500), (SHAMIR, 4500)],
)
async def test_long_vectors(room, reference, sharing, length):
    """In the message that announces them, in data frames, in slices and pieces."""
    bounds = f'type = "int"\nmin = -5\nmax = 100000\nlength = {length}'
    manifest = room.manifest("secure-sum", bounds, "", sharing, THREE)
    rows = {"alice": [-5] * length, "bob": list(range(length)), "carlos": [7] * length}
    theirs, ours = await room.run(reference, manifest, "bob", rows, rows["bob"])
    wanted = [i + 2 for i in range(length)]
    assert theirs["found"] == wanted
    assert ours["alice"].outputs[0].value == wanted


FOUR = dict.fromkeys(("alice", "bob", "carlos", "david"), ALL)
OUTSIDE = {**THREE, "david": ("contributor",)}


async def test_a_sum_goes_on_without_a_party(room, reference):
    """David computes and leaves before it sends its input; the reference goes on with ours."""
    sharing = SHAMIR + "\n[policy]\nmin_contributors = 3"
    manifest = room.manifest("secure-sum", NUMBERS, "", sharing, FOUR)

    async def leave():
        net = reference.Network(manifest.canonical, "david", room.keys)
        await net.gather()
        net.abort(reference.Stop("aborted"))

    inputs, beside = dict.fromkeys(FOUR, "1"), {"david": leave()}
    theirs, ours = await room.run(reference, manifest, "bob", inputs, [100], beside=beside)
    assert theirs["found"] == [300]
    assert theirs["counted"] == {"alice", "bob", "carlos"}
    assert {ours[name].outputs[0].value for name in ("alice", "carlos")} == {"3"}


async def test_another_manifest_is_refused_by_both(room, reference):
    manifest = room.manifest("secure-sum", NUMBERS, "", ADDITIVE, THREE)
    other = json.loads(manifest.canonical)
    other["session"]["title"] = "another"
    inputs = dict.fromkeys(THREE, "1")
    theirs, ours = await room.run(reference, manifest, "bob", inputs, [100], shown=other)
    assert isinstance(theirs, Exception)
    assert theirs.code == "disagreement"
    assert all(isinstance(outcome, OstrakaError) for outcome in ours.values())
    assert all(outcome.data_left is False for outcome in ours.values())


# --- the vote ------------------------------------------------------------------------------------

YES_OR_NO = """type = 'choice(["yes", "no"])'"""
OR_ABSTAIN = """type = 'choice(["yes", "no", "abstain"])'"""


async def vote(room, reference, roles, name, votes, outputs, threshold=1, policy="", x=None):
    sharing = f'scheme = "shamir"\nthreshold = {threshold}\n{policy}'
    manifest = room.manifest("threshold-vote", YES_OR_NO, outputs, sharing, roles)
    ballot = [int(votes[name] == "yes")] if x is None else x
    return await room.run(reference, manifest, name, votes, ballot)


SLOW = pytest.mark.slow
WEIGHTS = "\nweights = { alice = 3, bob = 2, carlos = 4 }"


@pytest.mark.parametrize(
    "name", [pytest.param("alice", marks=SLOW), "bob", pytest.param("carlos", marks=SLOW)]
)
@pytest.mark.parametrize(
    ("outputs", "passes"),
    [
        ('pass_at = "1/2"', True),  # by powers
        ('pass_at = "3/4"', False),
        ('pass_above = "1/3"', True),
        ("pass_at_votes = 4" + WEIGHTS, True),  # masked
        ("pass_at_votes = 6" + WEIGHTS, False),
    ],
)
async def test_a_vote(room, reference, name, outputs, passes):
    votes = {"alice": "yes", "bob": "yes", "carlos": "no"}
    theirs, ours = await vote(room, reference, THREE, name, votes, outputs)
    assert theirs["found"] == [int(passes)]
    assert agreeing(theirs) == 1
    assert {o.outputs[0].value for o in ours.values()} == {"YES" if passes else "NO"}
    assert {reference.check(o.receipt.read_text()) for o in ours.values()} == {0}


FIVE = dict.fromkeys(("alice", "bob", "carlos", "david", "erin"), ALL)


@pytest.mark.parametrize(
    ("roles", "name", "threshold", "policy"),
    [(FOUR, "david", 1, ""), (FIVE, "erin", 2, ""), (OUTSIDE, "bob", 1, ""),
     (OUTSIDE, "bob", 1, "[policy]\nmin_contributors = 3"),  # with an agreement
     *(pytest.param(*case, "", marks=SLOW)
       for case in ((FOUR, "bob", 1), (FIVE, "alice", 2), (OUTSIDE, "carlos", 1)))],
)  # fmt: skip
async def test_votes_of_more_parties(room, reference, roles, name, threshold, policy):
    """A party that reduces no degrees, t = 2, a voter that does not compute."""
    votes = {voter: "yes" if voter < "c" else "no" for voter in roles}
    outputs = 'pass_at = "1/2"'
    theirs, ours = await vote(room, reference, roles, name, votes, outputs, threshold, policy)
    assert theirs["found"] == [int(len(roles) == 4)]
    assert ours["carlos" if name == "alice" else "alice"].status == "released"


async def test_a_vote_with_abstentions(room, reference):
    """Three entries in a ballot, whose sum is checked, too; of all votes: the same table."""
    outputs = 'pass_at = "1/2"\nof = "all"'
    manifest = room.manifest("threshold-vote", OR_ABSTAIN, outputs, SHAMIR, THREE)
    votes = {"alice": "yes", "bob": "abstain", "carlos": "yes"}
    ballot = {"x": [0, 0, 1], "abstain": True}
    theirs, ours = await room.run(reference, manifest, "bob", votes, **ballot)
    assert theirs["found"] == [1]
    assert ours["alice"].outputs[0].value == "YES"


async def test_several_questions(room, reference):
    bounds = YES_OR_NO + "\nlength = 3"
    manifest = room.manifest("threshold-vote", bounds, 'pass_at = "1/2"', SHAMIR, THREE)
    votes = {"alice": ["yes", "no", "no"], "carlos": ["no", "no", "yes"]}
    theirs, ours = await room.run(reference, manifest, "bob", votes, [1, 0, 0])
    assert theirs["found"] == [1, 0, 0]
    assert ours["alice"].outputs[0].value == ["YES", "NO", "NO"]


async def test_an_invalid_ballot_of_the_reference_stops_all(room, reference):
    """It shares 1000 where ours shares 0 or 1."""
    votes = {"alice": "yes", "bob": "yes", "carlos": "no"}
    theirs, ours = await vote(room, reference, THREE, "bob", votes, 'pass_at = "1/2"', x=[1000])
    assert (theirs.code, theirs.blame) == ("input", "bob")
    assert all(isinstance(outcome, OstrakaError) for outcome in ours.values())
    invalid = "bob's input is not a valid ballot"  # a party may hear first that a peer has ended
    assert any(invalid in outcome.message for outcome in ours.values())


@pytest.mark.parametrize("protocol", ["vote", "sum"])
async def test_a_refusal_of_the_reference_stops_all(room, reference, monkeypatch, protocol):
    """It shares its input and then refuses: an empty mask, or a statement of kind 0."""
    monkeypatch.setattr(reference.Party, "agrees", lambda _party, _names: False)
    if protocol == "vote":
        votes = dict.fromkeys(THREE, "yes")
        _, ours = await vote(room, reference, THREE, "bob", votes, 'pass_at = "1/2"')
    else:
        manifest = room.manifest("secure-sum", NUMBERS, "", SHAMIR, THREE)
        inputs = dict.fromkeys(THREE, "1")
        _, ours = await room.run(reference, manifest, "bob", inputs, [100])
    assert all(isinstance(outcome, OstrakaError) for outcome in ours.values())
    # the other may hear first that its peer has ended
    assert any("bob refused to count" in outcome.message for outcome in ours.values())
