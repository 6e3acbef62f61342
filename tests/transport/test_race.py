"""The race of connections: staggered, failures hurry it on, and losers are dropped."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest

from ostraka.transport.race import Attempt, interleave, race


class Track:
    """Attempts of a test: what began when, and what was dropped."""

    def __init__(self) -> None:
        self.dropped: list[str] = []
        self.cancelled: list[str] = []
        self.begun: dict[str, float] = {}

    def attempt(self, name: str, seconds: float, error: str = "") -> Attempt[str]:
        async def connect() -> str:
            self.begun[name] = monotonic()
            try:
                await asyncio.sleep(seconds)
            except asyncio.CancelledError:
                self.cancelled.append(name)
                raise
            if error:
                raise OSError(1, error)
            return name

        return Attempt(name, connect)

    async def race(self, *attempts: Attempt[str], stagger: float = 0.02) -> str | None:
        async with asyncio.timeout(10):
            return await race(attempts, self.dropped.append, stagger)


@pytest.fixture
def track() -> Track:
    return Track()


def test_families_alternate_and_keep_their_order():
    assert interleave([(6, "a"), (6, "b"), (6, "c"), (4, "d"), (4, "e")]) == list("adbec")
    assert interleave([(4, "d"), (6, "a")]) == list("da")
    assert interleave([]) == []


async def test_the_first_that_connects_alone_is_tried_if_it_is_quick(track):
    attempts = track.attempt("a", 0), track.attempt("b", 0)
    assert await track.race(*attempts, stagger=5) == "a"
    assert [each.begun for each in attempts] == [True, False]


async def test_a_black_hole_costs_one_stagger(track):
    assert await track.race(track.attempt("hole", 60), track.attempt("b", 0)) == "b"
    assert track.cancelled == ["hole"]
    assert track.begun["b"] - track.begun["hole"] >= 0.02


async def test_a_failure_starts_the_next_attempt_at_once(track):
    attempts = [track.attempt("a", 0, "refused"), track.attempt("b", 0)]
    assert await track.race(*attempts, stagger=5) == "b"
    assert attempts[0].error.strerror == "refused"


async def test_all_fail(track):
    attempts = [track.attempt(name, 0.01, f"{name} refused") for name in "abc"]
    assert await track.race(*attempts, stagger=0.001) is None
    assert [each.error.strerror for each in attempts] == ["a refused", "b refused", "c refused"]
    assert await track.race() is None


async def test_an_attempt_that_wins_late_beats_those_that_have_not_connected(track):
    slow, hole = track.attempt("slow", 0.05), track.attempt("hole", 60)
    assert await track.race(slow, hole, stagger=0.001) == "slow"
    assert track.cancelled == ["hole"]


async def test_what_a_loser_has_connected_is_dropped(track):
    async def stubborn() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "loser"  # it was connected in the same moment
        raise AssertionError

    attempts = [Attempt("a", stubborn), track.attempt("b", 0.01)]
    assert await track.race(*attempts, stagger=0.001) == "b"
    assert track.dropped == ["loser"]


async def test_a_winner_that_comes_too_late_for_its_caller_is_dropped(track):
    async def winner() -> str:
        loop = asyncio.get_running_loop()
        loop.call_soon(racing.cancel)
        return "winner"

    racing = asyncio.ensure_future(track.race(Attempt("a", winner), stagger=5))
    with pytest.raises(asyncio.CancelledError):
        await racing
    assert track.dropped == ["winner"]
