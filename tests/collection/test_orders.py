"""Orders of the organiser: revocations, an early close, the publication."""

import pytest

from ostraka.collection import orders, signed
from ostraka.errors import PeerViolation, PinMismatch


def test_orders_are_read_as_they_were_written(made):
    olga, shape = made.fixed_identity("olga"), made.shape()
    octets = orders.write_revocations([3, 1, 3], made.MANIFEST, olga)
    assert orders.read_revocations(octets, shape) == {1, 3}
    assert orders.read_close(orders.write_close(5, made.MANIFEST, olga), shape) == 5
    octets = orders.write_publication(b"roster", made.MANIFEST, olga)
    assert orders.read_publication(octets, shape) == b"roster"


def test_only_the_organiser_orders(made):
    other = made.fixed_identity("c0")
    with pytest.raises(PinMismatch):
        orders.read_close(orders.write_close(5, made.MANIFEST, other), made.shape())


@pytest.mark.parametrize("body", ["01", "0100000000000000", "0100000001000000", "04000000"])
def test_what_is_no_list_of_revocations(made, body):
    octets = signed.write_statement(
        signed.REVOKE, made.MANIFEST, bytes.fromhex(body), made.fixed_identity("olga")
    )
    with pytest.raises(PeerViolation, match="revocations"):
        orders.read_revocations(octets, made.shape())


def test_nothing_is_revoked_where_no_invitations_are_needed(made):
    octets = orders.write_revocations([0], made.MANIFEST, made.fixed_identity("olga"))
    with pytest.raises(PeerViolation, match="revocations"):
        orders.read_revocations(octets, made.shape(invited=False))


def test_a_close_without_a_time(made):
    octets = signed.write_statement(
        signed.CLOSE, made.MANIFEST, b"now", made.fixed_identity("olga")
    )
    with pytest.raises(PeerViolation, match="names no time"):
        orders.read_close(octets, made.shape())
