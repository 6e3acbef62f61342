"""Nonces of results: readers of a figure hold one key, and no other recipient comes near it."""

import hashlib

import pytest

from ostraka.errors import PeerViolation
from ostraka.session.nonces import ResultNonces

ALL, TWO, ONE = ("alice", "bob", "carlos"), ("bob", "carlos"), ("carlos",)
GROUPS = (ALL, TWO, ONE)
SESSION = bytes(range(32))


def seed(name, more=""):
    return hashlib.sha256(f"{name}{more}".encode()).digest()


def made(more=""):
    return {name: ResultNonces(name, GROUPS, seed(name, more)) for name in ALL}


def introduced(results):
    """The same, once all have shown all others what their Readys show."""
    for me, own in results.items():
        for peer, theirs in results.items():
            if peer != me:
                own.take(peer, theirs.for_peer(me), theirs.hello)
    return results


def test_readers_of_a_group_hold_one_key_and_others_none():
    keys = {name: own.keys(SESSION) for name, own in introduced(made()).items()}
    assert {name: tuple(held) for name, held in keys.items()} == {
        "alice": (ALL,), "bob": (ALL, TWO), "carlos": (ALL, TWO, ONE),
    }  # fmt: skip
    assert len({held[ALL] for held in keys.values()}) == 1
    assert keys["bob"][TWO] == keys["carlos"][TWO]
    assert len({key for held in keys.values() for key in held.values()}) == 3


def test_keys_are_fresh_with_any_reader_s_seed_and_with_the_session():
    before = introduced(made())["carlos"].keys(SESSION)
    for name in ALL:
        results = made()
        results[name] = ResultNonces(name, GROUPS, seed(name, "again"))
        after = introduced(results)["carlos"].keys(SESSION)
        assert {group for group in GROUPS if after[group] != before[group]} == {
            group for group in GROUPS if name in group
        }
    assert set(introduced(made())["carlos"].keys(bytes(32)).values()).isdisjoint(before.values())


def test_what_is_shown_to_others_has_no_nonce_of_a_group_they_are_not_in():
    carlos = made()["carlos"]
    nonces = carlos.for_peer("carlos")
    pieces = {name: carlos.for_peer(name) for name in ("alice", "bob")}
    assert [pieces["alice"][i : i + 32] == nonces[i : i + 32] for i in (0, 32, 64)] == [
        True, False, False,
    ]  # fmt: skip
    assert [pieces["bob"][i : i + 32] == nonces[i : i + 32] for i in (0, 32, 64)] == [
        True, True, False,
    ]  # fmt: skip


def test_each_group_has_a_nonce_of_its_own():
    """Otherwise readers of one figure could work out the key of another one."""
    nonces = made()["carlos"].for_peer("carlos")
    assert len({nonces[i : i + 32] for i in (0, 32, 64)}) == 3


@pytest.mark.parametrize("name", ["bob", "carlos", "david"])
def test_a_hello_is_fresh_with_the_seed(name):
    assert len({ResultNonces(name, GROUPS, seed(name, i)).hello for i in range(9)}) == 9


def test_a_party_that_is_no_recipient_shows_nothing_is_shown_nothing_and_holds_no_key():
    david, carlos = ResultNonces("david", GROUPS, seed("david")), made()["carlos"]
    assert david.for_peer("carlos") == carlos.for_peer("david") == b""
    assert david.keys(SESSION) == {}
    carlos.take("david", b"", david.hello)
    david.take("carlos", b"", carlos.hello)
    with pytest.raises(PeerViolation):
        carlos.take("david", bytes(32), david.hello)
    with pytest.raises(PeerViolation):
        david.take("carlos", bytes(96), carlos.hello)


@pytest.mark.parametrize("place", range(64))
def test_a_nonce_or_hash_that_the_hello_did_not_promise_is_refused(place):
    """So a liar cannot make readers sign different commitments to the same figure."""
    results = made()
    shown = bytearray(results["bob"].for_peer("alice"))
    shown[place] ^= 1
    with pytest.raises(PeerViolation, match="promised"):
        results["alice"].take("bob", bytes(shown), results["bob"].hello)


@pytest.mark.parametrize("size", [0, 31, 32, 63, 65, 96])
def test_nonces_of_another_size_are_refused(size):
    results = made()
    shown = (results["bob"].for_peer("alice") + bytes(32))[:size]
    with pytest.raises(PeerViolation, match="size"):
        results["alice"].take("bob", shown, results["bob"].hello)


def test_nothing_secret_prints():
    carlos = made()["carlos"]
    shown = carlos.for_peer("carlos")
    assert repr(carlos) == "ResultNonces(carlos, 3 groups)"
    assert not any(shown[i : i + 32].hex() in repr(carlos) for i in (0, 32, 64))
