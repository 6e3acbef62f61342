"""Links that outlive their connections, between parties of one event loop, over real sockets."""

import asyncio
from contextlib import AsyncExitStack

import numpy as np
import pytest

from ostraka.errors import OstrakaError, PeerAway, PeerLost
from ostraka.exchange import words
from ostraka.names import Step
from ostraka.session import ways
from ostraka.session.pace import TICKS_OF_SILENCE
from ostraka.transport.lasting import LastingLink
from ostraka.wire.resume import SentStream, Settled, Standing

BUSY = 4
"""How much longer things may take on a machine whose cores are busy elsewhere."""


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
    with pytest.raises(PeerAway, match=r"bob: it was cut off.* return within 0\.5 s") as error:
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


@pytest.mark.parametrize("interrupted", [False, True])
async def test_a_goodbye_behind_an_unread_vector_is_no_cut(office, cables, place, interrupted):
    """bob reads from carlos, who is silent, and not yet what alice sent before she left."""
    told = []
    manifest = place(("alice", "bob", "carlos"), timeout=600)
    sessions = await opened(office, cables, manifest, troubled=told.append)
    alice, bob = sessions.pop("alice"), sessions["bob"]
    alice.send("bob", Step(0, 1), np.arange(5, dtype=np.uint64))
    waiting = asyncio.create_task(bob.receive("carlos", Step(0, 1), words(5)))
    await (alice.abort(asyncio.CancelledError()) if interrupted else alice.close())
    await until(lambda: link(bob, "alice")._link.lost)
    ticks = [link(bob, "alice").tick() for _ in range(2 * TICKS_OF_SILENCE)]
    assert not any(ticks)  # who has left is not silent
    assert link(bob, "alice").standing is not Standing.AWAY
    assert list(await bob.receive("alice", Step(0, 1), words(5))) == [0, 1, 2, 3, 4]
    with pytest.raises(PeerLost) as error:
        await bob.receive("alice", Step(0, 2), words(5))
    assert error.value.exit_code == 40
    assert not told
    waiting.cancel()
    await closed(sessions)


async def test_a_link_is_over_for_all_readers(office):
    link = LastingLink(SentStream(), Settled())
    link.abandon(PeerLost("no"))
    with pytest.raises(PeerLost, match="no"):
        link.follow(iter(()))
    link.write(b"dropped")
    assert (link.backlog, link.bytes_sent) == (0, 0)
    assert ways.HEAD_START < 5


# Ways


async def exchange(sessions, number):
    """Each of two parties gets a word of the other's."""
    alice, bob = sessions["alice"], sessions["bob"]
    word = np.array([number], np.uint64)
    alice.send("bob", Step(1, number), word)
    bob.send("alice", Step(1, number), word)
    assert await bob.receive("alice", Step(1, number), words(1)) == word
    assert await alice.receive("bob", Step(1, number), words(1)) == word


async def test_a_coordinator_that_is_started_again_costs_two_seconds_at_most(office, cables):
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(office.coordinator())
        sessions = await opened(office, cables, office.manifest(("alice", "bob"), relay=address))
        await exchange(sessions, 0)
        await stack.aclose()
        await until(lambda: link(sessions["alice"], "bob").standing is Standing.AWAY)
        async with office.coordinator() as again:
            cables.proxies[address].target = again
            started = asyncio.get_running_loop().time()
            await exchange(sessions, 1)
            assert asyncio.get_running_loop().time() - started < 2 * BUSY
            await closed(sessions)


async def test_a_relay_is_the_fallback_of_a_direct_way_and_the_other_way_round(office, cables):
    async with office.coordinator() as relay:
        manifest = office.manifest(("alice", "bob"), relay=relay, direct=("alice",), deadline=20)
        direct = cables.proxy(manifest.party[0].address)
        direct.swallows = True
        sessions = await opened(office, cables, manifest)  # in the room
        await exchange(sessions, 0)
        direct.swallows = False
        direct.cut()
        cables.proxies[relay].swallows = True
        cables.proxies[relay].cut()
        await exchange(sessions, 1)  # directly
        cables.proxies[relay].swallows = False
        cables.proxies[relay].cut()
        direct.swallows = True
        direct.cut()
        await exchange(sessions, 2)
        await closed(sessions)


async def test_a_pair_may_meet_at_any_of_several_coordinators(office, cables):
    async with office.coordinator() as one, office.coordinator() as other:
        manifest = office.manifest(("alice", "bob"), relay=[one, other])
        sessions = await opened(office, cables, manifest)
        for number, lost in enumerate((one, other, one)):
            for address in (one, other):
                cables.proxies[address].swallows = address == lost
                cables.proxies[address].cut()
            await exchange(sessions, number)
        await closed(sessions)


# Another run of a party


async def test_a_run_that_died_without_a_word_makes_room_for_the_next(office, cables, place):
    """A host that was power-cycled while others gathered."""
    manifest = place(deadline=20)
    counts, news = [], asyncio.Event()

    def gathered(here, _of, _away):
        counts.append(here)
        news.set()

    async def counted(*wanted):
        while counts[-len(wanted) :] != list(wanted):
            news.clear()
            await news.wait()

    def joins(name, **options):
        return group.create_task(office.open(manifest, name, network=cables.network(), **options))

    async with asyncio.timeout(15), asyncio.TaskGroup() as group:
        alice, first = joins("alice", gathered=gathered), joins("carlos")
        await counted(1, 2)
        for proxy in cables.proxies.values():
            proxy.forget()  # its packets go nowhere from now on, and nobody is told
        first.cancel()
        await asyncio.wait([first])
        again = joins("carlos")
        await counted(1, 2)
        bob = joins("bob")
    sessions = {"alice": alice.result(), "bob": bob.result(), "carlos": again.result()}
    assert len({session.id for session in sessions.values()}) == 1
    await closed(sessions)


async def test_a_second_run_is_told_so_in_mid_session_and_the_first_goes_on(office, cables, place):
    manifest = place(("alice", "bob"), timeout=4)
    sessions = await opened(office, cables, manifest)
    with pytest.raises(OstrakaError) as error:
        await office.open(manifest, "bob", network=cables.network())
    assert "another bob is there already" in error.value.message or (
        "listen" in error.value.message
    )
    await exchange(sessions, 0)
    await closed(sessions)


async def test_a_run_begun_anew_after_the_start_ends_the_session_at_once(
    office, cables, place, kill
):
    manifest = place(("alice", "bob"), timeout=600, deadline=3)
    sessions = await opened(office, cables, manifest)
    kill(sessions["bob"])
    again = asyncio.create_task(office.open(manifest, "bob", network=cables.network()))
    with pytest.raises(PeerLost, match="began anew, without the record of this session"):
        await sessions["alice"].receive("bob", Step(0, 1), words(1))
    await sessions["alice"].close()
    again.cancel()
    await asyncio.wait([again])
