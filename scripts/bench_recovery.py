#!/usr/bin/env python
"""Measures how long a party that was killed takes to its result: scripts/bench_recovery.py [TIMES].

Three parties, real processes. One is killed (kill -9) when it computes, and `ostraka run` is
started again at once; the time is from that start to its result on stdout, the interpreter's own
start included. The same without a kill, from the last party's start, is what a session takes
anyway.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import monotonic

from ostraka import identity
from ostraka.cli.bench import _free_addresses
from ostraka.manifest.writing import party_in_all_roles, write_manifest

NAMES = ("alice", "bob", "carlos")
ENTRY = Path(__file__).resolve().parent.parent / "tests" / "integration" / "party_entry.py"


def manifest(place: Path) -> Path:
    """Write a manifest of three parties that vote by sharing of Shamir's kind."""
    tables = {
        "session": {"title": "Recovery", "protocol": "threshold-vote", "deadline": "60s"},
        "input": {"type": "bool"},
        "outputs": {"pass_at": "1/2"},
        "sharing": {"scheme": "shamir", "threshold": 1},
    }
    parties = [
        party_in_all_roles(name, identity.load(name, place).pin, address)
        for name, address in zip(NAMES, _free_addresses(len(NAMES)), strict=True)
    ]
    (path := place / "session.toml").write_text(write_manifest(tables, parties))
    return path


def start(place: Path, path: Path, name: str, *entry: object) -> subprocess.Popen:
    command = [sys.executable, *map(str, entry or ("-m", "ostraka.cli.main")), "run", str(path)]
    command += ["--as", name, "--keys", str(place), "--receipts", str(place), "--input", "-"]
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OSTRAKA_HOME": str(place / "home")},
    )
    child.stdin.write(b"yes\n")
    child.stdin.close()
    return child


def measure(place: Path, *, killed: bool) -> float:
    path = manifest(place)
    others = [start(place, path, name) for name in NAMES[1:]]
    if killed:
        victim = start(place, path, NAMES[0], ENTRY, "computing", int(signal.SIGKILL), 0)
        victim.wait(60)
    begin = monotonic()
    again = start(place, path, NAMES[0])
    line = again.stdout.readline()
    seconds = monotonic() - begin
    for child in (again, *others):
        child.wait(60)
    assert re.search(rb"YES|outcome|passes", line + again.stdout.read()), line
    return seconds


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as found:
        place = Path(found)
        place.chmod(0o700)
        for name in NAMES:
            identity.create(name, place)
        for killed in (False, True):
            seconds = [measure(place, killed=killed) for _ in range(times)]
            print(f"{'killed' if killed else 'not killed'}: {median(seconds):.2f} s, ", end="")
            print(f"{min(seconds):.2f} to {max(seconds):.2f} of {times}")


if __name__ == "__main__":
    main()
