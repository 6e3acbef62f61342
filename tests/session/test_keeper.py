"""Links that outlive their connections, between parties of one event loop, over real sockets."""

import asyncio

import numpy as np
import pytest

from ostraka.exchange import words
from ostraka.names import Step


@pytest.fixture(params=["direct", "relayed"])
async def place(request, office):
    """A function that makes manifests whose links are of one kind."""
    if request.param == "direct":
        yield office.manifest
        return
    async with office.coordinator() as address:
        yield lambda *a, **k: office.manifest(*a, relay=address, **k)


async def opened(office, cables, manifest, **options):
    """{name: its sealed session}."""
    found = await asyncio.gather(
        *(
            office.open(manifest, name, network=cables.network(), **options)
            for name in manifest.parties
        )
    )
    return dict(zip(manifest.parties, found, strict=True))


async def closed(sessions):
    await asyncio.gather(*(session.close() for session in sessions.values()))


def link(session, peer):
    return session._channels[peer].link


async def until(condition, seconds=10):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_cut_in_mid_vector_is_a_pause(office, cables, place):
    sessions = await opened(office, cables, place(("alice", "bob")))
    alice, bob = sessions["alice"], sessions["bob"]
    vector = np.arange(1_000_000, dtype=np.uint64)
    (proxy,) = cables.proxies.values()
    proxy.limit = proxy.passed + 3_000_000
    alice.send("bob", Step(0, 1), vector)
    alice.send("bob", Step(0, 2), vector[:5])
    bob.send("alice", Step(0, 1), vector[:7])
    assert (await bob.receive("alice", Step(0, 1), words(len(vector))) == vector).all()
    assert proxy.cuts == 1, "and the vector arrived"
    assert (await bob.receive("alice", Step(0, 2), words(5)) == vector[:5]).all()
    assert (await alice.receive("bob", Step(0, 1), words(7)) == vector[:7]).all()
    await closed(sessions)
