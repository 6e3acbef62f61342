"""Sessions whose parties meet at a broker, beside or instead of other ways; in one process."""

import asyncio
import random

import numpy as np
import pytest
from memory_broker import Hub

from ostraka.errors import Tampered, Unreachable
from ostraka.exchange import Step, words
from ostraka.session.session import Session

BROKER = "mqtt://b.example:1883"
THREE = ("alice", "bob", "carlos")


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def gathered(office, hub):
    """Opens a session of all parties of a manifest, each over a network of its own."""
    opened, networks = [], []

    async def gather(manifest):
        async def enter(name):
            networks.append(hub.network())
            return await office.open(manifest, name, network=networks[-1])

        found = await asyncio.gather(*map(enter, manifest.parties), return_exceptions=True)
        opened.extend(each for each in found if isinstance(each, Session))
        for each in found:
            if isinstance(each, BaseException):
                raise each
        return dict(zip(manifest.parties, found, strict=True))

    return gather


async def exchange(sessions, steps, length=50):
    """Each party sends each other one vector a step; what arrives is what was sent."""

    async def talk(me, session):
        for step in range(1, steps + 1):
            for other in sessions:
                if other != me:
                    session.send(
                        other, Step(0, step), np.full(length, 100 * step + ord(me[0]), np.uint64)
                    )
            for other in sessions:
                if other != me:
                    got = await session.receive(other, Step(0, step), words(length))
                    assert (got == 100 * step + ord(other[0])).all()

    async with asyncio.timeout(60):
        await asyncio.gather(*(talk(me, session) for me, session in sessions.items()))


async def closed(sessions):
    await asyncio.gather(*(session.close() for session in sessions.values()))


async def test_a_session_through_a_broker(office, hub, gathered):
    sessions = await gathered(office.manifest(THREE, relay=BROKER))
    assert len(hub.clients) == 3
    await exchange(sessions, 20)
    await closed(sessions)
    assert hub.clients == []


@pytest.mark.parametrize("seed", range(2))
async def test_a_session_survives_a_broker_that_loses_doubles_and_swaps(
    office, hub, gathered, seed
):
    """One message in eighty each: links go on over the next carriers, and nothing above notices."""
    draw, held = random.Random(seed), []

    def worse(topic, payload):
        messages, held[:] = [(topic, payload), *held], []
        fate = draw.randrange(80)
        if fate == 0:
            return messages[1:]
        if fate == 1:
            return [messages[0], *messages]
        if fate == 2:
            held.extend(messages)
            return []
        return messages

    sessions = await gathered(office.manifest(THREE, relay=BROKER, deadline=30, timeout=12))
    hub.pass_on = worse
    await exchange(sessions, 15)
    hub.pass_on = lambda topic, payload: [(topic, payload)]
    await closed(sessions)


async def test_a_broker_that_is_killed_in_the_middle_is_a_pause(office, hub, gathered):
    sessions = await gathered(office.manifest(THREE, relay=BROKER, timeout=8))
    loop, kills = asyncio.get_running_loop(), [400, 200, 50]

    def killing(topic, payload):
        if kills and len(hub.topics) > kills[-1]:
            kills.pop()
            hub.topics.clear()
            hub.up = False
            loop.call_soon(hub.kill)
            loop.call_later(0.05, setattr, hub, "up", True)
        return [(topic, payload)]

    hub.topics.clear()
    hub.pass_on = killing
    await exchange(sessions, 60, length=20_000)
    assert kills == []
    await closed(sessions)


async def test_a_broker_reads_nothing_of_what_is_sent(office, hub, gathered):
    said = []
    hub.pass_on = lambda topic, payload: said.append(bytes(payload)) or [(topic, payload)]
    sessions = await gathered(office.manifest(THREE, relay=BROKER))
    canary = np.frombuffer(b"a canary", np.uint64)
    sessions["alice"].send("bob", Step(0, 1), canary)
    assert (await sessions["bob"].receive("alice", Step(0, 1), words(1)) == canary).all()
    await closed(sessions)
    assert len(said) > 20
    assert b"a canary" not in b"".join(said)


async def test_altered_bytes_end_the_session_and_name_the_network(office, hub, gathered):
    sessions = await gathered(office.manifest(("alice", "bob"), relay=BROKER))
    hub.pass_on = lambda topic, payload: [(topic, payload[:-1] + bytes([payload[-1] ^ 1]))]
    sessions["alice"].send("bob", Step(0, 1), np.zeros(1, np.uint64))
    with pytest.raises(Tampered) as caught:
        await sessions["bob"].receive("alice", Step(0, 1), words(1))
    assert caught.value.exit_code == 50
    hub.pass_on = lambda topic, payload: [(topic, payload)]
    await closed(sessions)


async def test_parties_with_addresses_need_no_broker_that_is_away(office, hub, gathered):
    hub.up = False
    sessions = await gathered(office.manifest(THREE, relay=BROKER, direct=THREE))
    await exchange(sessions, 2)
    await closed(sessions)


async def test_two_meet_at_the_broker_and_the_third_is_dialled(office, hub, gathered):
    sessions = await gathered(office.manifest(THREE, relay=BROKER, direct=("carlos",)))
    await exchange(sessions, 3)
    assert len(hub.clients) == 2
    await closed(sessions)


async def test_a_broker_and_a_relay_stand_in_for_each_other(office, hub, gathered):
    async with office.coordinator() as relay:
        for away in (True, False):
            hub.up = not away
            place = office.ports(1)[0] if not away else relay
            sessions = await gathered(office.manifest(THREE, relay=[place, BROKER]))
            await exchange(sessions, 2)
            await closed(sessions)


async def test_a_broker_that_nobody_reaches_is_named_at_the_deadline(office, hub, gathered):
    hub.up = False
    with pytest.raises(Unreachable) as caught:
        await gathered(office.manifest(("alice", "bob"), relay=BROKER, deadline=0.5))
    assert caught.value.exit_code == 10
    assert "the broker at mqtt://b.example:1883" in caught.value.message
    assert "connection refused" in caught.value.message
    assert caught.value.data_left is False
