#!/usr/bin/env python
"""Measures what records of sessions cost: scripts/bench_durable.py [CASE SIZE RUNS]...

Three parties, a process each, direct links with TLS, runs without and with a record in turn within
one session. A run with a record has all its writes to disk: the session's, the gate's and the
result's (fsync), and all that it receives. What is written before a run, its seed and input, is
timed by itself.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import monotonic

from ostraka import identity
from ostraka.arithmetic.randomness import RunDraw
from ostraka.cli.bench import Link, _find, _manifest, _Plan
from ostraka.cli.bench_measure import _barrier
from ostraka.delivery.agree import allow_all
from ostraka.manifest import parse
from ostraka.progress import Observer
from ostraka.protocols import protocol_for, protocol_named, runner
from ostraka.record.journal_entries import Sealed
from ostraka.record.journal_store import RecordStore
from ostraka.record.replay import ReplayingExchange
from ostraka.session.participation import taking_part

NAMES = ("p1", "p2", "p3")
DEFAULT = (("sum", 1, 200), ("vote", 1, 60), ("sum", 10**6, 10), ("sum", 10**7, 4))


def party(place: str, name: str, text: str, case: str, size: int, runs: int, told) -> None:
    told.put((name, asyncio.run(take_part(Path(place), name, text, case, size, runs))))


async def take_part(place: Path, name: str, text: str, case: str, size: int, runs: int) -> list:
    manifest, own = parse(text), identity.load(name, place)
    protocol, found = protocol_for(manifest), []
    of = protocol_named(manifest.session.protocol).bench_cases[case]
    store = RecordStore(place / "sessions", own, 3600.0)
    async with taking_part(manifest, own, name, Observer()) as session:
        for number in range(2 * runs):
            seed = os.urandom(32)
            x = protocol.input_of(
                name, of.value(manifest.parties.index(name), size), RunDraw(seed, "input")
            )
            record, before = None, monotonic()
            if number % 2:
                record = store.begin(manifest.digest, seed, x)
                record.x = None
            kept = monotonic() - before
            await _barrier(session)
            begin, used = monotonic(), os.times()
            exchange = session
            if record:
                record.seal(Sealed(session.id))
                exchange = ReplayingExchange(session, record)
            gate = exchange.gate(allow_all) if record else allow_all
            await runner.run(exchange, protocol, x, RunDraw(seed, "run"), gate=gate)
            if record:
                record.finish()
            now = os.times()
            size_on_disk = store.path(manifest.digest).stat().st_size if record else 0
            seconds = now.user + now.system - used.user - used.system
            found.append((begin, monotonic(), seconds, kept, size_on_disk))
            if record:
                record.erase()
            x = None
    return found


def measure(case: str, size: int, runs: int) -> None:
    processes, told = [], get_context("spawn").SimpleQueue()
    with tempfile.TemporaryDirectory(dir=os.environ.get("OSTRAKA_HOME")) as place:
        os.chmod(place, 0o700)
        pins = {name: identity.create(name, Path(place)).pin for name in NAMES}
        plan = _Plan(list(NAMES), _find(case), size, "passive", Link.DIRECT, runs)
        text = _manifest(plan, pins, None, {})
        for name in NAMES:
            arguments = (place, name, text, case, size, runs, told)
            processes.append(get_context("spawn").Process(target=party, args=arguments))
            processes[-1].start()
        measured = dict(told.get() for _ in NAMES)
        for process in processes:
            process.join()
    show(case, size, list(zip(*measured.values(), strict=True)))


def show(case: str, size: int, runs: list) -> None:
    seconds = [max(p[1] for p in run) - min(p[0] for p in run) for run in runs]
    used = [sum(p[2] for p in run) / len(run) for run in runs]
    without, durable = (median(seconds[k::2]) * 1e3 for k in (0, 1))
    cpu = [median(used[k::2]) * 1e3 for k in (0, 1)]
    kept, disk = median(p[3] for run in runs[1::2] for p in run) * 1e3, runs[1][0][4]
    print(
        f"| {case} | {size:,} | {without:.3g} ms | {durable:.3g} ms | {durable / without:.2f} "
        f"| {cpu[0]:.3g} ms | {cpu[1]:.3g} ms | {kept:.3g} ms | {disk:,} |",
        flush=True,
    )


def main() -> None:
    given = sys.argv[1:]
    cases = [(given[i], int(given[i + 1]), int(given[i + 2])) for i in range(0, len(given), 3)]
    heads = [
        "case",
        "elements",
        "without",
        "with",
        "times",
        "processor:without",
        "with",
        "before",
        "disk",
    ]
    print(f"| {' | '.join(heads)} |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for case, size, runs in cases or DEFAULT:
        measure(case, size, runs)


if __name__ == "__main__":
    main()
