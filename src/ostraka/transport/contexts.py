"""TLS contexts: TLS 1.3 only, our certificate and key, and trust in the certificates of peers."""

from __future__ import annotations

import ssl
from typing import Final

from cryptography import x509

from ostraka.identity import NO_CERTIFICATE, Identity

NO_CHECK_TIME: Final = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python does not name."""

SHARED: Final = 64
"""Bound on the certificates that one context trusts: links that follow begin another."""


class Contexts:
    """TLS contexts of one party, for all its links.

    Links share a context per side, as loading a key and a certificate into one takes longer than
    the handshake. A shared context trusts the certificates of all links it was made for. This
    weakens no link: TLS 1.3 proves that the peer has the key of the certificate it sends, and
    `SecureStream` refuses any certificate but the admitted one, byte for byte. The context's trust
    only makes OpenSSL ask for a certificate and hand it over.

    What a shared context could do is *refuse* an honest peer: OpenSSL looks a certificate up by its
    name, and a dishonest party may have made one with the name of another. So a name occurs once in
    a context, and a certificate whose name is taken, or could be read in two ways, gets its own.

    Dates of certificates are not checked: the pin identifies a peer, and a clock that is days or
    years off, on either side, must not end a session.

    Args:
        identity: ours.
    """

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._shared: dict[bool, ssl.SSLContext] = {}
        self._named: dict[bool, dict[str, bytes]] = {True: {}, False: {}}

    def for_link(self, peer_certificate: bytes, *, server: bool) -> ssl.SSLContext:
        """Return a context for a link to the peer with this certificate, which was admitted."""
        name = plain_name(peer_certificate)
        named = self._named[server]
        if name is None or named.get(name, peer_certificate) != peer_certificate:
            return self._alone(peer_certificate, server=server)
        if name not in named and len(named) % SHARED == 0:
            named.clear()
            self._shared[server] = self._own(server=server)
        context = self._shared[server]
        if name not in named:
            context.load_verify_locations(cadata=peer_certificate)
            named[name] = peer_certificate
        return context

    def _alone(self, peer_certificate: bytes, *, server: bool) -> ssl.SSLContext:
        context = self._own(server=server)
        context.load_verify_locations(cadata=peer_certificate)
        return context

    def _own(self, *, server: bool) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False  # the pin names the peer
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= NO_CHECK_TIME
        context.load_cert_chain(self.identity.certificate_path, self.identity.key_path)
        if server:
            context.num_tickets = 0
        return context


def plain_name(certificate: bytes) -> str | None:
    """Return the one name that OpenSSL can look the certificate up by, or None.

    OpenSSL ignores case and repeated blanks, and so does this. None: not self-signed under one
    attribute in ASCII, as `identity.create` makes it.
    """
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        attributes = list(parsed.subject)
        self_signed = parsed.subject == parsed.issuer
    except NO_CERTIFICATE:
        return None
    if not self_signed or len(attributes) != 1:
        return None
    name = str(attributes[0].value)
    return " ".join(name.casefold().split()) if name.isascii() else None
