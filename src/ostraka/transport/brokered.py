"""Links through an MQTT broker: one connection to it, and on it a carrier per other member.

The broker sees topics, sizes and times. What a carrier brings is the TLS session of two parties, so
the broker can withhold it, but neither read nor alter it. It may lose, double or reorder messages
that it acknowledged. So packets are numbered (see `wire.brokered`), and any gap ends the carrier;
the session's links go on over the next one.

    PREFIX/_/SENDER                  to all members: a client of SENDER is there, or is gone
    PREFIX/RECEIVER/SENDER/CLIENT    to one client of RECEIVER

Of two members one opens all carriers. It learns of the other one's clients; that one answers what
is opened. Flow control is end to end, in bytes and in packets: brokers drop what is beyond their
queues, though they acknowledged it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ostraka.errors import OstrakaError, PeerLost, PeerViolation, Unreachable
from ostraka.limits import BROKER_PACKETS, HANDSHAKE_SECONDS, ROOM_SAME_KEY
from ostraka.names import PartyId
from ostraka.transport.broker import Broker, Visit
from ostraka.transport.broker_carrier import NAME, BrokerCarrier, CarrierRoom, Line
from ostraka.transport.network import Network
from ostraka.transport.reactor import Waiter
from ostraka.transport.records import CIPHERTEXT
from ostraka.transport.rendezvous import MeetingPlace, Members
from ostraka.wire.brokered import CLIENT, EVERYBODY, OVERHEAD, Packet, PacketKind, decode, encode

BACKLOG: Final = 1 << 20
"""Bytes that the broker has not acknowledged above which carriers have no room."""

SLOWEST_CALL: Final = 16
"""Ticks between calls for members that are not there, at most: each is read by all others."""


@dataclass(frozen=True)
class BrokerSeat:
    """Place of one party in a room.

    Attributes:
        url: of the broker.
        prefix: of all topics of the room.
        me: this party's name.
        opens: fingerprints by name of the members to which this party opens carriers.
        answers: the same of the members that open carriers to this party.
        members: number of members that the room may have.
    """

    url: str
    prefix: str
    me: PartyId
    opens: Mapping[str, bytes]
    answers: Mapping[str, bytes]
    members: int


class BrokerRoom(MeetingPlace, CarrierRoom):
    """Connection to a broker, and the carriers that run through it.

    Args:
        seat: this party's place in the room.
        client: name of this connection, drawn at random.
        members: is called for each other member.
    """

    def __init__(self, seat: BrokerSeat, client: bytes, members: Members) -> None:
        self._seat, self._client, self._members = seat, client, members
        self._carriers: dict[Line, BrokerCarrier] = {}
        self._present: dict[str, list[bytes]] = {name: [] for name in seat.opens}
        self._broker: Broker | None = None
        self._opened = 0
        self._crowded = False
        self._heard = self._silence = self._calls = self._next_call = 0
        self._echo_to_all, self._echo = Waiter(), Waiter()
        self.ended = Waiter()
        self.packets = max(2, BROKER_PACKETS // max(1, seat.members - 1))
        """Packets that one carrier may have on their way."""
        self._mine = self._topic(seat.me, client)
        self._all = f"{seat.prefix}/{EVERYBODY}/{seat.me}"

    @property
    def visit(self) -> Visit:
        """Wishes of this room's client."""
        seat, name = self._seat, self._client.hex()
        topics = (f"{seat.prefix}/{EVERYBODY}/+", f"{seat.prefix}/{seat.me}/+/{name}")
        will = (self._all, encode(Packet(PacketKind.GONE, self._client)))
        told = (self._message, self._on_room, self._lost)
        return Visit(seat.url, f"ostraka{name}", topics, will, *told)

    async def enter(self, broker: Broker, seconds: float = HANDSHAKE_SECONDS) -> None:
        """Tell the members of this party, and find out that the broker delivers.

        Raises:
            Unreachable: the broker does not deliver what this party may read and write.
            PeerLost: the broker is gone.
        """
        self._broker = broker
        self._say_to_all(PacketKind.HERE)
        self._ask(self.piece)
        for topic, echo in ((self._all, self._echo_to_all), (self._mine, self._echo)):
            try:
                async with asyncio.timeout(seconds):
                    await echo.wait()
            except TimeoutError:
                raise _undelivered(topic, self._seat) from None
            if broker.failed is not None:
                raise broker.failed

    # The connection

    @property
    def failed(self) -> OstrakaError | None:
        return self._broker.failed if self._broker is not None else None

    @property
    def has_room(self) -> bool:
        has = self._broker is not None and self._broker.backlog < BACKLOG
        self._crowded = self._crowded or not has  # carriers are told later
        return has

    @property
    def piece(self) -> int:
        assert self._broker is not None
        return max(1, min(CIPHERTEXT, self._broker.limit - OVERHEAD - len(self._mine) - 64))

    def say(self, peer: str, client: bytes, packet: Packet) -> None:
        if self._broker is not None:
            self._broker.publish(self._topic(peer, client), encode(packet))

    def _ask(self, size: int) -> None:
        """Send this client a packet that carries so many bytes, to see that it is delivered."""
        packet = Packet(PacketKind.ECHO, self._client, data=bytes(size))
        self.say(self._seat.me, self._client, packet)

    def _say_to_all(self, kind: PacketKind) -> None:
        if self._broker is not None:
            self._broker.publish(self._all, encode(Packet(kind, self._client)))

    def _topic(self, receiver: str, client: bytes) -> str:
        return f"{self._seat.prefix}/{receiver}/{self._seat.me}/{client.hex()}"

    async def drain(self) -> None:
        if self._broker is not None:
            await self._broker.drain()

    def _on_room(self) -> None:
        if not self._crowded or not self.has_room:
            return
        self._crowded = False
        for carrier in list(self._carriers.values()):
            carrier.offer_room()

    def tick(self, limit: int) -> None:
        broker = self._broker
        if broker is None or broker.failed is not None:
            return
        self._silence = self._silence + 1 if broker.heard == self._heard else 0
        self._heard = broker.heard
        if self._silence >= limit:
            broker.leave(PeerLost("it was silent"))
        elif self._silence and not broker.backlog:
            self._ask(1)
        for carrier in list(self._carriers.values()):
            carrier.tick(limit)
        self._call()

    def _call(self) -> None:
        """Call the members that are missing again from time to time: a broker may lose a call."""
        if all(self._present.values()):
            self._calls = self._next_call = 0
        elif self._next_call:
            self._next_call -= 1
        else:
            self._next_call = min(SLOWEST_CALL, 1 << min(self._calls, 8))
            self._calls += 1
            self._say_to_all(PacketKind.HERE)

    def _lost(self, error: OstrakaError) -> None:
        """Take note that the connection to the broker is over."""
        self._echo_to_all.set()
        self._echo.set()
        carriers, self._carriers = self._carriers, {}
        self._present = {name: [] for name in self._present}
        for carrier in carriers.values():
            carrier.end(PeerLost(f"{NAME} is gone ({error.message})"))
        self.ended.set()

    async def close(self) -> None:
        self._say_to_all(PacketKind.LEFT)
        if self._broker is not None:
            await self._broker.close()

    # The members

    def is_present(self, peer: str, client: bytes) -> bool:
        return client in self._present.get(peer, ())

    def open(self, peer: str, client: bytes, *, again: bool = False) -> None:
        line = (peer, self._client, self._opened)
        self._opened += 1
        carrier = self._carriers[line] = BrokerCarrier(self, line, client, again=again)
        self._members.joined(self._seat.opens[peer], carrier)

    def forget(self, carrier: BrokerCarrier) -> None:
        self._carriers.pop(carrier.line, None)

    def _message(self, topic: str, payload: bytes) -> None:
        """Act on a message; one that is no packet of a member is left out, as its sender is not
        proven."""
        levels = topic.removeprefix(self._seat.prefix + "/").split("/")
        try:
            packet = decode(payload)
        except PeerViolation:
            return
        if len(levels) == 2 and levels[0] == EVERYBODY:
            self._presence(levels[1], packet)
        elif len(levels) == 3 and topic.endswith(self._client.hex()):
            self._direct(levels[1], packet)

    def _presence(self, sender: str, packet: Packet) -> None:
        if sender == self._seat.me:
            if packet == Packet(PacketKind.HERE, self._client):
                self._echo_to_all.set()
        elif packet.kind is PacketKind.HERE:
            if sender in self._seat.answers:
                self.say(sender, packet.client, Packet(PacketKind.HERE, self._client))
            self._arrived(sender, packet.client)
        elif packet.kind in (PacketKind.GONE, PacketKind.LEFT):
            if packet.client in self._present.get(sender, ()):
                self._present[sender].remove(packet.client)
            if packet.kind is PacketKind.GONE:
                self._cut_off(sender, packet.client)

    def _direct(self, sender: str, packet: Packet) -> None:
        if packet.kind is PacketKind.ECHO and sender == self._seat.me:
            self._echo.set()
        elif packet.kind is PacketKind.HERE:
            self._arrived(sender, packet.client)
        elif packet.kind in (PacketKind.DATA, PacketKind.CREDIT, PacketKind.CLOSE):
            self._carried(sender, packet)

    def _arrived(self, sender: str, client: bytes) -> None:
        """Open a carrier to a client that was not known; of too many, the oldest is forgotten."""
        known = self._present.get(sender)
        if known is None or client in known:
            return
        again = bool(known)
        known.append(client)
        for old in known[:-ROOM_SAME_KEY]:
            known.remove(old)
            self._cut_off(sender, old)
        self.open(sender, client, again=again)

    def _cut_off(self, sender: str, client: bytes) -> None:
        for carrier in list(self._carriers.values()):
            if (carrier.line[0], carrier.client) == (sender, client):
                carrier.end(PeerLost("it lost its connection to the broker"))

    def _carried(self, sender: str, packet: Packet) -> None:
        opens = sender in self._seat.opens
        line = (sender, packet.client, packet.carrier)
        carrier = self._carriers.get(line)
        if carrier is None and not opens and packet.kind is PacketKind.DATA and not packet.number:
            carrier = self._answer(sender, line)
        if carrier is not None:
            carrier.take(packet)

    def _answer(self, sender: str, line: Line) -> BrokerCarrier | None:
        """Give the owner the carrier that a member opens; of too many, the oldest ends."""
        if (fingerprint := self._seat.answers.get(sender)) is None:
            return None
        same = [carrier for carrier in self._carriers.values() if carrier.line[0] == sender]
        for old in same[: 1 - ROOM_SAME_KEY]:
            old.end(PeerLost("it opened too many connections"))
        carrier = self._carriers[line] = BrokerCarrier(self, line, line[1])
        self._members.joined(fingerprint, carrier)
        return carrier


def _undelivered(topic: str, seat: BrokerSeat) -> Unreachable:
    return Unreachable(
        f"{seat.url}: {NAME} took a message to {topic} and did not deliver it",
        hint=f"its access rules must let {seat.me} read that topic: see docs/guides/mqtt.md",
        data_left=False,
    )


def room_topic(topic: str, room: bytes) -> str:
    """Return the prefix of all topics of a room, below the topic that the manifest names."""
    import hashlib

    return f"{topic}/{hashlib.sha256(b'ostraka broker 1' + bytes(1) + room).hexdigest()[:32]}"


async def enter(seat: BrokerSeat, network: Network, members: Members) -> BrokerRoom:
    """Connect to a broker, and enter a room. Safe to cancel.

    Raises:
        Unreachable: there is no connection to it, or it refuses what this party asks.
        PeerLost: it is gone.
    """
    room = BrokerRoom(seat, secrets.token_bytes(CLIENT), members)
    broker = await network.broker(room.visit)
    try:
        await room.enter(broker)
    except BaseException:
        broker.leave(PeerLost("not entered"))
        raise
    return room
