"""What a contributor sends is a function of its input, the protocol and a draw."""

import numpy as np

from ostraka.arithmetic.randomness import SeededDraw
from ostraka.protocols import protocol_for
from ostraka.protocols.contributing import contribute, messages


def test_messages_carry_shares_of_the_input_and_nothing_else(manifest):
    protocol = protocol_for(manifest({"alice": "c", "bob": "ckr", "carlos": "k"}, length=3))
    x = protocol.input_of("alice", [1, -2, 3], SeededDraw(0))
    parcels = contribute(protocol, x, "alice", SeededDraw(1))
    sent = dict(messages(protocol, "alice", parcels))
    assert {p: m.nbytes for p, m in sent.items()} == {
        p: protocol.expected("alice", p).nbytes for p in ("bob", "carlos")
    }
    scheme = protocol.scheme
    shares = {p: scheme.expand(scheme.parcel(m), 3) for p, m in sent.items()}
    assert scheme.to_signed(scheme.combine(shares)).tolist() == [1, -2, 3]


def test_who_has_no_input_and_no_enclosure_sends_nothing(manifest):
    protocol = protocol_for(manifest({"alice": "ck", "bob": "ck", "carlos": "r"}))
    assert contribute(protocol, None, "carlos", SeededDraw(1)) == {}
    assert not dict(messages(protocol, "carlos", {}))


def test_an_enclosure_goes_behind_the_parcel(manifest, everybody):
    roles = everybody(3)
    protocol = protocol_for(manifest(roles, scheme="shamir", threshold=1))

    class Three:
        def message(self, to):
            return np.array([7, 7, 7], np.uint64)

    parcels = contribute(
        protocol, protocol.input_of("alice", 5, SeededDraw(0)), "alice", SeededDraw(1)
    )
    for receiver, message in messages(protocol, "alice", parcels, Three()):
        plain = protocol.scheme.message(parcels[receiver]).view(np.uint64)
        assert message.tolist() == [*plain.tolist(), 7, 7, 7]
