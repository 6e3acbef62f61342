"""Dialling: connected sockets to addresses as people write them, directly or through a proxy."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from ostraka.addresses import Proxy, host_port
from ostraka.errors import Unreachable
from ostraka.transport import socks
from ostraka.transport.race import Attempt, interleave, race
from ostraka.transport.resolver import Place, Resolver

CONNECT_SECONDS: Final = 4.0
"""Seconds an attempt to connect may take, all addresses of a name together; then the caller hears
of it, and tries again."""

PROXY_SECONDS: Final = 30.0
"""Seconds a proxy may take to connect: an anonymising network builds a path of several hosts."""


class Dialler:
    """Maker of connected sockets, for one event loop.

    Args:
        resolver: looks up names; with a proxy, the proxy's alone.
        proxy: connects for this party; no connection is direct then.
        warn: is told in words when a proxy takes long.
    """

    def __init__(
        self, resolver: Resolver, proxy: Proxy | None, warn: Callable[[str], None]
    ) -> None:
        self._resolver, self._proxy, self._warn = resolver, proxy, warn
        self._dialled: Counter[str] = Counter()

    async def connect(self, address: str) -> socket.socket:
        """Connect to "host:port". Safe to cancel, at once.

        Raises:
            Unreachable: there is no connection; the message says what was tried.
        """
        if self._proxy is None:
            return await self._connect(address)
        return await self._connect_by(self._proxy, address)

    async def _connect_by(self, proxy: Proxy, address: str) -> socket.socket:
        where = f"{address}, through the proxy at {proxy.address}"
        try:
            sock = await self._connect(proxy.address)
        except Unreachable as error:
            raise Unreachable(f"{address}: the proxy does not answer at {error}") from None
        told = asyncio.get_running_loop().call_later(
            CONNECT_SECONDS, self._warn, f"{where}: no answer yet; waiting on"
        )
        try:
            async with asyncio.timeout(PROXY_SECONDS):
                await _negotiate(sock, socks.request(proxy, *host_port(address)))
        except OSError as error:
            sock.close()
            why = error.strerror or f"no answer within {PROXY_SECONDS:g} s"
            raise Unreachable(f"{where}: {why}") from None
        except BaseException:
            sock.close()
            raise
        finally:
            told.cancel()
        return sock

    async def _connect(self, address: str) -> socket.socket:
        """Connect to the first address of a name that answers; each dial begins with another."""
        host, port = host_port(address)
        try:
            found = await self._resolver.resolve(host, port)
        except OSError as error:
            raise Unreachable(f"{address}: {error.strerror}") from None
        places = interleave((place.family, place) for place in found)
        first = self._dialled[address] % max(1, len(places))
        self._dialled[address] += 1
        attempts = [
            Attempt(place.host, partial(connect, place))
            for place in places[first:] + places[:first]
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_SECONDS):
                if (sock := await race(attempts, socket.socket.close)) is not None:
                    return sock
        raise Unreachable(f"{address}: {_failures(host, attempts)}")


async def connect(place: Place) -> socket.socket:
    """Connect to one address. Safe to cancel.

    Raises:
        OSError: there is no connection; its `strerror` does not repeat the address.
    """
    sock = socket.socket(place.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, place.address)
    except OSError as error:
        sock.close()
        raise OSError(
            error.errno, os.strerror(error.errno) if error.errno else str(error)
        ) from None
    except BaseException:
        sock.close()
        raise
    return sock


async def _negotiate(sock: socket.socket, steps: socks.Steps) -> None:
    """Go through the steps of a request on a connected socket."""
    loop, received = asyncio.get_running_loop(), b""
    step: bytes | int = next(steps)
    with suppress(StopIteration):
        while True:
            if isinstance(step, bytes):
                await loop.sock_sendall(sock, step)
                received = b""
            else:
                received = await _receive(sock, step)
            step = steps.send(received)


async def _receive(sock: socket.socket, size: int) -> bytes:
    """Receive exactly `size` bytes: what follows them is the peer's."""
    data = b""
    while len(data) < size:
        more = await asyncio.get_running_loop().sock_recv(sock, size - len(data))
        if not more:
            raise ConnectionError(0, "the proxy closed the connection")
        data += more
    return data


def _failures(host: str, attempts: Sequence[Attempt[socket.socket]]) -> str:
    """Return what was tried and how it failed, in words."""
    silent = f"no answer within {CONNECT_SECONDS:g} s"
    reasons = [
        (each.name, each.error.strerror if each.error else silent)
        for each in attempts
        if each.begun
    ]
    if [name for name, _ in reasons] == [host]:
        return str(reasons[0][1])
    return "; ".join(f"{name}: {why}" for name, why in reasons)
