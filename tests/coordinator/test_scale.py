"""A thousand connections at once, each within its memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "scripts" / "bench_coordinator.py"
CONNECTIONS = 1000


@pytest.mark.slow
def test_a_thousand_idle_parties_take_under_100_kib_each():
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < CONNECTIONS + 100:
        pytest.skip("this machine allows too few open files")
    done = subprocess.run(
        [sys.executable, BENCH, str(CONNECTIONS), "40", "1"],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    figures = json.loads(done.stdout)
    assert figures["connections"] == CONNECTIONS
    assert 0 < figures["idle_kib_per_connection"] <= 100
    assert figures["relayed_mb_s_1_pairs"] > 0
