#!/usr/bin/env python3
"""The engine's words between processes of their own, over direct links with TLS.

    scripts/bench_engine.py [--parties N] [--repeats K] [--active] [WORK...]

WORK is mul, compare, sort, matmul, fixed (a matrix product, truncated), truncate, decompose, reveal
or vote (20 voters), each with an optional size: `mul=1000000`.
Prints, per work: seconds from the first party's start to the last one's end (median and best),
rounds, and payload bytes each party sends. t = (N - 1) // 2. With --active, the adversary is, and
what is timed ends when everything is proven.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import socket
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from multiprocessing.queues import Queue
from pathlib import Path
from time import monotonic
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from ostraka import manifest as manifests
from ostraka.cli.bench_words import barrier
from ostraka.engine.audit import start_active
from ostraka.engine.compare import less_than
from ostraka.engine.context import Engine, start
from ostraka.engine.deal import share
from ostraka.engine.digits import decompose, truncate
from ostraka.engine.multiply import matmul, mul
from ostraka.engine.party import Party
from ostraka.engine.reveal import reveal
from ostraka.engine.sort import sort
from ostraka.engine.table import look_up
from ostraka.names import PartyId
from ostraka.session.session import Session
from ostraka.sharing.randomness import OsDraw
from ostraka.sharing.shamir import Shamir
from ostraka.transport import identity

spawn = multiprocessing.get_context("spawn")
Work = Callable[[], Awaitable[Any]]


async def prepare(engine: Engine, name: str, size: int) -> Work:
    """Inputs are shared beforehand; what is timed starts from shares."""
    draw = np.random.default_rng(7)  # noqa: TID251 - inputs to time
    if name == "matmul":
        m = draw.integers(-(2**20), 2**20, (size, size))
        x = await share(engine, 0, m, m.shape)
        return lambda: matmul(x, x)
    if name == "fixed":
        return await fixed_point(engine, size)
    a, b = draw.integers(-(2**59), 2**59, (2, size))
    x, y = await share(engine, 0, a, a.shape), await share(engine, 1, b, b.shape)
    small = await share(engine, 0, a >> 20, a.shape)
    return {
        "mul": lambda: mul(x, y),
        "compare": lambda: less_than(x, y),
        "reveal": lambda: reveal(x),
        "vote": lambda: look_up(small, np.arange(21) >= 11),
        "truncate": lambda: truncate(x, 16),
        "decompose": lambda: decompose(x, 61),
        "sort": lambda: sort(small),
    }[name]


async def fixed_point(engine: Engine, size: int) -> Work:
    """A matrix product of numbers with 16 bits behind the point."""
    m = np.arange(size * size).reshape(size, size) % 999_983 - 500_000
    x = await share(engine, 0, m, m.shape)

    async def work() -> None:
        await truncate(await matmul(x, x), 16)

    return work


async def compute(
    text: str,
    me: PartyId,
    keys: Path,
    works: list[str],
    repeats: int,
    active: bool,
    results: Queue[Any],
) -> None:
    """One party: every work, repeated."""
    manifest = manifests.parse(text)
    own = identity.load(me, keys)
    session = await Session.open(manifest, own, me, os.urandom(32), os.urandom(32))
    names = manifest.compute
    scheme = Shamir(names, names, (len(names) - 1) // 2)
    engine = await (start_active if active else start)(Party(session, scheme), OsDraw())
    for work in works:
        name, _, size = work.partition("=")
        run = await prepare(engine, name, int(float(size or 100_000)))
        for _ in range(repeats):
            await barrier(engine)
            before, begin = replace(engine.counters), monotonic()
            await run()
            if engine.audit:
                await engine.audit.settle()
            await session.flush()
            end, now = monotonic(), engine.counters
            results.put(
                (work, me, begin, end, now.rounds - before.rounds, now.bytes - before.bytes)
            )
    results.put(None)
    await barrier(engine)
    await session.close()


def party(*arguments: Any) -> None:
    """The entry point of a process."""
    if os.environ.get("PROFILE") and arguments[1] == "p0":
        import cProfile
        import pstats

        with cProfile.Profile() as profile:
            asyncio.run(compute(*arguments))
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    asyncio.run(compute(*arguments))


def manifest_of(names: list[PartyId], keys: Path) -> str:
    """Everybody contributes, computes and receives; over loopback."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in names]
    text = '[session]\ntitle = "bench"\nprotocol = "secure-sum"\ndeadline = "30s"\n'
    for name, sock in zip(names, sockets, strict=True):
        pin = identity.fingerprint_text(identity.create(name, keys).fingerprint)
        text += f'[[party]]\nname = "{name}"\nkey = "{pin}"\n'
        text += 'roles = ["contributor", "compute", "recipient"]\n'
        text += f'address = "127.0.0.1:{sock.getsockname()[1]}"\n'
        sock.close()
    text += '[input]\ntype = "int"\nmin = 0\nmax = 1\n[outputs]\nstatistics = ["sum"]\n'
    return text + f'[sharing]\nscheme = "shamir"\nthreshold = {(len(names) - 1) // 2}\n'


def main() -> None:
    """Run the parties and print what they measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parties", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--active", action="store_true")
    parser.add_argument("works", nargs="*", default=["mul=1000000", "matmul=500"])
    options = parser.parse_args()
    names = [PartyId(f"p{i}") for i in range(options.parties)]
    with tempfile.TemporaryDirectory() as directory:
        keys, results = Path(directory), spawn.Queue()
        text = manifest_of(names, keys)
        arguments = (keys, options.works, options.repeats, options.active, results)
        parties = [spawn.Process(target=party, args=(text, name, *arguments)) for name in names]
        for process in parties:
            process.start()
        report(collect(results, len(names)), options)
        for process in parties:
            process.join()


def collect(results: Queue[Any], parties: int) -> list[Any]:
    """Until every party has said it is done."""
    found = []
    while parties:
        item = results.get(timeout=300)
        parties -= item is None
        found += [] if item is None else [item]
    return found


def report(found: list[Any], options: argparse.Namespace) -> None:
    """One line for each work."""
    adversary = "active" if options.active else "passive"
    for work in options.works:
        mine: dict[PartyId, list[Any]] = {}
        for name, me, *rest in found:
            if name == work:
                mine.setdefault(me, []).append(rest)
        runs = list(zip(*mine.values(), strict=True))
        times = [max(r[1] for r in run) - min(r[0] for r in run) for run in runs]
        sent = sorted({r[3] for run in runs for r in run})
        median = statistics.median(times) * 1e3
        print(
            f"{work:16} n={options.parties} {adversary} TLS: median {median:.2f} ms, "
            f"best {min(times) * 1e3:.2f} ms, {max(r[2] for r in runs[0])} rounds, "
            f"bytes sent per party {sent[0]} to {sent[-1]}",
            flush=True,
        )


if __name__ == "__main__":
    main()
