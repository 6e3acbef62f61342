"""A coordinator that lies. Whatever it does, at whatever moment, every honest party ends in time,
with the right result or with an error that says whose fault it is; never with a wrong result."""

import itertools

import pytest
from virtual_world import World, virtual_time

from ostraka.coordinator.rooms import Deliver
from ostraka.coordinator.server import Coordinator
from ostraka.errors import InternalError, OstrakaError
from ostraka.wire import frames
from ostraka.wire.messages import Joined, Left, Ping, Ready, Welcome, Window, decode, encode

INPUTS = {"alice": 1, "bob": 20, "carlos": 300}
NAMED = {10, 11, 30, 31, 40, 41, 50}
"""Exit codes that an honest party may end with when the coordinator is not honest."""


def is_relay(action):
    return isinstance(action, Deliver) and action.frame[0] == frames.Kind.RELAY


def copy(action, change=None):
    frame = bytearray(action.frame)
    if change is not None:
        change(frame)
    return Deliver(action.to, frame)


def control(to, message):
    return Deliver(to, frames.control(encode(message)))


class Liar(Coordinator):
    """Does `plot` to the relay frame number `at`, in the order they would be delivered."""

    plot = None
    at = 0

    def __init__(self, identity):
        super().__init__(identity)
        self.count = 0
        self.seen = []
        self.held = []

    def _act(self, cause, actions):
        super()._act(cause, [lie for action in actions for lie in self.lies(action)])

    def lies(self, action):
        if not is_relay(action):
            return [action]
        self.count += 1
        self.seen.append(copy(action))
        release, self.held = self.held, []
        if self.plot is None or self.count - 1 != self.at:
            return [action, *release]
        return [*self.plot(action), *release]

    def somebody_else(self, action):
        """Another member of the same room than the one this is for."""
        room = self._rooms._members[action.to].room
        return next(m.connection for m in room.members.values() if m.connection is not action.to)

    # What it may do to one frame

    def drop(self, action):
        return []

    def duplicate(self, action):
        return [copy(action), copy(action)]

    def reorder(self, action):
        self.held = [action]
        return []

    def replay(self, action):
        old = next(seen for seen in self.seen if seen.to is action.to)
        return [action, copy(old)]

    def flip(self, action):
        def change(frame):
            frame[frames.RELAY_HEADER + (len(frame) - frames.RELAY_HEADER) // 2] ^= 1

        return [copy(action, change)]

    def truncate(self, action):
        slot, payload = frames.split_relay(memoryview(action.frame)[frames.HEADER :])
        return [Deliver(action.to, bytearray(frames.relay(slot, bytes(payload[:-1]) or b"\0")))]

    def extend(self, action):
        slot, payload = frames.split_relay(memoryview(action.frame)[frames.HEADER :])
        return [Deliver(action.to, bytearray(frames.relay(slot, bytes(payload) + b"\x17")))]

    def misdeliver(self, action):
        return [Deliver(self.somebody_else(action), action.frame)]

    def blame(self, action):
        """Say that it came from somebody else."""
        slots = self._rooms._members[self.somebody_else(action)].room.members
        other = next(s for s in slots if s != frames.relay_slot(action.frame))
        return [copy(action, lambda frame: frames.set_relay_slot(frame, other))]

    def withhold(self, action):
        self.lies = lambda later: [] if is_relay(later) else [later]
        return []

    def left(self, action):
        return [action, control(action.to, Left(frames.relay_slot(action.frame)))]

    def rejoin(self, action):
        slot = frames.relay_slot(action.frame)
        other = self._rooms._members[action.to].room.members[slot]
        return [control(action.to, Joined(slot, other.fingerprint)), action]

    def credit(self, action):
        slot = frames.relay_slot(action.frame)
        return [action, control(action.to, Window(slot, 1 << 22))]

    def garbage(self, action):
        return [Deliver(action.to, frames.control(b"\x92\x01\x02")), action]

    def of_a_party(self, action):
        """A message that only parties send."""
        return [control(action.to, Ready(bytes(32), b"", bytes(64))), action]

    def chatter(self, action):
        return [control(action.to, Ping()), action, control(action.to, Welcome(7))]

    def flood(self, action):
        slot = frames.relay_slot(action.frame)
        chunk = frames.relay(slot, bytes(256 * 1024))
        return [action, *(Deliver(action.to, bytearray(chunk)) for _ in range(40))]

    def hang_up(self, action):
        action.to.closing = True
        return [action]


PLOTS = ("drop", "duplicate", "reorder", "replay", "flip", "truncate", "extend", "misdeliver",
         "blame", "withhold", "left", "rejoin", "credit", "garbage", "of_a_party", "chatter",
         "flood", "hang_up")  # fmt: skip


class LyingWorld(World):
    """A virtual world whose coordinator is of the class `kind`."""

    kind = Coordinator

    def coordinator(self):
        self.relay = self.kind(self.identities["coordinator"])
        return self.relay


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    virtual_time(monkeypatch)


@pytest.fixture
def session_with(office, tmp_path):
    """Function that runs a session through a coordinator of a class: (results, the coordinator).

    Each session runs on a virtual clock, by one seed: until the coordinator lies it is the same
    session to the frame, however busy the machine is.
    """
    count = itertools.count()

    def run(kind, deadline=20.0, timeout=10.0, **options):
        directory = tmp_path / str(next(count))
        directory.mkdir()
        manifest = office.manifest(relay="hub:1", deadline=deadline, timeout=timeout, **options)
        names = (*manifest.parties, "coordinator")
        identities = {name: office.identity(name) for name in names}
        world = LyingWorld(1, manifest, identities, INPUTS, directory)
        world.kind = kind
        ended = world.run()
        return {
            name: ended[name].error or ended[name].outcome.as_dict() for name in manifest.parties
        }, world.relay

    return run


def check(found, case):
    """Right, or a named error, for each; how each ended."""
    ends = []
    for name, result in found.items():
        if isinstance(result, dict):
            values = {output["name"]: output["value"] for output in result["outputs"]}
            assert values == {"sum": 321}, (case, name, values)
            ends.append(0)
        else:
            assert isinstance(result, OstrakaError), (case, name, repr(result))
            assert not isinstance(result, InternalError), (case, name, repr(result))
            assert result.exit_code in NAMED, (case, name, repr(result))
            assert result.message
            ends.append(result.exit_code)
    return ends


@pytest.fixture(scope="module")
def totals():
    """Frames of an honest session, by its sharing, once they are counted."""
    return {}


def frames_of_a_session(session_with, **options):
    found, honest = session_with(Liar, **options)
    assert check(found, "honest") == [0, 0, 0]
    return honest.count


def marks(plot, sharing):
    """Half of the plots by default, each of one scheme; the others of one in thorough runs."""
    slow = (plot + sharing) % 2
    return pytest.mark.slow if slow else pytest.mark.thorough if plot % 4 > 1 else ()


@pytest.mark.parametrize("every", [24, pytest.param(6, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("plot", "sharing"),
    [
        pytest.param(plot, sharing, marks=marks(i, k), id=f"{plot}-{k}")
        for i, plot in enumerate(PLOTS)
        for k, sharing in enumerate(('scheme = "additive"', 'scheme = "shamir"\nthreshold = 1'))
    ],
)
def test_one_lie_at_any_moment(session_with, totals, plot, sharing, every):
    if sharing not in totals:
        totals[sharing] = frames_of_a_session(session_with, sharing=sharing)
    total = totals[sharing]
    # Gathering is the same for both schemes: once is enough.
    shift = (5 * PLOTS.index(plot)) % every + (total // 2 if "shamir" in sharing else 0)
    noticed = 0
    for at in range(shift, total, every):
        kind = type("One", (Liar,), {"plot": getattr(Liar, plot), "at": at})
        found, relay = session_with(kind, sharing=sharing)
        ends = check(found, (plot, at))
        # A party that notices ends, connects again, or opens the link anew: more frames.
        noticed += any(ends) or relay.counts.accepted > len(INPUTS) or relay.count > total
        assert relay.count > at, "the lie must have been told"
    if plot in ("withhold", "drop", "flip", "hang_up", "flood", "rejoin"):
        assert noticed, "and must have been noticed"


class Rosters(Liar):
    """Tells who is there as `roster` says."""

    def lies(self, action):
        if not isinstance(action, Deliver) or is_relay(action):
            return [action]
        messages = list(split(action.frame))
        told = [frames.control(encode(m)) for m in messages for m in self.roster(action.to, m)]
        return [Deliver(action.to, b"".join(told))] if told else []

    def roster(self, to, message):
        return [message]

    def name_of(self, connection):
        return identity_names[self._rooms._members[connection].fingerprint]


identity_names = {}


def split(data):
    data = bytes(data)
    while data:
        size = int.from_bytes(data[1:5], "little")
        yield decode(data[5 : 5 + size])
        data = data[5 + size :]


def told(to_name, about):
    """A coordinator that does not tell `to_name` about `about`."""

    class Hides(Rosters):
        def roster(self, to, message):
            hidden = isinstance(message, Joined) and (
                (self.name_of(to), identity_names.get(message.fingerprint)) == (to_name, about)
            )
            return [] if hidden else [message]

    return Hides


class Mislabels(Rosters):
    """Says that bob's slot is carlos's, and the other way round."""

    def roster(self, to, message):
        if not isinstance(message, Joined):
            return [message]
        swapped = {"bob": "carlos", "carlos": "bob"}
        name = identity_names[message.fingerprint]
        prints = {n: f for f, n in identity_names.items()}
        return [message._replace(fingerprint=prints[swapped.get(name, name)])]


class Invents(Rosters):
    """Announces mallory, an unknown key, alice to herself, and everybody four times."""

    def roster(self, to, message):
        if not isinstance(message, Joined):
            return [message]
        extra = [Joined(1000 + 4 * message.slot + i, message.fingerprint) for i in range(4)]
        alice = next(f for f, n in identity_names.items() if n == "alice")
        mallory = next(f for f, n in identity_names.items() if n == "mallory")
        more = [alice, mallory, bytes(32)]
        return [message, *extra, *(Joined(self.fresh(), f) for f in more)]

    def fresh(self):
        self.given = getattr(self, "given", 2000) + 1
        return self.given


class Crosses(Rosters):
    """Joins bob's end of his link to alice to carlos's end of his: both lead to alice."""

    def lies(self, action):
        if not is_relay(action):
            return [action]
        members = self._rooms._members
        if (who := self.name_of(action.to)) == "alice":
            return [action]
        other = {"bob": "carlos", "carlos": "bob"}[who]
        to = next(c for c in members if self.name_of(c) == other)
        return [Deliver(to, action.frame)]


@pytest.fixture
def people(office):
    identity_names.clear()
    identity_names.update(
        {office.identity(n).fingerprint: n for n in ("alice", "bob", "carlos", "mallory")}
    )


@pytest.mark.parametrize(
    ("kind", "ends"),
    [
        (told("alice", "carlos"), {41}),
        (told("carlos", "alice"), {41}),
        (Mislabels, {11, 41}),
        (Invents, {0}),
        (Crosses, {40, 41, 50, 11}),
    ],
    ids=["hides one", "hides the other", "swaps names", "invents", "crosses"],
)
def test_lies_about_who_is_there(session_with, people, kind, ends):
    found, _ = session_with(kind)
    assert set(check(found, kind)) <= ends


def test_two_rooms_for_one_session(session_with, people):
    """Split worlds: alice and bob meet in one room, bob and carlos in another."""

    class Splits(Rosters):
        def roster(self, to, message):
            if not isinstance(message, Joined):
                return [message]
            pair = {self.name_of(to), identity_names[message.fingerprint]}
            return [] if pair == {"alice", "carlos"} else [message]

    found, _ = session_with(Splits)
    assert set(check(found, "split")) == {41}


def test_refuses_everybody(session_with):
    class Refuses(Rosters):
        def roster(self, to, message):
            from ostraka.wire.messages import Refused

            return [Refused("\U0001f4a9" * 100) if isinstance(message, Welcome) else message]

    found, _ = session_with(Refuses)
    assert set(check(found, "refuses")) == {10}


def test_never_says_welcome(session_with):
    class Silent(Rosters):
        def lies(self, action):
            return []

    found, _ = session_with(Silent)
    assert set(check(found, "silent")) <= {10, 41}
