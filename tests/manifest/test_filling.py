"""Defaults that depend on a manifest's parties."""

from __future__ import annotations

from typing import Any

import pytest

from ostraka.manifest.filling import filled


def raw(*roles: str, **tables: Any) -> dict[str, Any]:
    return {"party": [{"roles": role.split()} for role in roles], **tables}


@pytest.mark.parametrize(
    ("tables", "threshold", "least"),
    [
        ({}, 2, 4),
        ({"sharing": {"scheme": "shamir", "threshold": 1}}, 1, 3),
        ({"sharing": {"scheme": "shamir", "threshold": 2}}, 2, 3),
        ({"sharing": {"scheme": "shamir", "threshold": "x"}}, "x", 4),
    ],
)
def test_thresholds_and_minima_follow_from_the_parties(
    tables: dict[str, Any], threshold: object, least: int
) -> None:
    both = "contributor compute"
    found = filled(raw(both, both, both, "contributor", "recipient", **tables, policy={}))
    assert found["sharing"]["threshold"] == threshold
    assert found["policy"] == {"min_contributors": least}


def test_what_a_manifest_says_stays() -> None:
    said = {"sharing": {"threshold": 7}, "policy": {"min_contributors": 2}}
    assert filled(raw("contributor compute", **said)) == raw("contributor compute", **said)


def test_a_collection_says_itself_how_many_it_needs() -> None:
    found = filled(raw("compute", "compute", policy={}, collection={}))
    assert found["policy"] == {}
