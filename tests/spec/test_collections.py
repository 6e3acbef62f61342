"""Vectors of collections replayed in plain Python, as docs/spec/collections.md says."""

import base64
import hashlib
import hmac
import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CASES = json.loads(
    (Path(__file__).resolve().parents[1] / "vectors" / "collection.json").read_text()
)
NO_CREDENTIAL = (1 << 32) - 1
HEAD = 90


@pytest.fixture(params=CASES, ids=["invited", "open"])
def case(request):
    return request.param


def H(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u32(number):
    return number.to_bytes(4, "little")


def octets(case, name):
    return bytes.fromhex(case[name])


def hkdf(secret, info):
    return hmac.digest(hmac.digest(bytes(32), secret, "sha256"), info + b"\1", "sha256")


def public(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def verify(key, signature, *parts):
    Ed25519PublicKey.from_public_bytes(key).verify(signature, b"".join(parts))


def body_of(statement, label, case, pin):
    """Section 3: the body of a statement that the certificate of this pin has signed."""
    size = int.from_bytes(statement[:2], "little")
    certificate, rest = statement[2 : 2 + size], statement[2 + size :]
    assert H(certificate) == pin
    signature, body = rest[:64], rest[64:]
    key = x509.load_der_x509_certificate(certificate).public_key()
    key.verify(signature, label + octets(case, "manifest") + H(body))
    return body


def keys_of(case):
    pins = map(bytes.fromhex, case["pins"])
    statements = map(bytes.fromhex, case["statements"])
    both = zip(statements, pins, strict=True)
    return [body_of(statement, b"ostraka sealing\0", case, pin) for statement, pin in both]


def test_roster_and_credentials(case):
    if not case["invited"]:
        assert case["roster"] is None
        return
    secrets = [bytes.fromhex(secret) for secret in case["secrets"]]
    keys = [public(hkdf(secret, b"ostraka credential 1")) for secret in secrets]
    weights = [1, 1, 3, 1]
    entries = [key + u32(weight) for key, weight in zip(keys, weights, strict=True)]
    assert b"".join(entries) == octets(case, "roster")
    assert H(b"ostraka credentials\0", *entries) == octets(case, "roster digest")


def test_the_id_of_the_collection(case):
    keys = keys_of(case)
    assert {len(body) for body in keys} == {32 + 1216}
    digests = [H(b"ostraka sealing keys\0", body) for body in keys]
    found = H(b"ostraka collection\0", octets(case, "manifest"), *digests)
    assert found == octets(case, "collection")


def split(case):
    """Section 6: head, signatures and sealed parcels of a report of suite 1."""
    report, size = octets(case, "report"), HEAD + (128 if case["invited"] else 64)
    head, signatures, rest = report[:HEAD], report[HEAD:size], report[size:]
    sealed = []
    for length in case["lengths"]:
        sealed.append(rest[: length + 48])
        rest = rest[length + 48 :]
    assert rest == b""
    return head, signatures, sealed


def test_the_head_of_a_report(case):
    head, *_ = split(case)
    assert head[:2] == b"\1\1"
    assert head[2:34] == octets(case, "collection")
    number = 2 if case["invited"] else NO_CREDENTIAL
    assert head[34:42] == u32(number) + u32(1)
    assert head[58:] == public(octets(case, "contributor seed"))


def test_the_digest_and_the_signatures_of_a_report(case):
    head, signatures, sealed = split(case)
    digests = [H(b"ostraka parcel\0", parcel) for parcel in sealed]
    digest = H(b"ostraka report\0", head, *digests)
    assert digest == octets(case, "digest")
    verify(head[58:], signatures[:64], b"ostraka report of contributor\0", digest)
    if case["invited"]:
        key = octets(case, "roster")[2 * 36 : 2 * 36 + 32]
        verify(key, signatures[64:], b"ostraka report of credential\0", digest)
    views = [head + signatures + b"".join(digests) + parcel for parcel in sealed]
    assert [view.hex() for view in views] == case["views"]


def hpke_open(sealed, private, info):
    """RFC 9180, base mode, suite 1: what the holder of a private key does."""
    own, enc = X25519PrivateKey.from_private_bytes(private), sealed[:32]
    shared = own.exchange(X25519PublicKey.from_public_bytes(enc))
    kem, suite = b"KEM\0\x20", b"HPKE\0\x20\0\1\0\1"

    def extract(of, salt, label, secret):
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + of + label + secret, "sha256")

    def expand(of, key, label, context, length):
        said = length.to_bytes(2) + b"HPKE-v1" + of + label + context + b"\1"
        return hmac.digest(key, said, "sha256")[:length]

    context = enc + own.public_key().public_bytes_raw()
    secret = expand(kem, extract(kem, b"", b"eae_prk", shared), b"shared_secret", context, 32)
    hashes = extract(suite, b"", b"psk_id_hash", b""), extract(suite, b"", b"info_hash", info)
    base, schedule = extract(suite, secret, b"secret", b""), b"\0" + b"".join(hashes)
    key = expand(suite, base, b"key", schedule, 16)
    nonce = expand(suite, base, b"base_nonce", schedule, 12)
    return AESGCM(key).decrypt(nonce, sealed[32:], b"")


def test_the_parcels_are_opened(case):
    head, _, sealed = split(case)
    for place, parcel in enumerate(sealed):
        who = place.to_bytes(2, "little") + bytes.fromhex(case["pins"][place])
        info = b"ostraka parcel info\0" + octets(case, "manifest") + who + head
        assert info.hex() == case["infos"][place]
        private = bytes.fromhex(case["sealing secrets"][place])[:32]
        assert hpke_open(parcel, private, info).hex() == case["parcels"][place]


def test_the_code(case):
    text = case["code"].removeprefix("ostraka2-").upper()
    whole = base64.b32decode(text + "=" * (-len(text) % 8))
    body, check = whole[:-5], whole[-5:]
    assert check == H(b"ostraka code 2\0", body)[:5]
    number = 2 if case["invited"] else NO_CREDENTIAL
    secret = bytes.fromhex(case["secrets"][2]) if case["invited"] else bytes(16)
    url = b"https://mailbox.example:8443/box"
    assert body == octets(case, "manifest") + u32(number) + secret + url
    assert case["link"] == f"{url.decode()}/c/{case['manifest']}#{case['code']}"


def test_what_the_organiser_signs(case):
    pin = octets(case, "organiser")
    roster = body_of(octets(case, "publication"), b"ostraka publish\0", case, pin)
    assert roster.hex() == (case["roster"] or "")
    closed = body_of(octets(case, "close"), b"ostraka close\0", case, pin)
    assert closed == (1_800_000_000).to_bytes(8, "little")
    if case["invited"]:
        revoked = body_of(octets(case, "revocations"), b"ostraka revoke\0", case, pin)
        assert revoked == u32(1) + u32(3)


def test_the_promise(case):
    promise = case["promise"]
    certificate = base64.b64decode(promise["certificate"])
    numbers = [promise[key].to_bytes(8, "little") for key in ("position", "minute")]
    said = b"ostraka promise\0" + octets(case, "manifest") + b"".join(numbers)
    key = x509.load_der_x509_certificate(certificate).public_key()
    key.verify(bytes.fromhex(promise["signature"]), said + octets(case, "digest"))


def test_the_tree(case):
    tree = case["tree"]

    def root(leaves):
        if len(leaves) == 1:
            return H(b"\0", b"ostraka counted\0", u32(leaves[0][0]), bytes.fromhex(leaves[0][1]))
        k = 1 << (len(leaves) - 1).bit_length() - 1
        return H(b"\1", root(leaves[:k]), root(leaves[k:]))

    assert root(tree["leaves"]).hex() == tree["root"]
    proof = tree["proof"]
    assert (proof["place"], proof["leaf"], proof["size"]) == (3, 2, 6)
    one, two, three = map(bytes.fromhex, proof["path"])
    node = H(b"\0", b"ostraka counted\0", u32(3), octets(case, "digest"))
    assert H(b"\1", H(b"\1", two, H(b"\1", node, one)), three).hex() == tree["root"]
