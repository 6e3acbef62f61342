"""Sockets to listen on: which addresses a host's name stands for on this very machine."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address

from ostraka.addresses import join_address
from ostraka.errors import UsageError
from ostraka.transport.holders import holder_of
from ostraka.transport.resolver import Place, Resolver, numeric

Warn = Callable[[str], None]
"""Function that is given a text for the person who runs this party."""

BACKLOG = 1024


async def listening(
    host: str, port: int, resolver: Resolver, *, exact: bool, warn: Warn
) -> list[socket.socket]:
    """Return listening sockets for an address, one or several. Safe to cancel.

    A name is listened on at all of its addresses that this machine has. A manifest's address is
    how others see this party, so it may be none of this machine's (NAT, a container), or its name
    may mean something else here: then all addresses are listened on, IPv4 and IPv6.

    Args:
        exact: refuse an address that is not this machine's.
        warn: is told if a name means nothing, or only loopback, on this machine.

    Raises:
        UsageError: the address cannot be listened on.
    """
    if (place := numeric(host, port)) is not None:
        return _all_of(host, port, [place], exact)
    try:
        places = await resolver.resolve(host, port)
    except OSError as error:
        if exact:
            hint = "say one of this machine's addresses; [::] is all of them"
            raise UsageError(
                f"cannot listen on {host}:{port}: {error.strerror}", hint=hint
            ) from None
        warn(f"{host}: {error.strerror}; listening on all addresses of this machine instead")
        return everywhere(host, port)
    if not exact and host != "localhost" and all(is_loopback(place.host) for place in places):
        warn(
            f"{host} is {places[0].host} on this machine, where no other machine can reach it; "
            "listening on all addresses of this machine instead"
        )
        return everywhere(host, port)
    return _all_of(host, port, places, exact)


def is_loopback(host: str) -> bool:
    """Return whether a numeric host is an address that other machines cannot reach."""
    return ip_address(host).is_loopback


def everywhere(host: str, port: int) -> list[socket.socket]:
    """Listen on all addresses of this machine, of IPv6 and IPv4 by one socket if it has both.

    Args:
        host: what errors say was asked for.
    """
    places = [Place(socket.AF_INET6, ("::", port, 0, 0)), Place(socket.AF_INET, ("", port))]
    for place in places if socket.has_ipv6 else places[1:]:
        try:
            return [_bind(place)]
        except OSError as error:
            if error.errno not in _NOT_OURS:
                raise _refusal(host, port, error) from None
    raise _refusal(host, port, OSError(errno.EADDRNOTAVAIL, ""))


def _all_of(host: str, port: int, places: list[Place], exact: bool) -> list[socket.socket]:
    """Listen on those of the places that are this machine's."""
    made: list[socket.socket] = []
    problem = OSError(errno.EADDRNOTAVAIL, "")
    for family, (name, _, *rest) in dict.fromkeys(places):
        # The system may choose the port, once.
        chosen = made[0].getsockname()[1] if made else port
        try:
            made.append(_bind(Place(family, (name, chosen, *rest))))
        except OSError as error:
            problem = error
            if error.errno not in _NOT_OURS:
                for sock in made:
                    sock.close()
                raise _refusal(host, port, error) from None
    if made or exact:
        if not made:
            raise _refusal(host, port, problem)
        return made
    return everywhere(host, port)


def _bind(place: Place) -> socket.socket:
    sock = socket.socket(place.family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if place.family == socket.AF_INET6:
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, place.host != "::")
        sock.bind(place.address)
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


_NOT_OURS = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})

_HINTS = {
    errno.EADDRINUSE: "is another process using that port? `ss -ltnp` names it",
    errno.EADDRNOTAVAIL: "is that an address of this machine? [::] is all of them",
    errno.EACCES: "ports below 1024 are for the administrator: choose a higher one",
    errno.EMFILE: "raise the limit of open files: ulimit -n",
}


def _refusal(host: str, port: int, error: OSError) -> UsageError:
    code = error.errno or 0
    where, hint = join_address(host, port), _HINTS.get(code, "")
    if code == errno.EADDRINUSE and (holder := holder_of(port)):
        hint = f"{holder} listens there: end it, or choose another port"
    return UsageError(f"cannot listen on {where}: {os.strerror(code)}", hint=hint)
