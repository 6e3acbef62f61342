"""A context that opens a session and always ends it: what its peers and its observer see."""

import asyncio

import pytest

from ostraka.errors import Aborted, PeerLost
from ostraka.progress import Observer
from ostraka.session.participation import BytesLeft, taking_part

PARTIES = ("alice", "bob")


class Told(Observer):
    def __init__(self):
        self.moves = []

    def moved(self, done, total):
        self.moves.append((done, total))


async def test_an_error_inside_ends_the_session_of_the_others(office):
    manifest = office.manifest(PARTIES)
    both = asyncio.Barrier(2)

    async def refuses():
        async with taking_part(manifest, office.identity("alice"), "alice", Observer()):
            await both.wait()
            raise Aborted("alice does not like it")

    async def waits():
        async with taking_part(manifest, office.identity("bob"), "bob", Observer()) as session:
            await both.wait()
            from ostraka.exchange import words
            from ostraka.names import Step

            await session.receive("alice", Step(0, 0), words(1))

    refused, waited = await asyncio.gather(refuses(), waits(), return_exceptions=True)
    assert isinstance(refused, Aborted)
    assert isinstance(waited, PeerLost)
    assert "alice" in waited.message


async def test_an_observer_hears_of_the_bytes_from_the_first_moment_to_the_last(office):
    manifest = office.manifest(PARTIES)
    watched = Told()

    async def one(name, observer):
        async with taking_part(manifest, office.identity(name), name, observer) as session:
            with BytesLeft(session, observer, 10):
                assert observer is not watched or watched.moves[-1] == (10, 10)

    await asyncio.gather(one("alice", watched), one("bob", Observer()))
    told = len(watched.moves)
    assert told == 1
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await asyncio.Event().wait()
    assert len(watched.moves) == told, "it is still told after the session's end"
