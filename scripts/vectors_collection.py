"""Vectors of collections: HPKE in plain Python with a given ephemeral key, and each format."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding

from ostraka.collection import orders
from ostraka.collection.codes import CollectionCode
from ostraka.collection.credentials import Credential, CredentialRoster, SigningKey
from ostraka.collection.merkle import Tree
from ostraka.collection.promise import Promise
from ostraka.collection.report import OPEN, Head, Report, read_report, sign_report
from ostraka.collection.sealing import SealingKey, SealingSuite
from ostraka.collection.shape import Shape
from ostraka.collection.terms import Terms
from ostraka.identity import Identity
from ostraka.names import PartyId

Vectors = list[dict[str, Any]]

# --- HPKE, base mode: X25519 with HKDF-SHA256, HKDF-SHA256, AES-128-GCM (RFC 9180) ----------------

_KEM = b"KEM" + (32).to_bytes(2)
_HPKE = b"HPKE" + b"".join(n.to_bytes(2) for n in (32, 1, 1))


def _extract(suite: bytes, salt: bytes, label: bytes, secret: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + secret, "sha256")


def _expand(suite: bytes, secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return hmac.digest(
        secret, length.to_bytes(2) + b"HPKE-v1" + suite + label + info + b"\1", "sha256"
    )[:length]


def hpke_seal(
    text: bytes, receiver: bytes, ephemeral: bytes, info: bytes, aad: bytes = b""
) -> bytes:
    """Seal under a given ephemeral key: `enc | ciphertext`."""
    own = X25519PrivateKey.from_private_bytes(ephemeral)
    enc = own.public_key().public_bytes_raw()
    shared = own.exchange(X25519PublicKey.from_public_bytes(receiver))
    prk = _extract(_KEM, b"", b"eae_prk", shared)
    secret = _expand(_KEM, prk, b"shared_secret", enc + receiver, 32)
    hashes = ((b"psk_id_hash", b""), (b"info_hash", info))
    context = b"\0" + b"".join(_extract(_HPKE, b"", label, said) for label, said in hashes)
    base = _extract(_HPKE, secret, b"secret", b"")
    key = _expand(_HPKE, base, b"key", context, 16)
    nonce = _expand(_HPKE, base, b"base_nonce", context, 12)
    return enc + AESGCM(key).encrypt(nonce, text, aad)


# --- one collection ------------------------------------------------------------------------------

MANIFEST = hashlib.sha256(b"a manifest").digest()
NAMES = tuple(map(PartyId, ("c0", "c1", "c2")))
SECRETS = tuple(bytes([i]) * 16 for i in range(4))
CONTRIBUTOR = SigningKey(bytes(range(32)))
PARCELS = (bytes(range(32)), bytes(range(16)), bytes(16))


def fixed_identity(name: str) -> Identity:
    """Make an identity from its name, at a fixed time and with a fixed serial number."""
    seed = hashlib.sha256(b"key of " + name.encode()).digest()
    key = Ed25519PrivateKey.from_private_bytes(seed)
    made = _certificate(name, key)
    return Identity(name, made, Path(f"{name}.crt"), Path(f"{name}.key"), key)


def _certificate(name: str, key: Ed25519PrivateKey) -> bytes:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
        .sign(key, None)
        .public_bytes(Encoding.DER)
    )


def sealing_key(place: int) -> SealingKey:
    """Return the sealing keys of a compute party, from its place."""
    return SealingKey(b"".join(hashlib.sha256(bytes([place, i])).digest() for i in range(4)))


def roster() -> CredentialRoster:
    """Return the roster of the four secrets; the third credential has weight 3."""
    keys = [SigningKey.of_credential(secret).public for secret in SECRETS]
    return CredentialRoster(
        tuple(Credential(key, 3 if i == 2 else 1) for i, key in enumerate(keys))
    )


def parties() -> list[Identity]:
    """Return the identities of the compute parties."""
    return [fixed_identity(name) for name in NAMES]


def shape(*, invited: bool = True) -> Shape:
    """Return the shape of the collection."""
    pins = tuple(party.fingerprint for party in parties())
    lengths, pin = tuple(map(len, PARCELS)), fixed_identity("olga").fingerprint
    digest = roster().digest if invited else None
    return Shape(MANIFEST, NAMES, pins, lengths, pin, digest, len(SECRETS))


def statements() -> list[bytes]:
    """Return the sealing statements, signed."""
    keys = [sealing_key(place).public for place in range(len(NAMES))]
    return [key.write(MANIFEST, own) for key, own in zip(keys, parties(), strict=True)]


def terms(*, invited: bool = True) -> Terms:
    """Return the terms of the collection."""
    return Terms.read(shape(invited=invited), statements(), roster().write() if invited else None)


def fixed_report(at: Terms, credential: int = 2, counter: int = 1) -> Report:
    """Write a report whose ephemeral keys, id and contributor's key are fixed."""
    name, public = bytes(range(100, 116)), CONTRIBUTOR.public
    head = Head(SealingSuite.CLASSIC, at.collection, credential, counter, name, public)
    sealed = [
        hpke_seal(parcel, keys.classic, bytes([60 + i]) * 32, at.info(i, head.write()))
        for i, (parcel, keys) in enumerate(zip(PARCELS, at.keys, strict=True))
    ]
    signer = None if credential == OPEN else SigningKey.of_credential(SECRETS[credential])
    return sign_report(head, sealed, CONTRIBUTOR, signer)


def of_collection() -> Vectors:
    """One collection with an invitation, and the same without."""
    found = []
    for invited in (True, False):
        at = terms(invited=invited)
        report = fixed_report(at, 2 if invited else OPEN)
        assert read_report(report.write(), at) == report
        found.append({
            "manifest": MANIFEST.hex(),
            "compute": list(NAMES),
            "pins": [pin.hex() for pin in at.shape.pins],
            "lengths": list(at.shape.lengths),
            "organiser": at.shape.organiser.hex(),
            "invited": invited,
            "size": at.shape.size,
            "secrets": [secret.hex() for secret in SECRETS],
            "roster": roster().write().hex() if invited else None,
            "roster digest": roster().digest.hex() if invited else None,
            "sealing secrets": [sealing_key(i).secret.hex() for i in range(len(NAMES))],
            "statements": [octets.hex() for octets in statements()],
            "collection": at.collection.hex(),
            "contributor seed": CONTRIBUTOR.seed.hex(),
            "ephemeral": [(bytes([60 + i]) * 32).hex() for i in range(len(NAMES))],
            "parcels": [parcel.hex() for parcel in PARCELS],
            "infos": [at.info(i, report.head.write()).hex() for i in range(len(NAMES))],
            "report": report.write().hex(),
            "views": [report.view(i).hex() for i in range(len(NAMES))],
            "digest": report.digest.hex(),
            **_around(at, report),
        })  # fmt: skip
    return found


def _around(at: Terms, report: Report) -> dict[str, Any]:
    """Return what the organiser and the mailbox write, the code, and the tree."""
    olga, box = fixed_identity("olga"), fixed_identity("mailbox")
    number = report.head.credential
    secret = bytes(16) if number == OPEN else SECRETS[number]
    code = CollectionCode(MANIFEST, number, secret, "https://mailbox.example:8443/box")
    leaves = [(i, hashlib.sha256(bytes([i])).digest()) for i in (1, 2, 4, 5, 6)]
    tree = Tree.of([*leaves, (3, report.digest)])
    found = {
        "code": code.write(),
        "link": code.link,
        "publication": orders.write_publication(
            at.roster.write() if at.roster else b"", MANIFEST, olga
        ).hex(),
        "close": orders.write_close(1_800_000_000, MANIFEST, olga).hex(),
        "promise": Promise.make(MANIFEST, 7, 30_000_000, report.digest, box).table(),
        "tree": {
            "leaves": [[place, digest.hex()] for place, digest in tree.leaves],
            "root": tree.root.hex(),
            "proof": tree.proof(3).table(),
        },
    }
    if at.roster:
        found["revocations"] = orders.write_revocations([3, 1], MANIFEST, olga).hex()
    return found


def of_bad_collection() -> Vectors:
    """Reports to the invited collection that are refused, or whose parcels cannot be opened."""
    at = terms()
    good = fixed_report(at)
    octets, number = good.write(), good.head.credential
    stranger = SigningKey(bytes(32))
    other = Terms.read(
        shape(), [*statements()[:2], sealing_key(5).public.write(MANIFEST, parties()[2])],
        roster().write(),
    )  # fmt: skip
    swapped = [good.sealed[i] for i in (0, 2, 1)]
    of_credential, sealed = SigningKey.of_credential(SECRETS[number]), list(good.sealed.values())
    told = Head(SealingSuite.CLASSIC, at.collection, 1, 1, good.head.report, CONTRIBUTOR.public)
    replayed = sign_report(told, sealed, CONTRIBUTOR, SigningKey.of_credential(SECRETS[1]))
    cases = [
        ("version", "a later version", b"\2" + octets[1:]),
        ("version", "an unknown suite", octets[:1] + b"\3" + octets[2:]),
        ("length", "cut short", octets[:-1]),
        ("length", "with one byte more", octets + b"\0"),
        ("length", "cut in the head", octets[:80]),
        ("length", "the other suite", octets[:1] + b"\2" + octets[2:]),
        ("collection", "another collection", fixed_report(other).write()),
        ("credential", "a number that the roster has not", _changed(good, credential=4)),
        ("credential", "a counter of 0", fixed_report(at, counter=0).write()),
        ("credential", "as if open", _changed(good, credential=OPEN)),
        ("signature", "another credential's number", _changed(good, credential=1)),
        ("signature", "a higher counter than was signed", _changed(good, counter=2)),
        ("signature", "of another contributor",
         sign_report(good.head, sealed, stranger, of_credential).write()),
        ("signature", "of another credential",
         sign_report(good.head, sealed, CONTRIBUTOR, stranger).write()),
        ("signature", "one bit of a parcel", octets[:-1] + bytes([octets[-1] ^ 1])),
        ("opening", "parcels of another report", replayed.write()),
        ("opening", "parcels in another order",
         sign_report(good.head, swapped, CONTRIBUTOR, of_credential).write()),
    ]  # fmt: skip
    return [{"what": what, "report": found.hex(), "error": why} for why, what, found in cases]


def _changed(report: Report, **fields: int) -> bytes:
    """Return a report with other numbers in its head and the signatures it had."""
    from dataclasses import replace

    return replace(report, head=replace(report.head, **fields)).write()


def of_hpke() -> Vectors:
    """RFC 9180, A.1.1, the first encryption; and ours, which have no aad."""
    info, aad = "4f6465206f6e2061204772656369616e2055726e", "436f756e742d30"
    text = "4265617574792069732074727574682c20747275746820626561757479"
    own = "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736"
    key = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8"
    public = X25519PrivateKey.from_private_bytes(bytes.fromhex(key)).public_key().public_bytes_raw()
    given = [bytes.fromhex(text), public, bytes.fromhex(own), bytes.fromhex(info)]
    return [
        {
            "ephemeral": own, "private": key, "public": public.hex(), "info": info, "aad": said,
            "text": text, "sealed": hpke_seal(*given, bytes.fromhex(said)).hex(),
        }
        for said in (aad, "")
    ]  # fmt: skip


def of_bad_hpke() -> Vectors:
    """What cannot be opened: bits that changed, in the key, the text, the tag; another info."""
    good = of_hpke()[1]
    sealed = bytes.fromhex(good["sealed"])
    changed = [
        {**good, "sealed": (sealed[:i] + bytes([sealed[i] ^ 1]) + sealed[i + 1 :]).hex()}
        for i in (0, 31, 32, len(sealed) - 1)
    ]
    short = [{**good, "sealed": sealed[:size].hex()} for size in (0, 31, 32, 47, len(sealed) - 1)]
    zero = {**good, "sealed": (bytes(32) + sealed[32:]).hex()}
    return [
        {**case, "error": "cannot be opened"}
        for case in (*changed, *short, zero, {**good, "info": good["info"][2:]})
    ]
