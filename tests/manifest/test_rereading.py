"""Manifests read again from their canonical bytes."""

import pytest

from ostraka.errors import ManifestError
from ostraka.manifest import parse
from ostraka.manifest.rereading import parse_canonical

TEXT = f"""
[session]
title = "Hours"
protocol = "secure-sum"
deadline = "90s"
[[party]]
name = "alice"
key = "sha256:{1:064d}"
roles = ["contributor", "compute", "recipient"]
address = "127.0.0.1:9001"
[[party]]
name = "bob"
key = "sha256:{2:064d}"
roles = ["contributor", "compute", "recipient"]
address = "127.0.0.1:9002"
[input]
type = "decimal(2)"
min = 0.5
max = 1000
unit = "h"
[outputs]
statistics = ["sum"]
[privacy]
central = {{ mechanism = "discrete-laplace", epsilon = 0.5 }}
[policy]
min_difference = 2
"""


def test_a_manifest_comes_back_with_the_same_digest():
    manifest = parse(TEXT)
    assert parse_canonical(manifest.canonical.decode()) == manifest


@pytest.mark.parametrize(
    "change", [(',"', ', "'), ('"ostraka":1', '"ostraka":2'), ("{", "["), ("90", "true")]
)
def test_other_bytes_are_refused(change):
    """Blanks, say, mean nothing in JSON, and the digest is another."""
    with pytest.raises(ManifestError, match="canonical bytes"):
        parse_canonical(parse(TEXT).canonical.decode().replace(*change))
