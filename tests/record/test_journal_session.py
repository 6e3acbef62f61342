"""Records of sessions: what comes back from a file cut anywhere, and a full disk."""

import errno
import os

import numpy as np
import pytest

from ostraka.names import Step
from ostraka.record import journal
from ostraka.record.journal import Journal
from ostraka.record.journal_entries import (
    INLINE,
    Begun,
    Finished,
    Heard,
    Lost,
    Sealed,
    Verdict,
    encode,
    encode_piece,
)
from ostraka.record.journal_frames import PIECE, Damaged
from ostraka.record.journal_session import SessionRecord

OWN = bytes(32)
LONG = np.arange(3 * PIECE // 8 + 5, dtype=np.uint64)
SHORT = np.arange(4, dtype=np.uint64)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "alice.record"


def begun(path, x=SHORT):
    entry = Begun("1", "alice", b"m", "boot", 1.0, bytes(32), -1 if x is None else len(x))
    return SessionRecord.begin(Journal.create(path, OWN), entry, x)


def reread(path, *, powerless=False):
    opened = Journal.reopen(path, OWN)
    try:
        return SessionRecord.reread(opened, powerless=lambda boot: powerless)
    except Damaged:
        opened.close()
        raise


def hear(record, message, position=1, n=0, sender="bob"):
    inline = message.tobytes() if message.nbytes <= INLINE else b""
    dtype = "u8" if message.dtype == np.uint64 else "u1"
    record.hear(Heard(sender, 0, n, dtype, len(message), position, inline), message)


def played(record):
    """All events, with their elements."""
    found = []
    while (event := record.next_event()) is not None:
        out = None
        if isinstance(event, Heard):
            out = np.zeros(event.length, "<u8" if event.dtype == "u8" else "u1")
        record.take(event, out)
        found.append((type(event).__name__, None if out is None else out.tolist()))
    return found


def full(path):
    record = begun(path)
    record.reserve("0123")
    record.seal(Sealed(b"id"))
    hear(record, SHORT, 10)
    hear(record, LONG, 20, sender="carol")
    record.note(Lost("dave", 0, 0, "PeerLost", "gone", "", "dave"))
    hear(record, np.empty(0, np.uint8), 30)
    record.note(Verdict("alice\0bob", "", "", ""))
    record.sync()
    return record


EVENTS = [
    ("Heard", SHORT.tolist()),
    ("Heard", LONG.tolist()),
    ("Lost", None),
    ("Heard", []),
    ("Verdict", None),
]


@pytest.mark.parametrize(
    "x", [None, np.empty(0, np.uint64), SHORT, LONG], ids=["none", "empty", "3", "long"]
)
def test_the_input_comes_back(x, path):
    begun(path, x).close()
    found = reread(path)
    assert (found.x is None) == (x is None)
    assert x is None or found.x.tolist() == x.tolist()
    assert not found.replaying


def test_all_comes_back_in_order(path):
    full(path).close()
    found = reread(path)
    assert (found.reservation, found.sealed, found.finished) == (
        "0123",
        Sealed(b"id"),
        False,
    )
    assert found.positions == {"bob": 30, "carol": 20}
    assert played(found) == EVENTS
    found.finish()
    found.close()
    again = reread(path)
    assert again.finished
    assert played(again) == EVENTS


def test_a_life_may_end_before_it_has_seen_all_again(path):
    full(path).close()
    reread(path).close()
    found = reread(path)
    found.take(found.next_event(), np.empty(4, np.uint64))
    found.close()
    assert played(reread(path)) == EVENTS


def test_elements_that_are_too_many_are_damage(path):
    made = Journal.create(path, OWN)
    made.append(encode(Begun("1", "alice", b"m", "boot", 1.0, bytes(32), 1)))
    made.append(encode_piece(memoryview(bytes(16))))
    made.close()
    with pytest.raises(Damaged, match="more elements"):
        reread(path)


def test_elements_of_a_message_that_are_too_many_are_damage(path):
    made = Journal.create(path, OWN)
    made.append(encode(Begun("1", "alice", b"m", "boot", 1.0, bytes(32), -1)))
    made.append(encode(Heard("bob", 0, 0, "u1", INLINE + 1, 0, b"")))
    made.append(encode_piece(memoryview(bytes(INLINE + 2))))
    made.close()
    with pytest.raises(Damaged, match="more elements"):
        reread(path)


def test_a_file_cut_anywhere_gives_whole_events(path):
    """Half a long vector is no event."""
    full(path).close()
    content, key = path.read_bytes(), path.with_suffix(".key").read_bytes()
    seen, end = set(), len(content)
    sizes = [*range(16, 700, 19), *range(700, end - 600, 90_001), *range(end - 600, end, 13)]
    for size in sizes:
        path.write_bytes(content[:size])
        path.with_suffix(".key").write_bytes(key)
        try:
            found = reread(path)
        except Damaged:
            continue  # not even the input is whole: as if the run had not begun
        events = played(found)
        assert events == EVENTS[: len(events)]
        assert len(found.positions) == len({n for n in range(len(events)) if n in (0, 1)})
        hear(found, SHORT, 99, sender="erin")
        found.close()
        again = reread(path)
        assert played(again) == [*events, EVENTS[0]]
        assert again.positions["erin"] == 99
        again.close()
        seen.add(len(events))
    assert seen >= {0, 1, 3, 4}


def test_damage_is_an_end_only_after_a_loss_of_power(path):
    full(path).close()
    content = bytearray(path.read_bytes())
    content[-200_000] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(Damaged):
        reread(path)


def test_after_a_loss_of_power_what_is_whole_comes_back(path):
    full(path).close()
    content = bytearray(path.read_bytes())
    content[-200_000] ^= 1
    path.write_bytes(bytes(content))
    found = reread(path, powerless=True)
    assert found.power_lost
    assert played(found) == EVENTS[:1]


def test_a_full_disk_ends_the_record_and_not_the_run(path, monkeypatch):
    record, told = full(path), []
    record.on_failure = told.append

    def no_room(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(journal.os, "pwritev", no_room)
    for message in (SHORT, LONG):
        hear(record, message)
        record.push()
    record.sync()
    record.finish()
    assert [error.errno for error in told] == [errno.ENOSPC]
    assert not list(path.parent.iterdir())


def test_a_full_disk_at_the_beginning_leaves_nothing(path, monkeypatch):
    def no_room(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(journal.os, "fsync", no_room)
    with pytest.raises(OSError, match="space"):
        begun(path)
    assert not list(path.parent.iterdir())


def test_a_message_is_in_the_file_before_the_run_acts(path):
    record = begun(path)
    hear(record, SHORT)
    before = path.stat().st_size
    record.push()
    assert path.stat().st_size > before
    assert Step(0, 0) == Heard("bob", 0, 0, "u8", 0, 0, b"").step
    assert Finished() == ()
