"""Time of writing, checking and opening of reports: `python scripts/bench_reports.py [COUNT]`.

One-hot answers of 24, three compute parties; processor seconds, as other programs run, and seconds
by the clock with worker processes.
"""

import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from ostraka.arithmetic.randomness import OsDraw
from ostraka.collection.credentials import SigningKey
from ostraka.collection.opening import Examined, Opener
from ostraka.collection.report import read_report, write_report
from ostraka.collection.sealing import SealingSuite
from ostraka.collection.terms import Terms

if (here := str(Path(__file__).resolve().parent)) not in sys.path:
    sys.path.insert(0, here)

import vectors_collection as made

PARCELS = (bytes(32), bytes(8 * 24), bytes(8 * 24))
BLOCK = 250


def terms() -> Terms:
    shape = replace(made.shape(), lengths=tuple(map(len, PARCELS)))
    return Terms.read(shape, made.statements(), made.roster().write())


def timed(what: str, given: list, work) -> list:
    """Do the work on each block, and print processor time: of the median block, and the fastest."""
    found, seconds = [], []
    for at in range(0, len(given), BLOCK):
        block, start = given[at : at + BLOCK], time.process_time()
        found += work(block)
        seconds.append((time.process_time() - start) / len(block) * 1e6)
    print(f"  {what:20} {statistics.median(seconds):6.0f} us each, {min(seconds):6.0f} at best")
    return found


def measure(suite: SealingSuite, count: int) -> None:
    at = terms()
    own, credential = SigningKey(bytes(32)), (1, SigningKey.of_credential(made.SECRETS[1]))

    def write(_: object) -> bytes:
        return write_report(at, PARCELS, own, OsDraw(), credential=credential, suite=suite)

    print(f"{suite.name.lower()}, {count} reports")
    octets = timed("write", [None] * count, lambda block: list(map(write, block)))
    reports = timed("read (mailbox)", octets, lambda block: [read_report(o, at) for o in block])
    views = [report.view(1) for report in reports]
    print(f"  {len(octets[0])} bytes a report, {len(views[0])} of it to a compute party")
    opener = Opener(at, 1, made.sealing_key(1))
    timed("check and open", views, opener.read_block)
    timed("with one signature", views, replace(opener, both=False).read_block)
    for workers in (1, 2):
        spread(opener, views, workers)


def spread(opener: Opener, views: list[bytes], workers: int) -> None:
    blocks = [views[i : i + BLOCK] for i in range(0, len(views), BLOCK)]
    with ProcessPoolExecutor(workers, get_context("spawn"), begin, (opener,)) as pool:
        list(pool.map(read_block, blocks[:workers]))
        start = time.perf_counter()
        found = [each for block in pool.map(read_block, blocks) for each in block]
        seconds = time.perf_counter() - start
    assert [each.parcel for each in found if isinstance(each, Examined)] == [PARCELS[1]] * len(
        views
    )
    print(f"  {workers} worker process{'es' * (workers > 1):2}     {seconds:7.2f} s by the clock")


opener_here: list[Opener] = []


def begin(opener: Opener) -> None:
    opener_here[:] = [opener]


def read_block(views: list[bytes]) -> list[object]:
    return list(opener_here[0].read_block(views))


if __name__ == "__main__":
    for suite in SealingSuite:
        measure(suite, int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
