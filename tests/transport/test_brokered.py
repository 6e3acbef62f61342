"""Rooms at a broker that loses, doubles, reorders, replays and invents messages."""

import asyncio

import pytest
from memory_broker import Hub

from ostraka.errors import PeerLost, Unreachable
from ostraka.limits import BROKER_WINDOW, ROOM_SAME_KEY
from ostraka.transport import brokered
from ostraka.transport.brokered import BrokerSeat, room_topic
from ostraka.transport.records import CIPHERTEXT
from ostraka.wire.brokered import Packet, PacketKind, decode, encode

PREFIX = "ostraka/room"
PINS = {"alice": b"a" * 32, "bob": b"b" * 32}


class Member:
    """One party in the room: carriers that it was given, started at once, and what they brought."""

    def __init__(self, hub, me, members=2):
        self.hub, self.me, self.carriers, self.taken = hub, me, [], {}
        self.errors = []
        opens = {"alice": PINS["alice"]} if me == "bob" else {}
        answers = {"bob": PINS["bob"]} if me == "alice" else {}
        self.seat = BrokerSeat("mqtt://b:1", PREFIX, me, opens, answers, members)

    async def enter(self):
        network = self.hub.network()
        try:
            self.room = await brokered.enter(self.seat, network, self)
        finally:
            network.close()
        return self

    def joined(self, fingerprint, carrier):
        assert fingerprint in PINS.values()
        self.carriers.append(carrier)
        got = self.taken[carrier] = bytearray()

        def data(piece):
            got.extend(piece)
            if not self.slow:
                carrier.consumed(len(piece))

        carrier.on_data, carrier.on_room = data, lambda: self.push(carrier)
        carrier.on_lost = lambda error: self.errors.append(error.message)
        self.queue = b""
        carrier.start()

    slow = False

    def send(self, data, carrier=None):
        self.queue += data
        self.push(carrier or self.carriers[-1])

    def push(self, carrier):
        while self.queue and carrier.room:
            piece, self.queue = self.queue[:CIPHERTEXT], self.queue[CIPHERTEXT:]
            carrier.send(piece)

    @property
    def got(self):
        return bytes(self.taken[self.carriers[-1]])


async def settled():
    """Let all messages arrive."""
    for _ in range(200):
        await asyncio.sleep(0)


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
async def two(hub):
    """Bob, who opens, and Alice, who is greeted."""
    bob = await Member(hub, "bob").enter()
    alice = await Member(hub, "alice").enter()
    await settled()
    bob.send(b"hello")
    await settled()
    assert alice.got == b"hello"
    return bob, alice


@pytest.mark.parametrize("first", ["alice", "bob"])
async def test_whoever_comes_first_they_meet_and_carry_bytes_both_ways(hub, first):
    second = "bob" if first == "alice" else "alice"
    members = {name: await Member(hub, name).enter() for name in (first, second)}
    await settled()
    assert len(members["bob"].carriers) == 1
    assert members["alice"].carriers == []  # nothing was opened yet
    members["bob"].send(b"to alice")
    await settled()
    members["alice"].send(b"to bob")
    await settled()
    assert (members["alice"].got, members["bob"].got) == (b"to alice", b"to bob")


async def test_topics_name_the_receiver_then_the_sender(two, hub):
    """So that access rules can let a party write as itself, and read what is sent to it."""
    for topic in hub.topics:
        prefix, receiver, sender, *client = topic.removeprefix("ostraka/").split("/")
        assert (prefix, sender in PINS) == ("room", True)
        assert (receiver == "_") == (not client)


async def test_a_lost_packet_ends_both_ends_and_renewing_gives_another_carrier(two, hub):
    bob, alice = two
    hub.pass_on = lambda topic, payload: []
    bob.send(b"lost")
    hub.pass_on = lambda topic, payload: [(topic, payload)]
    bob.send(b"behind it")
    await settled()
    assert alice.errors == ["the broker lost 1 packets"]
    assert bob.errors == ["it closed the connection"]
    assert alice.got == b"hello"
    assert bob.carriers[0].is_used_up
    bob.carriers[0].renew()
    bob.send(b"again")
    await settled()
    assert alice.got == b"again"
    assert bob.carriers[-1].again


async def test_a_last_packet_that_was_lost_is_missed_after_some_ticks(two, hub):
    bob, alice = two
    for _ in range(10):  # what arrived is acknowledged, also where nothing is said
        for member in two:
            member.room.tick(4)
        await settled()
    assert bob.errors == alice.errors == []
    hub.pass_on = lambda topic, payload: []
    bob.send(b"lost")
    hub.pass_on = lambda topic, payload: [(topic, payload)]
    for _ in range(5):
        assert bob.errors == []
        for member in two:
            member.room.tick(4)
        await settled()
    assert bob.errors == ["the broker did not deliver"]
    assert alice.errors == ["the broker lost 1 packets"]


async def test_doubled_and_replayed_packets_are_left_out(two, hub):
    bob, alice = two
    kept = []
    hub.pass_on = lambda topic, payload: [(topic, payload)] * 2
    for piece in (b" one", b" two"):
        bob.send(piece)
    await settled()
    hub.pass_on = lambda topic, payload: kept.append((topic, payload)) or [(topic, payload)]
    bob.send(b" three")
    await settled()
    for message in kept * 3:
        hub.publish(*message)
    await settled()
    assert alice.got == b"hello one two three"
    assert alice.errors == bob.errors == []


async def test_packets_out_of_order_end_the_carrier(two, hub):
    bob, alice = two
    held = []
    hub.pass_on = lambda topic, payload: held.append((topic, payload)) or []
    bob.send(b"1")
    bob.send(b"2")
    hub.pass_on = lambda topic, payload: [(topic, payload)]
    for message in reversed(held):
        hub.publish(*message)
    await settled()
    assert alice.got == b"hello"
    assert len(alice.errors) == 1


async def test_what_is_no_packet_or_of_no_member_is_ignored(two, hub):
    bob, alice = two
    mine = alice.room.visit.topics[1].replace("+", "{}")
    data = encode(Packet(PacketKind.DATA, bytes(8), data=b"x"))
    here = encode(Packet(PacketKind.HERE, bytes(8)))
    for sender in ("bob", "mallory", "alice", "_"):
        for payload in (b"", b"\xff" * 9, data[:-1]):
            hub.publish(mine.format(sender), payload)
            hub.publish(f"{PREFIX}/_/{sender}", payload)
    hub.publish(mine.format("mallory"), data)
    hub.publish(f"{PREFIX}/_/mallory", here)
    await settled()
    bob.send(b" and on")
    await settled()
    assert alice.got == b"hello and on"
    assert len(alice.carriers) == len(bob.carriers) == 1


@pytest.mark.parametrize("forged", [{"received": 99}, {"taken": 1 << 40}])
async def test_credit_for_what_was_never_sent_ends_the_carrier(two, hub, forged):
    bob, _ = two
    packet = Packet(PacketKind.CREDIT, bob.room._client, 0)._replace(**forged)
    hub.publish(bob.room._mine.replace("/bob/bob/", "/bob/alice/"), encode(packet))
    await settled()
    assert bob.errors == ["the broker brought credit for bytes that were never sent"]


async def test_a_receiver_that_takes_nothing_slows_its_sender_and_fills_no_memory(two):
    bob, alice = two
    alice.slow = True
    sent = bytes(3 * BROKER_WINDOW)
    bob.send(sent)
    await settled()
    waiting = len(alice.got) - len(b"hello")
    assert BROKER_WINDOW - 2 * CIPHERTEXT <= waiting <= BROKER_WINDOW
    assert alice.carriers[-1].full
    assert not bob.carriers[-1].room
    alice.slow = False
    alice.carriers[-1].consumed(waiting)
    await settled()
    assert len(alice.got) == len(b"hello") + len(sent)
    assert alice.errors == bob.errors == []


async def test_small_packets_are_counted_too_as_brokers_drop_beyond_their_queues(hub):
    """In a room of 101, six packets of each member may be on their way to one."""
    bob = await Member(hub, "bob", members=101).enter()
    alice = await Member(hub, "alice", members=101).enter()
    await settled()
    hub.pass_on = lambda topic, payload: []
    for _ in range(20):
        if bob.carriers[-1].room:
            bob.carriers[-1].send(b"x")
    assert bob.carriers[-1]._sent == 6
    assert alice.errors == []


async def test_no_message_is_larger_than_the_broker_allows():
    """The broker in memory fails on one that is."""
    hub = Hub(limit=1000)
    bob, alice = await Member(hub, "bob").enter(), await Member(hub, "alice").enter()
    await settled()
    bob.send(bytes(range(256)) * 100)
    await settled()
    assert alice.got == bytes(range(256)) * 100


async def test_the_last_will_of_a_member_ends_its_carriers_at_once(two, hub):
    bob, alice = two
    bob.room._broker.leave(PeerLost("pulled out"))
    await settled()
    assert alice.errors == ["it lost its connection to the broker"]
    assert bob.errors == ["the broker is gone (pulled out)"]
    assert bob.room.ended.happened


async def test_a_member_that_leaves_says_goodbye_on_its_carriers_first(two):
    bob, alice = two
    await alice.room.close()
    await settled()
    assert bob.errors == []  # its owner would have closed the carrier
    assert not bob.room.is_present("alice", alice.room._client)


async def test_a_member_that_comes_again_gets_a_carrier_though_nobody_told_of_its_end(two, hub):
    bob, alice = two
    hub.clients = [client for client in hub.clients if "bob" in client.visit.topics[1]]
    second = await Member(hub, "alice").enter()
    await settled()
    assert [carrier.again for carrier in bob.carriers] == [False, True]
    bob.send(b"to the second")
    await settled()
    assert second.got == b"to the second"
    assert alice.got == b"hello"


async def test_calls_that_were_lost_are_made_again_less_and_less_often(hub):
    hub.pass_on = lambda topic, payload: [(topic, payload)] if "/bob" in topic else []
    bob = await Member(hub, "bob").enter()
    calls = hub.topics.count(f"{PREFIX}/_/bob")
    for _ in range(200):
        bob.room.tick(1000)
        await settled()
    assert 10 <= hub.topics.count(f"{PREFIX}/_/bob") - calls <= 20


async def test_a_call_that_was_lost_delays_a_meeting_and_no_more(hub):
    alice = await Member(hub, "alice").enter()
    echoed = {f"{PREFIX}/_/bob"}
    hub.may = lambda client, what, topic: (
        not (topic in echoed and what == "read" and "alice" in client.visit.topics[1])
    )
    bob = await Member(hub, "bob").enter()
    await settled()
    assert bob.carriers == []
    hub.may = lambda client, what, topic: True
    bob.room.tick(4)
    await settled()
    assert len(bob.carriers) == 1
    assert alice.errors == []


async def test_a_broker_that_falls_silent_is_asked_and_given_up(two, hub):
    bob, _ = two
    bob.room.tick(4)
    hub.pass_on = lambda topic, payload: []
    for _ in range(4):
        assert bob.room.failed is None
        bob.room.tick(4)
        await settled()
    assert bob.room.failed.message == "it was silent"
    assert bob.errors == ["the broker is gone (it was silent)"]


async def test_a_quiet_broker_that_answers_is_kept(two):
    bob, _ = two
    for _ in range(50):
        bob.room.tick(4)
        await settled()
    assert bob.room.failed is None


@pytest.mark.parametrize("denied", ["_", "bob"])
async def test_a_broker_that_does_not_deliver_is_named_with_the_topic(hub, denied, monkeypatch):
    """An access rule that is missing shows in no answer of a broker: nothing arrives."""
    waited = brokered.BrokerRoom.enter
    monkeypatch.setattr(brokered.BrokerRoom, "enter", lambda room, b: waited(room, b, 0.05))
    hub.may = lambda client, what, topic: not (what == "read" and topic.split("/")[2] == denied)
    with pytest.raises(Unreachable, match=f"took a message to {PREFIX}/{denied}/bob") as caught:
        await Member(hub, "bob").enter()
    assert "access rules must let bob read" in caught.value.hint
    assert hub.clients == []


async def test_a_flood_of_arrivals_and_of_carriers_is_bounded(two, hub):
    bob, alice = two
    for number in range(100):
        client = number.to_bytes(8)
        hub.publish(f"{PREFIX}/_/alice", encode(Packet(PacketKind.HERE, client)))
        data = Packet(PacketKind.DATA, client, 0, data=b"x")
        hub.publish(alice.room._mine.replace("/alice/alice/", "/alice/bob/"), encode(data))
    await settled()
    for member in (bob, alice):
        assert len(member.room._carriers) <= ROOM_SAME_KEY


def test_rooms_at_a_broker_have_other_names_than_at_a_relay():
    """So that the two cannot tell that they serve the same session."""
    topic = room_topic("company/ostraka", b"r" * 32)
    assert topic.startswith("company/ostraka/")
    assert len(topic.rpartition("/")[2]) == 32
    assert (b"r" * 32).hex()[:8] not in topic
    assert room_topic("x", b"r" * 32) != room_topic("x", b"s" * 32)


async def test_what_is_decoded_is_what_was_said(two, hub):
    """The goodbye of a carrier is numbered as the next packet: it ends what came before it only."""
    bob, alice = two
    said = []
    hub.pass_on = lambda topic, payload: said.append(decode(payload)) or [(topic, payload)]
    bob.carriers[-1].close()
    await settled()
    assert [packet.kind for packet in said] == [PacketKind.CLOSE]
    assert said[0].number == 1
    assert alice.errors == ["it closed the connection"]
