"""Carriers through the coordinator: windows, early bytes, endings, and its messages."""

from __future__ import annotations

import asyncio
import socket

import pytest

from ostraka.errors import PeerLost, PeerViolation, Temporary
from ostraka.limits import RELAY_WINDOW
from ostraka.transport import relay
from ostraka.transport.contexts import Contexts
from ostraka.transport.preamble import pinned
from ostraka.transport.tcp import TcpCarrier
from ostraka.transport.tls import SecureLink
from ostraka.wire import frames, messages
from ostraka.wire.messages import Join, Joined, Left, Ping, Pong, Refused, Welcome, Window


class Room:
    """Our relay, and the coordinator's end of its link."""

    def __init__(self, ours: SecureLink, coordinator: SecureLink) -> None:
        self.relay, self.coordinator = relay.Relay(ours, self), coordinator
        self.members: dict[bytes, relay.RelayCarrier] = {}

    def joined(self, fingerprint: bytes, carrier: relay.RelayCarrier) -> None:
        self.members[fingerprint] = carrier

    def say(self, *said: messages.Message) -> None:
        for message in said:
            self.coordinator.write(frames.control(messages.encode(message)))

    async def heard(self) -> messages.Message:
        async with asyncio.timeout(5):
            return messages.decode(await self.coordinator.read(frames.read_control()))

    async def until(self, condition) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.001)


class Owner:
    """Keeps what a carrier reports."""

    def __init__(self, carrier) -> None:
        self.data, self.rooms, self.lost = b"", 0, []
        carrier.on_data, carrier.on_room = self._data, self._room
        carrier.on_lost = lambda error: self.lost.append(error.message)

    def _data(self, piece) -> None:
        self.data += bytes(piece)

    def _room(self) -> None:
        self.rooms += 1


@pytest.fixture
async def room(keys, reactor):
    one, other = (TcpCarrier(end, reactor) for end in socket.socketpair())
    bob = keys["bob"].fingerprint
    ours = SecureLink(
        one, Contexts(keys["alice"]), server=False, admit=pinned("the coordinator", bob)
    )
    its = SecureLink(other, Contexts(keys["bob"]), server=True, admit=lambda _: "a party")
    await asyncio.gather(ours.open(), its.open())
    made = Room(ours, its)
    yield made
    for link in (ours, its):
        link.abandon(PeerLost("the test is over"))


@pytest.fixture
async def entered(room):
    """The room, entered, with one other member in slot 3."""
    room.say(Welcome(1), Joined(3, b"f" * 32))
    await room.relay.join(b"r" * 32)
    assert isinstance(await room.heard(), Join)
    await room.until(lambda: room.members)
    return room


async def test_what_comes_before_the_start_waits_for_it(entered):
    (carrier,) = entered.members.values()
    entered.coordinator.write(frames.relay(3, b"early"), frames.relay(9, b"to no slot"))
    await entered.until(lambda: carrier._early)
    owner = Owner(carrier)
    assert owner.data == b""
    carrier.start()
    assert owner.data == b"early"


async def test_sending_uses_up_the_window_until_credit_comes(entered):
    (carrier,) = entered.members.values()
    owner = Owner(carrier)
    carrier.start()
    sent = 0
    reading = asyncio.ensure_future(_swallow(entered.coordinator))
    while sent < RELAY_WINDOW - relay.CIPHERTEXT:
        await entered.until(lambda: carrier._relay.has_room)
        carrier.send(bytes(65536))
        sent += 65536
    await entered.until(lambda: carrier._relay.has_room)
    while carrier.room:
        carrier.send(bytes(65536))
        sent += 65536
    before = owner.rooms
    entered.say(Window(3, sent))
    await entered.until(lambda: owner.rooms > before)
    assert carrier.room
    reading.cancel()


async def _swallow(link: SecureLink) -> None:
    def forever():
        while True:
            _, length = yield from frames.read_header()
            yield from frames.read_body(length)

    await link.read(forever())


async def test_what_is_taken_is_credited_by_the_quarter_window(entered):
    (carrier,) = entered.members.values()
    carrier.consumed(RELAY_WINDOW // 4 - 1)
    carrier.consumed(1)
    assert await entered.heard() == Window(3, RELAY_WINDOW // 4)


async def test_a_member_that_leaves_ends_its_carrier(entered):
    (carrier,) = entered.members.values()
    owner = Owner(carrier)
    carrier.start()
    entered.say(Left(3))
    await entered.until(lambda: owner.lost)
    assert owner.lost == ["it left the coordinator"]
    assert not carrier.room


async def test_the_end_of_the_coordinator_ends_every_carrier_even_unstarted(entered):
    (carrier,) = entered.members.values()
    entered.coordinator.abandon(PeerLost("gone"))
    await entered.until(lambda: entered.relay.failed)
    owner = Owner(carrier)
    carrier.start()
    assert owner.lost[0].startswith("the coordinator is gone")


@pytest.mark.parametrize(
    "said",
    [Joined(3, b"g" * 32), Window(3, 1), Join(messages.VERSION, b"r" * 32)],
    ids=["a slot twice", "credit for nothing", "a message of members"],
)
async def test_a_coordinator_that_breaks_the_rules_is_refused(entered, said):
    entered.say(said)
    await entered.until(lambda: entered.relay.failed)
    assert isinstance(entered.relay.failed, PeerViolation)


async def test_a_ping_is_answered(entered):
    entered.say(Ping())
    assert await entered.heard() == Pong()


async def test_a_refusal_says_try_again(room):
    room.say(Refused("full"))
    with pytest.raises(Temporary, match="full"):
        await room.relay.join(b"r" * 32)


async def test_no_welcome_in_time(room):
    with pytest.raises(PeerLost, match="no welcome"):
        await room.relay.join(b"r" * 32, seconds=0.05)
