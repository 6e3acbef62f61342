"""Defaults of a manifest that depend on its parties, written out before it is validated."""

from __future__ import annotations

from typing import Any

from ostraka.names import Role


def filled(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a raw manifest with the defaults that depend on its parties written out.

    How many contributors a collection needs follows from nothing: its manifest says it.
    """
    sharing, policy = raw.get("sharing", {}), raw.get("policy", {})
    if isinstance(sharing, dict) and sharing.get("scheme", "additive") == "additive":
        sharing = {"threshold": _count(raw, Role.COMPUTE) - 1, **sharing}
    if isinstance(policy, dict) and raw.get("collection") is None:
        policy = {"min_contributors": _least(raw, sharing), **policy}
    return {**raw, "sharing": sharing, "policy": policy}


def _least(raw: dict[str, Any], sharing: Any) -> int:
    contributors = _count(raw, Role.CONTRIBUTOR)
    threshold = sharing.get("threshold") if isinstance(sharing, dict) else None
    if type(threshold) is not int or threshold < 1 or sharing.get("scheme") != "shamir":
        return contributors
    return min(contributors, max(3, contributors - threshold))


def _count(raw: dict[str, Any], role: Role) -> int:
    """Count the parties with a role in a raw manifest, which is not validated yet."""
    parties = raw.get("party")
    found = 0
    for party in parties if isinstance(parties, list | tuple) else ():
        roles = party.get("roles") if isinstance(party, dict) else getattr(party, "roles", ())
        found += isinstance(roles, list | tuple) and role in roles
    return found
