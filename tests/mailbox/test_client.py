"""The client: lost answers, busy mailboxes, lying answers, proxies, certificates."""

import asyncio
import json
import shutil
import ssl
import subprocess

import pytest
from scene import running

from ostraka.errors import PeerViolation, Temporary, Unreachable, UsageError
from ostraka.mailbox.bodies import Fetched, read_records, write_record
from ostraka.mailbox.client import MailboxClient
from ostraka.mailbox.database import Sqlite
from ostraka.mailbox.serving import HttpServer

ID = bytes(range(32))


class Scripted:
    """A server that gives one answer after the other; None closes the connection without one."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        self.pauses = []
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    def client(self, **options):
        options = {"patience": 30.0, "environ": {}, "wait": self.pauses.append, **options}
        return MailboxClient(self.url, ID, **options)

    async def _connected(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head)
        for line in head.lower().split("\r\n"):
            if line.startswith("content-length: "):
                await reader.readexactly(int(line.split()[1]))
        if (answer := self.answers.pop(0)) is not None:
            status, body, *headers = answer
            lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
            writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
        writer.close()


def refusal(code):
    return json.dumps({"error": "no", "code": code, "hint": "later"}).encode()


async def test_what_passes_is_waited_out():
    busy = (503, refusal("busy"), "Retry-After: 2")
    async with Scripted(None, busy, (429, refusal("rate")), (200, b"{}")) as server:
        client = server.client()
        assert await client.receipts() == {}
        assert server.pauses == [0.25, 2.0, 1.0]
        client.close()


async def test_patience_ends():
    async with Scripted(*[(503, refusal("gone"))] * 9) as server:
        with pytest.raises(Temporary, match="refuses: no"):
            await server.client(patience=0.0).receipts()
        assert len(server.asked) == 1
    with pytest.raises(Unreachable, match="refused"):
        await server.client(patience=0.0).receipts()


async def test_an_answer_that_was_lost_is_asked_for_again(place, monkeypatch):
    """The report is stored, the answer is not: the same promise, one report."""
    octets, digest = place.collecting.report()
    client = place.client(patience=30.0)
    once, calls = client._once, []

    def loses(*arguments):
        answer = once(*arguments)
        calls.append(answer)
        if len(calls) < 3:
            raise ConnectionResetError(104, "Connection reset by peer")
        return answer

    monkeypatch.setattr(client, "_once", loses)
    assert (await client.put_report(digest, octets)).position == 1
    assert len({answer.body for answer in calls}) == 1
    assert (await client.status()).reports == 1


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        ("status", b"no JSON"),
        ("status", b"[]"),
        ("status", b'{"manifest": 1}'),
        ("receipts", b'{"c1": "not base64!"}'),
        ("receipts", b"[" * 100_000),
        ("inclusion", b'{"c1": {"place": 1}}'),
        ("fetch", b"abc"),
        ("fetch", write_record(1, 0, b"x")),
        ("fetch", write_record(1, 0, b"x") * 2 + write_record(1, 0, b"")),
        ("fetch", write_record(2, 0, b"x") + write_record(1, 0, b"y") + write_record(1, 0, b"")),
        ("fetch", write_record(1, 0, b"") + b"more"),
    ],
)
async def test_an_answer_that_is_none(ask, answer):
    async with Scripted((200, answer)) as server:
        client = server.client()
        with pytest.raises(PeerViolation):
            if ask == "fetch":
                [block async for block in client.fetch("c1")]
            else:
                await getattr(client, ask)(*[ID] * (ask == "inclusion"))


async def test_a_promise_of_another_report_is_none(place):
    one, two = place.collecting.report(0), place.collecting.report(1)
    client = place.client()
    await client.put_report(one[1], one[0])
    swapped = place.client()
    swapped._succeed = lambda *_: client._succeed("PUT", f"/reports/{one[1].hex()}", one[0], None)
    with pytest.raises(PeerViolation, match="another report"):
        await swapped.put_report(two[1], two[0])


async def test_blocks_of_reports_follow_each_other(place, monkeypatch):
    from ostraka.mailbox import client

    monkeypatch.setattr(client, "BLOCK", 2)
    for number in range(5):
        octets, digest = place.collecting.report(number)
        await place.client().put_report(digest, octets)
    blocks = [block async for block in place.client("c1").fetch("c1")]
    assert [[one.position for one in block] for block in blocks] == [[1, 2], [3, 4], [5]]


def test_a_record_as_bytes():
    assert write_record(258, 3, b"view").hex() == "04000000020100000000000003000000" + b"view".hex()
    both = write_record(1, 2, b"view") + write_record(1, 0, b"")
    assert list(read_records(both)) == [Fetched(1, 2, b"view")]


# --- ways ---------------------------------------------------------------------------------------


async def test_a_proxy_of_the_environment_gets_the_whole_address():
    async with Scripted((200, b"{}")) as proxy:
        environ = {"http_proxy": proxy.url}
        await MailboxClient("http://box.example/a", ID, environ=environ).receipts()
        wanted = f"GET http://box.example/a/v1/collections/{ID.hex()}/receipt HTTP/1.1"
        assert proxy.asked[0].startswith(wanted)


async def test_no_proxy_and_cgi():
    async with Scripted(*[(200, b"{}")] * 3) as server:
        wrong = {"HTTP_PROXY": "http://127.0.0.1:1"}
        for more in ({"NO_PROXY": "x, 127.0.0.1"}, {"no_proxy": "*"}, {"REQUEST_METHOD": "GET"}):
            await MailboxClient(server.url, ID, environ=wrong | more, patience=0.0).receipts()
        with pytest.raises(Unreachable):
            await MailboxClient(server.url, ID, environ=wrong, patience=0.0).receipts()


async def test_https_goes_through_connect():
    async with Scripted((403, b"")) as proxy:
        environ = {"https_proxy": proxy.url.removeprefix("http://")}
        with pytest.raises(Unreachable, match="403"):
            await MailboxClient("https://box.example", ID, environ=environ, patience=0.0).receipts()
        assert proxy.asked[0].startswith("CONNECT box.example:443 ")


async def test_socks_comes_first_and_looks_the_name_up(place):
    asked = []

    async def socks(reader, writer):
        await reader.readexactly(3)
        writer.write(b"\5\0")
        header = await reader.readexactly(5)
        name = await reader.readexactly(header[4] + 2)
        asked.append(name[:-2])
        writer.write(b"\5\0\0\1\0\0\0\0\0\0")
        host, port = place.url.removeprefix("http://").split(":")
        there = await asyncio.open_connection(host, int(port))
        writer_there = there[1]
        writer_there.write(await reader.readuntil(b"\r\n\r\n"))
        writer.write(await there[0].read(65536))
        writer.close()
        writer_there.close()

    server = await asyncio.start_server(socks, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    environ = {"OSTRAKA_PROXY": f"socks5h://127.0.0.1:{port}", "http_proxy": "http://127.0.0.1:1"}
    its = place.collecting
    client = MailboxClient("http://box.example", its.id, environ=environ, patience=0.0)
    assert (await client.status()).manifest == its.toml
    assert asked == [b"box.example"]
    client.close()
    server.close()
    with pytest.raises(UsageError, match="OSTRAKA_PROXY"):
        MailboxClient("http://box.example", ID, environ={"OSTRAKA_PROXY": "x://y"})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of "localhost", and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    directory = tmp_path_factory.mktemp("tls")
    key, found = directory / "key.pem", directory / "cert.pem"
    command = "openssl req -x509 -newkey ed25519 -nodes -days 30 -subj /CN=localhost"
    command += f" -addext subjectAltName=DNS:localhost -keyout {key} -out {found}"
    subprocess.run(command.split(), check=True, capture_output=True)
    return found, key


async def test_https(collecting, sqlite, certificate):
    async with running(collecting, sqlite) as place:
        found, key = certificate
        server = HttpServer(place.mailbox.app, "127.0.0.1:0", certificate=found, key=key)
        server.listen()
        task = asyncio.create_task(server.run())
        url = f"https://localhost:{server.address.rpartition(':')[2]}"
        trusting = MailboxClient(url, collecting.id, environ={"SSL_CERT_FILE": str(found)})
        await trusting.publish(collecting.toml, collecting.publication)
        trusting.close()
        with pytest.raises(Unreachable, match="certificate") as caught:
            await MailboxClient(url, collecting.id, environ={}).status()
        assert caught.value.data_left is False
        assert not isinstance(caught.value.__cause__, ssl.SSLError)
        other = f"https://127.0.0.1:{server.address.rpartition(':')[2]}"
        with pytest.raises(Unreachable, match="certificate"):
            await MailboxClient(
                other, collecting.id, environ={"SSL_CERT_FILE": str(found)}
            ).status()
        server.stop()
        await task


async def test_where_one_process_does_not_answer_the_next_is_asked(tmp_path):
    async with Scripted((503, refusal("busy")), (200, b"{}")) as one, Scripted(None) as other:
        client = MailboxClient([one.url, other.url], ID, environ={}, wait=one.pauses.append)
        await client.put_close(b"")
        assert (len(one.asked), len(other.asked)) == (2, 1)
        assert len(one.pauses) == 1  # after all of them were asked
        assert client.url == one.url


async def test_two_processes_over_one_database_serve_one_collection(collecting, tmp_path):
    def connect():
        return Sqlite(tmp_path / "box.db")

    async with running(collecting, connect) as one, running(collecting, connect) as two:
        await one.open()
        client = one.client("c1")
        octets, digest = collecting.report(0)
        await two.client().put_report(digest, octets)
        both = MailboxClient(
            ["http://127.0.0.1:1", two.url, one.url], collecting.id,
            own=collecting.people["c1"], environ={}, patience=5.0,
        )  # fmt: skip
        (block,) = [block async for block in both.fetch("c1")]
        (alone,) = [block async for block in client.fetch("c1")]
        assert block == alone
        assert both.url == two.url
        both.close()
