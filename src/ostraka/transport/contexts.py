"""TLS contexts: TLS 1.3 only, our certificate and key, and trust in one peer's certificate."""

from __future__ import annotations

import ssl

from ostraka.identity import Identity


def for_link(identity: Identity, peer_certificate: bytes, *, server: bool) -> ssl.SSLContext:
    """Return the TLS context for the link to the peer with this certificate; it trusts no other."""
    context = _own(identity, server=server)
    context.load_verify_locations(cadata=peer_certificate)
    return context


def _own(identity: Identity, *, server: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the pin names the peer
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(identity.certificate_path, identity.key_path)
    if server:
        context.num_tickets = 0
    return context
