"""Shares of vectors of different lengths: by contributor, joined, taken apart, added up."""

import numpy as np
import pytest

from ostraka.arithmetic.field import P61
from ostraka.arithmetic.randomness import SeededDraw
from ostraka.delivery.agree import allow_all
from ostraka.engine.array import SecretArray
from ostraka.errors import RefusedByPolicy
from ostraka.protocols import interactive
from ostraka.protocols.shares import Shares
from ostraka.sharing.shamir import Shamir

COMPUTE = ("carlos", "david", "erin")
VECTORS = {"alice": [1, 2, 3], "bob": [4], "carlos": [5, 6], "david": [7, 8, 9]}


def shared(of, gate=allow_all):
    """What each compute party holds of these contributors' vectors."""
    scheme = Shamir(tuple(of), COMPUTE, 1)
    draw = SeededDraw("shares")
    vectors = {c: scheme.from_signed(np.array(VECTORS[c])) for c in of}
    parcels = {c: scheme.split(x, c, draw) for c, x in vectors.items()}
    lengths = {c: len(x) for c, x in vectors.items()}
    return scheme, {
        me: Shares(scheme, lengths, {c: p[me] for c, p in parcels.items()}, me, draw, gate)
        for me in COMPUTE
    }


def opened(scheme, vectors):
    return scheme.to_signed(scheme.combine(vectors)).tolist()


@pytest.mark.parametrize("contributor", VECTORS)
def test_each_vector_has_its_own_length(contributor):
    scheme, held = shared(VECTORS)
    of = {me: shares.of(contributor) for me, shares in held.items()}
    assert opened(scheme, of) == VECTORS[contributor]


def test_joined_vectors_come_apart_again():
    scheme, held = shared(VECTORS)
    joined = {me: shares.joined() for me, shares in held.items()}
    assert opened(scheme, joined) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    for me, shares in held.items():
        apart = interactive.apart(SecretArray(None, (joined[me],)), shares)
        assert {c: x.parts[0].tolist() for c, x in apart.items()} == {
            c: shares.of(c).tolist() for c in VECTORS
        }


def test_rows_come_apart_as_well():
    _, held = shared(("alice", "david"))
    shares = held["erin"]
    apart = interactive.apart(SecretArray(None, (shares.joined().reshape(2, 3),)), shares)
    assert apart["david"].parts[0].tolist() == shares.of("david").tolist()


async def test_an_excluded_contributor_is_in_nothing_that_is_joined():
    scheme, held = shared(VECTORS)
    for shares in held.values():
        await shares.exclude(["bob", "david"])
        assert shares.counted == ("alice", "carlos")
    joined = {me: shares.joined() for me, shares in held.items()}
    assert opened(scheme, joined) == [1, 2, 3, 5, 6]


async def test_the_gate_is_asked_about_those_that_are_left():
    async def gate(counted):
        raise RefusedByPolicy(" ".join(counted))

    _, held = shared(VECTORS, gate)
    with pytest.raises(RefusedByPolicy, match="alice bob david"):
        await held["erin"].exclude(["carlos"])


def test_the_total_is_of_vectors_of_one_length():
    scheme, held = shared(("alice", "david"))
    totals = {me: shares.total() for me, shares in held.items()}
    assert opened(scheme, totals) == [8, 10, 12]
    assert all(int(x) < P61.p for total in totals.values() for x in total)
    _, held = shared(VECTORS)
    with pytest.raises(ValueError, match="too many values to unpack"):
        held["erin"].total()
