"""Chains of hashes: a party that knows the end can check each link before it, but foresee none."""

from __future__ import annotations

import hashlib
from typing import Final

from ostraka.arithmetic.randomness import Draw

LINKS: Final = 1 << 7
"""Number of links of a chain: so many hashes to make it, and a round when they are used up."""


def chain(draw: Draw) -> list[bytes]:
    """Make a new chain, its first link first: the last is told to every party, the others later."""
    links = [draw.seed()]
    for _ in range(LINKS):
        links.append(after(links[-1]))
    return links


def after(link: bytes) -> bytes:
    """Return the link after this one: its hash."""
    return hashlib.sha256(b"ostraka link 1" + link).digest()
