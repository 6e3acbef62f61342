"""Admission: which keys are refused, and who has to go when there are too many."""

from __future__ import annotations

from ostraka import limits
from ostraka.coordinator.admission import Admission, Quotas
from ostraka.coordinator.rooms import Close, Deliver, Rooms
from ostraka.wire import frames, messages
from ostraka.wire.messages import VERSION, Join, Message, Refused, Welcome

KEY, OTHER = b"k" * 32, b"o" * 32
JOIN = Join(VERSION, b"r" * 32)


def test_a_key_has_so_many_connections(monkeypatch):
    monkeypatch.setattr(limits, "CONNECTIONS_OF_ONE_KEY", 2)
    admission: Admission[str] = Admission(None, Quotas())
    for name in ("1", "2"):
        assert admission.refusal(KEY, JOIN) == ""
        admission.joins(name, KEY, together=False)
    assert admission.refusal(KEY, JOIN) == "too-many"
    assert admission.refusal(OTHER, JOIN) == ""
    admission.parts(KEY, "s", exchanged=False)
    assert admission.refusal(KEY, JOIN) == ""


def test_a_key_is_known_once_it_has_exchanged_bytes_or_is_allowed():
    admission: Admission[str] = Admission(None, Quotas(connections=1))
    assert not admission.knows(KEY)
    admission.joins("1", KEY, together=True)
    admission.parts(KEY, "s", exchanged=True)
    assert admission.knows(KEY)
    assert admission.arrives("x", OTHER, "x") is None
    assert admission.arrives("1", KEY, "s") == "x", "a stranger's key goes for a known one"
    assert admission.arrives("y", OTHER, "y") == "y"
    admission.allow = frozenset((OTHER,))
    assert admission.knows(OTHER)
    assert admission.refusal(KEY, JOIN) == "not-allowed"


# In rooms


def key(name: str) -> bytes:
    return name.encode().ljust(32, b".")


def told(actions: list) -> list[tuple[object, Message] | Close]:
    """Actions; of what is delivered, the first message."""
    return [
        (a.to, messages.decode(a.frame[5 : 5 + int.from_bytes(a.frame[1:5], "little")]))
        if isinstance(a, Deliver)
        else a
        for a in actions
    ]


def relay(slot: int, payload: bytes) -> bytearray:
    return bytearray(frames.relay(slot, payload))


def test_a_host_that_is_switched_off_again_and_again_is_never_shut_out():
    rooms: Rooms[int] = Rooms()
    for number in range(3 * limits.ROOM_SAME_KEY):
        actions = told(rooms.join(number, key("bob"), JOIN, 0.0))
        assert isinstance(actions[0][1], Welcome)
        for action in actions:
            if isinstance(action, Close):
                assert action.code == "replaced"
                rooms.left(action.connection, 0.0)
    assert rooms.members == limits.ROOM_SAME_KEY


def test_a_flood_of_rooms_takes_none_from_another_host(monkeypatch):
    monkeypatch.setattr(limits, "ROOMS", 4)
    rooms: Rooms[str] = Rooms()
    for name in ("f1", "f2"):
        for number in range(3):  # two keys in each room, or one
            join = Join(VERSION, bytes([number]) * 32)
            rooms.join(f"{name}-{number}", key(f"{name}-{number}"), join, 0.0, source="flood")
    rooms.join("a", key("a"), JOIN, 0.0, source="a")
    (_, *gone) = told(rooms.join("b", key("b"), Join(VERSION, b"s" * 32), 0.0, source="b"))
    assert gone == [Close("f1-2", "rooms"), Close("f2-2", "rooms")], "its newest room"
    for action in gone:
        rooms.left(action.connection, 0.0)
    refused = told(rooms.join("f", key("f"), Join(VERSION, b"t" * 32), 0.0, source="flood"))
    assert refused[0] == ("f", Refused("rooms"))
    assert len(rooms) == 4


def test_made_up_keys_of_one_host_keep_no_party_out_of_a_room(monkeypatch):
    rooms: Rooms[str] = Rooms(quotas=Quotas(members=5))
    for number in range(5):
        rooms.join(f"f{number}", key(f"f{number}"), JOIN, 0.0, source="flood")
    for name in ("a", "b"):
        actions = told(rooms.join(name, key(name), JOIN, 0.0, source=name))
        assert isinstance(actions[0][1], Welcome)
        assert actions[-1].code == "full"
        assert actions[-1].connection.startswith("f")
        rooms.left(actions[-1].connection, 0.0)
    assert told(rooms.join("f", key("f"), JOIN, 0.0, source="flood"))[0] == ("f", Refused("full"))


def test_a_room_that_has_relayed_all_it_may_is_closed():
    rooms: Rooms[str] = Rooms(quotas=Quotas(room_bytes=4))
    for name in ("a", "b"):
        rooms.join(name, key(name), JOIN, 0.0)
    assert len(rooms.relayed("a", relay(1, b"1234"))) == 1
    assert rooms.relayed("a", relay(1, b"5"))[1:] == [
        Close("a", "quota"),
        Close("b", "quota"),
    ]
    rooms.left("a", 0.0)
    rooms.left("b", 0.0)
    assert told(rooms.join("a", key("a"), JOIN, 0.0))[0] == ("a", Refused("quota"))
