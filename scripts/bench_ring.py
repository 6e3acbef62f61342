#!/usr/bin/env python3
"""The hot path alone: a ring of parties, each sending to one neighbour and hearing from the other.

    scripts/bench_ring.py [PARTIES]

Each party is a process of its own; TLS 1.3 with both certificates on every link, framing and checks
as in a session. Prints the median time of a round, and what a party moves each way.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import statistics
import sys
import tempfile
from multiprocessing.synchronize import Barrier
from pathlib import Path
from time import perf_counter

import numpy as np

from ostraka import identity
from ostraka.errors import Unreachable
from ostraka.exchange import words
from ostraka.names import Step
from ostraka.transport.contexts import Contexts
from ostraka.transport.link import Carrier
from ostraka.transport.network import Network
from ostraka.transport.preamble import pinned
from ostraka.transport.tcp import SystemNetwork
from ostraka.transport.tls import SecureLink
from ostraka.wire import vectors

SIZES = ((8, 1000), (12_500, 100), (1_000_000, 8))
"""Elements of 8 bytes, and rounds timed together."""
REPEATS = 5

spawn = multiprocessing.get_context("spawn")


async def neighbours(
    me: int, ports: list[int], contexts: Contexts, pins: list[bytes], network: Network
) -> tuple[SecureLink, SecureLink]:
    """The link we dialled, to the next party, and the one the party before us dialled."""
    after, before = (me + 1) % len(ports), (me - 1) % len(ports)
    knocked: asyncio.Future[Carrier] = asyncio.get_running_loop().create_future()
    listener = await network.listen(
        f"127.0.0.1:{ports[me]}", lambda carrier, _source: knocked.set_result(carrier)
    )
    while True:
        try:
            carrier = await network.dial(f"127.0.0.1:{ports[after]}")
            break
        except Unreachable:
            await asyncio.sleep(0.05)
    to = SecureLink(carrier, contexts, server=False, admit=pinned("next", pins[after]))
    back = SecureLink(await knocked, contexts, server=True, admit=pinned("previous", pins[before]))
    await asyncio.gather(to.open(), back.open())
    listener.close()
    return to, back


async def ring(me: int, ports: list[int], keys: Path, start: Barrier) -> None:
    """One party."""
    own = identity.load(f"party{me}", keys)
    pins = [identity.load(f"party{i}", keys).fingerprint for i in range(len(ports))]
    network = SystemNetwork()
    to, back = await neighbours(me, ports, Contexts(own), pins, network)
    step = 0
    for size, rounds in SIZES:
        vector, times = np.zeros(size, np.uint64), []
        for _ in range(REPEATS):
            start.wait()
            begin = perf_counter()
            for _ in range(rounds):
                step += 1
                to.write(*vectors.pack(Step(0, step), vector))
                await back.read(vectors.unpack(Step(0, step), words(size)), 30.0, spin=True)
            times.append((perf_counter() - begin) / rounds)
            await to.drain()
        if me == 0:
            median = statistics.median(times)
            rate = 8 * size / median / 1e6
            print(f"{8 * size:>9} bytes: {median * 1e6:9.1f} us, {rate:6.1f} MB/s", flush=True)
    start.wait()
    await asyncio.gather(to.close(), back.close())
    network.close()


def party(me: int, ports: list[int], keys: Path, start: Barrier) -> None:
    """The entry point of a process."""
    asyncio.run(ring(me, ports, keys, start))


def main() -> None:
    """Run the ring."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    with tempfile.TemporaryDirectory() as directory:
        keys = Path(directory)
        for i in range(count):
            identity.create(f"party{i}", keys)
        start = spawn.Barrier(count)
        parties = [spawn.Process(target=party, args=(i, ports, keys, start)) for i in range(count)]
        for process in parties:
            process.start()
        for process in parties:
            process.join()


if __name__ == "__main__":
    main()
