"""TLS contexts: whom they accept, which links share one, and what a borrowed name achieves."""

from __future__ import annotations

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ostraka import identity
from ostraka.transport import contexts
from ostraka.transport.contexts import Contexts, plain_name


def certificate(subject, issuer=None, oids=(NameOID.COMMON_NAME,)) -> bytes:
    """A certificate under any name, signed by its own key."""
    key = Ed25519PrivateKey.generate()
    names = [
        x509.Name([x509.NameAttribute(oid, text) for oid in oids])
        for text in (subject, issuer or subject)
    ]
    built = (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, None)
    )
    return built.public_bytes(Encoding.DER)


def proven(client, server) -> tuple[bytes | None, bytes | None]:
    """Certificates that each side of a handshake has verified."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)
    for _ in range(3):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return ends[0].getpeercert(binary_form=True), ends[1].getpeercert(binary_form=True)


@pytest.mark.parametrize("server", [True, False])
def test_a_context_accepts_tls_1_3_and_an_admitted_certificate_alone(keys, server):
    context = Contexts(keys["alice"]).for_link(keys["bob"].certificate, server=server)
    assert context.minimum_version == context.maximum_version == ssl.TLSVersion.TLSv1_3
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.get_ca_certs(binary_form=True) == [keys["bob"].certificate]


def test_links_of_one_side_share_a_context_and_verify_each_peer(keys):
    ours = Contexts(keys["alice"])
    first = ours.for_link(keys["bob"].certificate, server=False)
    assert ours.for_link(keys["mallory"].certificate, server=False) is first
    assert ours.for_link(keys["bob"].certificate, server=False) is first
    assert ours.for_link(keys["bob"].certificate, server=True) is not first
    for name in ("bob", "mallory"):
        peer = Contexts(keys[name]).for_link(keys["alice"].certificate, server=True)
        assert proven(first, peer) == (keys[name].certificate, keys["alice"].certificate)


@pytest.mark.parametrize("impostor_first", [True, False])
def test_a_borrowed_name_keeps_no_honest_peer_out(keys, tmp_path, impostor_first):
    """Bob and an impostor whose certificate has Bob's name: both handshakes succeed, apart."""
    impostor = identity.create("bob", tmp_path)
    order = [impostor, keys["bob"]] if impostor_first else [keys["bob"], impostor]
    ours = Contexts(keys["alice"])
    made = [ours.for_link(peer.certificate, server=False) for peer in order]
    assert made[0] is not made[1]
    for peer, context in zip(order, made, strict=True):
        assert context.get_ca_certs(binary_form=True) == [peer.certificate]
        theirs = Contexts(peer).for_link(keys["alice"].certificate, server=True)
        assert proven(context, theirs)[0] == peer.certificate


@pytest.mark.parametrize(
    ("odd", "name"),
    [
        (certificate("bob"), "bob"),
        (certificate("  BoB "), "bob"),
        (certificate("Bob  of   Berlin"), "bob of berlin"),
        (certificate("mallory", issuer="bob"), None),
        (certificate("bób"), None),
        (certificate("bob", oids=(NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)), None),
        (b"not a certificate", None),
    ],
)
def test_names_are_compared_as_openssl_does_or_not_at_all(odd, name):
    assert plain_name(odd) == name


def test_what_has_no_plain_name_shares_no_context(keys):
    ours = Contexts(keys["alice"])
    odd = certificate("mallory", issuer="bob")
    assert ours.for_link(odd, server=True) is not ours.for_link(odd, server=True)
    assert ours.for_link(odd, server=True).cert_store_stats()["x509"] == 1
    shared = ours.for_link(keys["bob"].certificate, server=True)
    assert shared.cert_store_stats()["x509"] == 1


def test_a_shared_context_trusts_a_bounded_number_of_certificates(keys, monkeypatch):
    monkeypatch.setattr(contexts, "SHARED", 2)
    ours = Contexts(keys["alice"])
    made = [ours.for_link(certificate(f"p{i}"), server=True) for i in range(5)]
    assert [context.cert_store_stats()["x509"] for context in made] == [2, 2, 2, 2, 1]
    assert len({id(context) for context in made}) == 3


@pytest.mark.parametrize("server", [True, False])
@pytest.mark.parametrize("years", [-40, 40])
def test_dates_do_not_decide(keys, tmp_path, years, server):
    """Ours or the peer's clock is wrong by decades: its certificate has expired, or is to come."""
    other = identity.create("bob", tmp_path, now=datetime.now(UTC) + timedelta(days=365 * years))
    ours = Contexts(keys["alice"]).for_link(other.certificate, server=server)
    theirs = Contexts(other).for_link(keys["alice"].certificate, server=not server)
    ends = (theirs, ours) if server else (ours, theirs)
    assert set(proven(*ends)) == {other.certificate, keys["alice"].certificate}


def test_an_expired_certificate_that_was_not_admitted_is_refused(keys, tmp_path):
    long_ago = datetime.now(UTC) - timedelta(days=365 * 40)
    other, impostor = (identity.create("bob", tmp_path / n, now=long_ago) for n in "ab")
    ours = Contexts(keys["alice"]).for_link(other.certificate, server=False)
    theirs = Contexts(impostor).for_link(keys["alice"].certificate, server=True)
    with pytest.raises(ssl.SSLCertVerificationError):
        proven(ours, theirs)
