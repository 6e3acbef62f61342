"""Credentials: keys from secrets, and rosters that are the manifest's and no other."""

from dataclasses import replace

import pytest

from ostraka.collection.credentials import Credential, CredentialRoster, SigningKey, verifies
from ostraka.errors import Disagreement, PeerViolation


def test_a_key_follows_from_its_secret_and_does_not_print(made):
    one, two = (SigningKey.of_credential(secret) for secret in made.SECRETS[:2])
    assert one.public != two.public
    assert one.seed.hex() not in repr(one)
    assert verifies(one.public, one.sign(b"text"), b"text")
    assert not verifies(two.public, one.sign(b"text"), b"text")
    assert not verifies(one.public, one.sign(b"text"), b"texts")
    assert not verifies(b"", one.sign(b"text"), b"text")


def test_a_roster_is_read_as_it_was_written(made):
    roster = made.roster()
    assert CredentialRoster.read(roster.write(), made.shape()) == roster
    assert len(roster.write()) == 36 * 4


def test_every_bit_of_a_roster_is_noticed(made):
    good = made.roster().write()
    for i in range(len(good)):
        bad = bytearray(good)
        bad[i] ^= 1
        with pytest.raises(Disagreement):
            CredentialRoster.read(bytes(bad), made.shape())


def test_a_roster_of_another_size_is_refused(made):
    with pytest.raises(Disagreement):
        CredentialRoster.read(made.roster().write(), replace(made.shape(), size=3))


@pytest.mark.parametrize(
    "credentials",
    [(Credential(bytes(32)), Credential(bytes(32))), (Credential(bytes(32), 0),)],
)
def test_a_key_twice_and_a_weight_of_0_are_refused(made, credentials):
    roster = CredentialRoster(credentials)
    shape = replace(made.shape(), roster=roster.digest, size=len(credentials))
    with pytest.raises(PeerViolation, match="twice, or a weight"):
        CredentialRoster.read(roster.write(), shape)
