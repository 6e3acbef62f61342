"""The door of a listener: its clocks, and the links that have to go."""

from __future__ import annotations

import asyncio

import pytest

from ostraka.errors import PeerLost
from ostraka.transport import door, memory
from ostraka.transport.contexts import Contexts
from ostraka.transport.door import Door
from ostraka.transport.preamble import announce, pinned
from ostraka.transport.tls import SecureLink


@pytest.fixture
def knock(keys):
    """Makes Bob's link to a stranger, and the stranger's end of its connection."""
    made = []

    def knock():
        outside, inside = memory.pair()
        outside.on_data = outside.on_lost = lambda _: None
        outside.on_room = lambda: None
        link = SecureLink(
            inside,
            Contexts(keys["bob"]),
            server=True,
            admit=pinned("alice", keys["alice"].fingerprint),
        )
        made.append(link)
        return outside, inside, link

    yield knock
    for link in made:
        link.abandon(PeerLost("the test is over"))


def alice(keys, carrier) -> SecureLink:
    admit = pinned("bob", keys["bob"].fingerprint)
    return SecureLink(carrier, Contexts(keys["alice"]), server=False, admit=admit)


async def test_a_party_gets_in_and_frees_its_place(keys, knock):
    mine = Door()
    outside, inside, link = knock()
    ours = alice(keys, outside)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(mine.open(link, inside, "h"))
        await asyncio.sleep(0)
        assert len(mine) == 1
        tasks.create_task(ours.open())
    assert (len(mine), link.failed, ours.failed) == (0, None, None)
    ours.abandon(PeerLost("over"))


async def test_silence_ends_after_a_moment_and_a_byte_buys_the_handshakes_time(
    knock, outcome, monkeypatch
):
    monkeypatch.setattr(door, "FIRST_BYTE_SECONDS", 0.05)
    mine = Door()
    _outside, inside, silent = knock()
    assert str(await outcome(mine.open(silent, inside, "h"))) == "silent for 0.05 s"
    outside, inside, dripping = knock()
    outside.send(b"O")
    error = await outcome(mine.open(dripping, inside, "h", seconds=0.3))
    assert str(error) == "no handshake within 0.3 s"
    assert len(mine) == 0


async def test_the_oldest_stranger_goes_for_a_newcomer(keys, knock, outcome):
    mine = Door(places=2)
    strangers = [knock() for _ in range(3)]
    opening = []
    for _outside, inside, link in strangers:
        opening.append(asyncio.ensure_future(outcome(mine.open(link, inside, "h"))))
        await asyncio.sleep(0)
    assert str(await opening[0]) == "too many strangers at the door"
    assert len(mine) == 2
    for outside, _, _ in strangers[1:]:
        outside.send(announce(keys["alice"].certificate))
    await asyncio.sleep(0.01)
    _outside, inside, late = knock()
    assert str(await outcome(mine.open(late, inside, "h"))) == "too many strangers at the door"
    assert [link.failed for *_, link in strangers[1:]] == [None, None], "they showed a known key"
    for *_, link in strangers:
        link.abandon(PeerLost("over"))
    await asyncio.gather(*opening)
