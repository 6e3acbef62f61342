"""Inputs of a manifest: one for all contributors, or several by name, and the digests of both."""

from __future__ import annotations

import pytest

from ostraka.manifest import parse

HEAD = """\
[session]
title = "Digests"
protocol = "secure-sum"
deadline = "5m"
coordinator = { address = "127.0.0.1:9440", key = "sha256:%064x" }
""" % 99  # fmt: skip


def party(i: int, name: str, *roles: str) -> str:
    listed = ", ".join(f'"{role}"' for role in roles or ("contributor", "compute", "recipient"))
    return f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\nroles = [{listed}]\n'


THREE = HEAD + "".join(party(i, name) for i, name in enumerate(("alice", "bob", "carlos"), 1))
SHAMIR = '[sharing]\nscheme = "shamir"\nthreshold = 1\n'

BEFORE = {
    "335693ce4c1f970c6cfade3ed65159b456ba35a5601d3ec7120a5ab8e9e0cd2c": 'type = "int"\nmin = 0\nmax = 10',
    "e1eb3a7b7ce198106fdb52ec35602b29be1f127df6e1ed03178a11bc09f54ef5": 'type = "bool"\nlength = 7',
    "dc35f245512053d9ec37a0f49b7f4dfb92b999000d5bc3d3e24238d5e0a3ce8f": 'type = "decimal(2)"\nmin = -1.50\nmax = 1e6\nunit = "EUR"\noutside = "clip"',
    "a66769bd82463f88ae95ac7469e182d52b6c33be626b4893ce5267e6193b9510": 'type = \'choice(["yes", "no"])\'',
    "bc3c38786c5da1e56448019ef66454ce2e10ef0c49f96cfd33399936d302e585": 'type = "float(20)"\nlength = 1000000\nmin = 0\nmax = 0.1\noutside = "reject"',
}
"""Digests of manifests with these lines in [input], as they were when a manifest had one input."""


@pytest.mark.parametrize(("digest", "lines"), BEFORE.items())
def test_one_input_has_the_digest_it_always_had(digest: str, lines: str) -> None:
    assert parse(f"{THREE}[input]\n{lines}\n{SHAMIR}").digest.hex() == digest
