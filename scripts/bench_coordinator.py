#!/usr/bin/env python3
"""What a coordinator costs: idle memory per connection, joining, relayed throughput.

    scripts/bench_coordinator.py [CONNECTIONS] [MEGABYTES] [RUNS]

The coordinator, the crowd of idle parties and every talking party are processes of their own.
Prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import resource
import secrets
import statistics
import sys
import tempfile
import time
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import psutil

from ostraka import identity, limits
from ostraka.coordinator.server import Coordinator
from ostraka.exchange import words
from ostraka.names import Step
from ostraka.transport import relay
from ostraka.transport.contexts import Contexts
from ostraka.transport.network import Network
from ostraka.transport.preamble import pinned
from ostraka.transport.tcp import SystemNetwork
from ostraka.transport.tls import SecureLink
from ostraka.wire import vectors

spawn = multiprocessing.get_context("spawn")


class Others:
    """Keeps the carriers to the other members, in order of arrival."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[relay.RelayCarrier] = asyncio.Queue()

    def joined(self, fingerprint: bytes, carrier: relay.RelayCarrier) -> None:
        self.arrived.put_nowait(carrier)


def coordinator(keys: Path, pipe: Pipe) -> None:
    """A coordinator that tells its address, and its memory when asked."""
    limits.__dict__["PING_SECONDS"] = 600.0  # idle means idle

    async def main() -> None:
        server = Coordinator(identity.load("coordinator", keys))
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(server.serve("127.0.0.1:0", pipe.send))
            while await asyncio.to_thread(pipe.recv):
                pipe.send((psutil.Process().memory_info().rss, server.statistics().members))
            task.cancel()

    asyncio.run(main())


def crowd(keys: Path, address: str, pin: bytes, count: int, rooms: int, pipe: Pipe) -> None:
    """`count` parties that join and stay, 32 at a time."""

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    async def one(network: Network, me: identity.Identity, number: int) -> relay.Relay:
        party = await relay.connect(address, pin, Contexts(me), network, Others())
        await party.join((number % rooms).to_bytes(32, "big"), 60)
        return party

    async def main() -> None:
        network = SystemNetwork(spin=0)
        some = [identity.create(f"party{n}", keys) for n in range(count)]
        pipe.send("ready")
        await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
        started = time.perf_counter()
        gate = asyncio.Semaphore(32)

        async def gated(number: int) -> relay.Relay:
            async with gate:
                return await one(network, some[number], number)

        parties = await asyncio.gather(*(gated(number) for number in range(count)))
        pipe.send(time.perf_counter() - started)
        await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
        await asyncio.gather(*(party.close() for party in parties))

    asyncio.run(main())


def talker(
    keys: Path,
    address: str,
    pin: bytes,
    me: str,
    peer: str,
    pin_of_peer: bytes,
    size: int,
    barrier: Barrier,
    pipe: Pipe,
    sends: bool,
) -> None:
    """One end of a pair: sends, or receives, one vector of `size` words over TLS inside TLS."""

    async def main() -> None:
        network = SystemNetwork()
        others, own = Others(), Contexts(identity.load(me, keys))
        party = await relay.connect(address, pin, own, network, others)
        await party.join(min(me, peer).encode().ljust(32))
        carrier = await others.arrived.get()
        link = SecureLink(carrier, own, server=sends, admit=pinned(peer, pin_of_peer))
        await link.open()
        vector = np.arange(size, dtype="<u8")
        barrier.wait()
        started = time.perf_counter()
        if sends:
            link.write(*vectors.pack(Step(1), vector))
            await link.read(vectors.unpack(Step(1), words(1)))
        else:
            received = await link.read(vectors.unpack(Step(1), words(size)))
            assert received[-1] == size - 1
            link.write(*vectors.pack(Step(1), vector[:1]))
            await link.drain()
        pipe.send(time.perf_counter() - started)
        await link.close()
        await party.close()

    asyncio.run(main())


def throughput(keys: Path, address: str, pin: bytes, pairs: int, size: int) -> float:
    """Megabytes per second of `pairs` pairs together."""
    barrier, pipes, processes = spawn.Barrier(2 * pairs), [], []
    for _ in range(pairs):
        pair_name = secrets.token_hex(4)
        names = [pair_name + end for end in "ab"]
        pins = [identity.create(name, keys).fingerprint for name in names]
        for end in (0, 1):
            ours, theirs = spawn.Pipe()
            pipes.append(ours)
            processes.append(spawn.Process(daemon=True, target=talker, args=(
                keys, address, pin, names[end], names[1 - end], pins[1 - end], size, barrier,
                theirs, end == 0,
            )))  # fmt: skip
            processes[-1].start()
    seconds = max(pipe.recv() for pipe in pipes)
    for process in processes:
        process.join()
    return pairs * size * 8 / seconds / 1e6


def ask(pipe: Pipe) -> tuple[int, int]:
    """The coordinator's resident memory, and its members."""
    pipe.send(True)
    answer: tuple[int, int] = pipe.recv()
    return answer


def main(count: int, megabytes: int, runs: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        keys = Path(directory)
        pin = identity.create("coordinator", keys).fingerprint
        ours, theirs = spawn.Pipe()
        process = spawn.Process(daemon=True, target=coordinator, args=(keys, theirs))
        process.start()
        address = ours.recv()
        figures: dict[str, float] = {"connections": count, "megabytes": megabytes}
        figures.update(idle(keys, address, pin, count, ours))
        for pairs in (1, 2):
            rates = [throughput(keys, address, pin, pairs, megabytes * 125_000)
                     for _ in range(runs)]  # fmt: skip
            figures[f"relayed_mb_s_{pairs}_pairs"] = round(statistics.median(rates), 1)
        figures["rss_mib_after_all"] = round(ask(ours)[0] / 2**20, 1)
        ours.send(False)
        process.join()
    print(json.dumps(figures))


def idle(keys: Path, address: str, pin: bytes, count: int, ours: Pipe) -> dict[str, float]:
    """What `count` parties cost that join 50 rooms and say nothing."""
    mine, its = spawn.Pipe()
    many = spawn.Process(daemon=True, target=crowd, args=(keys, address, pin, count, 50, its))
    many.start()
    mine.recv()
    before, _ = ask(ours)
    mine.send("go")
    seconds = mine.recv()
    after, members = ask(ours)
    assert members == count
    mine.send("end")
    many.join()
    return {
        "join_seconds": round(seconds, 3),
        "idle_kib_per_connection": round((after - before) / count / 1024, 1),
        "rss_mib_before": round(before / 2**20, 1),
        "rss_mib_with_all": round(after / 2**20, 1),
    }


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    main(*(arguments + [1000, 160, 3][len(arguments) :]))
