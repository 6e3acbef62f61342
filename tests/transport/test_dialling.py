"""Dialling through a proxy: nothing is direct, and no name is looked up on this machine."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import closing

import pytest
from socks_server import SocksServer

from ostraka.addresses import Proxy
from ostraka.errors import Unreachable, UsageError
from ostraka.transport import dialling, tcp


@pytest.fixture
def no_names(monkeypatch):
    """No name may be looked up on this machine."""

    def forbidden(*arguments, **_):
        raise AssertionError(f"getaddrinfo{arguments}")

    monkeypatch.setattr(socket, "getaddrinfo", forbidden)


@pytest.fixture
def behind():
    """Makes networks behind a proxy."""
    made = []

    def behind(proxy, warn=lambda _text: None, **options):
        made.append(tcp.SystemNetwork(spin=0, proxy=proxy, warn=warn, **options))
        return made[-1]

    yield behind
    for network in made:
        network.close()


async def test_all_goes_through_the_proxy_names_too(behind, no_names):
    with (
        SocksServer({"bob.example": "127.0.0.1"}, ("alice", "s3cret")) as proxy,
        socket.create_server(("127.0.0.1", 0)) as bob,
    ):
        port = bob.getsockname()[1]
        network = behind(Proxy(proxy.address, "alice", "s3cret"))
        carrier = await network.dial(f"bob.example:{port}")
        carrier.close()
        assert (proxy.requests, proxy.logins) == (
            [("bob.example", port)],
            [("alice", "s3cret")],
        )


async def test_what_follows_the_proxys_reply_is_the_peers(behind):
    with SocksServer() as proxy, socket.create_server(("127.0.0.1", 0)) as bob:
        carrier = await behind(Proxy(proxy.address)).dial(f"127.0.0.1:{bob.getsockname()[1]}")
        accepted = bob.accept()[0]
        accepted.sendall(b"OSTRAKA")
        arrived = asyncio.get_running_loop().create_future()
        carrier.on_data = lambda data: arrived.set_result(bytes(data))
        carrier.on_lost = lambda _error: None
        carrier.start()
        async with asyncio.timeout(10):
            assert await arrived == b"OSTRAKA"
        carrier.close()
        accepted.close()


async def test_a_proxy_that_is_not_there_is_never_gone_round(behind, no_names):
    with socket.create_server(("127.0.0.1", 0)) as bob:
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        target = f"127.0.0.1:{bob.getsockname()[1]}"
        with pytest.raises(Unreachable) as failed:
            await behind(Proxy(address)).dial(target)
        assert str(failed.value) == (
            f"{target}: the proxy does not answer at {address}: Connection refused"
        )
        bob.setblocking(False)
        with pytest.raises(BlockingIOError):
            bob.accept()


async def test_the_proxys_own_words(behind, no_names):
    with SocksServer(login=("alice", "s3cret")) as proxy:
        network = behind(Proxy(proxy.address, "alice", "wrong"))
        with pytest.raises(Unreachable) as failed:
            await network.dial("bob.example:7")
        assert str(failed.value) == (
            f"bob.example:7, through the proxy at {proxy.address}: "
            "the proxy does not accept the user and password"
        )
    with SocksServer() as proxy, pytest.raises(Unreachable, match="no address for its name"):
        await behind(Proxy(proxy.address)).dial("bob.example:7")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it is no SOCKS5 proxy: an HTTP server answers"),
        (b"\x05", "the proxy closed the connection"),
        (b"", "the proxy closed the connection"),
    ],
)
async def test_a_program_that_is_no_proxy(behind, reply, words):
    def answer():
        client, _ = server.accept()
        with client:
            client.recv(100)
            client.sendall(reply)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, daemon=True).start()
        network = behind(Proxy(f"127.0.0.1:{server.getsockname()[1]}"))
        with pytest.raises(Unreachable, match=words):
            await network.dial("bob.example:7")


async def test_a_silent_proxy_is_told_of_and_given_up(behind, monkeypatch):
    monkeypatch.setattr(dialling, "PROXY_SECONDS", 0.3)
    monkeypatch.setattr(dialling, "CONNECT_SECONDS", 0.1)
    warned: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
            await behind(Proxy(address), warned.append).dial("bob.example:7")
    assert warned == [f"bob.example:7, through the proxy at {address}: no answer yet; waiting on"]


async def test_cancelled_while_the_proxy_is_silent(behind, recwarn):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        network = behind(Proxy(f"127.0.0.1:{silent.getsockname()[1]}"))
        dial = asyncio.ensure_future(network.dial("bob.example:7"))
        with closing(await asyncio.to_thread(lambda: silent.accept()[0])) as accepted:
            dial.cancel()
            with pytest.raises(asyncio.CancelledError):
                await dial
            accepted.settimeout(10)
            while accepted.recv(100):
                pass


async def test_listening_behind_a_proxy_looks_no_name_up(behind, no_names):
    def accepted(_carrier, _source):
        raise AssertionError

    network = behind(Proxy("127.0.0.1:9"))
    with pytest.raises(UsageError, match="with a proxy, no name is looked up here") as refused:
        await network.listen("alice.onion:9441", accepted)
    assert "--listen" in refused.value.hint
    own = behind(Proxy("127.0.0.1:9"), listen="127.0.0.1:0")
    listener = await own.listen("alice.onion:9441", accepted)
    assert listener.address.startswith("127.0.0.1:")
    listener.close()
