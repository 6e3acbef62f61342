"""Links that outlive their connections, between parties of one event loop, over real sockets."""

import asyncio

import numpy as np
import pytest

from ostraka.errors import PeerAway, PeerLost
from ostraka.exchange import words
from ostraka.names import Step
from ostraka.session import ways
from ostraka.transport.lasting import LastingLink
from ostraka.wire.resume import SentStream, Settled, Standing


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


async def test_one_cut_after_the_other_at_any_byte_and_the_same_answer(office, cables, place):
    """A property of 12 seeds: what both sides receive is what was sent, in order."""
    sessions = await opened(office, cables, place(("alice", "bob")))
    alice, bob = sessions["alice"], sessions["bob"]
    rng = np.random.default_rng(7)
    for seed in range(12):
        cables.cut_within(seed, 60_000)
        sizes = rng.integers(0, 4000, 6)
        vectors = [rng.integers(0, 1 << 60, size, dtype=np.uint64) for size in sizes]
        for n, vector in enumerate(vectors):
            alice.send("bob", Step(seed, n), vector)
            bob.send("alice", Step(seed, n), vector[::2])
        for n, vector in enumerate(vectors):
            got = await bob.receive("alice", Step(seed, n), words(len(vector)))
            back = await alice.receive("bob", Step(seed, n), words(len(vector[::2])))
            assert (got == vector).all()
            assert (back == vector[::2]).all()
    assert sum(proxy.cuts for proxy in cables.proxies.values()) >= 6
    await closed(sessions)


async def test_a_silent_death_is_noticed_and_both_are_told(office, cables, place):
    told = []
    manifest = place(("alice", "bob"), timeout=4)
    sessions = await opened(office, cables, manifest, troubled=told.append)
    alice, bob = sessions["alice"], sessions["bob"]
    (proxy,) = cables.proxies.values()
    proxy.swallows = True
    await until(lambda: link(alice, "bob").standing is Standing.AWAY)
    await until(lambda: link(bob, "alice").standing is Standing.AWAY)
    await until(lambda: len([text for text in told if "is away since 1 s" in text]) == 2)
    proxy.swallows = False
    proxy.cut()
    alice.send("bob", Step(0, 1), np.arange(3, dtype=np.uint64))
    assert (await bob.receive("alice", Step(0, 1), words(3)) == [0, 1, 2]).all()
    assert any("is back after" in text for text in told)
    await closed(sessions)


async def test_a_party_that_does_not_return_is_lost_after_the_timeout(office, cables, place, kill):
    sessions = await opened(office, cables, place(("alice", "bob"), timeout=0.5))
    alice = sessions["alice"]
    kill(sessions.pop("bob"))
    with pytest.raises(
        PeerAway, match=r"bob: it was cut off, and did not return .* 0\.5 s"
    ) as error:
        await alice.receive("bob", Step(0, 1), words(1))
    assert error.value.exit_code == 41
    await alice.close()


async def test_a_goodbye_is_final_at_once(office, cables, place):
    sessions = await opened(office, cables, place(("alice", "bob"), timeout=600))
    await sessions.pop("bob").close()
    with pytest.raises(PeerLost) as error:
        await sessions["alice"].receive("bob", Step(0, 1), words(1))
    assert error.value.exit_code == 40
    await closed(sessions)


async def test_a_link_is_over_for_all_readers(office):
    link = LastingLink(SentStream(), Settled())
    link.abandon(PeerLost("no"))
    with pytest.raises(PeerLost, match="no"):
        link.follow(iter(()))
    link.write(b"dropped")
    assert (link.backlog, link.bytes_sent) == (0, 0)
    assert ways.HEAD_START < 5
