"""The carrier inside one process: order, delay, bounds, death."""

from __future__ import annotations

import asyncio

import pytest

from ostraka.limits import READ_AHEAD
from ostraka.transport import memory


class Owner:
    """Keeps what a carrier reports."""

    def __init__(self, carrier) -> None:
        self.data: list[bytes] = []
        self.rooms = 0
        self.lost: list[str] = []
        carrier.on_data = lambda piece: self.data.append(bytes(piece))
        carrier.on_room = self._room
        carrier.on_lost = lambda error: self.lost.append(error.message)

    def _room(self) -> None:
        self.rooms += 1


async def turn(times: int = 3) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


def ends(**arguments):
    one, other = memory.pair(**arguments)
    owners = Owner(one), Owner(other)
    one.start()
    return one, other, *owners


async def test_order_is_kept_and_directions_are_apart():
    one, other, mine, its = ends()
    other.start()
    for piece in (b"1", b"2", b"3"):
        one.send(piece)
    other.send(b"back")
    await turn()
    assert (its.data, mine.data) == ([b"1", b"2", b"3"], [b"back"])


async def test_what_comes_early_waits_for_the_start():
    one, other, _, its = ends()
    one.send(b"early")
    await turn()
    assert its.data == []
    other.start()
    assert its.data == [b"early"]


async def test_delay_is_waited_for():
    one, other, _, its = ends(delay=0.05)
    other.start()
    started = asyncio.get_running_loop().time()
    one.send(b"late")
    while not its.data:
        await asyncio.sleep(0.001)
    assert asyncio.get_running_loop().time() - started >= 0.05


async def test_room_ends_when_nobody_takes_and_comes_back():
    one, other, mine, _ = ends()
    other.start()
    while one.room:
        one.send(bytes(65536))
        await turn(1)
    assert other._unread >= READ_AHEAD
    other.consumed(READ_AHEAD)
    await turn()
    assert one.room
    assert mine.rooms == 1


@pytest.mark.parametrize("tamper", [lambda piece: [], lambda piece: [piece, piece]])
async def test_tampering_acts_on_the_first_ends_pieces_alone(tamper):
    one, other, mine, its = ends(tamper=tamper)
    other.start()
    one.send(b"x")
    other.send(b"y")
    await turn()
    assert (its.data, mine.data) == (tamper(b"x"), [b"y"])


async def test_death_reaches_both_ends_once():
    one, other, mine, its = ends()
    other.start()
    one.send(b"on the way")
    one.kill()
    one.kill()
    await turn()
    assert (mine.lost, its.lost, its.data) == (["connection lost"], ["connection lost"], [])
    assert not one.room
    assert not other.room


async def test_closing_tells_the_other_end_after_what_was_sent():
    one, other, mine, its = ends()
    other.start()
    one.send(b"last")
    one.close()
    await turn()
    assert (its.data, its.lost, mine.lost) == ([b"last"], ["connection lost"], [])
