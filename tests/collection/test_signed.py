"""Statements that a pinned key signs: of one label, one manifest, one body."""

import pytest

from ostraka.collection import signed
from ostraka.errors import PeerViolation, PinMismatch

LABELS = (signed.SEALING, signed.PUBLISH, signed.REVOKE, signed.CLOSE)


@pytest.mark.parametrize("label", LABELS)
def test_read_as_written_and_under_no_other_label(made, label):
    own = made.fixed_identity("olga")
    octets = signed.write_statement(label, made.MANIFEST, b"body", own)
    assert signed.read_statement(label, made.MANIFEST, own.fingerprint, octets) == b"body"
    for other in LABELS:
        if other != label:
            with pytest.raises(PeerViolation):
                signed.read_statement(other, made.MANIFEST, own.fingerprint, octets)
    with pytest.raises(PeerViolation):
        signed.read_statement(label, bytes(32), own.fingerprint, octets)
    with pytest.raises(PinMismatch):
        signed.read_statement(label, made.MANIFEST, bytes(32), octets)


def test_every_bit_of_a_statement_is_noticed(made):
    own = made.fixed_identity("olga")
    good = signed.write_statement(signed.CLOSE, made.MANIFEST, b"body", own)
    for i in range(len(good)):
        bad = bytearray(good)
        bad[i] ^= 1 << i % 8
        with pytest.raises((PeerViolation, PinMismatch)):
            signed.read_statement(signed.CLOSE, made.MANIFEST, own.fingerprint, bytes(bad))
    for size in range(len(good)):
        with pytest.raises((PeerViolation, PinMismatch)):
            signed.read_statement(signed.CLOSE, made.MANIFEST, own.fingerprint, good[:size])
