"""Sealing: HPKE of `cryptography` and in plain Python are the same; what was changed stays shut."""

import json
from pathlib import Path

import pytest

from ostraka.collection import signed
from ostraka.collection.sealing import OVERHEAD, SealingKey, SealingStatement, SealingSuite
from ostraka.errors import PeerViolation, PinMismatch

VECTORS = Path(__file__).resolve().parents[1] / "vectors"


def key_of(case):
    return SealingKey(bytes.fromhex(case["private"]) + bytes(96))


def test_the_vectors_of_the_rfc(made):
    with_aad, without = json.loads((VECTORS / "hpke.json").read_text())
    published = (
        "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
        "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
    )
    assert with_aad["sealed"] == published
    sealed, info = bytes.fromhex(without["sealed"]), bytes.fromhex(without["info"])
    assert key_of(without).open(SealingSuite.CLASSIC, sealed, info) == bytes.fromhex(
        without["text"]
    )


def test_bad_vectors_stay_shut():
    for case in json.loads((VECTORS / "bad_hpke.json").read_text()):
        sealed, info = bytes.fromhex(case["sealed"]), bytes.fromhex(case["info"])
        assert key_of(case).open(SealingSuite.CLASSIC, sealed, info) is None


@pytest.mark.parametrize("suite", list(SealingSuite))
def test_sealed_and_opened(suite):
    key, other = SealingKey.new(), SealingKey.new()
    sealed = key.public.seal(suite, b"parcel", b"info")
    assert len(sealed) == len(b"parcel") + OVERHEAD[suite]
    assert key.open(suite, sealed, b"info") == b"parcel"
    assert key.open(suite, sealed, b"inf0") is None
    assert other.open(suite, sealed, b"info") is None
    for i in (0, 40, OVERHEAD[suite] - 17, len(sealed) - 1):
        bad = bytearray(sealed)
        bad[i] ^= 1
        assert key.open(suite, bytes(bad), b"info") is None
    assert key.open(suite, sealed[:-1], b"info") is None


def test_keys_do_not_print_and_are_kept_in_128_bytes():
    key = SealingKey.new()
    assert key.secret.hex() not in repr(key)
    assert SealingKey.of_bytes(key.secret).public == key.public
    with pytest.raises(ValueError, match="sealing keys"):
        SealingKey.of_bytes(key.secret[1:])


def test_a_statement_is_its_compute_partys(made):
    shape, octets = made.shape(), made.statements()
    assert SealingStatement.read(octets[1], shape, 1) == made.sealing_key(1).public
    with pytest.raises(PinMismatch):
        SealingStatement.read(octets[1], shape, 2)


def test_keys_of_a_wrong_length_are_refused(made):
    own = made.parties()[0]
    octets = signed.write_statement(signed.SEALING, made.MANIFEST, bytes(33), own)
    with pytest.raises(PeerViolation, match="wrong length"):
        SealingStatement.read(octets, made.shape(), 0)


@pytest.mark.parametrize("suite", list(SealingSuite))
def test_nothing_is_sealed_to_a_key_that_is_none(suite):
    with pytest.raises(PeerViolation, match="sealing key"):
        SealingStatement(bytes(32), b"\xff" * 1184 + bytes(32)).seal(suite, b"parcel", b"info")
