"""Merkle trees: the roots of RFC 6962's definition, and proofs that prove one leaf only."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import examples

from ostraka.collection.merkle import Proof, Tree, check_proof
from ostraka.errors import PeerViolation


def digest(i):
    return hashlib.sha256(i.to_bytes(4)).digest()


def tree(places):
    return Tree.of((place, digest(place)) for place in places)


def root(leaves):
    """As RFC 6962 defines it, over data of leaves."""
    if len(leaves) < 2:
        return hashlib.sha256(b"".join(b"\0" + leaf for leaf in leaves)).digest()
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(leaves[:k]) + root(leaves[k:])).digest()


@pytest.mark.parametrize("size", [*range(10), 64, 100])
def test_the_root_is_the_definitions(size):
    places = [3 * i + 1 for i in range(size)]
    data = [b"ostraka counted\0" + p.to_bytes(4, "little") + digest(p) for p in places]
    assert tree(reversed(places)).root == root(data)


def test_one_place_has_one_report():
    with pytest.raises(ValueError, match="one place"):
        Tree.of([(1, digest(1)), (1, digest(2))])


@examples(60)
@given(st.sets(st.integers(1, 200), min_size=1, max_size=40), st.data())
def test_a_proof_proves_its_leaf_and_no_other(places, data):
    made = tree(places)
    place = data.draw(st.sampled_from(sorted(places)))
    proof = made.proof(place)
    check_proof(made.root, digest(place), proof)
    assert Proof.of_table(proof.table()) == proof
    wrong = [
        (made.root, digest(place + 1), proof),
        (digest(0), digest(place), proof),
        (made.root, digest(place), replace(proof, place=place + 1)),
        (made.root, digest(place), replace(proof, path=(*proof.path, digest(0)))),
        (made.root, digest(place), replace(proof, size=proof.leaf)),
    ]
    if proof.path:
        wrong += [(made.root, digest(place), replace(proof, path=proof.path[:-1]))]
        changed = (digest(0), *proof.path[1:])
        wrong += [(made.root, digest(place), replace(proof, path=changed))]
    for case in wrong:
        with pytest.raises(PeerViolation, match="does not show"):
            check_proof(*case)


def test_no_proof_for_a_report_that_was_not_counted():
    with pytest.raises(KeyError):
        tree([1, 2]).proof(3)


@pytest.mark.parametrize(
    "table",
    [
        None,
        {},
        {"place": 1, "leaf": 0, "size": 1, "path": ["zz"]},
        {"place": True, "leaf": 0, "size": 1, "path": []},
        {"place": 1, "leaf": -1, "size": 1, "path": []},
        {"place": 1 << 32, "leaf": 0, "size": 1, "path": []},
        {"place": 1, "leaf": 0, "size": 1, "path": [], "more": 1},
        {"place": 1, "leaf": 0, "size": 1, "path": 5},
    ],
)
def test_what_is_no_proof(table):
    with pytest.raises(PeerViolation, match="no proof"):
        Proof.of_table(table)
