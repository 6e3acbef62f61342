"""Sealed letters: the same when sent again, and refused when another key or code made them."""

from dataclasses import replace

import pytest

from ostraka.errors import PeerViolation
from ostraka.identity import fingerprint
from ostraka.invitations import letters
from ostraka.invitations.code import Code


@pytest.fixture
def alice(office):
    return office.identity("alice")


@pytest.fixture
def code(alice):
    return Code("bob", "r:1", b"c" * 32, alice.fingerprint, b"d" * 8, b"s" * 16, 2_000_000_000)


def test_an_answer_says_whose_key_it_is(office, code):
    bob = office.identity("bob")
    sealed = letters.write_answer(code, bob)
    assert letters.read_answer(code, sealed).certificate == bob.certificate
    assert letters.write_answer(code, bob) == sealed
    assert bob.certificate not in sealed


def test_a_manifest_comes_from_the_organiser_alone(office, code, alice):
    sealed = letters.write_manifest(code, alice, "[session]\n")
    assert letters.read_manifest(code, sealed) == "[session]\n"
    with pytest.raises(PeerViolation, match="another key than the organiser"):
        letters.read_manifest(code, letters.write_manifest(code, office.identity("bob"), "x"))


def test_letters_of_other_codes_places_and_altered_ones_are_refused(office, code, alice):
    sealed = letters.write_manifest(code, alice, "x")
    other = replace(code, secret=b"t" * 16)
    flipped = bytes([sealed[0] ^ 1]) + sealed[1:]
    for key, letter in [
        (other, sealed), (code, flipped), (code, sealed[:-1]), (code, b""),
        (code, letters.write_answer(code, alice)), (replace(code, draft=b"e" * 8), sealed),
    ]:  # fmt: skip
        with pytest.raises(PeerViolation, match="not sealed under"):
            letters.read_manifest(key, letter)


def test_a_signature_for_another_name_is_refused(office, code):
    """Two codes with one secret would let a party's answer stand for another's."""
    sealed = letters.write_answer(code, office.identity("bob"))
    with pytest.raises(PeerViolation, match="signature"):
        letters.read_answer(replace(code, name="carlos"), sealed)


def test_a_certificate_of_another_key_is_refused(office, code, monkeypatch):
    """Whose certificate it is must be proven: a fingerprint is public."""
    bob, mallory = office.identity("bob"), office.identity("mallory")
    forged = replace(mallory, certificate=bob.certificate)
    assert fingerprint(forged.certificate) == bob.fingerprint
    with pytest.raises(PeerViolation, match="signature"):
        letters.read_answer(code, letters.write_answer(code, forged))
