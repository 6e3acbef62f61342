"""Resolver: addresses of a host's name, asked of the system without waiting for it at the end.

The system's resolver blocks, for half a minute where name servers do not answer. Each name is asked
for in a daemon thread of its own: neither a cancelled task nor the end of the process waits for it.
Who asks for a name that is being asked for gets the same answer, so threads do not pile up.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, NamedTuple

RESOLVE_SECONDS: Final = 4.0
"""Seconds a name may take. The question stays open, so that who asks later may profit."""

UNKNOWN: Final = "no address is known for this name"


class Place(NamedTuple):
    """Address of a socket.

    Attributes:
        family: AF_INET or AF_INET6.
        address: what the family takes; host and port come first.
    """

    family: int
    address: tuple[Any, ...]

    @property
    def host(self) -> str:
        """The numeric host."""
        return str(self.address[0])


class Resolver:
    """Resolver of one event loop."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, int], Future[list[Place]]] = {}

    async def resolve(self, host: str, port: int, seconds: float = RESOLVE_SECONDS) -> list[Place]:
        """Return the addresses of `host`, in the system's order. Safe to cancel, at once.

        Raises:
            OSError: the name is not known, or the answer takes longer than `seconds`.
        """
        if (place := numeric(host, port)) is not None:
            return [place]
        asked = self._asked.get((host, port))
        if asked is None:
            asked = self._asked[host, port] = _ask(host, port)
        try:
            async with asyncio.timeout(seconds):
                found = await asyncio.wrap_future(asked)
        except TimeoutError:
            text = f"the name servers of this machine do not answer within {seconds:g} s"
            raise TimeoutError(0, text) from None
        finally:
            if asked.done():
                self._asked.pop((host, port), None)
        return found


def numeric(host: str, port: int) -> Place | None:
    """Return the address that a numeric host is, None for a name. Asks no name server."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError, ValueError):
            socket.inet_pton(family, host)
            return Place(family, (host, port) if family == socket.AF_INET else (host, port, 0, 0))
    return None


def _ask(host: str, port: int) -> Future[list[Place]]:
    answer: Future[list[Place]] = Future()
    answer.set_running_or_notify_cancel()  # from here on, no waiting task can cancel it

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            answer.set_exception(_explained(error))
        else:
            places = [Place(entry[0], entry[4]) for entry in found]
            if places:
                answer.set_result(places)
            else:
                answer.set_exception(OSError(0, UNKNOWN))

    threading.Thread(target=ask, name=f"resolve {host}", daemon=True).start()
    return answer


def _explained(error: OSError | UnicodeError) -> OSError:
    if isinstance(error, UnicodeError):
        return OSError(0, "not a host's name")
    if error.errno == socket.EAI_AGAIN:
        return OSError(0, "the name servers of this machine do not answer")
    return OSError(0, UNKNOWN)
