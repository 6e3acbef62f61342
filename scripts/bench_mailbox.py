"""Measure a mailbox: uploads a second, fetching, memory.

    python scripts/bench_mailbox.py [--reports 5000] [--store postgresql://...] [--at-once 64]

A process serves an invited collection of one-hot reports of 24 for three compute parties; this one
writes the reports first, then leaves them over connections that stay open, and fetches them once
for each compute party. Client and mailbox share the machine. Processor time is told for each, as
other work on the machine does not change it much.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "mailbox"))
from scene import COMPUTE, Collecting, Place

from ostraka.coordinator.operation import Operation
from ostraka.coordinator.settings import Settings
from ostraka.mailbox.settings import MailboxSettings


def serve(its: Collecting, store: str, directory: Path, channel) -> None:
    """Run the mailbox until told to end; then tell its processor time and memory."""

    async def main() -> None:
        box = MailboxSettings(
            "127.0.0.1:0", store, only=True, at_once=10**9, a_second=1e8, directory=directory
        )
        operation = Operation(Settings(mailbox=box, level="error"), its.people["coordinator"])
        task = asyncio.get_running_loop().create_task(operation.run(channel.send))
        await asyncio.to_thread(channel.recv)
        used = resource.getrusage(resource.RUSAGE_SELF)
        channel.send((used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


async def upload(address: str, its: Collecting, reports: list[tuple[bytes, bytes]]) -> None:
    """Leave reports over one connection, one after the other."""
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    for octets, digest in reports:
        path = f"/v1/collections/{its.id.hex()}/reports/{digest.hex()}"
        head = f"PUT {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(octets)}\r\n\r\n"
        writer.write(head.encode() + octets)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(answer.split("content-length: ")[1].split("\r\n")[0])
        body = await reader.readexactly(length)
        if " 200 " not in answer:
            raise SystemExit(body)
    writer.close()


async def measure(address: str, its: Collecting, reports, at_once: int) -> None:
    place = Place(its, None, None, f"http://{address}")
    await place.open()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for first in range(at_once):
            tasks.create_task(upload(address, its, reports[first::at_once]))
    seconds = time.perf_counter() - began
    size, each = len(reports[0][0]), len(reports) / seconds
    print(f"uploads: {len(reports)} of {size} bytes in {seconds:.2f} s, {each:.0f}/s")
    began, octets, count = time.perf_counter(), 0, 0
    for name in COMPUTE:
        async for block in place.client(name).fetch(name):
            octets += sum(len(one.view) for one in block)
            count += len(block)
    seconds = time.perf_counter() - began
    rate, megabytes = count / seconds, octets / seconds / 1e6
    print(f"fetches: {count} views in {seconds:.2f} s, {rate:.0f}/s, {megabytes:.1f} MB/s")
    for client in place.clients:
        client.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=int, default=5000)
    parser.add_argument("--store", default="sqlite:reports.db")
    parser.add_argument("--at-once", type=int, default=64)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        its = Collecting(Path(directory) / "keys", size=given.reports, length=24)
        began = time.perf_counter()
        reports = [its.report(number) for number in range(given.reports)]
        each = (time.perf_counter() - began) / given.reports
        print(f"writing: {1e6 * each:.0f} us a report")
        here, there = get_context("fork").Pipe()
        arguments = its, given.store, Path(directory), there
        child = get_context("fork").Process(target=serve, args=arguments)
        child.start()
        before = os.times()
        asyncio.run(measure(here.recv(), its, reports, given.at_once))
        after = os.times()
        here.send(None)
        cpu, memory = here.recv()
        print(
            f"mailbox: {1e6 * cpu / given.reports:.0f} us of processor a report, {memory:.0f} MiB"
        )
        own = after.user + after.system - before.user - before.system
        print(f"client: {1e6 * own / given.reports:.0f} us of processor a report")
        child.join()


if __name__ == "__main__":
    main()
