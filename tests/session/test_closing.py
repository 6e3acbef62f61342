"""Statements at the end of a session; tests/test_party.py has whole sessions and their receipts."""

from types import SimpleNamespace

import numpy as np
import pytest

from ostraka.outcome import Outcome, Output
from ostraka.record import statements
from ostraka.record.statements import About, Roster
from ostraka.session import closing
from ostraka.wire.messages import Statement

PARTIES = ("alice", "bob", "carlos", "david")
ABOUT = About(bytes(32), bytes(range(32)), Roster(PARTIES, PARTIES[:3], PARTIES[:3]))
ALL, ONE = PARTIES[:3], ("carlos",)


def signed(me, **figures):
    """Statement of a recipient that counted all and committed to `figures`, readers by name."""
    groups = {}
    for name, (readers, digit) in figures.items():
        groups.setdefault(readers, {})[name] = digit * 64
    return Statement(statements.write(me, ABOUT, "0" * 64, PARTIES, PARTIES, groups), b"")


def dissenters(*heard):
    manifest = SimpleNamespace(recipients=PARTIES[:3])
    session = SimpleNamespace(me="alice", about=ABOUT, manifest=manifest)
    return closing.dissenters(session, dict(zip(PARTIES, heard, strict=True)))


def test_recipients_with_another_figure_are_named():
    alice, bob = (signed(name, price=(ALL, "a")) for name in ("alice", "bob"))
    david = Statement(statements.write("david", ABOUT, "0" * 64), b"")
    carlos = signed("carlos", price=(ALL, "b"), winner=(ONE, "c"))
    assert dissenters(alice, bob, carlos, david) == {"carlos": "another result"}


def test_a_party_that_is_entitled_to_more_is_no_dissenter():
    alice, bob = (signed(name, price=(ALL, "a")) for name in ("alice", "bob"))
    david = Statement(statements.write("david", ABOUT, "0" * 64), b"")
    carlos = signed("carlos", price=(ALL, "a"), winner=(ONE, "c"))
    assert dissenters(alice, bob, carlos, david) == {}


def test_a_recipient_that_counted_others_or_leaves_a_figure_out_is_a_dissenter():
    alice = signed("alice", price=(ALL, "a"))
    groups = {ALL: {"price": "a" * 64}}
    bob = Statement(statements.write("bob", ABOUT, "0" * 64, PARTIES[1:], PARTIES[1:], groups), b"")
    carlos = signed("carlos", winner=(ONE, "c"))
    david = Statement(statements.write("david", ABOUT, "0" * 64), b"")
    found = dissenters(alice, bob, carlos, david)
    assert found == {"bob": "other contributors", "carlos": "another result"}


def test_a_compute_party_that_consented_to_others_is_a_dissenter():
    about = ABOUT._replace(roster=Roster(PARTIES, PARTIES[:1], PARTIES[:2]))
    heard = {
        "alice": statements.write(
            "alice", about, "0" * 64, PARTIES, PARTIES, {ALL[:1]: {"n": "a" * 64}}
        ),
        "bob": statements.write("bob", about, "0" * 64, PARTIES[1:]),
    }
    session = SimpleNamespace(me="alice", about=about, manifest=SimpleNamespace(recipients=ALL[:1]))
    signed = {name: Statement(body, b"") for name, body in heard.items()}
    assert closing.dissenters(session, signed) == {"bob": "other contributors"}


def test_a_figure_is_committed_to_under_the_key_of_its_readers():
    keys = {ALL: b"a" * 32, ONE: b"c" * 32}
    session = SimpleNamespace(
        me="carlos", about=ABOUT, result_keys=keys,
        commitment=SimpleNamespace(value=lambda: "5" * 64),
    )  # fmt: skip

    def said(winner, price):
        figures = {"winner": winner, "price": price}
        outputs = tuple(Output(n, "", (np.array([v]),), None, True) for n, v in figures.items())
        readers = {"winner": ONE, "price": ALL}
        body = closing._statement(session, Outcome(outputs, PARTIES), PARTIES, readers.__getitem__)
        return statements.learned(statements.read(body, "carlos", ABOUT), ABOUT.roster.recipients)

    first, other = said(1, 310), said(2, 310)
    assert set(first) == {ALL, ONE}
    assert first[ALL] == other[ALL]
    assert first[ONE] != other[ONE]
    keys[ALL] = b"x" * 32
    changed = said(1, 310)
    assert changed[ALL] != first[ALL]
    assert changed[ONE] == first[ONE]


@pytest.mark.parametrize("recipient", [True, False])
def test_every_statement_is_one_that_peers_accept(recipient):
    figures = {ALL: {"sum": "a" * 64}} if recipient else None
    name = "alice" if recipient else "david"
    consented = PARTIES if recipient else None
    body = statements.write(name, ABOUT, "5" * 64, consented, PARTIES, figures)
    found = statements.read(body, name, ABOUT)
    assert found["party"] == name
    assert ("figures" in found) is recipient
