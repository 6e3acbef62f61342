"""The desk: uploads at the same time share a transaction; a database that goes comes back."""

import asyncio

import pytest

from ostraka.mailbox.batch import Accepted, Upload
from ostraka.mailbox.database import DatabaseGone
from ostraka.mailbox.desk import Desk
from ostraka.mailbox.store import Founding, Store

NOW = 1_800_000_000.0
MINUTE = int(NOW) // 60
ID = b"i" * 32


def upload(number):
    return Upload(ID, 0, number.to_bytes(32), None, 0, b"a" * 32, b"report %d" % number)


@pytest.fixture
async def desk(connect):
    found = Desk(connect, 1 << 40, lambda: NOW)
    await found.open()
    await found.ask(lambda store: store.found(ID, Founding(b"", b"", 2**40, 10**6, True)))
    yield found
    await found.close()


async def test_many_uploads_share_few_transactions(desk, monkeypatch):
    batches = []
    keep = Store.keep

    def counted(self, uploads, now):
        batches.append(len(uploads))
        return keep(self, uploads, now)

    monkeypatch.setattr(Store, "keep", counted)
    kept = await asyncio.gather(*(desk.keep(upload(number)) for number in range(300)))
    assert sorted(place.position for place in kept) == list(range(1, 301))
    assert sum(batches) == 300
    assert len(batches) < 30
    assert desk.waiting_bytes == 0


async def test_an_upload_that_was_cancelled_harms_no_other(desk):
    both = [asyncio.ensure_future(desk.keep(upload(number))) for number in (1, 2)]
    await asyncio.sleep(0)
    both[0].cancel()
    assert isinstance(await both[1], Accepted)


async def test_too_much_that_waits_is_refused(desk):
    desk.waiting_bytes = 1 << 40
    assert await desk.keep(upload(1)) == "busy"
    desk.waiting_bytes = 0


async def test_what_waits_is_written_before_the_end(connect):
    desk = Desk(connect, 1 << 40, lambda: NOW)
    await desk.open()
    await desk.ask(lambda store: store.found(ID, Founding(b"", b"", 2**40, 10**6, True)))
    pending = [asyncio.ensure_future(desk.keep(upload(number))) for number in range(20)]
    await asyncio.sleep(0)
    await desk.close()
    assert {place.position for place in await asyncio.gather(*pending)} == set(range(1, 21))


async def test_a_database_that_goes_and_comes_back(postgres, postgres_server):
    desk = Desk(postgres, 1 << 40, lambda: NOW)
    await desk.open()
    await desk.ask(lambda store: store.found(ID, Founding(b"", b"", 2**40, 10**6, True)))
    assert await desk.keep(upload(1)) == Accepted(1, MINUTE)
    await asyncio.to_thread(postgres_server.stop)
    for _ in range(2):
        with pytest.raises(DatabaseGone):
            await desk.keep(upload(2))
        with pytest.raises(DatabaseGone):
            await desk.ask(Store.ping)
    await asyncio.to_thread(postgres_server.start)
    assert await desk.keep(upload(2)) == Accepted(2, MINUTE)
    assert await desk.keep(upload(1)) == Accepted(1, MINUTE), "what was promised is there"
    await desk.ask(Store.ping)
    await desk.close()
