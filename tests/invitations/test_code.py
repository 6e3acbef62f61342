"""Codes: read as they were written, whatever a chat does to them, and a typo is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.errors import UsageError
from ostraka.invitations.code import Code, read

code = Code(
    "bob", "relay.example:9440", b"c" * 32, b"o" * 32, b"d" * 8, bytes(range(16)), 1_800_000_000
)


def test_a_code_is_read_as_it_was_written():
    assert read(code.write()) == code
    text = code.write()
    assert read(f" {text[:40]}\n{text[40:].upper()} ") == code


@given(st.integers(0, len(code.write()) - 10), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_one_wrong_letter_is_a_typo(place, letter):
    text = code.write()
    place += 9
    wrong = text[:place] + letter + text[place + 1 :]
    if wrong != text:
        with pytest.raises(UsageError, match="mistyped"):
            read(wrong)


@pytest.mark.parametrize("text", ["", "ostraka1-", "ostraka1-abc", "ostraka1-a1!", "sha256:00"])
def test_what_is_no_code_is_refused(text):
    with pytest.raises(UsageError):
        read(text)


def test_keys_for_different_uses_and_drafts_differ():
    other = Code(**{**vars(code), "draft": b"e" * 8})
    keys = {each.derive(use) for each in (code, other) for use in (b"box", b"answer", b"manifest")}
    assert len(keys) == 6
    assert code.secret not in keys
