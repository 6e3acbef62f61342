"""Rooms: every event and refusal, and that windows hold whatever members do."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from portions import examples

from ostraka import limits
from ostraka.coordinator.rooms import Close, Deliver, Ended, Rooms
from ostraka.errors import PeerViolation
from ostraka.wire import frames, messages
from ostraka.wire.messages import (
    VERSION,
    Abort,
    Join,
    Joined,
    Left,
    Ping,
    Pong,
    Refused,
    Welcome,
    Window,
)

ROOM = b"r" * 32
JOIN = Join(VERSION, ROOM)


def key(name: str) -> bytes:
    return name.encode().ljust(32, b".")


def opened(stream: bytes) -> list[object]:
    """The frames in a stream: messages, or (slot, payload)."""
    found: list[object] = []
    while stream:
        kind, length = stream[0], int.from_bytes(stream[1:5], "little")
        body, stream = stream[5 : 5 + length], stream[5 + length :]
        assert len(body) == length
        if kind == frames.Kind.CONTROL:
            found.append(messages.decode(body))
        else:
            assert kind == frames.Kind.RELAY
            slot, payload = frames.split_relay(memoryview(body))
            found.append((slot, bytes(payload)))
    return found


def said(actions: list) -> list[tuple]:
    """Actions, with what is delivered decoded."""
    return [
        (action.to, *opened(bytes(action.frame))) if isinstance(action, Deliver) else action
        for action in actions
    ]


def rooms_of(*names: str, **arguments) -> Rooms[str]:
    rooms: Rooms[str] = Rooms(**arguments)
    for name in names:
        rooms.join(name, key(name), JOIN, 0.0)
    return rooms


def relay(slot: int, payload: bytes) -> bytearray:
    return bytearray(frames.relay(slot, payload))


def window(slot: int, taken: int) -> bytes:
    return messages.encode(Window(slot, taken))


# Coming and going


def test_the_first_gets_a_slot_and_the_second_learns_of_the_first():
    rooms: Rooms[str] = Rooms()
    assert said(rooms.join("a", key("a"), JOIN, 0.0)) == [("a", Welcome(0))]
    assert said(rooms.join("b", key("b"), JOIN, 0.0)) == [
        ("b", Welcome(1), Joined(0, key("a"))),
        ("a", Joined(1, key("b"))),
    ]
    assert (len(rooms), rooms.members) == (1, 2)


def test_rooms_do_not_see_each_other():
    rooms = rooms_of("a")
    other = Join(VERSION, b"s" * 32)
    assert said(rooms.join("b", key("b"), other, 0.0)) == [("b", Welcome(0))]
    assert rooms.relayed("b", relay(1, b"x")) == []
    assert rooms.left("b", 1.0) == [Ended((b"s" * 4).hex(), 1, 0, 1.0)]
    assert rooms.members == 1


def test_the_others_learn_who_left_and_the_last_ends_the_room():
    rooms = rooms_of("a", "b")
    rooms.relayed("a", relay(1, b"12345"))
    assert said(rooms.left("a", 2.0)) == [("b", Left(0))]
    assert rooms.left("b", 3.5) == [Ended(ROOM[:4].hex(), 2, 5, 3.5)]
    assert (len(rooms), rooms.members) == (0, 0)
    assert rooms.left("b", 4.0) == [] == rooms.left("never here", 4.0)


def test_a_slot_is_not_given_again_soon():
    rooms = rooms_of("a", "b")
    rooms.left("b", 0.0)
    assert said(rooms.join("c", key("c"), JOIN, 0.0))[0] == ("c", Welcome(2), Joined(0, key("a")))


def test_slots_wrap_around_past_those_in_use(monkeypatch):
    monkeypatch.setattr("ostraka.coordinator.rooms.SLOTS", 3)
    rooms = rooms_of("a", "b", "c")
    rooms.left("b", 0.0)
    assert said(rooms.join("d", key("d"), JOIN, 0.0))[0][1] == Welcome(1)


def test_credit_and_bytes_for_a_slot_that_left_are_dropped_in_silence():
    rooms = rooms_of("a", "b")
    rooms.relayed("a", relay(1, b"12345"))
    rooms.left("a", 0.0)
    rooms.join("c", key("c"), JOIN, 0.0)
    assert rooms.said("b", window(0, 5)) == []
    assert rooms.relayed("b", relay(0, b"x")) == []


@pytest.mark.parametrize(
    ("code", "arrange"),
    [
        ("version", lambda mp: (rooms_of(), Join(VERSION + 1, ROOM))),
        ("not-allowed", lambda mp: (Rooms(allow=[key("b")]), JOIN)),
        ("too-many", lambda mp: (same_key(limits.ROOM_SAME_KEY), JOIN)),
        ("full", lambda mp: (mp("ROOM_MEMBERS", 1) or rooms_of("a"), JOIN)),
        ("rooms", lambda mp: (mp("ROOMS", 1) or rooms_of("a", "b"), Join(VERSION, b"s" * 32))),
    ],
)
def test_refusals(code, arrange, monkeypatch):
    rooms, join = arrange(lambda name, value: monkeypatch.setattr(limits, name, value))
    before = rooms.members, len(rooms)
    actions = said(rooms.join("new", key("new"), join, 0.0))
    probes = [(str(n), Ping()) for n in range(limits.ROOM_SAME_KEY)] if code == "too-many" else []
    assert actions == [("new", Refused(code)), *probes, Close("new", code)]
    assert (rooms.members, len(rooms)) == before
    assert "new" not in rooms


def same_key(count: int) -> Rooms[str]:
    rooms: Rooms[str] = Rooms()
    for number in range(count):
        rooms.join(str(number), key("new"), JOIN, 0.0)
        for other in range(number):  # it answers the probe
            rooms.heard(str(other), 0.0)
    return rooms


def test_a_key_that_joins_again_replaces_itself_unless_it_answers():
    rooms = rooms_of("old")
    assert said(rooms.join("new", key("old"), JOIN, 1.0)) == [
        ("new", Welcome(1), Joined(0, key("old"))),
        ("old", Joined(1, key("old"))),
        ("old", Ping()),
    ]
    assert rooms.tick(1.0 + limits.PROBE_SECONDS - 0.1) == []
    assert rooms.tick(1.0 + limits.PROBE_SECONDS) == [Close("old", "silent")]
    rooms.heard("old", 4.5)
    assert rooms.tick(4.5) == []


def test_busy_is_a_refusal():
    actions = Rooms().join("new", key("new"), JOIN, 0.0, busy=True)
    assert said(actions) == [("new", Refused("busy")), Close("new", "busy")]


def test_the_allowed_may_join():
    assert said(Rooms(allow=[key("a")]).join("a", key("a"), JOIN, 0.0)) == [("a", Welcome(0))]


@pytest.mark.parametrize("message", [Ping(), Welcome(0), Abort("x", "")])
def test_the_first_message_is_a_join(message):
    with pytest.raises(PeerViolation):
        Rooms().join("a", key("a"), message, 0.0)


def test_joining_twice_is_a_violation():
    with pytest.raises(PeerViolation):
        rooms_of("a").join("a", key("a"), JOIN, 0.0)


@pytest.mark.parametrize(
    "message",
    [JOIN, Welcome(0), Joined(0, key("b")), Left(0), Refused("x"), Abort("x", "")],
)
def test_what_a_member_may_not_say(message):
    with pytest.raises(PeerViolation):
        rooms_of("a", "b").said("a", messages.encode(message))


def test_a_ping_is_answered_and_a_pong_is_not():
    rooms = rooms_of("a", "b")
    assert said(rooms.said("a", messages.encode(Ping()))) == [("a", Pong())]
    assert rooms.said("a", messages.encode(Pong())) == []


# Relaying


def test_a_frame_goes_on_with_the_senders_slot_and_without_a_copy():
    rooms = rooms_of("a", "b", "c")
    frame = relay(2, b"payload")
    (action,) = rooms.relayed("b", frame)
    assert action.frame is frame
    assert said([action]) == [("c", (1, b"payload"))]
    assert rooms.relayed_bytes == 7


@pytest.mark.parametrize(("slot", "payload"), [(0, b"x"), (1, b"")])
def test_nothing_to_itself_and_nothing_empty(slot, payload):
    with pytest.raises(PeerViolation):
        rooms_of("a", "b").relayed("a", relay(slot, payload))


def test_a_window_is_full_to_the_byte_and_reopens_with_credit(monkeypatch):
    monkeypatch.setattr(limits, "RELAY_WINDOW", 10)
    rooms = rooms_of("a", "b", "c")
    assert rooms.relayed("a", relay(1, b"0123456789"))
    with pytest.raises(PeerViolation):
        rooms.relayed("a", relay(1, b"x"))
    assert rooms.relayed("a", relay(2, b"0123456789")), "windows are per pair"
    assert said(rooms.said("b", window(0, 4))) == [("a", Window(1, 4))]
    assert rooms.relayed("a", relay(1, b"0123"))
    with pytest.raises(PeerViolation):
        rooms.relayed("a", relay(1, b"x"))


@pytest.mark.parametrize("taken", [0, 6])
def test_credit_for_what_was_not_sent_is_a_violation(taken):
    rooms = rooms_of("a", "b")
    rooms.relayed("a", relay(1, b"12345"))
    with pytest.raises(PeerViolation):
        rooms.said("b", window(0, taken))
    assert said(rooms.said("b", window(0, 5))) == [("a", Window(1, 5))], "and changed nothing"
    with pytest.raises(PeerViolation):
        rooms.said("b", window(0, 1))


# Silence


def test_the_silent_are_asked_then_given_up():
    rooms = rooms_of("a")
    ask, give_up = limits.PING_SECONDS, limits.PING_SECONDS + limits.PONG_SECONDS
    assert rooms.tick(ask - 0.1) == []
    assert said(rooms.tick(ask)) == [("a", Ping())]
    assert rooms.tick(give_up - 0.1) == []
    assert rooms.tick(give_up) == [Close("a", "silent")]


def test_whoever_is_heard_stays():
    rooms = rooms_of("a")
    rooms.tick(limits.PING_SECONDS)
    rooms.heard("a", limits.PING_SECONDS + 1)
    assert rooms.tick(2 * limits.PING_SECONDS) == []
    assert said(rooms.tick(2 * limits.PING_SECONDS + 1)) == [("a", Ping())]


# Whatever members do

WINDOW = 100


class Anything(RuleBasedStateMachine):
    """Members join, send, take and leave at will; a model counts what is on the way."""

    connections = Bundle("connections")

    @initialize()
    def start(self):
        self.rooms: Rooms[int] = Rooms()
        self.slots: dict[int, tuple[bytes, int]] = {}
        self.sent: dict[tuple[int, int], int] = {}
        self.number = 0

    @rule(target=connections, room=st.sampled_from([b"1" * 32, b"2" * 32]))
    def join(self, room):
        self.number += 1
        (first, *others) = said(
            self.rooms.join(self.number, bytes([self.number % 256]) * 32, Join(VERSION, room), 0.0)
        )
        assert first[0] == self.number
        self.slots[self.number] = room, first[1].slot
        assert {to for to, _ in others} == self.mates(self.number)
        assert len(first) - 2 == len(others)
        return self.number

    def mates(self, one: int) -> set[int]:
        return {
            other
            for other, (room, _) in self.slots.items()
            if other != one and room == self.slots[one][0]
        }

    def at(self, one: int, slot: int) -> int | None:
        return next((other for other in self.mates(one) if self.slots[other][1] == slot), None)

    @rule(origin=connections, slot=st.integers(0, 6), size=st.integers(0, WINDOW + 1))
    def relay(self, origin, slot, size):
        if origin not in self.slots:
            return
        target = self.at(origin, slot)
        total = self.sent.get((origin, target), 0) + size
        frame = relay(slot, bytes([origin % 256]) * size)
        allowed = size > 0 and slot != self.slots[origin][1]
        if not allowed or (target is not None and total > WINDOW):
            with pytest.raises(PeerViolation):
                self.rooms.relayed(origin, frame)
            return
        actions = said(self.rooms.relayed(origin, frame))
        if target is None:
            assert actions == []
        else:
            payload = bytes([origin % 256]) * size
            assert actions == [(target, (self.slots[origin][1], payload))]
            self.sent[origin, target] = total

    @rule(taker=connections, slot=st.integers(0, 6), taken=st.integers(0, WINDOW))
    def take(self, taker, slot, taken):
        if taker not in self.slots:
            return
        origin = self.at(taker, slot)
        if origin is None and slot != self.slots[taker][1]:
            assert self.rooms.said(taker, window(slot, taken)) == []
        elif origin is None or not 0 < taken <= self.sent.get((origin, taker), 0):
            with pytest.raises(PeerViolation):
                self.rooms.said(taker, window(slot, taken))
        else:
            actions = said(self.rooms.said(taker, window(slot, taken)))
            assert actions == [(origin, Window(self.slots[taker][1], taken))]
            self.sent[origin, taker] -= taken

    @rule(one=connections)
    def leave(self, one):
        if one not in self.slots:
            assert self.rooms.left(one, 0.0) == []
            return
        mates, slot = self.mates(one), self.slots[one][1]
        actions = said(self.rooms.left(one, 0.0))
        if mates:
            assert sorted(actions) == sorted((mate, Left(slot)) for mate in mates)
        else:
            assert isinstance(actions[0], Ended)
        del self.slots[one]
        self.sent = {pair: size for pair, size in self.sent.items() if one not in pair}

    @invariant()
    def bounded(self):
        assert all(0 <= size <= WINDOW for size in self.sent.values())
        assert self.rooms.members == len(self.slots)
        assert len(self.rooms) == len({room for room, _ in self.slots.values()})
        kept = {
            (one.connection, other.connection): one.on_the_way[other.slot]
            for one in self.rooms._members.values()
            for other in one.room.members.values()
            if other.slot in one.on_the_way
        }
        assert kept == {pair: size for pair, size in self.sent.items() if size}


@pytest.fixture(autouse=True, scope="module")
def _small_window():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "RELAY_WINDOW", WINDOW)
        yield


class TestAnything(Anything.TestCase):
    settings = settings(examples(60), stateful_step_count=40)
