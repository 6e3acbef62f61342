import pytest

from ostraka.errors import (
    OstrakaError,
    PeerAway,
    PeerLost,
    PeerViolation,
    RefusedByLedger,
    TimedOut,
)
from ostraka.names import Step
from ostraka.record.journal_entries import (
    Begun,
    Finished,
    Heard,
    Lost,
    Met,
    Reserved,
    Sealed,
    Verdict,
    decode,
    encode,
    encode_piece,
    error_of,
    loss,
    verdict,
)

ENTRIES = [
    Begun("0.1.0", "alice", b"m" * 32, "boot", 1.5, b"s" * 32, -1),
    Reserved("0123"),
    Met("heard", "bob", b"ready", b"", 141),
    Sealed(b"i" * 32),
    Heard("bob", 1, 2, "u8", 1, 77, b"12345678"),
    Lost("bob", 1, 2, "PeerLost", "bob is gone", "ask", "bob"),
    Verdict("alice\0bob", "", "", ""),
    Finished(),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: type(entry).__name__)
def test_an_entry_comes_back(entry):
    assert decode(encode(entry)) == entry


def test_a_piece_comes_back_as_it_is():
    assert bytes(decode(encode_piece(memoryview(b"elements")))) == b"elements"


@pytest.mark.parametrize(
    "body",
    [b"", b"\x63", encode(ENTRIES[0])[:-1], encode(ENTRIES[0]) + b"\0", b"\x02\xc0", b"\x05\x91a"],
)
def test_what_another_version_may_have_written_is_a_value_error(body):
    with pytest.raises(ValueError, match="unknown entry"):
        decode(body)


@pytest.mark.parametrize(
    "fields",
    [
        {"elements": "2"},
        {"elements": -2},
        {"elements": 1 << 60},  # no room is made for so many
        {"party": b"alice"},
        {"seed": None},
        {"version": ["0.1.0"]},
    ],
)
def test_a_beginning_with_other_fields_is_a_value_error(fields):
    with pytest.raises(ValueError, match="other fields"):
        decode(encode(ENTRIES[0]._replace(**fields)))


@pytest.mark.parametrize(
    "fields",
    [
        {"dtype": "f8"},
        {"dtype": "V100000"},
        {"length": 2},
        {"length": -1},
        {"length": True},
        {"inline": b""},
        {"length": 1 << 60, "inline": b""},
        {"position": "77"},
    ],
)
def test_a_message_with_other_fields_is_a_value_error(fields):
    heard = next(entry for entry in ENTRIES if isinstance(entry, Heard))
    with pytest.raises(ValueError, match="other fields"):
        decode(encode(heard._replace(**fields)))


@pytest.mark.parametrize("kind", [PeerLost, PeerAway, TimedOut, PeerViolation])
def test_an_error_comes_back_as_it_was_raised(kind):
    error = kind("bob is gone", hint="ask bob", peer="bob")
    entry = loss("bob", Step(3, 4), error)
    assert entry.step == Step(3, 4)
    found = error_of(decode(encode(entry)))
    assert (type(found), found.message, found.hint, found.peer) == (
        kind,
        "bob is gone",
        "ask bob",
        "bob",
    )


def test_a_refusal_is_not_an_allowance():
    assert not verdict(("alice",)).error
    found = error_of(verdict(("alice",), RefusedByLedger("spent", hint="wait")))
    assert isinstance(found, RefusedByLedger)
    assert found.hint == "wait"
    assert isinstance(error_of(Verdict("alice", "unheard-of", "m", "h")), OstrakaError)
