"""TLS contexts: what they accept, and nothing else."""

from __future__ import annotations

import ssl

import pytest

from ostraka.transport import contexts


@pytest.mark.parametrize("server", [True, False])
def test_a_context_accepts_tls_1_3_and_the_peers_certificate_alone(keys, server):
    context = contexts.for_link(keys["alice"], keys["bob"].certificate, server=server)
    assert context.minimum_version == context.maximum_version == ssl.TLSVersion.TLSv1_3
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.get_ca_certs(binary_form=True) == [keys["bob"].certificate]


def test_two_links_share_no_trust(keys):
    contexts.for_link(keys["alice"], keys["bob"].certificate, server=True)
    other = contexts.for_link(keys["alice"], keys["mallory"].certificate, server=True)
    assert other.get_ca_certs(binary_form=True) == [keys["mallory"].certificate]
