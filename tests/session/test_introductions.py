"""Introductions: events one by one, out of order and twice, without sockets, tasks or clocks."""

import hashlib
import random
from collections import deque

import pytest

from ostraka.errors import Disagreement, PeerLost, PeerViolation, TimedOut
from ostraka.session.actions import Doubt, Fail, Present, Say, hello_bytes
from ostraka.session.introductions import Introductions
from ostraka.session.nonces import ResultNonces
from ostraka.session.pairs import PairKeys
from ostraka.wire.messages import VERSION, Abort, Hello, Ready, Relayed, Statement, decode, encode

ROLES = {
    "alice": ("compute", "recipient"),
    "bob": ("contributor", "compute"),
    "carlos": ("contributor",),
    "david": ("contributor",),
    "erin": ("contributor", "recipient"),
    "mallory": ("recipient",),
}
READERS = (("alice", "erin", "mallory"), ("erin", "mallory"), ("erin",))
LOST = PeerLost("lost")


def nonce(*words):
    return hashlib.sha256(repr(words).encode()).digest()


class Net:
    """All parties' introductions, and links that keep order; the test decides whose turn it is."""

    def __init__(self, office, manifest=None):
        self.office = office
        self.manifest = manifest or office.manifest(ROLES)
        self.tables, self.links, self.present = {}, {}, {}
        self.runs, self.failed, self.doubts = dict.fromkeys(self.manifest.parties, 0), {}, {}

    def start(self, name):
        self.runs[name] += 1
        sign = self.office.identity(name).sign
        pairs = PairKeys(name, self.manifest.compute, nonce(name, self.runs[name]))
        self.tables[name] = Introductions(self.manifest, name, sign, self.nonces(name), pairs)

    def nonces(self, name):
        return ResultNonces(name, READERS, nonce(name, self.runs[name]))

    def certificate(self, name):
        return self.office.identity(name).certificate

    def act(self, name, actions):
        for action in actions:
            match action:
                case Say(to, message):
                    for party in to:
                        self.links[name, party].append(message)
                case Present(parties):
                    self.present[name] = parties
                case Fail(error):
                    self.failed.setdefault(name, error)
                case Doubt(party, error):
                    self.doubts[name] = party, error

    def connect(self, one, other):
        """Make a link: both Hellos arrive."""
        self.links[one, other], self.links[other, one] = deque(), deque()
        for me, peer in ((one, other), (other, one)):
            table = self.tables[me]
            self.act(me, table.greeted(peer, self.certificate(peer), self.tables[peer].hello))

    def cut(self, one, other, farewell=None, error=LOST):
        del self.links[one, other], self.links[other, one]
        for me, peer in ((one, other), (other, one)):
            self.act(me, self.tables[me].left(peer, error, farewell))

    def deliver(self, sender, receiver):
        """Bring the next message that waits on a link."""
        message = self.links[sender, receiver].popleft()
        self.act(receiver, self.tables[receiver].heard(sender, message))

    def unconnected(self):
        return [
            (p, q)
            for p, table in self.tables.items()
            for q in table.topology.linked
            if p < q and q in self.tables and (p, q) not in self.links
        ]

    def waiting(self):
        return [link for link, queue in self.links.items() if queue]

    def run(self, rng=None, only=lambda link: True):
        """Connect and deliver all there is, in an order that `rng` draws."""
        choose = rng.choice if rng else lambda steps: steps[0]
        while steps := [
            *((self.connect, pair) for pair in self.unconnected()),
            *((self.deliver, link) for link in self.waiting() if only(link)),
        ]:
            step, arguments = choose(steps)
            step(*arguments)


@pytest.fixture
def net(office):
    net = Net(office)
    for name in ROLES:
        net.start(name)
    return net


def check_complete(net):
    assert net.failed == {}
    assert all(table.complete for table in net.tables.values())
    assert len({table.id for table in net.tables.values()}) == 1
    for name, table in net.tables.items():
        assert set(table.hellos) == set(table.readies) == set(ROLES)
        assert set(table.certificates) == set(ROLES) - {name}
        assert {p: h.nonce for p, h in table.hellos.items()} == {
            p: net.nonces(p).hello for p in ROLES
        }
        assert net.present[name] == len(ROLES)
        assert all(table.finished(peer) for peer in table.topology.linked)


@pytest.mark.parametrize("seed", range(25))
def test_in_any_order_all_hold_all(net, seed):
    net.run(random.Random(seed))
    check_complete(net)
    assert net.tables["carlos"].readies["david"].result_nonces == b""
    shown = net.nonces("erin").for_peer("mallory")
    assert len(shown) == 96
    assert net.tables["mallory"].readies["erin"].result_nonces == shown
    assert net.tables["bob"].readies["erin"].result_nonces == b""


def test_an_id_is_of_one_manifest(office):
    """The same nonces under another manifest make another session: signatures of one are not of
    the other."""
    ids = set()
    for title in ("one", "two"):
        net = Net(office, office.manifest(ROLES, title=title))
        for name in ROLES:
            net.start(name)
        net.run()
        check_complete(net)
        ids.add(net.tables["alice"].id)
    assert len(ids) == 2


@pytest.mark.parametrize("seed", range(25))
def test_parties_come_and_go_until_all_are_there(office, seed):
    """While mallory is not there nothing is sealed, so each of the others may start afresh."""
    rng, net = random.Random(seed), Net(office)
    early = [name for name in ROLES if name != "mallory"]
    for name in early:
        net.start(name)
    for _ in range(6):
        for _ in range(rng.randrange(30)):
            steps = [(net.connect, p) for p in net.unconnected()]
            steps += [(net.deliver, p) for p in net.waiting()]
            if steps:
                step, arguments = rng.choice(steps)
                step(*arguments)
        gone = rng.choice(early)
        for p, q in [link for link in net.links if link[0] == gone]:
            net.cut(p, q)
        net.start(gone)
    net.start("mallory")
    net.run(rng)
    check_complete(net)


def test_who_does_not_compute_is_ready_after_all_who_do(net):
    net.run(only=lambda link: link != ("bob", "carlos"))
    assert not net.tables["carlos"].id
    assert net.tables["alice"].id
    assert not net.tables["alice"].complete
    net.run()
    check_complete(net)


def test_no_party_is_complete_before_every_ready(net):
    net.run(only=lambda link: link[0] not in ("carlos", "alice"))
    for name, table in net.tables.items():
        assert name == "alice" or not table.complete
    net.run(only=lambda link: link[0] != "carlos")
    assert not any(t.complete for n, t in net.tables.items() if n != "carlos")
    net.run()
    check_complete(net)


def test_a_lost_relayer_takes_its_words_with_it(net):
    net.tables.pop("mallory")
    net.run()
    carlos = net.tables["carlos"]
    relayer = carlos.topology.relayers["david"]
    assert carlos.here("david")
    before = net.present["carlos"]
    net.cut(relayer, "carlos")
    assert not carlos.here("david")
    assert not carlos.here(relayer)
    assert net.present["carlos"] < before
    net.run()
    assert carlos.here("david")
    assert net.present["carlos"] == before


def test_a_party_that_leaves_is_gone_for_those_it_has_no_link_to(net):
    net.tables.pop("mallory")
    net.run()
    carlos, relayer = net.tables["carlos"], net.tables["carlos"].topology.relayers["david"]
    for peer in net.tables["david"].topology.linked:
        if ("david", peer) in net.links:
            net.cut("david", peer, Abort(TimedOut.code, "mallory"))
    net.run(only=lambda link: link != (relayer, "carlos"))
    assert carlos.here("david")
    net.deliver(relayer, "carlos")
    assert not carlos.here("david")
    assert "mallory" in carlos.waiting.missing()
    assert (
        "david" not in carlos.waiting.missing()
    )  # it has been here, and gave up waiting for mallory


# Another manifest, another version


def other_hello(net, name, **changes):
    hello = Hello(VERSION, bytes(32), nonce("other"), b"")._replace(**changes)
    signature = net.office.identity(name).sign(hello_bytes(hello.digest, hello.nonce))
    return hello._replace(signature=signature)


def greet(net, me, peer, hello):
    return net.tables[me].greeted(peer, net.certificate(peer), hello)


def test_another_manifest_is_doubted_for_a_moment_and_then_blamed(net):
    (doubt,) = greet(net, "alice", "carlos", other_hello(net, "carlos"))
    assert isinstance(doubt, Doubt)
    assert not net.tables["alice"].here("carlos")
    assert greet(net, "alice", "carlos", other_hello(net, "carlos")) == []
    (failed,) = net.tables["alice"].patience_over(doubt.party, doubt.error)
    assert isinstance(failed.error, Disagreement)
    assert failed.error.peer == "carlos"
    assert bytes(32).hex() in failed.error.message


def test_the_right_manifest_resolves_a_doubt(net):
    (doubt,) = greet(net, "alice", "carlos", other_hello(net, "carlos"))
    net.run()
    assert net.tables["alice"].patience_over(doubt.party, doubt.error) == []
    check_complete(net)


def test_a_doubt_at_the_deadline_is_a_disagreement(net):
    greet(net, "alice", "carlos", other_hello(net, "carlos"))
    assert isinstance(net.tables["alice"].waiting.late(5), Disagreement)


def test_another_version_is_a_disagreement_at_once(net):
    hello = net.tables["carlos"].hello._replace(version=VERSION + 1)
    with pytest.raises(Disagreement, match=f"version {VERSION + 1}"):
        greet(net, "alice", "carlos", hello)


@pytest.mark.parametrize("sealed", [False, True])
def test_a_peers_disagreement_is_ours(net, sealed):
    if not sealed:
        net.tables.pop("mallory")
    net.run(only=lambda link: link[0] != "david")
    net.cut("alice", "carlos", Abort(Disagreement.code, "david"))
    assert isinstance(net.failed["carlos"], Disagreement)
    assert net.failed["carlos"].peer == "david"
    assert "david holds another manifest" in net.failed["carlos"].message


def test_a_peers_disagreement_about_nobody_we_know_is_a_loss(net):
    net.tables.pop("mallory")
    net.run()
    net.cut("alice", "carlos", Abort(Disagreement.code, ""))
    net.cut("bob", "carlos", Abort(Disagreement.code, "zoe"))
    assert net.failed == {}


def test_two_sessions_among_the_same_parties(net):
    """A duplicate is doubted; when the right party comes, the doubt is gone."""
    (doubt,) = net.tables["alice"].duplicate("bob", Abort("duplicate", "alice"))
    net.run()
    assert net.tables["alice"].duplicate("bob", Abort("duplicate", "alice")) == []
    assert net.tables["alice"].patience_over("bob", doubt.error) == []
    check_complete(net)


def test_a_process_too_many_is_told_so(net):
    """At once if nobody is here yet, else after a moment: then both may have begun together."""
    (failed,) = net.tables["alice"].duplicate("bob", Abort("duplicate", "alice"))
    assert "another alice is there already" in failed.error.message
    net.connect("alice", "carlos")
    (doubt,) = net.tables["alice"].duplicate("bob", Abort("duplicate", "alice"))
    (failed,) = net.tables["alice"].patience_over("bob", doubt.error)
    assert "another alice is there already" in failed.error.message


def test_this_party_is_not_ready_while_another_is_away(net):
    alice = net.tables["alice"]
    for other in ("carlos", "david", "erin", "mallory"):
        net.connect("alice", other)
    assert alice.away("carlos") == [Present(4)]
    net.connect("alice", "bob")
    assert not alice.id
    assert alice.waiting.missing() == ["carlos"]
    assert "it was cut off" in alice.waiting.late(5).message
    net.act("alice", alice.returned("carlos"))
    assert alice.id


# Losses and deadlines


def test_a_loss_after_our_ready_ends_the_session(net):
    net.run(only=lambda link: link[0] != "carlos")
    net.cut("alice", "carlos")
    assert net.failed["alice"] is LOST
    assert net.failed["carlos"] is LOST


def test_a_peer_that_gave_up_waiting_is_our_deadline(net):
    net.run(only=lambda link: link[0] != "carlos")
    net.cut("alice", "carlos", Abort(TimedOut.code, "bob"))
    assert isinstance(net.failed["alice"], TimedOut)
    assert "waited for bob" in net.failed["alice"].message


def test_a_violation_ends_the_session_at_any_time(net):
    guilty = PeerViolation("it lies", peer="bob")
    net.tables.pop("mallory")
    net.run()
    net.cut("alice", "bob", error=guilty)
    assert net.failed["alice"] is guilty


def test_late_names_the_missing_and_the_relayer_that_is_silent(net):
    net.run(only=lambda link: link[0] not in ("alice", "bob"))
    relayer = net.tables["carlos"].topology.relayers["david"]
    late = net.tables["carlos"].waiting.late(5)
    assert isinstance(late, TimedOut)
    assert late.data_left is False
    assert f"david: {relayer} has not told us of it" in late.message
    net.tables["erin"].unreached("alice", "nobody listens")
    assert "alice" not in net.tables["erin"].waiting.missing()  # alice is here, david is not


def test_late_before_all_are_ready_names_those_who_are_not(net):
    net.run(only=lambda link: link[0] != "carlos")
    assert net.tables["alice"].waiting.missing() == ["carlos"]
    net.tables.pop("erin")


def test_nothing_is_known_of_others_while_their_relayer_is_missing(office):
    net = Net(office)
    for name in ("bob", "carlos"):
        net.start(name)
    net.run()
    relayers = net.tables["carlos"].topology.relayers
    assert set(net.tables["carlos"].waiting.missing()) == {"alice"} | {
        party for party, relayer in relayers.items() if relayer == "bob"
    }


# Relayers that lie


def word(net, relayer, receiver, kind):
    """The relayer's next word of that kind to the receiver, which it is about to take."""
    link = net.links[relayer, receiver]
    while not (isinstance(link[0], Relayed) and isinstance(decode(link[0].message), kind)):
        net.deliver(relayer, receiver)
    return link.popleft()


def changed(relayed, **fields):
    return relayed._replace(message=encode(decode(relayed.message)._replace(**fields)))


HELLO_LIES = {
    "nonce": lambda net, w: changed(w, nonce=bytes(32)),
    "signature": lambda net, w: changed(w, signature=bytes(64)),
    "digest": lambda net, w: changed(w, digest=bytes(32)),
    "version": lambda net, w: changed(w, version=VERSION + 1),
    "certificate": lambda net, w: w._replace(certificate=net.certificate("erin")),
    "another party's key in david's place": lambda net, w: w._replace(
        certificate=net.certificate("erin"),
        message=encode(other_hello(net, "erin", digest=net.manifest.digest)),
    ),
    "no certificate": lambda net, w: w._replace(certificate=b""),
    "garbage for a certificate": lambda net, w: w._replace(certificate=bytes(400)),
    "another party's place": lambda net, w: w._replace(party=4 if w.party == 3 else 3),
    "our place": lambda net, w: w._replace(party=2),
    "its own place": lambda net, w: w._replace(party=0),
    "no place": lambda net, w: w._replace(party=1000),
    "a statement": lambda net, w: w._replace(message=encode(Statement(b"", bytes(64)))),
    "a ready before its own": lambda net, w: w._replace(
        certificate=b"", message=encode(Ready(bytes(32), b"", bytes(64)))
    ),
    "an end of a party that is not here": lambda net, w: w._replace(
        certificate=b"", message=encode(Abort("peer-lost", ""))
    ),
    "a word in a word": lambda net, w: w._replace(message=encode(w._replace(message=b""))),
    "no message": lambda net, w: w._replace(message=b"\xc1"),
}


@pytest.mark.parametrize("case", HELLO_LIES)
def test_a_relayed_hello_that_does_not_verify_is_the_relayers_violation(net, case):
    carlos = net.tables["carlos"]
    net.run(only=lambda link: link[1] != "carlos")
    relayer = carlos.topology.relayers["david"]
    said = word(net, relayer, "carlos", Hello)
    before = carlos.present, carlos.waiting.missing()
    with pytest.raises(PeerViolation):
        carlos.heard(relayer, HELLO_LIES[case](net, said))
    assert (carlos.present, carlos.waiting.missing()) == before
    assert not carlos.here("david")


@pytest.mark.parametrize("words", ["twice", "after its ready"])
def test_a_hello_can_be_relayed_once(net, words):
    net.run(only=lambda link: link[1] != "carlos")
    relayer = net.tables["carlos"].topology.relayers["david"]
    said = word(net, relayer, "carlos", Hello)
    net.tables["carlos"].heard(relayer, said)
    if words == "after its ready":
        while net.links[relayer, "carlos"]:
            net.deliver(relayer, "carlos")
    with pytest.raises(PeerViolation):
        net.tables["carlos"].heard(relayer, said)


READY_LIES = {
    "signature": lambda net, w: changed(w, signature=bytes(64)),
    "another session": lambda net, w: changed(w, session=bytes(32)),
    "a nonce of the result": lambda net, w: changed(w, result_nonces=bytes(32)),
    "a certificate": lambda net, w: w._replace(certificate=net.certificate("david")),
    "another party's place": lambda net, w: w._replace(party=4 if w.party == 3 else 3),
    "an end after its ready": lambda net, w: w._replace(message=encode(Abort("x", ""))),
}


@pytest.mark.parametrize("case", READY_LIES)
def test_a_relayed_ready_that_does_not_verify_is_the_relayers_violation(net, case):
    carlos = net.tables["carlos"]
    relayer = carlos.topology.relayers["david"]
    net.run(only=lambda link: link != (relayer, "carlos") or not sealed_words(net, relayer))
    said = word(net, relayer, "carlos", Ready)
    with pytest.raises(PeerViolation):
        carlos.heard(relayer, READY_LIES[case](net, said))
    assert not carlos.complete


def sealed_words(net, relayer):
    head = net.links[relayer, "carlos"][0]
    return isinstance(head, Relayed) and isinstance(decode(head.message), Ready)


def test_a_replayed_hello_gives_another_session_and_no_share(net):
    """Signed by david himself, in an earlier run: only the session id can tell."""
    net.run(only=lambda link: link[1] != "carlos")
    carlos = net.tables["carlos"]
    relayer = carlos.topology.relayers["david"]
    said = word(net, relayer, "carlos", Hello)
    old = other_hello(net, "david", digest=net.manifest.digest, nonce=nonce("an earlier run"))
    carlos.heard(relayer, said._replace(message=encode(old)))
    net.run()
    assert isinstance(net.failed["carlos"], Disagreement)
    assert carlos.ready is None  # it has not even said Ready: nobody can be complete
    assert not any(table.complete for table in net.tables.values())


def test_a_ready_for_another_session_is_not_passed_on(net):
    """Only its author can sign it: the compute party blames it, and no other party."""
    net.run(only=lambda link: link[0] != "david")
    relayer = net.tables["carlos"].topology.relayers["david"]
    net.links["david", relayer].clear()
    from ostraka.record.receipt import session_bytes

    signature = net.office.identity("david").sign(session_bytes(bytes(32)))
    (failed,) = net.tables[relayer].heard("david", Ready(bytes(32), b"", signature))
    assert failed.error.peer == "david"
    assert isinstance(failed.error, Disagreement)


@pytest.mark.parametrize(
    "message",
    [Statement(b"", bytes(64)), Hello(VERSION, bytes(32), bytes(32), bytes(64))],
    ids=["statement", "hello"],
)
def test_other_messages_are_violations(net, message):
    net.run(only=lambda link: link[0] != "carlos")
    with pytest.raises(PeerViolation):
        net.tables["alice"].heard("carlos", message)


def test_a_party_that_needs_no_link_is_turned_away(net):
    with pytest.raises(PeerViolation, match="nothing to send"):
        greet(net, "carlos", "david", net.tables["david"].hello)
    (doubt,) = greet(net, "carlos", "david", other_hello(net, "david"))
    assert isinstance(doubt, Doubt)  # but a manifest that gives it other roles is heard of
