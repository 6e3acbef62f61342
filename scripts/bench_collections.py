#!/usr/bin/env python3
"""Times the closing of a collection: from the last report to the result, and its parts.

    scripts/bench_collections.py [--reports 10000] [--options 24] [--workers 1] [--active] [--open]
    scripts/bench_collections.py --reports 1000 --length 100000     # updates with a bounded L2 norm

Reports are one-hot vectors, or updates, made by this process first. Then three compute parties,
each a process of its own on this machine, close the collection over loopback TLS; the mailbox is a
file for each, so the time of fetching is that of reading, checking and writing it. Times are of the
slowest party.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import socket
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from ostraka import config, identity
from ostraka.arithmetic.randomness import OsDraw
from ostraka.collecting import Collector
from ostraka.collection.closing import ReportAgreement
from ostraka.collection.credentials import Credential, CredentialRoster, SigningKey
from ostraka.collection.holdings import Holdings
from ostraka.collection.orders import write_publication
from ostraka.collection.report import read_report, write_report
from ostraka.collection.sealing import SealingSuite
from ostraka.collection.shape import Shape
from ostraka.collection.terms import Terms
from ostraka.errors import Temporary
from ostraka.identity import fingerprint_text
from ostraka.mailbox.bodies import Fetched, read_records, write_record
from ostraka.manifest import writing
from ostraka.names import PartyId
from ostraka.party import Seat
from ostraka.progress import Observer, Progress
from ostraka.protocols.computing import Computing
from ostraka.transport.tcp import SystemNetwork

NAMES: Final = ("c1", "c2", "c3")
BLOCK: Final = 2000


def main() -> int:
    """Make the reports, close the collection in three processes, print the figures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--reports", type=int, default=10_000)
    asked.add_argument("--options", type=int, default=24)
    asked.add_argument("--length", type=int, help="numbers of an update, in place of options")
    asked.add_argument("--workers", type=int, default=1, help="of each compute party")
    asked.add_argument("--active", action="store_true")
    asked.add_argument("--open", action="store_true", help="no invitations, and local noise")
    asked.add_argument("--hybrid", action="store_true", help="sealed with ML-KEM-768, too")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        found = measure(Path(directory), given)
    for name, value in found.items():
        print(f"{name:28} {value}")
    return 0


def measure(home: Path, given: argparse.Namespace) -> dict[str, str]:
    """Return the figures by name."""
    own = {name: identity.create(name, home) for name in (*NAMES, "organiser")}
    keys = [SigningKey.of_credential(os.urandom(16)) for _ in range(given.reports)]
    roster = CredentialRoster(tuple(Credential(key.public) for key in keys))
    toml = _manifest(given, own, roster)
    (home / "poll.toml").write_text(toml)
    protocol = config.bind(home / "poll.toml")
    (home / "published").write_bytes(
        write_publication(
            b"" if given.open else roster.write(), protocol.manifest.digest, own["organiser"]
        )
    )
    asyncio.run(_accept(home, protocol))
    begun = time.perf_counter()
    suite = SealingSuite.HYBRID if given.hybrid else SealingSuite.CLASSIC
    sizes = _write_reports(home, keys, given.open, suite, 10 if given.length else BLOCK)
    made = time.perf_counter() - begun
    spawn = get_context("spawn")
    begun = time.perf_counter()
    with ProcessPoolExecutor(len(NAMES), spawn) as pool:
        parties = list(pool.map(_close, [home] * 3, NAMES, [given.workers] * 3))
    took = time.perf_counter() - begun
    slowest: dict[str, float] = defaultdict(float)
    for timed, _, _ in parties:
        for part, seconds in timed.items():
            slowest[part] = max(slowest[part], seconds)
    whole = slowest.pop("close to result")
    return {
        "reports": f"{given.reports:,} of {given.length or given.options} elements",
        "write and sign": f"{made * 1e3 / given.reports * _cores():.2f} ms each, on one core",
        "bytes of a report": f"{sizes[0]}, {sizes[1]} for a compute party at most",
        "close to result": f"{whole:.1f} s",
        **{f"  {part}": f"{seconds:.1f} s" for part, seconds in slowest.items()},
        "processor time": f"{sum(cpu for _, cpu, _ in parties):.0f} s, all parties and workers",
        "memory": f"{max(memory for _, _, memory in parties)} MiB, of the largest party",
        "three processes, in all": f"{took:.1f} s",
    }


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _manifest(
    given: argparse.Namespace, own: dict[str, identity.Identity], roster: CredentialRoster
) -> str:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in NAMES]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    options = ", ".join(f'"{i}"' for i in range(given.options))
    noise = {"mechanism": "randomized-response", "epsilon": writing.Bare("4")}
    tables: dict[str, Any] = {
        "session": {
            "title": "Bench",
            "protocol": "secure-sum",
            "deadline": "30m",
            "timeout": "10m",
        },
        "input": _update(given.length) if given.length else {"type": f"choice([{options}])"},
        "outputs": {"statistics": ["sum" if given.length else "histogram"]},
        "sharing": {
            "scheme": "shamir",
            "threshold": 1,
            "security": "active" if given.active else "passive",
        },
        "policy": {"min_contributors": 2},
        **({"privacy": {"local": noise}} if given.open else {}),
        **({"privacy": _clipped()} if given.length else {}),
        "collection": {
            "from": "open" if given.open else "invited",
            "organiser": fingerprint_text(own["organiser"].fingerprint),
            "roster": None if given.open else fingerprint_text(roster.digest),
            "size": None if given.open else given.reports,
            "max_reports": given.reports if given.open else None,
            "closes": "2026-01-01T00:00:00Z",
            "mailbox": "http://127.0.0.1:1",
        },
    }
    parties = [
        {
            "name": name,
            "key": fingerprint_text(own[name].fingerprint),
            "roles": ["compute", "recipient"],
            "address": address,
        }
        for name, address in zip(NAMES, addresses, strict=True)
    ]
    return writing.write_manifest(tables, parties)


def _clipped() -> dict[str, Any]:
    numbers = {"epsilon": writing.Bare("1"), "delta": writing.Bare("1e-6")}
    return {
        "central": {"mechanism": "discrete-gaussian", **numbers},
        "clip": {"norm": "l2", "at": 1000},
    }


def _update(length: int) -> dict[str, Any]:
    return {"type": "int", "length": length, "min": -1000, "max": 1000}


class FileInbox:
    """Mailbox that is files in a directory."""

    def __init__(self, home: Path) -> None:
        self._home = home

    async def status(self) -> Any:
        found = {n: self._home / f"{n}.statement" for n in NAMES}
        statements = {n: p.read_bytes() for n, p in found.items() if p.exists()}
        return argparse.Namespace(closes=0, state="closing", statements=statements)

    async def publication(self) -> bytes:
        return (self._home / "published").read_bytes()

    async def revocations(self) -> bytes | None:
        return None

    async def close_order(self) -> bytes | None:
        return None

    async def fetch(self, party: str, after: int = 0) -> AsyncIterator[list[Fetched]]:
        for path in sorted(self._home.glob(f"{party}.*.reports")):
            yield [each for each in read_records(path.read_bytes()) if each.position > after]

    async def put_statement(self, party: str, octets: bytes) -> None:
        (self._home / f"{party}.statement").write_bytes(octets)

    async def put_agreed(self, party: str, octets: bytes) -> None:
        pass

    async def put_receipt(self, party: str, octets: bytes) -> None:
        pass


async def _accept(home: Path, protocol: Any) -> None:
    for name in NAMES:
        collector = Collector(home / name, lambda *_: FileInbox(home), now=lambda: 0.0)
        with suppress(Temporary):
            own = identity.load(name, home)
            await collector.begin(protocol, PartyId(name), own, Observer())


def _write_reports(
    home: Path, keys: list[SigningKey], open_to_all: bool, suite: SealingSuite, block: int
) -> tuple[int, int]:
    """Write the files of the mailbox; return the bytes of a report, and of the longest view."""
    starts = range(0, len(keys), block)
    jobs = ((home, i, keys[i : i + block], open_to_all, suite) for i in starts)
    with ProcessPoolExecutor(_cores(), get_context("spawn")) as pool:
        first, *_ = pool.map(_write_block, *zip(*jobs, strict=True))
        return first


def _write_block(
    home: Path, start: int, keys: list[SigningKey], open_to_all: bool, suite: SealingSuite
) -> tuple[int, int]:
    protocol = config.bind(home / "poll.toml")
    shape = Shape.of(protocol)
    statements = [(home / f"{name}.statement").read_bytes() for name in NAMES]
    published = (home / "published").read_bytes()
    roster = None if open_to_all else published[-36 * shape.size :]
    terms = Terms.read(shape, statements, roster)
    place, draw, longest, size = protocol.manifest.contributors[0], OsDraw(), 0, 0
    options = getattr(protocol.manifest.input.type, "options", None)
    update = None if options else [1, -1] * (protocol.manifest.input.length // 2)
    records: dict[str, list[bytes]] = {name: [] for name in NAMES}
    for i, key in enumerate(keys, start):
        raw = options[i % len(options)] if options else update
        x = protocol.with_noise(protocol.encode(place, raw), place, draw)
        split = protocol.share(x, place, draw)
        parcels = [protocol.scheme.message(split[name]).tobytes() for name in shape.compute]
        octets = write_report(
            terms,
            parcels,
            SigningKey(os.urandom(32)),
            draw,
            credential=None if open_to_all else (i, key),
            suite=suite,
        )
        report, size = read_report(octets, terms), len(octets)
        for at, name in enumerate(NAMES):
            view = report.view(at)
            longest = max(longest, len(view))
            records[name].append(write_record(i + 1, 1, view))
    del report
    for name, parts in records.items():
        end = write_record(start + len(keys), 0, b"")
        (home / f"{name}.{start:09}.reports").write_bytes(b"".join(parts) + end)
    return size, longest


def _close(home: Path, name: str, workers: int) -> tuple[dict[str, float], float, int]:
    """Close the collection as one party; return seconds by part, processor time, and MiB."""
    timed: dict[str, float] = {}
    for part, of, method in (
        ("fetch", Holdings, "fetch"),
        ("signatures and opening", Holdings, "open"),
        ("agreement", ReportAgreement, "reach"),
        ("parcels", Computing, "collect"),
        ("validity and sum", Computing, "compute"),
    ):
        setattr(of, method, _timing(timed, part, getattr(of, method)))
    own = identity.load(name, home)
    collector = Collector(home / name, lambda *_: FileInbox(home), workers)
    network: Callable[[], Any] = SystemNetwork
    protocol = config.bind(home / "poll.toml")
    seat = Seat(protocol, own, PartyId(name), home, network=network, collector=collector)
    begun = time.perf_counter()
    outcome = asyncio.run(seat.run(None, Progress(_Told(name))))
    timed["close to result"] = time.perf_counter() - begun
    if len(outcome.contributors) != protocol.manifest.collection.places_count:  # type: ignore[union-attr]
        raise SystemExit(f"only {len(outcome.contributors)} reports were counted")
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return timed, sum(u.ru_utime + u.ru_stime for u in used), used[0].ru_maxrss // 1024


class _Told(Observer):
    def __init__(self, name: str) -> None:
        self.name = name

    def warn(self, text: str) -> None:
        print(json.dumps({self.name: text}), file=sys.stderr)


def _timing(
    timed: dict[str, float], part: str, work: Callable[..., Awaitable[Any]]
) -> Callable[..., Awaitable[Any]]:
    async def timing(*given: Any) -> Any:
        begun = time.perf_counter()
        try:
            return await work(*given)
        finally:
            timed[part] = timed.get(part, 0.0) + time.perf_counter() - begun

    return timing


if __name__ == "__main__":
    sys.exit(main())
