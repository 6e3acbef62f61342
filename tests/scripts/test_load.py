"""scripts/load: sessions one after another through one coordinator, whose figures stay flat."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LOAD = Path(__file__).parents[2] / "scripts" / "load"


def load(parties: int, sessions: int, seconds: int) -> dict:
    done = subprocess.run(
        [sys.executable, LOAD, str(parties), str(sessions), str(seconds), "2"],
        capture_output=True,
        text=True,
        timeout=seconds + 300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_hundred_parties_in_twenty_sessions_for_half_a_minute():
    figures = load(100, 20, 30)
    assert figures["failed"] == 0
    assert figures["finished"] >= 20
    first, last = figures["memory_mib"]
    assert last < first + 40
    assert figures["descriptors_most"] <= 100 + 30


@pytest.mark.slow
def test_descriptors_are_given_back():
    figures = load(6, 2, 6)
    assert figures["failed"] == 0
    assert figures["descriptors_most"] <= 6 + 20
