"""Errors of a session's beginning name the party to ask, and say that nothing has left."""

import pytest

from ostraka.errors import Disagreement, PeerLost, Temporary, TimedOut, Unreachable
from ostraka.manifest import CoordinatorSpec
from ostraka.session import blame
from ostraka.wire.messages import VERSION, Abort, Hello


def test_a_peer_of_another_release_is_named():
    error = blame.other_version("bob", Hello(VERSION + 1, b"", b"", b""))
    assert error.message == f"bob speaks version {VERSION + 1}, we speak {VERSION}"
    assert (error.peer, error.data_left) == ("bob", False)


@pytest.mark.parametrize(("blamed", "asked"), [("alice", "bob"), ("carlos", "carlos")])
def test_what_a_peer_says_of_us_is_a_matter_between_us_and_the_peer(blamed, asked):
    error = blame.told("bob", blamed, "alice")
    assert isinstance(error, Disagreement)
    assert f"bob says that {blamed} holds another manifest" in error.message
    assert error.peer == asked


@pytest.mark.parametrize(("awaited", "words"), [("carlos", " for carlos"), ("", "")])
def test_a_peer_that_gave_up_says_for_whom_it_waited(awaited, words):
    error = blame.gave_up("bob", Abort("timed-out", awaited))
    assert error.message == f"bob waited{words} until the deadline, and gave up"


def test_a_single_late_party_is_asked_and_its_trouble_told():
    error = blame.too_late({"bob": "connection refused"}, 30)
    assert isinstance(error, TimedOut)
    assert error.message == "bob did not come within 30 s (bob: connection refused)"
    assert error.peer == "bob"


def test_of_many_late_parties_ten_are_named_and_none_is_blamed():
    error = blame.too_late({f"p{i}": "" for i in range(13)}, 2.5)
    assert "p9 and 3 more did not come within 2.5 s" in error.message
    assert "p10" not in error.message
    assert error.peer is None


def test_a_deadline_without_a_known_party_still_reads_as_a_sentence():
    assert blame.too_late({}, 1).message == "a party did not come within 1 s"


@pytest.mark.parametrize(
    ("error", "words", "hint"),
    [
        (
            Unreachable("h:1: Connection refused"),
            "no answer from the coordinator at h:1 within 9 s (Connection refused)",
            "is it running",
        ),
        (
            PeerLost("an HTTP server, not ostraka, answers there", hint="is the address right?"),
            "no answer from the coordinator at h:1 within 9 s "
            "(an HTTP server, not ostraka, answers there)",
            "is the address right?",
        ),
        (
            Temporary("the coordinator refused us: the room is full", hint="ask who runs it"),
            "the coordinator refused us: the room is full, for 9 s (it is at h:1)",
            "ask who runs it",
        ),
    ],
)
def test_a_coordinator_that_is_away_wrong_or_full(error, words, hint):
    place = CoordinatorSpec(address="h:1", key=f"sha256:{0:064}")
    found = blame.no_coordinator([place], 9, error)
    assert isinstance(found, Unreachable)
    assert (found.message, found.data_left) == (words, False)
    assert found.hint.startswith(hint)
