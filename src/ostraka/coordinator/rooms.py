"""Rooms of a coordinator: members, and how much each may still send to each other. Sans-I/O.

An event is a method; it returns the actions to take, in order, or raises `PeerViolation` and
changes nothing. The driver then reports the connection that caused the violation as `left`.
The time, `now`, is an argument. A connection is a key here, of any type that the driver likes.

Flow control is end to end, per ordered pair: a member may have `limits.RELAY_WINDOW` bytes on the
way to another one that this one has not taken, so a receiver that never reads costs a bounded
amount of memory, and no pair waits for another pair's receiver.

Keys cost nothing, so a flood of them is bounded by the hosts that it comes from: see `places`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from ostraka import limits
from ostraka.coordinator.admission import Admission, Quotas
from ostraka.errors import PeerViolation
from ostraka.wire import frames
from ostraka.wire.messages import (
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
    """Action: close a connection. If it caused the event, all that was delivered to it leaves
    before; else it has to go at once."""

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
    keys: Counter[bytes] = field(default_factory=Counter)
    """Number of members by key."""

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
    source: str
    pinged: float | None = None
    patience: float = 0.0
    """Seconds that it has for an answer since it was pinged."""
    sent: bool = False
    received: bool = False
    on_the_way: dict[int, int] = field(default_factory=dict)
    """Payload bytes forwarded to a slot and not yet taken there; no entry for none."""


def _frame(message: Message) -> bytes:
    """Return a message as a control frame."""
    return frames.control(encode(message))


class Rooms(Generic[K]):
    """All rooms of one coordinator.

    Args:
        allow: fingerprints that may join; None admits any.
        quotas: bounds.

    Attributes:
        admission: the rules for newcomers, which may be changed at any time.
    """

    def __init__(
        self, allow: Collection[bytes] | None = None, quotas: Quotas | None = None
    ) -> None:
        self._rooms: dict[bytes, Room[K]] = {}
        self._members: dict[K, Member[K]] = {}
        self.admission: Admission[K] = Admission(allow, quotas or Quotas())
        self.relayed_bytes = 0

    def __len__(self) -> int:
        return len(self._rooms)

    @property
    def members(self) -> int:
        """Members of all rooms."""
        return len(self._members)

    def __contains__(self, connection: object) -> bool:
        return connection in self._members

    def of_key(self, room: bytes, fingerprint: bytes) -> list[K]:
        """Return the connections of a key in a room."""
        found = self._rooms.get(room)
        members = found.members.values() if found and fingerprint in found.keys else ()
        return [member.connection for member in members if member.fingerprint == fingerprint]

    # Coming

    def join(
        self,
        connection: K,
        fingerprint: bytes,
        message: Message,
        now: float,
        *,
        source: str = "",
        busy: bool = False,
    ) -> list[Action[K]]:
        """Handle a connection's first message: tell it slot and roster, and the others its arrival.

        Older members of the same key are asked for a sign of life. Members of a host that takes
        more than its share may have to go, if all rooms or all places in the room are taken.

        Args:
            fingerprint: of the certificate the connection proved to own.
            message: must be a Join.
            source: the host that the connection came from; see `network.Accepted`.
            busy: whether newcomers are to be refused for now.

        Raises:
            PeerViolation: the message is not a Join, or not the first.
        """
        if not isinstance(message, Join) or connection in self._members:
            raise PeerViolation(f"a {type(message).__name__} message where none was due")
        code, gone = ("busy", []) if busy else self._admit(fingerprint, message, source)
        probes = self._probe(message.room, fingerprint, now)
        if code:
            refused = Deliver(connection, _frame(Refused(code)))
            return [refused, *probes, Close(connection, code)]
        room = self._rooms.setdefault(message.room, Room(message.room, now))
        others = list(room.members.values())
        member = Member(connection, room, room.take_slot(), fingerprint, now, source)
        room.joined += 1
        room.members[member.slot] = self._members[connection] = member
        self._count_key(room, fingerprint, 1)
        self.admission.joins(connection, fingerprint, together=len(room.keys) > 1)
        news = _frame(Joined(member.slot, fingerprint))
        return [
            Deliver(connection, _frame(Welcome(member.slot)) + _roster(others)),
            *(Deliver(other.connection, news) for other in others),
            *probes,
            *gone,
        ]

    def _admit(self, fingerprint: bytes, message: Join, source: str) -> tuple[str, list[Action[K]]]:
        """Return the code for refusing a newcomer, or an empty text to admit it, and the members
        that have to go for it."""
        if refusal := self.admission.refusal(fingerprint, message):
            return refusal, []
        room = self._rooms.get(message.room)
        if room is None:
            loser = self.admission.opens(message.room, fingerprint, source)
            lost = None if loser is None else self._rooms.get(loser)
            code = "rooms" if loser == message.room else ""
            return code, [] if lost is None else _close_all(lost, "rooms")
        if room.keys[fingerprint] >= limits.ROOM_SAME_KEY:
            same = [member for member in room.members.values() if member.fingerprint == fingerprint]
            return _replace([m for m in same if m.patience][:1], "replaced", "too-many")
        if len(room.members) >= self.admission.quotas.members:
            return _replace(_losers(room, source), "full", "full")
        return "", []

    def _count_key(self, room: Room[K], fingerprint: bytes, change: int) -> None:
        """Count a member in its room, and note when the room has members of two keys, or of one."""
        before = len(room.keys) > 1
        room.keys[fingerprint] += change
        if not room.keys[fingerprint]:
            del room.keys[fingerprint]
        together = len(room.keys) > 1
        if together != before:
            members = [member.connection for member in room.members.values()]
            self.admission.meets(room.name, members, together=together)

    def _probe(self, room: bytes, fingerprint: bytes, now: float) -> list[Action[K]]:
        """Ask the members of a key that joins again for a sign of life, within a short time."""
        probes: list[Action[K]] = []
        for connection in self.of_key(room, fingerprint):
            member = self._members[connection]
            if member.patience:
                continue
            member.pinged, member.patience = now, limits.PROBE_SECONDS
            probes.append(Deliver(connection, _frame(Ping())))
        return probes

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
        member.sent = destination.received = True
        member.room.relayed += size
        self.relayed_bytes += size
        frames.set_relay_slot(frame, member.slot)
        deliver: Action[K] = Deliver(destination.connection, frame)
        if self.admission.spends(member.room.name, member.source, member.room.relayed):
            return [deliver, *_close_all(member.room, "quota")]
        return [deliver]

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
        self.admission.leaves(connection)
        member = self._members.pop(connection, None)
        if member is None:
            return []
        exchanged = member.sent and member.received
        self.admission.parts(member.fingerprint, member.source, exchanged=exchanged)
        room = member.room
        del room.members[member.slot]
        self._count_key(room, member.fingerprint, -1)
        if not room.members:
            del self._rooms[room.name]
            self.admission.closes(room.name)
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
            member.heard, member.pinged, member.patience = now, None, 0.0

    def tick(self, now: float) -> list[Action[K]]:
        """Ping silent members, and close those that did not answer a ping."""
        actions: list[Action[K]] = []
        for member in self._members.values():
            if member.pinged is None:
                if now - member.heard >= limits.PING_SECONDS:
                    member.pinged = now
                    actions.append(Deliver(member.connection, _frame(Ping())))
            elif now - member.pinged >= (member.patience or limits.PONG_SECONDS):
                actions.append(Close(member.connection, "silent"))
        return actions


def _replace(losers: list[Member[K]], why: str, otherwise: str) -> tuple[str, list[Action[K]]]:
    """Admit a newcomer in place of these members, or refuse it if there are none."""
    if not losers:
        return otherwise, []
    return "", [Close(member.connection, why) for member in losers]


def _losers(room: Room[K], source: str) -> list[Member[K]]:
    """Return who has to go from a full room: the newest member of the source with most members, if
    that source would still have as many as the newcomer's."""
    sizes = Counter(member.source for member in room.members.values())
    largest = max(sizes, key=sizes.__getitem__)
    if sizes[largest] <= sizes[source] + 1:
        return []
    return [member for member in room.members.values() if member.source == largest][-1:]


def _close_all(room: Room[K], code: str) -> list[Action[K]]:
    return [Close(member.connection, code) for member in room.members.values()]


def _roster(members: list[Member[K]]) -> bytes:
    """Return frames that tell a newcomer of the members present."""
    return b"".join(_frame(Joined(member.slot, member.fingerprint)) for member in members)
