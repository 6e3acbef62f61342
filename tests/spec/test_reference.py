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


def lines_of_code(path):
    """Lines but blank ones, comments and docstrings."""
    text = path.read_text()
    found = {i for i, line in enumerate(text.splitlines(), 1) if line.strip()}
    found -= {i for i, line in enumerate(text.splitlines(), 1) if line.lstrip().startswith("#")}
    for node in ast.walk(ast.parse(text)):
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
        if isinstance(node, kinds) and ast.get_docstring(node) is not None:
            found -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(found)


def test_the_reference_is_short_and_plain():
    """It imports nothing of ours and no NumPy: the standard library, msgpack and cryptography."""
    files = sorted(REFERENCE.glob("*.py"))
    assert files
    assert sum(map(lines_of_code, files)) < MOST_LINES
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
@pytest.mark.parametrize("reference", ["alice", "bob", "carlos"])
async def test_a_sum(room, sharing, reference):
    manifest = room.manifest("secure-sum", NUMBERS, "", sharing, THREE)
    inputs = {"alice": "38.01", "bob": "-2.5", "carlos": "7"}
    theirs, ours = await room.run(manifest, reference, inputs)
    assert theirs["sum"] == [4251]
    assert theirs["results"] == 1  # all recipients committed to the same
    for name, outcome in ours.items():
        assert outcome.outputs[0].value == "42.51"
        assert outcome.session == theirs["session"]
        found = receipt.verify(json.loads(outcome.receipt.read_text()))
        assert reference in found["signed"], name


@pytest.mark.parametrize("sharing", [ADDITIVE, SHAMIR], ids=["additive", "shamir"])
@pytest.mark.parametrize("reference", ["bob", "carlos"])
async def test_a_sum_among_roles(room, sharing, reference):
    """A contributor that does not compute, a recipient that does not contribute."""
    manifest = room.manifest("secure-sum", NUMBERS, "", sharing, MIXED)
    theirs, ours = await room.run(manifest, reference, {"alice": "1.5", "bob": "2"})
    assert theirs["sum"] == ([350] if reference == "carlos" else None)
    assert ours["david"].outputs[0].value == "3.5"


@pytest.mark.parametrize(
    ("sharing", "length"), [(ADDITIVE, 1024), (ADDITIVE, 1025), (SHAMIR, 1500)]
)
async def test_long_vectors(room, sharing, length):
    """In the message that announces them, and in data frames."""
    bounds = f'type = "int"\nmin = -5\nmax = 100000\nlength = {length}'
    manifest = room.manifest("secure-sum", bounds, "", sharing, THREE)
    rows = {"alice": [-5] * length, "bob": list(range(length)), "carlos": [7] * length}
    inputs = {**rows, "bob": " ".join(map(str, rows["bob"]))}
    theirs, ours = await room.run(manifest, "bob", inputs)
    wanted = [i + 2 for i in range(length)]
    assert theirs["sum"] == wanted
    assert ours["alice"].outputs[0].value == wanted


async def test_another_manifest_is_refused_by_both(room):
    manifest = room.manifest("secure-sum", NUMBERS, "", ADDITIVE, THREE)
    other = json.loads(manifest.canonical)
    other["session"]["title"] = "another"
    inputs = dict.fromkeys(THREE, "1")
    theirs, ours = await room.run(manifest, "bob", inputs, shown=other)
    assert "another manifest" in theirs
    assert all(isinstance(outcome, OstrakaError) for outcome in ours.values())
    assert all(outcome.data_left is False for outcome in ours.values())


# --- the vote ------------------------------------------------------------------------------------

YES_OR_NO = """type = 'choice(["yes", "no"])'"""


async def vote(room, roles, reference, votes, outputs, threshold=1):
    sharing = f'scheme = "shamir"\nthreshold = {threshold}'
    manifest = room.manifest("threshold-vote", YES_OR_NO, outputs, sharing, roles)
    return await room.run(manifest, reference, votes)


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "reference", [pytest.param("alice", marks=SLOW), "bob", pytest.param("carlos", marks=SLOW)]
)
@pytest.mark.parametrize(
    ("outputs", "passes"),
    [
        ('pass_at = "1/2"', True),  # by powers
        ('pass_at = "3/4"', False),
        ("pass_at_votes = 4\nweights = { alice = 3, bob = 2, carlos = 4 }", True),  # masked
        ("pass_at_votes = 6\nweights = { alice = 3, bob = 2, carlos = 4 }", False),
    ],
)
async def test_a_vote(room, reference, outputs, passes):
    votes = {"alice": "yes", "bob": "yes", "carlos": "no"}
    theirs, ours = await vote(room, THREE, reference, votes, outputs)
    assert theirs["outcome"] == [int(passes)]
    assert theirs["results"] == 1
    assert {o.outputs[0].value for o in ours.values()} == {"YES" if passes else "NO"}


FOUR = dict.fromkeys(("alice", "bob", "carlos", "david"), ALL)
FIVE = dict.fromkeys(("alice", "bob", "carlos", "david", "erin"), ALL)
OUTSIDE = {**THREE, "david": ("contributor",)}


@pytest.mark.parametrize(
    ("roles", "reference", "threshold"),
    [(FOUR, "david", 1), (FIVE, "erin", 2), (OUTSIDE, "bob", 1),
     *(pytest.param(*case, marks=SLOW)
       for case in ((FOUR, "bob", 1), (FIVE, "alice", 2), (OUTSIDE, "carlos", 1)))],
)  # fmt: skip
async def test_votes_of_more_parties(room, roles, reference, threshold):
    """A party that reduces no degrees, t = 2, a voter that does not compute."""
    votes = {name: "yes" if name < "c" else "no" for name in roles}
    theirs, ours = await vote(room, roles, reference, votes, 'pass_at = "1/2"', threshold)
    assert theirs["outcome"] == [int(len(roles) == 4)]
    assert ours["carlos" if reference == "alice" else "alice"].status == "released"


def patch(room, monkeypatch, old, new):
    """Let the reference of this room be one with other source."""
    patched = room.directory / "reference"
    patched.mkdir()
    for path in REFERENCE.glob("*.py"):
        (patched / path.name).write_text(path.read_text().replace(old, new))
    assert new in (patched / "party.py").read_text()
    monkeypatch.setattr(room, "reference", patched)


async def test_an_invalid_ballot_of_the_reference_stops_all(room, monkeypatch):
    """It shares 1000 where ours shares 0 or 1."""
    patch(room, monkeypatch, '[int(text == "yes")]', "[1000]")
    votes = {"alice": "yes", "bob": "yes", "carlos": "no"}
    theirs, ours = await vote(room, THREE, "bob", votes, 'pass_at = "1/2"')
    assert "invalid ballots" in theirs
    assert all(isinstance(outcome, OstrakaError) for outcome in ours.values())
    invalid = "bob's input is not a valid ballot"  # a party may hear first that a peer has ended
    assert any(invalid in outcome.message for outcome in ours.values())


@pytest.mark.parametrize("protocol", ["vote", "sum"])
async def test_a_refusal_of_the_reference_stops_all(room, monkeypatch, protocol):
    """It shares its input and then refuses: an empty mask, or a statement of kind 0."""
    no = "kind.replace(CONSENT, bytes(1)) + bytes(len(self.mask))"
    patch(room, monkeypatch, "kind + self.mask", no)
    if protocol == "vote":
        votes = dict.fromkeys(THREE, "yes")
        _, ours = await vote(room, THREE, "bob", votes, 'pass_at = "1/2"')
    else:
        manifest = room.manifest("secure-sum", NUMBERS, "", SHAMIR, THREE)
        _, ours = await room.run(manifest, "bob", dict.fromkeys(THREE, "1"))
    assert all(isinstance(outcome, OstrakaError) for outcome in ours.values())
    # the other may hear first that its peer has ended
    assert any("bob refused to count" in outcome.message for outcome in ours.values())
