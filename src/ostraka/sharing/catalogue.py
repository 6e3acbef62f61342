"""Sharing schemes by the name that a manifest gives them."""

from __future__ import annotations

from ostraka.names import PartyId
from ostraka.sharing.additive import Additive
from ostraka.sharing.scheme import Scheme
from ostraka.sharing.shamir import Shamir


def scheme_named(
    name: str, contributors: tuple[PartyId, ...], compute: tuple[PartyId, ...], threshold: int
) -> Scheme:
    """Return the scheme of this name among these parties; KeyError when there is none."""
    if name == Additive.name:
        return Additive(contributors, compute)
    if name == Shamir.name:
        return Shamir(contributors, compute, threshold)
    raise KeyError(name)
