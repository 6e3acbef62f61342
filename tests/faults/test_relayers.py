"""A compute party that lies about what others said. It can end a session, and nothing else: each
party it lies to ends with a named error before any of its data has left."""

import asyncio

import pytest
from portions import portioned

from ostraka.errors import InternalError, OstrakaError
from ostraka.session import hearing, session
from ostraka.session.channel import Channel
from ostraka.wire.messages import Abort, Hello, Ready, Relayed, Statement, Vector, decode, encode

# david's words reach erin and mallory through alice, erin's through bob, mallory's through carlos.
ROLES = {
    "alice": ("contributor", "compute", "recipient"),
    "bob": ("contributor", "compute"),
    "carlos": ("compute",),
    "david": ("contributor",),
    "erin": ("contributor",),
    "mallory": ("contributor", "recipient"),
}
INPUTS = {"alice": 1, "bob": 20, "david": 300, "erin": 4000, "mallory": 50000}
LIAR, ABOUT, TO = "alice", "david", "erin"


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(hearing, "STATEMENT_SECONDS", 0.4)
    monkeypatch.setattr(session, "FAREWELL_SECONDS", 0.4)


class Words:
    """Words that the liar relays: remembered, and changed for the parties in `to`."""

    def __init__(self, monkeypatch, speaker):
        self.speaker = speaker
        self.said, self.sent = [], []
        self.lie, self.to = None, ()
        self._honest = Channel.say
        say, send, words = Channel.say, Channel.send, self

        def lying(channel, message):
            for word in words.instead(channel, message):
                say(channel, word)

        def watched(channel, step, message, **how):
            words.sent.append(speaker(channel))
            send(channel, step, message, **how)

        monkeypatch.setattr(Channel, "say", lying)
        monkeypatch.setattr(Channel, "send", watched)

    def instead(self, channel, message):
        if self.speaker(channel) != LIAR or not isinstance(message, Relayed):
            return [message]
        self.said.append((channel.peer, message))
        if self.lie is None or channel.peer not in self.to:
            return [message]
        return self.lie(message, decode(message.message))

    def of(self, kind, to):
        return next(w for peer, w in self.said if peer == to and of_kind(w, kind))


def of_kind(word, kind):
    return isinstance(decode(word.message), kind)


@pytest.fixture
def words(monkeypatch, speaker):
    return Words(monkeypatch, speaker)


@pytest.fixture(params=["direct", "relayed"])
async def place(request, office):
    """A function that makes manifests whose links are of one kind."""
    if request.param == "direct":
        yield office.manifest
    else:
        async with office.coordinator() as address:
            yield lambda *a, **k: office.manifest(*a, relay=address, **k)


def drops(kind):
    return lambda word, message: [] if isinstance(message, kind) else [word]


def alters(kind, **fields):
    def lie(word, message):
        if isinstance(message, kind):
            return [word._replace(message=encode(message._replace(**fields)))]
        return [word]

    return lie


def replaces(kind, *changes):
    """Each change makes one word of the true one."""
    return lambda word, message: (
        [change(word) for change in changes] if isinstance(message, kind) else [word]
    )


def same(word):
    return word


def place_of(name):
    return lambda word: word._replace(party=list(ROLES).index(name))


def containing(message):
    return lambda word: word._replace(certificate=b"", message=encode(message))


gone = containing(Abort("peer-lost", ""))
LIES = {
    "drops a Hello": (drops(Hello), 50),  # it relays a Ready that nobody can belong to
    "drops a Ready": (drops(Ready), 40),  # the others wait for a share, and give up
    "drops both": (drops((Hello, Ready)), 41),
    "says that a party has left": (replaces(Hello, same, gone), 50),
    "says so, and drops its Ready": (
        lambda w, m: [w, gone(w)] if isinstance(m, Hello) else drops(Ready)(w, m),
        41,
    ),
    "alters a nonce": (alters(Hello, nonce=bytes(32)), 50),
    "alters a digest": (alters(Hello, digest=bytes(32)), 50),
    "alters a version": (alters(Hello, version=9), 50),
    "alters a Hello's signature": (alters(Hello, signature=bytes(64)), 50),
    "alters a certificate": (replaces(Hello, lambda w: w._replace(certificate=bytes(400))), 50),
    "alters a session": (alters(Ready, session=bytes(32)), 50),
    "alters a Ready's signature": (alters(Ready, signature=bytes(64)), 50),
    "adds a nonce of the result": (alters(Ready, result_nonces=bytes(32)), 50),
    "swaps two parties": (replaces(Hello, place_of("mallory")), 50),
    "speaks for itself": (replaces(Hello, place_of("alice")), 50),
    "speaks for the listener": (replaces(Hello, place_of("erin")), 50),
    "speaks for no party": (replaces(Hello, lambda w: w._replace(party=99)), 50),
    "says a Hello twice": (replaces(Hello, same, same), 50),
    "says a Ready twice": (replaces(Ready, same, same), 0),
    "a vector for a Hello": (replaces(Hello, containing(Vector(0, 1, "u8", 1, bytes(8)))), 50),
    "a statement for a Ready": (replaces(Ready, containing(Statement(b"", bytes(64)))), 50),
    "a loss for a Ready": (replaces(Ready, gone), 50),
    "garbage": (replaces(Hello, lambda w: w._replace(message=b"\xc1")), 50),
}

ABOUT_READY = {
    "drops a Ready",
    "alters a session",
    "alters a Ready's signature",
    "adds a nonce of the result",
    "a statement for a Ready",
    "a loss for a Ready",
}


def check_ended(found, code, words):
    """The victim ends with `code`, before its data has left; no party learns a result."""
    victim = found[TO]
    assert isinstance(victim, OstrakaError), victim
    assert victim.exit_code == code, (victim.exit_code, victim.message)
    assert victim.data_left is False
    assert TO not in words.sent
    assert LIAR in victim.message
    for name, end in found.items():
        if isinstance(end, dict):  # a contributor that was done
            assert end["status"] == "no-output", (name, end)
        else:
            assert isinstance(end, OstrakaError), (name, end)
            assert not isinstance(end, InternalError), (name, end)
            assert end.exit_code in (30, 40, 41, 50), (name, end)
    assert asyncio.all_tasks() == {asyncio.current_task()}


TOLD = [case for case in LIES if LIES[case][1]]


@pytest.mark.parametrize(
    "case",
    portioned(TOLD[::2], TOLD[1::2]),
)
async def test_a_relayer_that_lies(office, words, case):
    words.lie, code = LIES[case]
    words.to = (TO,)
    # Where the others end it, after their timeout, this party's deadline must come later.
    deadline = 2 if code != 40 else 15
    found = await office.run(office.manifest(ROLES, deadline=deadline, timeout=1), INPUTS)
    check_ended(found, code, words)
    if case not in ABOUT_READY:
        # The lie is about a Hello: the victim says no Ready, and no share of any party leaves.
        assert words.sent == []  # the victim has not said Ready: no share of any party has left
        assert all(error.data_left is False for error in found.values())


async def test_a_word_too_many_before_the_first_vector(office, words):
    """A Ready twice: all are ready, so the session has begun; the link ends at the vector's turn,
    if one is due on it at all."""
    words.lie, words.to = LIES["says a Ready twice"][0], ("mallory",)
    found = await office.run(office.manifest(ROLES, deadline=2, timeout=1), INPUTS)
    assert found["mallory"].exit_code == 50, found
    assert found["mallory"].peer == LIAR


async def test_the_control_all_is_well(office, words, place, tmp_path):
    from ostraka.record import receipt

    found = await office.run(place(ROLES), INPUTS, receipts=tmp_path)
    for name in ("alice", "mallory"):
        assert found[name]["outputs"][0]["value"] == sum(INPUTS.values())
    assert {peer for peer, _ in words.said} == {"erin", "mallory"}
    receipts = [receipt.verify(receipt.read(path)) for path in tmp_path.glob("receipt-*.json")]
    assert len(receipts) == len(ROLES)
    signed = {len(r["signed"]) for r in receipts}
    assert signed == {1, len(ROLES)}  # a party that only contributes leaves first
    whole = receipt.read(next(tmp_path.glob("receipt-mallory-*.json")))
    assert receipt.verify(whole)["signed"] == sorted(ROLES)


@pytest.mark.parametrize("to", portioned([["erin", "mallory"]], [["erin"], ["mallory"]]))
@pytest.mark.parametrize("kind", [Hello, Ready])
async def test_words_of_an_earlier_session(office, words, kind, to):
    """Signed by david, over the same manifest: the session id alone tells."""
    manifest = office.manifest(ROLES, deadline=2, timeout=1)
    assert "outputs" in (await office.run(manifest, INPUTS))["mallory"]
    old = words.of(kind, "erin")
    words.lie, words.to = replaces(kind, lambda _: old), to
    words.sent.clear()
    found = await office.run(manifest, INPUTS)
    for name in to:
        assert found[name].exit_code in (30, 50), found
        assert found[name].data_left is False
        assert name not in words.sent
    if kind is Hello:
        assert words.sent == []
        assert {error.exit_code for error in found.values()} <= {30, 40}
        assert found[to[0]].exit_code == 30


@pytest.mark.parametrize("who", portioned(["david"], ["alice", "mallory"]))
async def test_an_edited_manifest_ends_all(office, place, monkeypatch, who):
    """Also those that have no link to the party that holds it."""
    from ostraka.session import gather

    monkeypatch.setattr(gather, "MANIFEST_GRACE_SECONDS", 0.2)
    manifest = place(ROLES, deadline=10)
    addresses = {p.name: p.address for p in manifest.party if p.address}
    relays = [place.address for place in manifest.session.coordinators]
    other = office.manifest(ROLES, title="Tesu", addresses=addresses, relay=relays or None)
    found = await asyncio.gather(
        *(
            office.take_part(other if name == who else manifest, name, INPUTS.get(name))
            for name in ROLES
        )
    )
    for name, error in zip(ROLES, found, strict=True):
        assert error.exit_code == 30, (name, error)
        assert error.data_left is False
        assert "holds another manifest" in error.message
        assert name == who or who in error.message


async def test_another_version_ends_all(office, monkeypatch):
    from ostraka.session.introductions import Introductions

    built = Introductions.__init__

    def newer(self, *args):
        built(self, *args)
        if self.me == "david":
            self.hello = self.hello._replace(version=9)

    monkeypatch.setattr(Introductions, "__init__", newer)
    found = await office.run(office.manifest(ROLES), INPUTS)
    codes = {name: error.exit_code for name, error in found.items()}
    assert codes.pop("david") in (30, 40, 41)  # it stands for a release that is not this one
    # A party that comes when the others have ended already finds none of them: 41.
    assert 30 in codes.values(), found
    assert set(codes.values()) <= {30, 41}, found


FALSE = {
    "no statement": replaces(Statement, containing(Statement(b"{}", bytes(64)))),
    "an end": replaces(Statement, containing(Abort("x", ""))),
    "another signature": alters(Statement, signature=bytes(64)),
}


@pytest.mark.parametrize("case", portioned(["another signature"], ["no statement", "an end"]))
async def test_a_false_statement_spoils_no_receipt(office, words, case, tmp_path):
    from ostraka.record import receipt

    words.lie, words.to = FALSE[case], ("mallory",)
    found = await office.run(office.manifest(ROLES), INPUTS, receipts=tmp_path)
    assert found["mallory"]["outputs"][0]["value"] == sum(INPUTS.values())
    held = receipt.verify(receipt.read(next(tmp_path.glob("receipt-mallory-*.json"))))
    assert held["signed"] == sorted(set(ROLES) - {"david"})


@pytest.mark.parametrize("who", ["david", "bob"])
async def test_a_party_that_never_comes_is_named_to_all(office, place, who):
    manifest = place(ROLES, deadline=3)
    names = [name for name in ROLES if name != who]
    found = await asyncio.gather(*(office.take_part(manifest, n, INPUTS.get(n)) for n in names))
    for name, error in zip(names, found, strict=True):
        assert error.exit_code == 41, (name, error)
        assert who in error.message, (name, error)
        assert error.data_left is False
