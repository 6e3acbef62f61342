"""Keys, self-signed certificates, fingerprints, signatures.

A party is its key: an Ed25519 key [RFC8032] in a self-signed X.509 certificate. The manifest pins
the SHA-256 of the certificate's DER form, so there is no authority to trust or to run.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from ostraka import limits
from ostraka.errors import PeerViolation, UsageError
from ostraka.files import decode, read_bounded
from ostraka.limits import CERTIFICATE

PREFIX = "sha256:"
_YEARS = 10

NO_CERTIFICATE: Final = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)
"""Errors of `cryptography` where bytes are no certificate, or one of a kind that it cannot read."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One party's key pair and certificate; `repr` leaves out the key."""

    name: str
    certificate: bytes
    """DER form."""
    certificate_path: Path
    key_path: Path
    _key: Ed25519PrivateKey = field(repr=False)

    @property
    def fingerprint(self) -> bytes:
        """Fingerprint of the certificate, 32 bytes: what the manifest pins."""
        return fingerprint(self.certificate)

    @property
    def pin(self) -> str:
        """The fingerprint as manifests write it: `key = "sha256:..."` of a [[party]]."""
        return fingerprint_text(self.fingerprint)

    @classmethod
    def create(cls, name: str, directory: Path | str) -> Identity:
        """Make NAME.key and NAME.crt, as `ostraka keygen` does.

        Raises:
            UsageError: one of the files is there already, or the directory cannot be written.
        """
        return create(name, Path(directory))

    @classmethod
    def load(cls, name: str, directory: Path | str) -> Identity:
        """Read NAME.key and NAME.crt.

        Raises:
            UsageError: a file is missing, or others can read the key.
        """
        return load(name, Path(directory))

    def sign(self, data: bytes) -> bytes:
        """Return the Ed25519 signature of `data`, 64 bytes."""
        return self._key.sign(data)

    def derived(self, use: bytes) -> bytes:
        """Return a secret of this party for one use, 32 bytes: HKDF-SHA256 of its private key."""
        return HKDF(SHA256(), 32, None, use).derive(self._key.private_bytes_raw())


def fingerprint(certificate: bytes) -> bytes:
    """Return the SHA-256 of a certificate in DER form."""
    return hashlib.sha256(certificate).digest()


def fingerprint_text(digest: bytes) -> str:
    """Return a digest as manifests write it: `sha256:` and 64 hex digits."""
    return PREFIX + digest.hex()


def create(name: str, directory: Path, *, now: datetime | None = None) -> Identity:
    """Make NAME.key (0600) and NAME.crt in `directory` (created 0700). Never overwrites.

    Raises:
        UsageError: one of the files is there already, or the directory cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    certificate = _self_signed(name, key, now or datetime.now(UTC))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key_path, certificate_path = _paths(name, directory)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_new(key_path, pem, 0o600)
        try:
            _write_new(certificate_path, certificate.public_bytes(Encoding.PEM), 0o644)
        except OSError:
            key_path.unlink()
            raise
    except FileExistsError as error:
        raise UsageError(
            f"{error.filename} is there already",
            hint="an identity is never overwritten: pick another name, or move the old one away",
        ) from None
    except OSError as error:
        raise UsageError(f"cannot write keys into {directory}: {error.strerror}") from None
    return Identity(name, certificate.public_bytes(Encoding.DER), certificate_path, key_path, key)


def load(name: str, directory: Path) -> Identity:
    """Read NAME.key and NAME.crt.

    Raises:
        UsageError: a file is missing or unreadable, the key file may be read by others, or the
            two do not belong together.
    """
    key_path, certificate_path = _paths(name, directory)
    _refuse_loose_mode(key_path)
    key = _load_key(key_path)
    certificate = _load_certificate(certificate_path)
    if not _is_of(certificate, key):
        raise UsageError(f"{certificate_path} is not the certificate of {key_path}")
    return Identity(name, certificate.public_bytes(Encoding.DER), certificate_path, key_path, key)


def load_or_create(name: str, directory: Path, say: Callable[[str], None]) -> Identity:
    """Load the key of a party, or make it if there is none, and tell `say` so. Raises as `load`."""
    if not (directory / f"{name}.key").exists():
        create(name, directory)
        say(f"made {directory / name}.key: secret, never leaves this machine")
    return load(name, directory)


def _is_of(certificate: x509.Certificate, key: Ed25519PrivateKey) -> bool:
    with suppress(*NO_CERTIFICATE):
        return certificate.public_key() == key.public_key()
    return False


def certificate_from_pem(path: Path) -> bytes:
    """Return the DER form of a certificate file, such as another party's NAME.crt."""
    return _load_certificate(path).public_bytes(Encoding.DER)


def verify(certificate: bytes, signature: bytes, data: bytes) -> None:
    """Check an Ed25519 signature under a DER certificate.

    Raises:
        PeerViolation: not a valid signature of `data`, or not an Ed25519 certificate.
    """
    with suppress(*NO_CERTIFICATE, InvalidSignature):
        if (public := _public_key(certificate)) is not None:
            public.verify(signature, data)
            return
    raise PeerViolation("a signature does not verify under its certificate")


def check_certificate(certificate: bytes) -> None:
    """Refuse bytes that are not an Ed25519 certificate, before OpenSSL is given them.

    Raises:
        PeerViolation: too large, not X.509, or not an Ed25519 key.
    """
    with suppress(*NO_CERTIFICATE):
        if len(certificate) <= CERTIFICATE and _public_key(certificate) is not None:
            return
    raise PeerViolation("a peer offered something that is not an Ed25519 certificate")


@lru_cache(limits.PARSED_CERTIFICATES)
def _public_key(certificate: bytes) -> Ed25519PublicKey | None:
    """Return the key of a DER certificate, None if it is of another kind.

    It is kept, as what a peer signs at a session's beginning is checked one by one.
    """
    public = x509.load_der_x509_certificate(certificate).public_key()
    return public if isinstance(public, Ed25519PublicKey) else None


def _self_signed(name: str, key: Ed25519PrivateKey, now: datetime) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, None)
    )


def _paths(name: str, directory: Path) -> tuple[Path, Path]:
    return directory / f"{name}.key", directory / f"{name}.crt"


def _write_new(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)


def _refuse_loose_mode(key_path: Path) -> None:
    try:
        mode = stat.S_IMODE(key_path.stat().st_mode)
    except OSError as error:
        raise UsageError(
            f"cannot read {key_path}: {error.strerror}",
            hint=_where_key_is(key_path),
        ) from None
    if mode & 0o077:
        raise UsageError(
            f"{key_path} can be read by others (mode {mode:04o})", hint=f"chmod 600 {key_path}"
        )


def _where_key_is(key_path: Path) -> str:
    """Say what to do about a key that is not there: it may be in another directory."""
    name, directory = key_path.stem, key_path.parent
    return (
        f"if {name}.key is in another directory: --keys DIR (OSTRAKA_KEYS, or `keys` in a file of "
        f"settings); if there is none yet: ostraka keygen {name} --dir {directory}"
    )


def _load_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(read_bounded(path, limits.KEY_FILE), None)
    except (OSError, *NO_CERTIFICATE):
        raise UsageError(f"{path} is not a readable private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path} is not an Ed25519 key")
    return key


def _load_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(decode(read_bounded(path, limits.KEY_FILE)).encode())
    except (OSError, *NO_CERTIFICATE):
        raise UsageError(f"{path} is not a readable certificate") from None
