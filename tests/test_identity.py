"""Identities: files, modes, pins, signatures."""

from __future__ import annotations

import os
import shutil
import stat
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from ostraka import identity
from ostraka.errors import PeerViolation, UsageError
from ostraka.limits import CERTIFICATE


def test_what_was_created_is_loaded(tmp_path):
    made = identity.create("alice", tmp_path)
    again = identity.load("alice", tmp_path)
    assert again.certificate == made.certificate
    assert again.fingerprint == made.fingerprint
    assert len(made.fingerprint) == 32
    assert identity.certificate_from_pem(tmp_path / "alice.crt") == made.certificate


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_certificate_that_a_shell_wrote_anew_is_read(tmp_path, encoding):
    made = identity.create("alice", tmp_path)
    copy = tmp_path / "copy.crt"
    copy.write_bytes((tmp_path / "alice.crt").read_text().encode(encoding))
    assert identity.certificate_from_pem(copy) == made.certificate


def test_files_are_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        identity.create("alice", tmp_path / "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / "alice.key").stat().st_mode) == 0o600


def test_two_identities_differ(tmp_path):
    one, other = (identity.create(name, tmp_path) for name in ("one", "other"))
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize("there", ["alice.key", "alice.crt"])
def test_nothing_is_overwritten_and_nothing_left_behind(tmp_path, there):
    (tmp_path / there).write_text("precious")
    with pytest.raises(UsageError, match="is there already"):
        identity.create("alice", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "precious"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_loose_modes_are_refused(tmp_path, mode):
    identity.create("alice", tmp_path)
    (tmp_path / "alice.key").chmod(mode)
    with pytest.raises(UsageError, match="can be read by others") as caught:
        identity.load("alice", tmp_path)
    assert "chmod 600" in caught.value.hint


def test_a_missing_key_says_how_to_make_one(tmp_path):
    with pytest.raises(UsageError) as caught:
        identity.load("alice", tmp_path)
    assert "ostraka keygen alice" in caught.value.hint


def test_a_foreign_certificate_is_refused(tmp_path):
    identity.create("alice", tmp_path)
    identity.create("bob", tmp_path)
    (tmp_path / "bob.crt").replace(tmp_path / "alice.crt")
    with pytest.raises(UsageError, match="is not the certificate of"):
        identity.load("alice", tmp_path)


@pytest.mark.parametrize("name", ["alice.key", "alice.crt"])
@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\n\xff"])
def test_broken_files_are_refused(tmp_path, name, content):
    identity.create("alice", tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError):
        identity.load("alice", tmp_path)


def test_keys_do_not_print(keys, tmp_path):
    made = identity.create("alice", tmp_path)
    pem = (tmp_path / "alice.key").read_bytes()
    secret = load_pem_private_key(pem, None).private_bytes_raw()
    assert "PrivateKey" not in repr(made)
    assert repr(secret)[2:-1] not in repr(made)
    assert secret.hex() not in repr(made)


def test_signatures(keys):
    alice, bob = (identity.load(name, keys) for name in ("alice", "bob"))
    signature = alice.sign(b"text")
    identity.verify(alice.certificate, signature, b"text")
    for certificate, tried, text in (
        (bob.certificate, signature, b"text"),
        (alice.certificate, signature, b"test"),
        (alice.certificate, signature[:-1], b"text"),
        (alice.certificate, b"", b"text"),
        (alice.certificate, bytes(64), b"text"),
        (alice.certificate[:-1], signature, b"text"),
        (b"", signature, b"text"),
        (elliptic(), signature, b"text"),
    ):
        with pytest.raises(PeerViolation):
            identity.verify(certificate, tried, text)


def elliptic(padding: int = 0) -> bytes:
    """A certificate that is not of our kind."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ec")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_our_certificates_are_small_and_of_our_kind(keys):
    for one in (identity.load(name, keys) for name in ("alice", "bob")):
        identity.check_certificate(one.certificate)
        assert len(one.certificate) < CERTIFICATE // 4


@pytest.mark.parametrize("certificate", [b"", b"x", bytes(CERTIFICATE + 1), elliptic()])
def test_other_certificates_are_refused(certificate):
    with pytest.raises(PeerViolation):
        identity.check_certificate(certificate)


STRANGE = {
    "a kind of key that is not known": (b"\x2b\x65\x70", b"\x2b\x65\x30"),
    "a version that there is not": (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x77"),
    "another length": (b"\x30\x05\x06\x03\x2b", b"\x30\x04\x06\x03\x2b"),
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_strange_certificate_is_refused_and_no_bug(keys, what, tmp_path):
    """Any stranger may show one to a coordinator, and a receipt may hold one."""
    from ostraka.transport.contexts import plain_name

    old, new = STRANGE[what]
    alice = identity.load("alice", keys)
    made = alice.certificate.replace(old, new)
    assert made != alice.certificate
    with pytest.raises(PeerViolation):
        identity.check_certificate(made)
    with pytest.raises(PeerViolation):
        identity.verify(made, alice.sign(b"x"), b"x")
    assert plain_name(made) in (None, "alice")
    pem = b64encode(made).decode()
    shutil.copy(keys / "alice.key", tmp_path / "alice.key")
    text = f"-----BEGIN CERTIFICATE-----\n{pem}\n-----END CERTIFICATE-----\n"
    (tmp_path / "alice.crt").write_text(text)
    with pytest.raises(UsageError):
        identity.load("alice", tmp_path)


def test_a_private_key_of_a_strange_kind_is_refused(keys, tmp_path):
    shutil.copy(keys / "alice.crt", tmp_path / "alice.crt")
    lines = (keys / "alice.key").read_text().splitlines()
    content = b64decode(lines[1]).replace(b"\x2b\x65\x70", b"\x2b\x65\x30")
    lines[1] = b64encode(content).decode()
    path = tmp_path / "alice.key"
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    with pytest.raises(UsageError, match="private key"):
        identity.load("alice", tmp_path)


def test_fingerprints_are_written_as_in_manifests(keys):
    text = identity.fingerprint_text(identity.load("alice", keys).fingerprint)
    assert text == "sha256:" + identity.load("alice", keys).fingerprint.hex()


def test_a_certificate_is_parsed_once_for_all_that_it_signs(keys, monkeypatch):
    parsed = []
    load = x509.load_der_x509_certificate
    monkeypatch.setattr(
        identity.x509, "load_der_x509_certificate", lambda der: parsed.append(der) or load(der)
    )
    identity._public_key.cache_clear()
    alice = identity.load("alice", keys)
    identity.check_certificate(alice.certificate)
    for data in (b"hello", b"ready"):
        identity.verify(alice.certificate, alice.sign(data), data)
    assert parsed == [alice.certificate]
    with pytest.raises(PeerViolation):
        identity.verify(alice.certificate, alice.sign(b"hello"), b"ready")
