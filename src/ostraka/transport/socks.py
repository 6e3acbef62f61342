"""SOCKS5 (RFC 1928, RFC 1929): the request that has a proxy connect to an address. Sans-I/O.

Names are never looked up here: the proxy is given the name, and looks it up where it is.
"""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import suppress
from typing import Final

from ostraka.addresses import Proxy

Steps = Generator[bytes | int, bytes, None]
"""Steps of a request: yields bytes to send, for which it is sent b"", and numbers of bytes to
receive, for which it is sent exactly so many. It ends once the connection is the peer's."""

VERSION: Final = 5
OPEN_TO_ALL: Final = 0
PASSWORD: Final = 2

REFUSALS: Final = {
    1: "the proxy failed (it says no more)",
    2: "the proxy's rules do not allow that address",
    3: "the proxy says: Network is unreachable",
    4: "the proxy says: no route to that host, or no address for its name",
    5: "the proxy says: Connection refused",
    6: "the proxy says: no answer (time to live expired)",
    7: "the proxy does not connect to others",
    8: "the proxy does not take that kind of address",
}


def request(proxy: Proxy, host: str, port: int) -> Steps:
    """Ask a proxy for a connection to `host`.

    Raises:
        ConnectionError: the proxy refuses, or does not speak SOCKS5; `strerror` says why in words.
    """
    methods = bytes([OPEN_TO_ALL, PASSWORD] if proxy.user else [OPEN_TO_ALL])
    yield bytes([VERSION, len(methods)]) + methods
    version, method = yield 2
    if version != VERSION:
        http = bytes([version, method]) == b"HT"
        kind = ": an HTTP server answers there" if http else ""
        raise _refused(f"it is no SOCKS5 proxy{kind}")
    if method == PASSWORD and proxy.user:
        yield from _log_in(proxy)
    elif method != OPEN_TO_ALL:
        wants = "other credentials" if proxy.user else "a user and a password"
        raise _refused(f"the proxy wants {wants}")
    yield bytes([VERSION, 1, 0]) + _address(host) + port.to_bytes(2, "big")
    version, reply, _, kind_of_address = yield 4
    if version != VERSION:
        raise _refused("the proxy does not keep to SOCKS5")
    if reply:
        raise _refused(REFUSALS.get(reply, f"the proxy refuses (code {reply})"))
    length = {1: 4, 4: 16}.get(kind_of_address)
    if kind_of_address == 3:
        (length,) = yield 1
    if length is None:
        raise _refused("the proxy does not keep to SOCKS5")
    yield length + 2  # the proxy's own address and port, which are of no use


def _log_in(proxy: Proxy) -> Steps:
    user, password = proxy.user.encode(), proxy.password.encode()
    yield bytes([1, len(user)]) + user + bytes([len(password)]) + password
    _, status = yield 2
    if status:
        raise _refused("the proxy does not accept the user and password")


def _address(host: str) -> bytes:
    for kind, family in ((1, socket.AF_INET), (4, socket.AF_INET6)):
        with suppress(OSError):
            return bytes([kind]) + socket.inet_pton(family, host)
    name = host.encode()
    return bytes([3, len(name)]) + name


def _refused(why: str) -> ConnectionError:
    return ConnectionError(0, why)
