"""A session opened again from the facts that sealed it, as after a crash of one party."""

import asyncio
import os

import numpy as np
import pytest

from ostraka.errors import InternalError
from ostraka.exchange import words
from ostraka.names import Step
from ostraka.session.sealed import Facts
from ostraka.session.session import Session


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
    seed = os.urandom(32)
    other = {"alice": "bob", "bob": "alice"}[victim]
    first, peer = await asyncio.gather(
        Session.open(
            manifest, office.identity(victim), victim, seed,
            network=cables.network(), by_hand=True,
        ),
        office.open(manifest, other, network=cables.network()),
    )  # fmt: skip
    vectors = [np.full(3000, n, np.uint64) for n in range(4)]
    for n, vector in enumerate(vectors[:3]):
        first.send(other, Step(0, n), vector)
        peer.send(victim, Step(0, n), vector)
    assert (await peer.receive(victim, Step(0, 0), words(3000)) == 0).all()
    assert (await first.receive(other, Step(0, 0), words(3000)) == 0).all()
    facts, recorded = first.facts(), {other: first.position(other)}
    first.settle(other, recorded[other])
    assert (await first.receive(other, Step(0, 1), words(3000)) == 1).all()  # not on record
    kill(first)
    second = await Session.resume(
        manifest, office.identity(victim), victim, seed, facts, recorded, network=cables.network()
    )
    assert (second.id, second.result_keys) == (peer.id, first.result_keys)
    for n, vector in enumerate(vectors):
        second.send(other, Step(0, n), vector)
    peer.send(victim, Step(0, 3), vectors[3])
    for n in (1, 2, 3):
        assert (await peer.receive(victim, Step(0, n), words(3000)) == n).all()
        assert (await second.receive(other, Step(0, n), words(3000)) == n).all()
    await asyncio.gather(second.close(), peer.close())


async def test_facts_are_read_as_they_were_written(office, cables):
    manifest = office.manifest(("alice", "bob"))
    sessions = await asyncio.gather(
        *(office.open(manifest, name, network=cables.network()) for name in manifest.parties)
    )
    for session in sessions:
        facts = Facts.from_bytes(session.facts())
        assert facts.session == session.id
        assert facts.hellos == session.hellos
        assert facts.readies == session.readies
        assert facts.to_bytes() == session.facts()
    with pytest.raises(InternalError):
        Facts.from_bytes(sessions[0].facts()[:-1])
    await asyncio.gather(*(session.close() for session in sessions))
