"""Admission to a coordinator: which keys may join, and which connections and rooms have to go when
there are too many. Sans-I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ostraka import limits
from ostraka.coordinator.places import Places, Regulars
from ostraka.wire.messages import VERSION, Join

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Quotas:
    """Bounds of one coordinator.

    Attributes:
        connections: connections at once; the limit of open files may be lower.
        rooms: rooms at once.
        members: members of one room.
        memory: bytes that wait for receivers, all together; half of it for those of one source.
        room_bytes: payload bytes that one room may relay; None: any number.
        at_once: connections that one source may open in a row.
        a_second: connections a second that one source may open for long.
    """

    connections: int = field(default_factory=lambda: limits.COORDINATOR_CONNECTIONS)
    rooms: int = field(default_factory=lambda: limits.ROOMS)
    members: int = field(default_factory=lambda: limits.ROOM_MEMBERS)
    memory: int = field(default_factory=lambda: limits.RELAY_MEMORY)
    room_bytes: int | None = None
    at_once: int = field(default_factory=lambda: limits.CONNECTIONS_AT_ONCE)
    a_second: int = field(default_factory=lambda: limits.CONNECTIONS_A_SECOND)


class Admission(Generic[K]):
    """Rules of one coordinator for newcomers, and the places of connections and rooms.

    Attributes:
        allow: fingerprints that may join; None admits any.
        quotas: bounds. Both may be changed at any time; who is in stays.
    """

    def __init__(self, allow: Collection[bytes] | None, quotas: Quotas) -> None:
        self.allow = None if allow is None else frozenset(allow)
        self.quotas = quotas
        self._regulars = Regulars()
        self._keys: Counter[bytes] = Counter()
        self._connections: Places[K] = Places(quotas.connections)
        self._rooms: Places[bytes] = Places(quotas.rooms)
        self._spent: Places[bytes] = Places(limits.ROOMS)

    def knows(self, key: bytes) -> bool:
        """Return whether a key has priority: the operator named it, or it has exchanged bytes."""
        return self.allow is not None or key in self._regulars

    def arrives(self, connection: K, key: bytes, source: str) -> K | None:
        """Give a connection that has proven its key a place, which it keeps until it `leaves`;
        return the connection that has to go for it, perhaps itself."""
        self._connections.places = self.quotas.connections
        return self._connections.arrives(connection, source, known=self.knows(key))

    def leaves(self, connection: K) -> None:
        """Free the place of a connection. Idempotent."""
        self._connections.leaves(connection)

    def refusal(self, key: bytes, message: Join) -> str:
        """Return the code for refusing a key everywhere, or an empty text."""
        if message.version != VERSION:
            return "version"
        if self.allow is not None and key not in self.allow:
            return "not-allowed"
        if message.room in self._spent:
            return "quota"
        return "too-many" if self._keys[key] >= limits.CONNECTIONS_OF_ONE_KEY else ""

    def joins(self, connection: K, key: bytes, *, together: bool) -> None:
        """Note that a connection is in a room, in the company of another key or not."""
        self._keys[key] += 1
        self._connections.moves(connection, together=together)

    def parts(self, key: bytes, source: str, *, exchanged: bool) -> None:
        """Note that a member has left its room, and whether it exchanged bytes with another key."""
        self._keys[key] -= 1
        if not self._keys[key]:
            del self._keys[key]
        if exchanged:
            self._regulars.add(key, source)

    # Rooms

    def opens(self, room: bytes, key: bytes, source: str) -> bytes | None:
        """Give a new room a place; return the room that has to go for it, perhaps itself."""
        self._rooms.places = self.quotas.rooms
        return self._rooms.arrives(room, source, known=self.knows(key))

    def closes(self, room: bytes) -> None:
        """Free the place of a room. Idempotent."""
        self._rooms.leaves(room)

    def meets(self, room: bytes, members: Collection[K], *, together: bool) -> None:
        """Note that the members of a room are of several keys from now on, or of one."""
        self._rooms.moves(room, together=together)
        for connection in members:
            self._connections.moves(connection, together=together)

    def spends(self, room: bytes, source: str, relayed: int) -> bool:
        """Return whether a room has relayed all it may; it admits no key then."""
        most = self.quotas.room_bytes
        if most is None or relayed <= most:
            return False
        self._spent.arrives(room, source)
        return True
