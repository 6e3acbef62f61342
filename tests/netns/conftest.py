"""Rig that each test of this directory gets for itself; all are skipped where there can be none."""

import pytest
from netns_rig import Rig, possible


@pytest.fixture(scope="session", autouse=True)
def _possible():
    if not possible():
        pytest.skip("network namespaces need root, and a kernel that has them")


@pytest.fixture
def rig():
    with Rig() as made:
        yield made
