"""Network: all that a session, a relay and the coordinator may ask for connections.

The system's own implementation is `tcp.SystemNetwork`. A simulation brings one in memory, under a
virtual clock: code above this seam sees carriers and texts, and no socket, file descriptor or
address of the system.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from ostraka.errors import Unreachable
from ostraka.limits import PREAUTH_CONNECTIONS
from ostraka.transport.broker import Broker, Visit
from ostraka.transport.link import Carrier

Accepted = Callable[[Carrier, str], None]
"""Function that is given the carrier of each connection that arrives, and its source: a text that
is the same for all connections from one host or its block of addresses, and proves nothing."""


class Listener(ABC):
    """Open ear at one or several addresses of this host.

    Attributes:
        addresses: the addresses listened on, "host:port", with the port that the system chose.
    """

    addresses: tuple[str, ...]

    @property
    def address(self) -> str:
        """The first of the addresses."""
        return self.addresses[0]

    @abstractmethod
    def accept(self, accepting: bool) -> None:
        """Accept connections from now on, or leave them waiting outside."""

    @abstractmethod
    def close(self) -> None:
        """Stop listening; connections that were accepted stay. Idempotent."""


class Network(ABC):
    """Maker of connections to and from this host, for one event loop.

    Attributes:
        places: number of accepted connections for which there is room before their peers have
            proven a key.
    """

    places: int = PREAUTH_CONNECTIONS

    @abstractmethod
    async def dial(self, address: str) -> Carrier:
        """Connect to "host:port", and return the carrier, which is not started. Safe to cancel.

        It takes a bounded time, which depends on the way: a proxy takes longer.

        Raises:
            Unreachable: there is no connection to that address now; the message says what was tried
                and how it failed. The caller may try again.
        """

    @abstractmethod
    async def listen(self, address: str, accepted: Accepted, *, exact: bool = False) -> Listener:
        """Listen on "host:port", and call `accepted` for each connection. Safe to cancel.

        Args:
            exact: refuse a host that is not this one. Otherwise listen on all addresses of this
                host then: a manifest's address is how others see us, through NAT or a container.

        Raises:
            UsageError: the address cannot be listened on; the message says why.
        """

    async def broker(self, visit: Visit) -> Broker:
        """Connect to an MQTT broker, and subscribe. Safe to cancel; takes a bounded time.

        Raises:
            Unreachable: there is no connection, or the broker refuses this party; the message says
                what is to be changed. The caller may try again.
        """
        raise Unreachable(f"{visit.url}: this network has no brokers")

    @abstractmethod
    def close(self) -> None:
        """Close all connections that are still open. Idempotent."""
