#!/usr/bin/env python
"""Measures sessions of many contributors: scripts/bench_contributors.py N...

Three compute parties in one process, N contributors of one number in another, Shamir sharing, TLS
over localhost, from reading the manifest to the last party's end. Prints a row of
docs/performance.md for each N.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import tempfile
from pathlib import Path
from time import monotonic

from ostraka import config, identity
from ostraka.cli.bench import _free_addresses
from ostraka.manifest.writing import write_manifest
from ostraka.party import Seat

COMPUTE = ("one", "two", "three")


def write(place: Path, count: int) -> str:
    tables = {
        "session": {"title": "Many", "protocol": "secure-sum", "deadline": "10m"},
        "input": {"type": "int", "min": 0, "max": 1000},
        "outputs": {"statistics": ["sum"]},
        "sharing": {"scheme": "shamir", "threshold": 1},
    }
    addresses = dict(zip(COMPUTE, _free_addresses(len(COMPUTE)), strict=True))
    parties = []
    for name in (*COMPUTE, *(f"c{i}" for i in range(count))):
        roles = ["compute", "recipient"] if name in COMPUTE else ["contributor"]
        party = {"name": name, "key": identity.create(name, place).pin, "roles": roles}
        parties.append(party | ({"address": addresses[name]} if name in COMPUTE else {}))
    return write_manifest(tables, parties)


async def take_part(place: Path, text: str, names: list[str]) -> list[object]:
    protocol = config.bind(text)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                Seat(
                    protocol, identity.load(name, place), protocol.manifest.party_named(name).name
                ).run(None if name in COMPUTE else 1)
            )
            for name in names
        ]
    return [task.result() for task in tasks]


def used() -> float:
    found = resource.getrusage(resource.RUSAGE_SELF)
    return found.ru_utime + found.ru_stime


def child(place: Path, text: str, names: list[str], tell: int) -> None:
    begin = used()
    found = asyncio.run(take_part(place, text, names))
    if names[0] in COMPUTE:
        assert all(outcome.outputs[0].parts[0] == text.count("[[party]]") - 3 for outcome in found)
    os.write(tell, f"{used() - begin}".encode())
    os._exit(0)


def measure(count: int) -> tuple[float, list[float]]:
    with tempfile.TemporaryDirectory() as found:
        place = Path(found)
        text = write(place, count)
        begin, pipes = monotonic(), []
        for names in (list(COMPUTE), [f"c{i}" for i in range(count)]):
            ours, theirs = os.pipe()
            pipes.append(ours)
            if not os.fork():
                child(place, text, names, theirs)
            os.close(theirs)
        seconds = [float(os.read(pipe, 100)) for pipe in pipes]
        for _ in pipes:
            os.wait()
        return monotonic() - begin, seconds


def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    for count in map(int, sys.argv[1:] or ["30", "100"]):
        wall, (computing, contributing) = measure(count)
        print(f"| {count} | {wall:.1f} s | {computing:.1f} s | {contributing:.1f} s |", flush=True)


if __name__ == "__main__":
    main()
