"""The coordinator's letters: who may write what, bounds, expiry, and a restart."""

import sqlite3

import pytest

from ostraka import limits
from ostraka.coordinator.letters import ANSWER, LETTER, OPEN, Letters
from ostraka.wire.messages import Fetch, KeptPart, Post, Refused

BOX, OTHER = b"b" * 16, b"o" * 16
ORGANISER, BOB, THIEF = b"1" * 32, b"2" * 32, b"3" * 32
NOW, LATER = 1_000_000.0, 1_000_600
DONE = KeptPart(0, b"")


def opened(mailbox, box=BOX, key=ORGANISER, expires=LATER, now=NOW):
    return mailbox.handle(Post(box, OPEN, 0, 1, expires.to_bytes(8)), key, now)


@pytest.fixture
def mailbox():
    found = Letters(None)
    assert opened(found) == DONE
    yield found
    found.close()


def post(mailbox, cell, content, key, part=0, parts=1, now=NOW):
    return mailbox.handle(Post(BOX, cell, part, parts, content), key, now)


def fetch(mailbox, cell, part=0, box=BOX, now=NOW):
    return mailbox.handle(Fetch(box, cell, part), THIEF, now)


def test_a_letter_is_kept_until_it_is_fetched_again_and_again(mailbox):
    assert fetch(mailbox, LETTER) == DONE
    assert post(mailbox, LETTER, b"one", ORGANISER, 0, 2) == DONE
    assert post(mailbox, LETTER, b"two", ORGANISER, 1, 2) == DONE
    assert [fetch(mailbox, LETTER, part) for part in (0, 1, 2)] == [
        KeptPart(2, b"one"), KeptPart(2, b"two"), DONE,
    ]  # fmt: skip
    assert post(mailbox, LETTER, b"new", ORGANISER, 0, 2) == DONE
    assert fetch(mailbox, LETTER) == KeptPart(2, b"new")


def test_only_the_organiser_writes_its_letter_or_takes_the_box_away(mailbox):
    assert post(mailbox, LETTER, b"x", BOB) == Refused("not-yours")
    assert opened(mailbox, key=BOB) == Refused("not-yours")
    assert opened(mailbox, key=BOB, expires=0) == Refused("not-yours")
    assert opened(mailbox, expires=0) == DONE
    assert fetch(mailbox, LETTER) == Refused("no-box")


def test_the_first_answer_stays(mailbox):
    assert post(mailbox, ANSWER, b"bob", BOB) == DONE
    assert post(mailbox, ANSWER, b"bob", BOB) == DONE
    assert post(mailbox, ANSWER, b"other", BOB) == Refused("used")
    assert post(mailbox, ANSWER, b"bob", THIEF) == Refused("used")
    assert post(mailbox, ANSWER, b"more", THIEF, 1, 2) == Refused("used")
    assert fetch(mailbox, ANSWER) == KeptPart(1, b"bob")


def test_a_box_that_has_expired_is_gone_with_its_letters(mailbox):
    post(mailbox, ANSWER, b"bob", BOB)
    assert fetch(mailbox, ANSWER, now=LATER - 1) == KeptPart(1, b"bob")
    assert fetch(mailbox, ANSWER, now=LATER) == Refused("no-box")
    assert opened(mailbox, expires=LATER + 60, now=LATER) == DONE
    assert fetch(mailbox, ANSWER, now=LATER) == DONE


def test_what_no_honest_party_sends_is_refused(mailbox):
    assert post(mailbox, ANSWER, b"x", BOB, 2, 2) == Refused("malformed")
    assert opened(mailbox, OTHER, expires=int(NOW) + limits.MAILBOX_SECONDS + 9) == Refused(
        "malformed"
    )
    long = Post(OTHER, OPEN, 0, 1, b"\1" * 9)
    assert mailbox.handle(long, ORGANISER, NOW) == Refused("malformed")
    assert mailbox.handle(Post(OTHER, ANSWER, 0, 1, b"x"), BOB, NOW) == Refused("no-box")


def test_bounds(mailbox, monkeypatch):
    monkeypatch.setattr(limits, "MAILBOXES_OF_ONE_KEY", 1)
    assert opened(mailbox, OTHER) == Refused("mailbox-full")
    assert opened(mailbox, OTHER, BOB) == DONE
    monkeypatch.setattr(limits, "MAILBOXES", 2)
    assert opened(mailbox, b"x" * 16, THIEF) == Refused("mailbox-full")
    assert opened(mailbox, expires=LATER + 1) == DONE  # its own again is no new one
    monkeypatch.setattr(limits, "MAILBOX_BYTES", 4)
    assert post(mailbox, ANSWER, b"12345", BOB) == Refused("mailbox-full")


def test_letters_survive_a_restart(tmp_path):
    path = tmp_path / "coordinator.mailbox"
    mailbox = Letters(path)
    opened(mailbox)
    post(mailbox, ANSWER, b"bob", BOB)
    mailbox.close()
    again = Letters(path)
    assert fetch(again, ANSWER) == KeptPart(1, b"bob")
    assert path.stat().st_mode & 0o777 == 0o600
    again.close()


def test_a_file_that_is_no_mailbox_is_not_overwritten(tmp_path):
    path = tmp_path / "coordinator.mailbox"
    path.write_bytes(b"something else" * 100)
    with pytest.raises(sqlite3.Error):
        Letters(path)
    assert path.read_bytes() == b"something else" * 100
