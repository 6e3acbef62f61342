"""Rooms of a coordinator: members, and how much each may still send to each other. Sans-I/O.

An event is a method; it returns the actions to take, in order, or raises `PeerViolation` and
changes nothing. The driver then reports the connection that caused the violation as `left`.
The time, `now`, is an argument. A connection is a key here, of any type that the driver likes.

Flow control is end to end, per ordered pair: a member may have `limits.RELAY_WINDOW` bytes on the
way to another one that this one has not taken, so a receiver that never reads costs a bounded
amount of memory, and no pair waits for another pair's receiver.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from ostraka import limits
from ostraka.errors import PeerViolation
from ostraka.wire import frames
from ostraka.wire.messages import (
    VERSION,
    Join,
    Joined,
    Left,
    Message,
    Ping,
    Pong,
    Refused,
    Welcome,
    Window,
    decode,
    encode,
)

K = TypeVar("K", bound=Hashable)

SLOTS = 1 << 16


class Deliver(NamedTuple, Generic[K]):
    """Action: queue whole frames for a connection, after all that was queued before."""

    to: K
    frame: bytes | bytearray


class Close(NamedTuple, Generic[K]):
    """Action: close a connection once all that was delivered to it has left."""

    connection: K
    code: str


class Ended(NamedTuple):
    """Action: log that a room is empty again, with figures that may be logged."""

    room: str
    """The first 4 bytes of its name, in hex."""
    members: int
    """Number of members that joined over its life."""
    relayed: int
    """Payload bytes forwarded."""
    seconds: float


Action = Deliver[K] | Close[K] | Ended


@dataclass(slots=True, eq=False)
class Room(Generic[K]):
    """The members of one session, by slot."""

    name: bytes
    since: float
    members: dict[int, Member[K]] = field(default_factory=dict)
    following: int = 0
    joined: int = 0
    relayed: int = 0

    def take_slot(self) -> int:
        """Take the slot that has been free for longest, and return it.

        Frames that are still on their way to or from a member that left must not be taken for
        another member's."""
        while self.following in self.members:
            self.following = (self.following + 1) % SLOTS
        slot, self.following = self.following, (self.following + 1) % SLOTS
        return slot


@dataclass(slots=True, eq=False)
class Member(Generic[K]):
    """One connection in one room."""

    connection: K
    room: Room[K]
    slot: int
    fingerprint: bytes
    heard: float
    pinged: float | None = None
    on_the_way: dict[int, int] = field(default_factory=dict)
    """Payload bytes forwarded to a slot and not yet taken there; no entry for none."""


def _frame(message: Message) -> bytes:
    """Return a message as a control frame."""
    return frames.control(encode(message))


class Rooms(Generic[K]):
    """All rooms of one coordinator.

    Args:
        allow: fingerprints that may join; None admits any.
    """

    def __init__(self, allow: Collection[bytes] | None = None) -> None:
        self.allow = None if allow is None else frozenset(allow)
        self._rooms: dict[bytes, Room[K]] = {}
        self._members: dict[K, Member[K]] = {}
        self.relayed_bytes = 0

    def __len__(self) -> int:
        return len(self._rooms)

    @property
    def members(self) -> int:
        """Members of all rooms."""
        return len(self._members)

    def __contains__(self, connection: object) -> bool:
        return connection in self._members

    # Coming

    def join(
        self, connection: K, fingerprint: bytes, message: Message, now: float, *, busy: bool = False
    ) -> list[Action[K]]:
        """Handle a connection's first message: tell it slot and roster, and the others its arrival.

        Args:
            fingerprint: of the certificate the connection proved to own.
            message: must be a Join.
            busy: whether newcomers are to be refused for now.

        Raises:
            PeerViolation: the message is not a Join, or not the first.
        """
        if not isinstance(message, Join) or connection in self._members:
            raise PeerViolation(f"a {type(message).__name__} message where none was due")
        refusal = "busy" if busy else self._refusal(fingerprint, message)
        if refusal:
            return [Deliver(connection, _frame(Refused(refusal))), Close(connection, refusal)]
        room = self._rooms.setdefault(message.room, Room(message.room, now))
        others = list(room.members.values())
        member = Member(connection, room, room.take_slot(), fingerprint, now)
        room.joined += 1
        room.members[member.slot] = self._members[connection] = member
        news = _frame(Joined(member.slot, fingerprint))
        return [
            Deliver(connection, _frame(Welcome(member.slot)) + _roster(others)),
            *(Deliver(other.connection, news) for other in others),
        ]

    def _refusal(self, fingerprint: bytes, message: Join) -> str:
        """Return the code for refusing a newcomer, or an empty text to admit it."""
        room = self._rooms.get(message.room)
        if message.version != VERSION:
            return "version"
        if self.allow is not None and fingerprint not in self.allow:
            return "not-allowed"
        if room is None:
            return "rooms" if len(self._rooms) >= limits.ROOMS else ""
        if len(room.members) >= limits.ROOM_MEMBERS:
            return "full"
        same = sum(member.fingerprint == fingerprint for member in room.members.values())
        return "too-many" if same >= limits.ROOM_SAME_KEY else ""

    # Present

    def relayed(self, connection: K, frame: bytearray) -> list[Action[K]]:
        """Handle a whole relay frame: it goes on with the sender's slot in it.

        A missing destination is no fault: it may just have left.

        Raises:
            PeerViolation: the frame is for its sender, empty, or beyond the window.
        """
        member = self._members[connection]
        slot = frames.relay_slot(frame)
        size = len(frame) - frames.RELAY_HEADER
        if size < 1 or slot == member.slot:
            raise PeerViolation("a relay frame that is empty, or for its own sender")
        destination = member.room.members.get(slot)
        if destination is None:
            return []
        total = member.on_the_way.get(slot, 0) + size
        if total > limits.RELAY_WINDOW:
            raise PeerViolation(f"{total} bytes on the way to one member")
        member.on_the_way[slot] = total
        member.room.relayed += size
        self.relayed_bytes += size
        frames.set_relay_slot(frame, member.slot)
        return [Deliver(destination.connection, frame)]

    def said(self, connection: K, body: bytes | bytearray) -> list[Action[K]]:
        """Handle a member's control message.

        Raises:
            PeerViolation: a member may not send this, or it gives credit for bytes never sent.
        """
        message = decode(body)
        if isinstance(message, Window):
            return self._window(self._members[connection], message)
        if isinstance(message, Ping):
            return [Deliver(connection, _frame(Pong()))]
        if isinstance(message, Pong):
            return []
        raise PeerViolation(f"a {type(message).__name__} message from a member")

    def _window(self, member: Member[K], message: Window) -> list[Action[K]]:
        """Credit the sender of bytes that a member has taken, and pass the credit on."""
        origin = member.room.members.get(message.slot)
        if origin is None:
            return []
        left = origin.on_the_way.get(member.slot, 0) - message.taken
        if left < 0 or not message.taken:
            raise PeerViolation(f"credit for {message.taken} bytes that were not sent")
        if left:
            origin.on_the_way[member.slot] = left
        else:
            del origin.on_the_way[member.slot]
        return [Deliver(origin.connection, _frame(Window(member.slot, message.taken)))]

    # Going

    def left(self, connection: K, now: float) -> list[Action[K]]:
        """Handle the end of a connection: tell the others, if it had joined."""
        member = self._members.pop(connection, None)
        if member is None:
            return []
        room = member.room
        del room.members[member.slot]
        if not room.members:
            del self._rooms[room.name]
            return [Ended(room.name[:4].hex(), room.joined, room.relayed, now - room.since)]
        news = _frame(Left(member.slot))
        for other in room.members.values():
            other.on_the_way.pop(member.slot, None)
        return [Deliver(other.connection, news) for other in room.members.values()]

    # Silence

    def heard(self, connection: K, now: float) -> None:
        """Note that bytes came from a connection."""
        member = self._members.get(connection)
        if member is not None:
            member.heard, member.pinged = now, None

    def tick(self, now: float) -> list[Action[K]]:
        """Ping silent members, and close those that did not answer a ping."""
        actions: list[Action[K]] = []
        for member in self._members.values():
            if member.pinged is None:
                if now - member.heard >= limits.PING_SECONDS:
                    member.pinged = now
                    actions.append(Deliver(member.connection, _frame(Ping())))
            elif now - member.pinged >= limits.PONG_SECONDS:
                actions.append(Close(member.connection, "silent"))
        return actions


def _roster(members: list[Member[K]]) -> bytes:
    """Return frames that tell a newcomer of the members present."""
    return b"".join(_frame(Joined(member.slot, member.fingerprint)) for member in members)
