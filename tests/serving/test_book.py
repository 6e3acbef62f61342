"""The book of sessions: approval by a prefix, and damage."""

import pytest

from ostraka.errors import UsageError
from ostraka.serving.book import APPROVED, DONE, FAILED, WAITING, Entry, SessionBook

A, B = "a" * 64, "ab" * 32


def test_a_session_is_approved_by_the_beginning_of_its_digest(tmp_path):
    book = SessionBook(tmp_path, "c1")
    with pytest.raises(UsageError) as caught:
        book.approve(A[:16])
    assert "none waits" in caught.value.hint
    book.write(Entry(A, "Poll", WAITING))
    book.write(Entry(B, "Pay", FAILED, "a peer left"))
    assert book.find("c" * 64) is None
    with pytest.raises(UsageError, match="begins with aaa"):
        book.approve("aaa")
    assert book.approve(A[:8].upper()) == Entry(A, "Poll", APPROVED)
    assert book.find(A).state == APPROVED
    assert book.approve(B[:12]) == Entry(B, "Pay", APPROVED), "tried again"
    book.write(Entry(A, "Poll", DONE))
    with pytest.raises(UsageError):
        book.approve(A)
    assert len(list(book.entries())) == 2
    assert list(SessionBook(tmp_path, "c2").entries()) == []


def test_two_that_begin_alike(tmp_path):
    book = SessionBook(tmp_path, "c1")
    for last in "ab":
        book.write(Entry("0" * 63 + last, "Poll", WAITING))
    with pytest.raises(UsageError, match="no session"):
        book.approve("0" * 10)


def test_a_damaged_entry_is_no_approval(tmp_path):
    (tmp_path / f"c1-{A}.json").write_text("{")
    with pytest.raises(UsageError, match="damaged"):
        SessionBook(tmp_path, "c1").find(A)
