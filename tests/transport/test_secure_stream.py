"""The secure link in memory: bytes whole, byte by byte, with trailing data; events out of order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import examples

from ostraka import identity
from ostraka.errors import (
    InternalError,
    OstrakaError,
    PeerLost,
    PeerViolation,
    PinMismatch,
    Tampered,
)
from ostraka.transport.contexts import Contexts
from ostraka.transport.preamble import announce, pinned
from ostraka.transport.records import CIPHERTEXT
from ostraka.transport.secure_state import State
from ostraka.transport.secure_stream import SecureStream
from ostraka.wire import frames

BODY = b"a message"


def stream(own, peer, *, server, shown=None, admit=None):
    return SecureStream(
        shown or own.certificate,
        lambda certificate: Contexts(own).for_link(certificate, server=server),
        server=server,
        admit=admit or pinned(peer.name, peer.fingerprint),
    )


@pytest.fixture
def ends(keys):
    """Alice's end, the TLS client, and Bob's."""
    alice, bob = keys["alice"], keys["bob"]
    return stream(alice, bob, server=False), stream(bob, alice, server=True)


def sent(one) -> bytes:
    """All that a stream has to send."""
    pieces = list(iter(one.data_to_send, b""))
    assert all(len(piece) <= CIPHERTEXT for piece in pieces)
    return b"".join(pieces)


def feed(one, data: bytes, size: int | None = None) -> None:
    """Give a stream bytes, in pieces of `size`, until it has ended."""
    for start in range(0, len(data), size or len(data) or 1):
        if not one.ended:
            one.receive(data[start : start + (size or len(data))])


def talk(one, other, size: int | None = None) -> None:
    """Carry bytes between two streams until neither has any left."""
    while (there := sent(one)) or one.outbox or other.outbox:
        feed(other, there, size)
        feed(one, sent(other), size)
    feed(one, sent(other), size)


@pytest.fixture
def opened(ends):
    talk(*ends)
    assert [end.state for end in ends] == [State.OPEN, State.OPEN]
    return ends


@pytest.mark.parametrize("size", [None, 1, 7])
def test_certificates_handshake_and_messages_in_pieces_of_any_size(ends, size, keys):
    alice, bob = ends
    talk(alice, bob, size)
    assert (alice.state, bob.state) == (State.OPEN, State.OPEN)
    assert (alice.inbox.peer, bob.inbox.peer) == ("bob", "alice")
    assert alice.peer_certificate == keys["bob"].certificate
    bob.follow(frames.read_control())
    alice.write([frames.control(BODY)])
    there = sent(alice)
    before = bob.consumed
    feed(bob, there, size)
    assert bob.inbox.take() == BODY
    assert bob.consumed - before == len(there), "nothing stays in memory"


def test_states_are_passed_in_order_and_each_needs_its_bytes(ends):
    alice, bob = ends
    shown = sent(bob)
    alice.receive(shown[:-1])
    assert alice.state is State.PREAMBLE
    alice.receive(shown[-1:])
    assert alice.state is State.HANDSHAKE
    bob.receive(sent(alice))
    assert bob.state is State.HANDSHAKE
    alice.receive(sent(bob))
    assert alice.state is State.OPEN
    assert bob.state is State.HANDSHAKE
    bob.receive(sent(alice))
    assert bob.state is State.OPEN


def test_data_behind_the_handshake_stays_for_its_reader(ends):
    alice, bob = ends
    bob.receive(sent(alice))
    alice.receive(sent(bob))
    bob.receive(sent(alice))
    alice.receive(sent(bob))
    alice.write([frames.control(b"1"), frames.control(b"2")])
    bob.receive(sent(alice))
    for body in (b"1", b"2"):
        bob.follow(frames.read_control())
        assert bob.inbox.take() == body
    bob.follow(frames.read_control())
    assert bob.inbox.reading
    assert not bob.inbox.finished


def unchanged(one, misuse) -> None:
    """Check that a misuse of ours raises and changes nothing."""
    before = one.state, one.error, len(one.outbox)
    with pytest.raises(InternalError):
        misuse()
    assert (one.state, one.error, len(one.outbox)) == before


def test_what_needs_an_open_link_is_refused_before(ends):
    alice, bob = ends
    for _ in range(2):  # in the preamble, and in the handshake
        unchanged(alice, lambda: alice.write([b"early"]))
        unchanged(alice, lambda: alice.follow(frames.read_control()))
        unchanged(alice, alice.say_goodbye)
        feed(alice, sent(bob))
    assert alice.state is State.HANDSHAKE


def test_what_has_ended_stays_ended(opened):
    alice, _ = opened
    alice.fail(PeerLost("enough"))
    unchanged(alice, lambda: alice.fail(PeerLost("again")))
    unchanged(alice, lambda: alice.lose(PeerLost("again")))
    unchanged(alice, lambda: alice.receive(b"late"))
    unchanged(alice, lambda: alice.follow(frames.read_control()))
    unchanged(alice, alice.say_goodbye)
    alice.write([b"unheard"])
    assert sent(alice) == b""


def test_a_goodbye_ends_the_other_side_after_what_was_sent(opened):
    alice, bob = opened
    alice.write([frames.control(BODY)])
    there = sent(alice)
    alice.write([b"queued, not encrypted: dropped"])
    alice.say_goodbye()
    bob.receive(there + sent(alice))
    assert bob.state is State.OPEN, "nothing was read yet"
    bob.follow(frames.read_control())
    assert bob.inbox.take() == BODY
    bob.follow(frames.read_control())
    assert isinstance(bob.error, PeerLost)
    alice.receive(b"ignored while closing")
    assert alice.state is State.CLOSING


def test_a_lost_carrier_is_drained_first(opened):
    alice, bob = opened
    alice.write([frames.control(b"1"), frames.control(b"2")])
    bob.receive(sent(alice))
    bob.lose(PeerLost("the cable"))
    unchanged(bob, lambda: bob.receive(b"from nowhere"))
    for body in (b"1", b"2"):
        assert bob.state is State.DRAINING
        bob.follow(frames.read_control())
        assert bob.inbox.take() == body
    bob.follow(frames.read_control())
    assert (bob.ended, str(bob.error)) == (True, "the cable")


def test_a_carrier_lost_with_nothing_unread_or_a_reader_waiting_ends_at_once(opened):
    alice, bob = opened
    alice.lose(PeerLost("the cable"))
    bob.follow(frames.read_control())
    bob.lose(PeerLost("the cable"))
    assert alice.ended
    assert bob.ended


def test_the_error_of_a_parser_ends_the_link(opened):
    alice, bob = opened
    alice.write([frames.relay(0, b"not a message")])
    bob.follow(frames.read_control())
    bob.receive(sent(alice))
    assert isinstance(bob.error, PeerViolation)


@pytest.mark.parametrize("at_once", [True, False])
def test_the_bug_of_a_parser_ends_the_link_as_ours(opened, at_once):
    alice, bob = opened

    def buggy():
        if not at_once:
            yield memoryview(bytearray(1))
        raise ZeroDivisionError

    bob.follow(buggy())
    if not at_once:
        alice.write([b"x"])
        bob.receive(sent(alice))
    assert isinstance(bob.error, InternalError)
    assert "ZeroDivisionError" in str(bob.error)


def test_a_copied_certificate_without_its_key_opens_nothing(keys):
    """Mallory shows Alice's certificate, and signs with her own key."""
    mallory = stream(keys["mallory"], keys["bob"], server=False, shown=keys["alice"].certificate)
    bob = stream(keys["bob"], keys["alice"], server=True)
    talk(mallory, bob)
    assert isinstance(bob.error, PeerLost)


def test_a_party_trusted_on_another_link_is_refused_in_the_place_of_alice(keys):
    """Bob's context trusts Mallory for her own link; TLS lets her in, the comparison does not."""
    bobs = Contexts(keys["bob"])
    shared = bobs.for_link(keys["mallory"].certificate, server=True)
    mallory = stream(keys["mallory"], keys["bob"], server=False, shown=keys["alice"].certificate)
    bob = stream(keys["bob"], keys["alice"], server=True)
    bob._make_context = lambda certificate: bobs.for_link(certificate, server=True)
    talk(mallory, bob)
    assert bobs.for_link(keys["alice"].certificate, server=True) is shared
    assert isinstance(bob.error, PeerLost)
    assert "not the one its preamble named" in str(bob.error)


def test_another_key_is_refused_before_the_handshake(keys):
    alice = stream(keys["alice"], keys["bob"], server=False)
    alice.receive(announce(keys["mallory"].certificate))
    assert isinstance(alice.error, PinMismatch)
    assert alice.peer_certificate == b""


@pytest.mark.parametrize("at", [5, 20, -1])
def test_a_flipped_bit_is_tampering_and_the_peer_is_told(opened, at):
    alice, bob = opened
    alice.write([frames.control(BODY)])
    record = bytearray(sent(alice))
    record[at] ^= 1
    bob.follow(frames.read_control())
    bob.receive(bytes(record))
    assert isinstance(bob.error, Tampered)
    alice.follow(frames.read_control())
    alice.receive(sent(bob))
    assert isinstance(alice.error, PeerLost)
    assert "refused" in str(alice.error)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    directory = tmp_path_factory.mktemp("two")
    return [identity.create(name, directory) for name in ("alice", "bob")]


@examples(60)
@given(data=st.data())
def test_any_bytes_advance_the_link_or_end_it_with_a_documented_error(two, data):
    """Bytes of an honest peer, cut and altered anywhere, at any stage of the link."""
    alice, bob = (stream(two[i], two[1 - i], server=bool(i)) for i in (0, 1))
    rounds = data.draw(st.integers(0, 3))
    for _ in range(rounds):
        feed(bob, sent(alice))
        feed(alice, sent(bob))
    if alice.state is State.OPEN:
        alice.write([frames.control(BODY)])
    honest = sent(alice)
    cut = data.draw(st.integers(0, len(honest)))
    garbage = data.draw(st.binary(max_size=300))
    kept = data.draw(st.sampled_from([b"", honest[cut:]]))
    reached = list(State).index(bob.state)
    if bob.state is State.OPEN:
        bob.follow(frames.read_control())
    feed(bob, honest[:cut] + garbage + kept, data.draw(st.sampled_from([None, 1, 50])))
    if bob.ended:
        assert isinstance(bob.error, OstrakaError)
        assert not isinstance(bob.error, InternalError)
    else:
        assert bob.error is None
        assert list(State).index(bob.state) >= reached
    if bob.inbox.finished:
        assert bob.inbox.take() == BODY
