"""Pages of health: what is answered to a monitor, and to what is none."""

import asyncio
from contextlib import suppress

import pytest

from ostraka.service import http
from ostraka.service.http import Answer, Responder

PAGES = {"/healthz": lambda: Answer("200 OK", "ok\n")}


@pytest.mark.parametrize(
    ("head", "status", "body"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"200 OK", b"ok\n"),
        (b"GET /healthz?x=1 HTTP/1.0\r\n\r\n", b"200 OK", b"ok\n"),
        (b"HEAD /healthz HTTP/1.1\r\n\r\n", b"200 OK", b""),
        (b"GET /../etc/passwd HTTP/1.1\r\n\r\n", b"404 Not Found", b"not found\n"),
        (b"POST /healthz HTTP/1.1\r\n\r\n", b"405 Method Not Allowed", b"only GET and HEAD\n"),
        (b"GET /healthz\r\n\r\n", b"400 Bad Request", b"not a request\n"),
        (b"\x16\x03\x01\xff\xff\r\n\r\n", b"400 Bad Request", b"not a request\n"),
        (b"\r\n\r\n", b"400 Bad Request", b"not a request\n"),
    ],
)
def test_answers(head, status, body):
    answer = Responder(PAGES).answer(head)
    top, _, rest = answer.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert b"Connection: close" in top
    assert rest == body


async def test_over_a_socket():
    server = await Responder(PAGES).listen("127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert (await reader.read()).endswith(b"ok\n")
        writer.close()


async def test_a_connection_that_says_too_much_or_nothing_is_closed(monkeypatch):
    monkeypatch.setattr(http, "REQUEST_SECONDS", 0.2)
    server = await Responder(PAGES).listen("127.0.0.1", 0)
    async with server:
        for said in (b"", b"GET /healthz HTTP/1.1\r\n" + b"x" * 3 * http.REQUEST_BYTES):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(said)
            async with asyncio.timeout(5):
                with suppress(ConnectionResetError):
                    assert await reader.read() == b""
            writer.close()


async def test_more_connections_than_are_answered(monkeypatch):
    monkeypatch.setattr(http, "CONNECTIONS", 2)
    server = await Responder(PAGES).listen("127.0.0.1", 0)
    async with server:
        place = server.sockets[0].getsockname()
        opened = [await asyncio.open_connection(*place) for _ in range(2)]
        await asyncio.sleep(0)
        reader, third = await asyncio.open_connection(*place)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        opened[0][1].write(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert (await opened[0][0].read()).endswith(b"ok\n")
        for _, writer in (*opened, (None, third)):
            writer.close()
