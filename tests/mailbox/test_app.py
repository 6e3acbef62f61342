"""The mailbox over HTTP: who may leave and fetch what, and what it says of all else."""

import asyncio
import base64
import logging
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from time import time

import pytest
from scene import COMPUTE, Clock, Collecting, code, fetched, path_of, raw, running

from ostraka.collection import orders, signed
from ostraka.collection.credentials import SigningKey
from ostraka.collection.report import read_view
from ostraka.errors import (
    Disagreement,
    InvitationExpired,
    RefusedByPolicy,
    Temporary,
    UsageError,
)
from ostraka.mailbox import requests, serving
from ostraka.service.arrivals import Arrivals


async def test_a_report_reaches_every_compute_party(place):
    its, client = place.collecting, place.client()
    sent = [its.report(number) for number in range(3)]
    promises = [await client.put_report(digest, octets) for octets, digest in sent]
    assert [promise.position for promise in promises] == [1, 2, 3]
    for index, name in enumerate(COMPUTE):
        views = await fetched(place.client(name), name)
        assert [fetched.position for fetched in views] == [1, 2, 3]
        found = [read_view(fetched.view, its.terms, index) for fetched in views]
        assert [report.digest for report in found] == [digest for _, digest in sent]
        assert await fetched_after(place, name, 2) == [3]
    status = await client.status()
    assert (status.manifest, status.closes, status.state) == (its.toml, its.closes, "open")
    assert status.reports == 3
    assert list(status.statements.values()) == its.statements
    assert await client.publication() == its.publication


async def fetched_after(place, name, after):
    return [one.position for one in await fetched(place.client(name), name, after)]


async def test_a_report_twice_is_one(place):
    octets, digest = place.collecting.report()
    first, again = [await place.client().put_report(digest, octets) for _ in range(2)]
    assert first == again
    assert (await place.client().status()).reports == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda octets: octets[:-1], (422, "length")),
        (lambda octets: octets[:40], (422, "length")),
        (lambda octets: b"", (422, "length")),
        (lambda octets: octets + bytes(5000), (413, "large")),
        (lambda octets: bytes([9]) + octets[1:], (422, "version")),
        (lambda octets: octets[:2] + bytes(32) + octets[34:], (422, "collection")),
        (lambda octets: octets[:34] + b"\xff\0\0\0" + octets[38:], (422, "credential")),
        (lambda octets: octets[:-1] + bytes([octets[-1] ^ 1]), (422, "signature")),
    ],
)
async def test_a_report_of_another_form_is_refused(place, change, expected):
    octets, digest = place.collecting.report()
    path = path_of(place, f"/reports/{digest.hex()}")
    assert await code(place, "PUT", path, change(octets)) == expected
    assert (await place.client().status()).reports == 0


async def test_a_report_under_another_digest_is_refused(place):
    octets, _ = place.collecting.report()
    with pytest.raises(Disagreement, match="names another report"):
        await place.client().put_report(bytes(32), octets)


async def test_a_report_for_another_collection_is_refused(place, tmp_path):
    other = Collecting(tmp_path / "keys", title="Another poll")
    await place.open(other)
    octets, digest = other.report()
    with pytest.raises(Disagreement, match="another collection"):
        await place.client().put_report(digest, octets)
    assert (await place.client(collecting=other).put_report(digest, octets)).position == 1


async def test_a_credential_that_is_not_the_rosters_is_refused(place):
    its = place.collecting
    _ = its.terms
    its.credentials[0] = SigningKey(bytes([77]) * 32)
    octets, digest = its.report(0)
    path = path_of(place, f"/reports/{digest.hex()}")
    assert await code(place, "PUT", path, octets) == (422, "signature")


async def test_after_closing_nothing_is_taken_and_promises_are_repeated(collecting, sqlite):
    clock = Clock()
    async with running(collecting, sqlite, clock=clock) as place:
        await place.open()
        (early, early_digest), (late, late_digest) = collecting.report(0), collecting.report(1)
        promise = await place.client().put_report(early_digest, early)
        clock.ahead = 3600.0
        assert (await place.client().status()).state == "closing"
        assert await place.client().put_report(early_digest, early) == promise
        with pytest.raises(InvitationExpired, match="is closed"):
            await place.client().put_report(late_digest, late)


async def test_replacement(place):
    its, client = place.collecting, place.client()
    first, second = its.report(0), its.report(0, counter=2)
    thief = its.report(0, counter=3, contributor=99)
    assert (await client.put_report(second[1], second[0])).position == 1
    with pytest.raises(InvitationExpired, match="a later report"):
        await client.put_report(first[1], first[0])
    with pytest.raises(InvitationExpired, match="another key"):
        await client.put_report(thief[1], thief[0])
    third = its.report(0, counter=3)
    assert (await client.put_report(third[1], third[0])).position == 2


async def test_an_open_collection_takes_no_more_than_it_may(tmp_path, sqlite):
    its = Collecting(tmp_path / "keys", size=3, invited=False)
    async with running(its, sqlite) as place:
        await place.open()
        for number in range(3):
            octets, digest = its.report(number)
            await place.client().put_report(digest, octets)
        octets, digest = its.report(3)
        with pytest.raises(RefusedByPolicy, match="as many reports"):
            await place.client().put_report(digest, octets)
        assert (await place.client().status()).state == "open", "that does not close it"


async def test_only_compute_parties_fetch(place):
    its = place.collecting
    path = path_of(place, "/reports?party=c1")
    assert await code(place, "GET", path) == (401, "unsigned")
    with pytest.raises(UsageError, match="another key"):
        await fetched(place.client("c2"), "c1")
    old = signed.write_statement(signed.FETCH, its.id, bytes(8), its.people["c1"])
    header = f"Authorization: Ostraka {base64.b64encode(old).decode()}"
    assert await code(place, "GET", path, headers=[header]) == (403, "clock")
    assert await code(place, "GET", path_of(place, "/reports?party=x")) == (404, "no-party")


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=1e3", f"after={2**63}"])
async def test_positions_are_numbers(place, query):
    its = place.collecting
    now = int(time()).to_bytes(8, "little")
    said = signed.write_statement(signed.FETCH, its.id, now, its.people["c1"])
    header = f"Authorization: Ostraka {base64.b64encode(said).decode()}"
    path = path_of(place, f"/reports?party=c1&{query}")
    assert await code(place, "GET", path, headers=[header]) == (400, "malformed")


async def test_one_address_has_a_pace(collecting, sqlite):
    async with running(collecting, sqlite, pace=Arrivals(10, 0.001)) as place:
        await place.open()
        octets, digest = collecting.report()
        path = path_of(place, f"/reports/{digest.hex()}")
        found = [(await raw(place, "PUT", path, octets))[0] for _ in range(20)]
        assert found == [200] * 6 + [429] * 14
        _, head, _ = await raw(place, "PUT", path, octets)
        assert "retry-after: " in head
        with pytest.raises(Temporary, match="too many requests"):
            await place.client().status()


@asynccontextmanager
async def connected(place, source="127.0.0.1", said=b""):
    """A connection that has said something, and no more; the reader of it."""
    host, port = place.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), local_addr=(source, 0))
    writer.write(said)
    try:
        yield reader
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def ended(reader):
    """What came until the mailbox closed the connection."""
    with suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), 5)
    return b""


def beginning(place, length):
    return f"PUT {path_of(place)} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()


async def test_one_host_shuts_no_other_out_by_connections(place, monkeypatch):
    monkeypatch.setattr(serving, "OF_ONE_HOST", 8)
    await place.open()
    other, asked = "127.0.0.2", b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with AsyncExitStack() as held:
        for _ in range(8):
            await held.enter_async_context(connected(place, other))
        async with connected(place, other, asked) as reader:
            assert await ended(reader) == b""
        assert (await raw(place, "GET", path_of(place)))[0] == 200
    async with asyncio.timeout(5):
        answer = b""
        while not answer:
            async with connected(place, other, asked) as reader:
                answer = await ended(reader)


async def test_bodies_together_are_bounded_and_reports_come_in_all_the_same(place, monkeypatch):
    await place.open()
    monkeypatch.setattr(requests, "BODIES_BYTES", 5000)
    monkeypatch.setattr(requests, "SHORT_BODY", 2000)
    async with connected(place, said=beginning(place, 9999) + bytes(4500)):
        async with asyncio.timeout(5):
            while place.mailbox._bodies.held < 4500:
                await asyncio.sleep(0.01)
        assert await code(place, "PUT", path_of(place), bytes(3000)) == (503, "busy")
        octets, digest = place.collecting.report()
        await place.client().put_report(digest, octets)
    async with asyncio.timeout(5):
        while place.mailbox._bodies.held:
            await asyncio.sleep(0.01)


async def test_an_exchange_that_does_not_end_is_cut_off(place, monkeypatch):
    monkeypatch.setattr(serving, "EXCHANGE_SECONDS", 0.2)
    await place.open()
    async with connected(place, said=beginning(place, 9)) as reader:
        assert await ended(reader) == b""


def test_proxies_may_have_any_number_of_connections():
    assert not serving._is_listed("10.1.2.3", ())
    assert serving._is_listed("10.1.2.3", ("127.0.0.1", "10.0.0.0/8"))
    assert serving._is_listed("::1", ("*",))
    assert not serving._is_listed("fe80::1%eth0", ("10.0.0.0/8", "10.1.2.3"))


async def test_pages_of_any_origin_may_ask(place):
    _, head, _ = await raw(place, "GET", path_of(place), headers=["Origin: null"])
    assert "access-control-allow-origin: *" in head
    assert "server: " not in head
    asked = ["Origin: null", "Access-Control-Request-Method: PUT"]
    status, head, _ = await raw(place, "OPTIONS", path_of(place, "/reports/x"), headers=asked)
    assert status == 200
    assert "put" in head


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "/v1/collections/zz", 400),
        ("GET", f"/v1/collections/{'A' * 64}", 400),
        ("GET", f"/v1/collections/{'a' * 64}", 404),
        ("PUT", f"/v1/collections/{'a' * 64}", 422),
        ("DELETE", f"/v1/collections/{'a' * 64}", 405),
        ("GET", "/", 404),
    ],
)
async def test_other_addresses(place, verb, path, status):
    assert (await raw(place, verb, path))[0] == status


async def test_a_bug_is_logged_without_what_was_sent(place, monkeypatch, caplog):
    from ostraka.mailbox import app

    octets, digest = place.collecting.report()
    monkeypatch.setattr(app, "check_upload", lambda *_: 1 / 0)
    monkeypatch.setattr(logging.getLogger("ostraka.service"), "propagate", True)
    path = path_of(place, f"/reports/{digest.hex()}")
    assert await code(place, "PUT", path, octets) == (500, "internal")
    assert "a request ended by a bug" in caplog.text
    assert "127.0.0.1" not in caplog.text
    assert digest.hex() not in caplog.text


async def test_nothing_is_logged_of_a_request(place, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    octets, digest = place.collecting.report()
    await place.client().put_report(digest, octets)
    await raw(place, "GET", "/nowhere")
    out, err = capfd.readouterr()
    said = (
        out
        + err
        + "".join(record.getMessage() for record in caplog.records if record.name != "asyncio")
    )
    assert digest.hex() not in said
    assert "127.0.0.1" not in said


async def test_a_full_disk(collecting, sqlite):
    async with running(collecting, sqlite, most_bytes=300) as place:
        await place.open()
        octets, digest = collecting.report()
        path = path_of(place, f"/reports/{digest.hex()}")
        assert await code(place, "PUT", path, octets) == (507, "disk-full")


async def test_a_database_that_is_away(collecting, postgres, postgres_server):
    async with running(collecting, postgres) as place:
        await place.open()
        octets, digest = collecting.report()
        await asyncio.to_thread(postgres_server.stop)
        path = path_of(place, f"/reports/{digest.hex()}")
        assert await code(place, "PUT", path, octets) == (503, "gone")
        sending = asyncio.create_task(place.client(patience=30.0).put_report(digest, octets))
        await asyncio.to_thread(postgres_server.start)
        assert (await sending).position == 1


async def test_two_mailboxes_over_one_database(collecting, postgres):
    """What one is told, the other knows: revocations at once, and one order of reports."""
    async with running(collecting, postgres) as one, running(collecting, postgres) as two:
        await one.open()
        (a, a_digest), (b, b_digest) = collecting.report(0), collecting.report(1)
        assert (await one.client().put_report(a_digest, a)).position == 1
        assert (await two.client().put_report(b_digest, b)).position == 2
        revoked = orders.write_revocations([2], collecting.id, collecting.people["olga"])
        await one.client().put_revocations(revoked)
        octets, digest = collecting.report(2)
        with pytest.raises(InvitationExpired):
            await two.client().put_report(digest, octets)
        assert len(await fetched(two.client("c1"), "c1")) == 2


async def test_the_page_of_a_collection_is_served_and_framed_by_no_other(place):
    status, headers, body = await raw(place, "GET", f"/c/{place.collecting.id.hex()}")
    assert status == 200
    assert b"Content-Security-Policy" in body
    assert "frame-ancestors 'none'" in headers
    assert place.collecting.id.hex().encode() in body
