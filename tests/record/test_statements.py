"""Closing statements: what is written is read back, and nothing else is."""

import json

import pytest

from ostraka.errors import PeerViolation
from ostraka.record import statements
from ostraka.record.commitments import canonical
from ostraka.record.statements import About, Roster

PARTIES = ("alice", "bob", "carlos", "david")
ABOUT = About(bytes(32), bytes(range(32)), Roster(PARTIES, PARTIES[:3], PARTIES[2:]))
OLD = ABOUT._replace(format=1)
ALL, TWO, ONE = PARTIES[:3], ("bob", "carlos"), ("carlos",)
SENT = "5" * 64


def written(name, counted=PARTIES, **figures):
    """Statement with the readers and the digit of each figure's commitment."""
    groups = {}
    for figure, (readers, digit) in figures.items():
        groups.setdefault(readers, {})[figure] = digit * 64
    consented = counted if name in ABOUT.roster.compute else None
    body = statements.write(name, ABOUT, SENT, consented, counted, groups)
    return statements.read(body, name, ABOUT)


def test_what_a_recipient_writes_is_read_back():
    found = written(
        "carlos", ("alice", "david"), price=(ALL, "a"), count=(ALL, "b"), winner=(ONE, "c")
    )
    assert found["counted"] == [0, 3]
    assert statements.learned(found, ABOUT.roster.recipients) == {
        ALL: {"price": "a" * 64, "count": "b" * 64},
        ONE: {"winner": "c" * 64},
    }
    assert found["sent"] == SENT


def test_an_old_statement_is_read_as_one_of_format_1_alone():
    body = canonical({
        "party": "alice", "session": ABOUT.session.hex(), "manifest_sha256": ABOUT.digest.hex(),
        "sent": SENT, "counted": [0, 1], "result": "e" * 64,
    })  # fmt: skip
    assert statements.read(body, "alice", OLD)["result"] == "e" * 64
    with pytest.raises(PeerViolation, match="too much or too little"):
        statements.read(body, "alice", ABOUT)
    new = statements.write("alice", ABOUT, SENT, None, PARTIES, {ALL: {"price": "a" * 64}})
    with pytest.raises(PeerViolation, match="too much or too little"):
        statements.read(new, "alice", OLD)


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace('{"counted"', '{"counted":[0],"counted"'),
        lambda text: text.replace('"party":', '"party": '),
        lambda text: text + " ",
        lambda text: text.replace("[0,1,2,3]", "[0,1,2,3.0]"),
        lambda text: text.replace("[0,1,2,3]", "[false,true,2,3]"),
        lambda text: text.replace("[0,1,2,3]", "[0,1,2,3,4]"),
        lambda text: text.replace("[0,1,2,3]", "[-1,1,2,3]"),
        lambda text: text.replace("[0,1,2,3]", "null"),
        lambda text: text.replace('"readers":[0,1,2]', '"readers":[1,2]'),
        lambda text: text.replace('"readers":[0,1,2]', '"readers":[0,1,2,3]'),
        lambda text: text.replace('"readers":[0,1,2]', '"readers":[true]'),
        lambda text: text.replace('"readers":[0,1,2]', '"readers":"012"'),
        lambda text: text.replace("a" * 64, "A" * 64),
        lambda text: text.replace("a" * 64, "a" * 63),
        lambda text: text.replace('{"price"', '{"price\\u0000"').replace("aaaa", "aaa\\n"),
        lambda text: text.replace('"sent":', '"more":1,"sent":'),
        lambda text: text.replace('"sent":', '"send":'),
        lambda text: "[" * 5000,
        lambda text: "",
    ],
)
def test_anything_else_is_refused(edit):
    body = statements.write(
        "alice", ABOUT, SENT, None, PARTIES, {ALL: {"price": "a" * 64}}
    ).decode()
    assert statements.read(body, "alice", ABOUT)
    assert edit(body) != body
    with pytest.raises(PeerViolation):
        statements.read(edit(body), "alice", ABOUT)


def test_a_group_is_named_once():
    body = json.loads(
        statements.write("alice", ABOUT, SENT, None, PARTIES, {ALL: {"price": "a" * 64}})
    )
    body["figures"] *= 2
    with pytest.raises(PeerViolation, match="malformed"):
        statements.read(canonical(body), "alice", ABOUT)


def test_only_recipients_say_what_they_learned():
    assert statements.read(statements.write("david", ABOUT, SENT, PARTIES), "david", ABOUT)
    body = statements.write("david", ABOUT, SENT, PARTIES, PARTIES, {})
    with pytest.raises(PeerViolation, match="too much or too little"):
        statements.read(body, "david", ABOUT)
    body = statements.write("alice", ABOUT, SENT)
    with pytest.raises(PeerViolation, match="too much or too little"):
        statements.read(body, "alice", ABOUT)


def test_compute_parties_say_to_whom_they_consented_and_no_others():
    body = statements.write("david", ABOUT, SENT, PARTIES[1:])
    assert statements.read(body, "david", ABOUT)["consented"] == [1, 2, 3]
    for name, consented in (("david", None), ("alice", PARTIES)):
        body = statements.write(name, ABOUT, SENT, consented, PARTIES, {ALL: {"n": "a" * 64}})
        with pytest.raises(PeerViolation, match="too much or too little"):
            statements.read(body, name, ABOUT)


def test_who_was_counted_is_what_all_say():
    there = [written("alice", n=(ALL, "a")), written("carlos", n=(ALL, "a"))]
    assert statements.counted(there) == [0, 1, 2, 3]
    assert statements.counted([{"party": "bob"}]) is None
    body = statements.write("david", ABOUT, SENT, PARTIES[1:])
    there.append(statements.read(body, "david", ABOUT))
    with pytest.raises(PeerViolation, match="consented to than alice says"):
        statements.counted(there)


def test_readers_with_different_entitlements_agree():
    there = [
        written("alice", price=(ALL, "a")),
        written("bob", price=(ALL, "a"), count=(TWO, "b")),
        written("carlos", price=(ALL, "a"), count=(TWO, "b"), winner=(ONE, "c")),
    ]
    statements.require_agreement(there, ABOUT.roster.recipients)
    statements.require_agreement(there[1:], ABOUT.roster.recipients)
    for one in there:
        for other in there:
            assert statements.difference(one, other, ABOUT.roster.recipients) == ""


PRICE, COUNT, WINNER = {"price": (ALL, "a")}, {"count": (TWO, "b")}, {"winner": (ONE, "c")}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"price": (ALL, "f")} | COUNT | WINNER, "carlos signed another price than alice"),
        (PRICE | {"count": (TWO, "f")}, "carlos signed another count than bob"),
        (PRICE | {"total": (TWO, "b")}, "carlos signed another count and total than bob"),
        (PRICE | WINNER, "carlos signed no figure that bob says both learned"),
        ({"price": (ONE, "a")} | COUNT, "carlos signed no figure that alice says both learned"),
        (
            PRICE | COUNT | {"winner": (("alice", "carlos"), "c")},
            "alice signed no figure that carlos says both learned",
        ),
    ],
)
def test_a_reader_that_signed_otherwise_is_named(said, words):
    there = [written("alice", **PRICE), written("bob", **PRICE, **COUNT), written("carlos", **said)]
    with pytest.raises(PeerViolation, match=words):
        statements.require_agreement(there, ABOUT.roster.recipients)
