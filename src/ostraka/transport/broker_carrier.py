"""Carrier through an MQTT broker: numbered packets between one client of each of two parties.

A broker may lose, double or reorder what it acknowledged. A packet that came before is left out,
and any gap ends the carrier. Flow control is end to end: at most `limits.BROKER_WINDOW` bytes, and
so many packets that all members together do not fill a broker's queue, are on the way.
"""

from __future__ import annotations

from typing import Final, Protocol

from ostraka.errors import OstrakaError, PeerLost, PeerViolation
from ostraka.limits import BROKER_WINDOW
from ostraka.transport.records import CIPHERTEXT
from ostraka.transport.rendezvous import RoomCarrier
from ostraka.wire.brokered import Packet, PacketKind

NAME: Final = "the broker"

Line = tuple[str, bytes, int]
"""Name of a carrier: the other member, the client that opened it, and that client's count."""


class CarrierRoom(Protocol):
    """Room of a carrier: sends its packets.

    Attributes:
        packets: packets that one carrier may have on their way.
    """

    packets: int

    @property
    def has_room(self) -> bool:
        """Whether the broker has acknowledged so much that carriers may send more."""

    @property
    def piece(self) -> int:
        """Bytes that one packet may carry."""

    def say(self, peer: str, client: bytes, packet: Packet) -> None:
        """Publish a packet for one client of a member."""

    async def drain(self) -> None:
        """Wait until the broker has taken all that was said, or is gone."""

    def is_present(self, peer: str, client: bytes) -> bool:
        """Return whether a member's client is there, as far as the broker says."""

    def open(self, peer: str, client: bytes, *, again: bool = False) -> None:
        """Give the owner a new carrier to a member's client."""

    def forget(self, carrier: BrokerCarrier) -> None:
        """Drop a carrier: what still comes for it is ignored."""


class BrokerCarrier(RoomCarrier):
    """Carrier to and from one client of another member.

    Args:
        line: its name.
        client: the other member's.
    """

    def __init__(
        self, room: CarrierRoom, line: Line, client: bytes, *, again: bool = False
    ) -> None:
        super().__init__(BROKER_WINDOW, again=again)
        self._room_of, self.line, self.client = room, line, client
        self._sent = self._sent_bytes = 0
        self._credited = self._credited_bytes = 0
        self._received = self._taken = 0
        self._told = self._told_bytes = 0
        self._missing, self._waited = -1, 0

    @property
    def is_used_up(self) -> bool:
        return self.is_over and self._room_of.is_present(self.line[0], self.client)

    def renew(self) -> None:
        self._room_of.open(self.line[0], self.client, again=True)

    # Sending

    @property
    def room(self) -> bool:
        on_the_way = self._sent_bytes - self._credited_bytes
        return (
            self._open
            and on_the_way + CIPHERTEXT <= BROKER_WINDOW
            and self._sent - self._credited < self._room_of.packets
            and self._room_of.has_room
        )

    def send(self, data: bytes) -> None:
        size = self._room_of.piece
        for start in range(0, len(data), size):
            self._say(PacketKind.DATA, data[start : start + size])
            self._sent += 1
        self._sent_bytes += len(data)

    def _say(self, kind: PacketKind, data: bytes = b"") -> None:
        peer, opener, carrier = self.line
        self._told, self._told_bytes = self._received, self._taken
        fields = (self._sent, self._received, self._taken)
        self._room_of.say(peer, self.client, Packet(kind, opener, carrier, *fields, data))

    def _tell_if_due(self) -> None:
        """Return credit once a quarter of a window has arrived or was used."""
        packets, size = self._received - self._told, self._taken - self._told_bytes
        due = 4 * packets >= self._room_of.packets or 4 * size >= BROKER_WINDOW
        if due and self._open:
            self._say(PacketKind.CREDIT)

    def tick(self, limit: int) -> None:
        """Take note that a while has passed: acknowledge what came, and end the carrier if packets
        are not acknowledged for `limit` such whiles. A broker may have lost the last ones."""
        if self._received > self._told:
            self._say(PacketKind.CREDIT)
        missing = self._credited if self._sent > self._credited else -1
        self._waited = self._waited + 1 if missing == self._missing != -1 else 0
        self._missing = missing
        if self._waited >= limit:
            self.end(PeerLost(f"{NAME} did not deliver"))

    # Receiving

    def take(self, packet: Packet) -> None:
        """Take a packet of this carrier; one that came already is left out."""
        if not self._open or packet.number < self._received:
            return
        if packet.number > self._received:
            self.end(PeerLost(f"{NAME} lost {packet.number - self._received} packets"))
            return
        if packet.received > self._sent or packet.taken > self._sent_bytes:
            self.end(PeerLost(f"{NAME} brought credit for bytes that were never sent"))
            return
        self._credited = max(self._credited, packet.received)
        self._credited_bytes = max(self._credited_bytes, packet.taken)
        if packet.kind is PacketKind.CLOSE:
            self._end(PeerLost("it closed the connection"))
            return
        if packet.kind is PacketKind.DATA:
            self._received += 1
            try:
                self.deliver(packet.data)
            except PeerViolation as error:
                self.end(PeerLost(error.message))
                return
            self._tell_if_due()
        self.offer_room()

    def consumed(self, size: int) -> None:
        self._unread -= size
        self._taken += size
        self._tell_if_due()

    # Ending

    def end(self, error: OstrakaError) -> None:
        # The other end need not wait until it misses something.
        self._say_goodbye()
        self._end(error)

    def _end(self, error: OstrakaError) -> None:
        self._room_of.forget(self)
        super().end(error)

    def close(self) -> None:
        if self._open:
            self._say_goodbye()
            self._open = False
            self._room_of.forget(self)

    def _say_goodbye(self) -> None:
        if not self.is_over and (self._sent or self._received):
            self._say(PacketKind.CLOSE)

    async def linger(self) -> None:
        await self._room_of.drain()
