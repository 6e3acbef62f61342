"""Listening: which sockets an address means on this machine, and errors that say what to do."""

from __future__ import annotations

import os
import socket
from contextlib import closing, suppress

import pytest

from ostraka.errors import UsageError
from ostraka.transport import listening
from ostraka.transport.resolver import Place


class Names:
    """A resolver that knows a few names."""

    def __init__(self, **names: list[str]) -> None:
        self.names = names

    async def resolve(self, host, port):
        if host not in self.names:
            raise OSError(0, "no address is known for this name")
        return [
            Place(socket.AF_INET6, (name, port, 0, 0)) if ":" in name else Place(2, (name, port))
            for name in self.names[host]
        ]


@pytest.fixture
async def listen():
    warned: list[str] = []
    opened: list[socket.socket] = []

    async def listen(host, port=0, *, exact=False, **names):
        found = await listening.listening(
            host, port, Names(**names), exact=exact, warn=warned.append
        )
        opened.extend(found)
        return [sock.getsockname()[0] for sock in found]

    listen.warned, listen.opened = warned, opened
    yield listen
    for sock in opened:
        sock.close()


def reaches(sock: socket.socket, host: str) -> bool:
    with suppress(OSError), closing(socket.create_connection((host, sock.getsockname()[1]), 5)):
        return True
    return False


async def test_both_families_at_once(listen):
    assert await listen("::") == ["::"]
    assert [reaches(listen.opened[0], host) for host in ("127.0.0.1", "::1")] == [True, True]


async def test_an_ipv4_address_is_that_alone(listen):
    assert await listen("0.0.0.0") == ["0.0.0.0"]
    assert [reaches(listen.opened[0], host) for host in ("127.0.0.1", "::1")] == [True, False]


async def test_all_addresses_of_a_name_that_are_ours(listen):
    found = await listen("me", me=["127.0.0.2", "::1", "192.0.2.1", "127.0.0.2"], exact=True)
    assert found == ["127.0.0.2", "::1"]
    ports = {sock.getsockname()[1] for sock in listen.opened}
    assert len(ports) == 1, "one port for all"
    assert listen.warned == []


@pytest.mark.parametrize("addresses", [["127.0.1.1"], ["::1", "127.0.0.1"]])
async def test_an_own_name_that_is_loopback_is_listened_on_everywhere(listen, addresses):
    assert await listen("me.example", **{"me.example": addresses}) == ["::"]
    (warning,) = listen.warned
    assert warning == (
        f"me.example is {addresses[0]} on this machine, where no other machine can reach it; "
        "listening on all addresses of this machine instead"
    )


async def test_localhost_is_meant(listen):
    assert await listen("localhost", localhost=["127.0.0.1"]) == ["127.0.0.1"]
    assert listen.warned == []


async def test_an_own_name_that_is_not_known_here(listen):
    assert await listen("me.example") == ["::"]
    assert listen.warned == [
        "me.example: no address is known for this name; listening on all addresses of this "
        "machine instead"
    ]
    with pytest.raises(UsageError, match=r"cannot listen on me\.example:0: no address is known"):
        await listen("me.example", exact=True)


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
async def test_an_address_of_the_outside_world(listen, host):
    """A manifest's address is how others see us, through NAT or a container."""
    assert await listen(host) == ["::"]
    with pytest.raises(UsageError) as refused:
        await listen(host, exact=True)
    assert str(refused.value).endswith(": Cannot assign requested address")
    assert "[::] is all of them" in refused.value.hint


async def test_a_machine_without_ipv6(listen, monkeypatch):
    bind = listening._bind

    def without(place):
        if place.family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        return bind(place)

    monkeypatch.setattr(listening, "_bind", without)
    assert await listen("192.0.2.1") == ["0.0.0.0"]
    assert await listen("::") == ["0.0.0.0"]


@pytest.mark.parametrize("host", ["127.0.0.1", "me", "192.0.2.1"])
async def test_a_port_in_use(listen, host):
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError) as refused:
            await listen(host, port, me=["127.0.0.1"])
    assert str(refused.value) == f"cannot listen on {host}:{port}: Address already in use"
    on_linux, elsewhere = f"(process {os.getpid()}) listens there", "`ss -ltnp` names it"
    assert on_linux in refused.value.hint or elsewhere in refused.value.hint


async def test_a_refused_name_leaves_no_socket_open(listen, recwarn):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError):
        await listen("me", taken.getsockname()[1], me=["127.0.0.2", "127.0.0.1"])
    import gc

    gc.collect()
    assert not recwarn.list
