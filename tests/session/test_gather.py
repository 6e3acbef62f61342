"""A session that goes on in another process of a party, from its memory."""

import asyncio
import os

import numpy as np
import pytest

from ostraka.exchange import words
from ostraka.names import Step
from ostraka.session.session import Session


class Kept:
    """Memory of one party: what was kept before it was killed."""

    def __init__(self):
        self.past, self.positions = [], {}

    def meet(self, met):
        self.past.append(met)
        if met.what in ("greeted", "heard"):
            self.positions[met.peer] = met.position


@pytest.fixture(params=["direct", "relayed"])
async def place(request, office):
    if request.param == "direct":
        yield office.manifest
        return
    async with office.coordinator() as address:
        yield lambda *a, **k: office.manifest(*a, relay=address, **k)


@pytest.mark.parametrize("victim", ["alice", "bob"])
async def test_a_run_goes_on_where_its_record_ends(office, cables, place, kill, victim):
    """The new run sends the same again; the peer gets each message once."""
    manifest = place(("alice", "bob"))
    seed, memory = os.urandom(32), Kept()
    other = {"alice": "bob", "bob": "alice"}[victim]

    def open_again():
        return Session.open(
            manifest, office.identity(victim), victim, seed,
            network=cables.network(), memory=memory,
        )  # fmt: skip

    first, peer = await asyncio.gather(
        open_again(), office.open(manifest, other, network=cables.network())
    )
    vectors = [np.full(3000, n, np.uint64) for n in range(4)]
    for n, vector in enumerate(vectors[:3]):
        first.send(other, Step(0, n), vector)
        peer.send(victim, Step(0, n), vector)
    assert (await peer.receive(victim, Step(0, 0), words(3000)) == 0).all()
    assert (await first.receive(other, Step(0, 0), words(3000)) == 0).all()
    memory.positions[other] = first.position(other)
    first.settle(other, memory.positions[other])
    assert (await first.receive(other, Step(0, 1), words(3000)) == 1).all()  # not on record
    kill(first)
    second = await open_again()
    assert (second.id, second.result_keys) == (peer.id, first.result_keys)
    assert (second.hellos, second.readies) == (first.hellos, first.readies)
    for n, vector in enumerate(vectors):
        second.send(other, Step(0, n), vector)
    peer.send(victim, Step(0, 3), vectors[3])
    for n in (1, 2, 3):
        assert (await peer.receive(victim, Step(0, n), words(3000)) == n).all()
        assert (await second.receive(other, Step(0, n), words(3000)) == n).all()
    await asyncio.gather(second.close(), peer.close())


async def test_a_session_goes_on_from_before_it_was_sealed(office, cables, kill):
    """The peer has heard our Ready, and we remember its Hello alone."""
    manifest = office.manifest(("alice", "bob"))
    seed, memory = os.urandom(32), Kept()
    peer = asyncio.create_task(office.open(manifest, "bob", network=cables.network()))
    first = await Session.open(
        manifest, office.identity("alice"), "alice", seed, network=cables.network(), memory=memory
    )
    bob = await peer
    kill(first)
    del memory.past[1:]
    memory.positions.clear()
    second = await Session.open(
        manifest, office.identity("alice"), "alice", seed, network=cables.network(), memory=memory
    )
    assert second.id == bob.id
    second.send("bob", Step(0, 0), np.ones(3, np.uint64))
    assert (await bob.receive("alice", Step(0, 0), words(3)) == 1).all()
    await asyncio.gather(second.close(), bob.close())
