"""Keys of pairs: the same at both ends, fresh with either's seed, known to no third party."""

import hashlib

import pytest

from ostraka.errors import PeerViolation
from ostraka.session.pairs import PairKeys

COMPUTE = ("bob", "alice", "carlos")
SESSION = bytes(range(32))


def seed(name, more=""):
    return hashlib.sha256(f"{name}{more}".encode()).digest()


def made(**again):
    names = (*COMPUTE, "dora")
    return {name: PairKeys(name, COMPUTE, seed(name, again.get(name, ""))) for name in names}


def keys(pairs, session=SESSION):
    for me, own in pairs.items():
        for peer, theirs in pairs.items():
            if peer != me:
                own.take(peer, theirs.for_peer(me))
    return {(a, b): key for a, own in pairs.items() for b, key in own.keys(session).items()}


def test_each_pair_of_compute_parties_holds_one_key_that_no_other_party_has():
    found = keys(made())
    assert {frozenset(pair) for pair in found} == {
        frozenset(pair) for pair in [("alice", "bob"), ("alice", "carlos"), ("bob", "carlos")]
    }
    assert all(found[a, b] == found[b, a] for a, b in found)
    assert len(set(found.values())) == 3
    assert {len(key) for key in found.values()} == {32}


def test_a_key_is_fresh_with_either_end_s_seed_and_with_the_session():
    before = keys(made())
    for name in COMPUTE:
        after = keys(made(**{name: "again"}))
        assert {pair for pair in after if after[pair] != before[pair]} == {
            pair for pair in after if name in pair
        }
    assert set(keys(made(), bytes(32)).values()).isdisjoint(before.values())


def test_a_half_is_for_one_peer():
    alice = made()["alice"]
    assert alice.for_peer("bob") != alice.for_peer("carlos")
    assert alice.for_peer("dora") == alice.for_peer("alice") == b""


@pytest.mark.parametrize(
    ("me", "sender", "half"),
    [
        ("alice", "bob", b""),
        ("alice", "bob", bytes(31)),
        ("alice", "dora", bytes(32)),
        ("dora", "alice", bytes(32)),
    ],
)
def test_a_half_that_is_missing_or_is_not_due_is_the_sender_s_violation(me, sender, half):
    with pytest.raises(PeerViolation, match="half of a pair's key"):
        made()[me].take(sender, half)


def test_it_shows_no_key():
    assert repr(made()["alice"]) == "PairKeys(alice, 0 halves)"
