"""No callback of the event loop is long, however long the vectors: links are served throughout."""

import asyncio
import os
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from portions import portioned

from ostraka import manifest
from ostraka.arithmetic.randomness import OsDraw
from ostraka.cli.bench_cases import ENGINE_CASES
from ostraka.delivery.party import Party
from ostraka.engine.array import SecretArray
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir.backend import start, start_active
from ostraka.home import own_ledger
from ostraka.inputs import reading
from ostraka.progress import Observer, Phase, Progress
from ostraka.record.journal_store import RecordStore
from ostraka.sharing.shamir import Shamir

MOST = 0.1
"""Seconds of one callback."""

SHARINGS = {"additive": 'scheme = "additive"', "shamir": 'scheme = "shamir"\nthreshold = 1'}
by_scheme = pytest.mark.parametrize("sharing", portioned(["shamir"], ["additive"]))


def as_text(numbers, manifest):
    """The numbers as `run --input FILE` reads them from lines of text."""
    content = "\n".join(map(str, numbers.tolist())).encode()
    return reading.parse_input(content, manifest.input, "x.txt")


async def run(office, watchdog, sharing, length, *, texts):
    """A session over `length` numbers from each party; `texts` parties have them in text."""
    options = {"sharing": SHARINGS[sharing], "deadline": 60.0, "timeout": 60.0}
    manifest = office.manifest(length=length, **options)
    numbers = np.arange(length) % 1000
    inputs = [as_text(numbers, manifest) if i < texts else numbers for i in range(3)]
    seats = [office.seat(manifest, name) for name in manifest.parties]
    runs = (seat.run(x) for seat, x in zip(seats, inputs, strict=True))
    with watchdog.watching():
        found = await asyncio.gather(*runs)
    for outcome in found:
        (sums,) = outcome.outputs[0].parts
        assert np.array_equal(sums, 3 * numbers)


@by_scheme
async def test_callbacks_are_short_with_many_lines_of_text(office, watchdog, sharing):
    await run(office, watchdog, sharing, 400_000, texts=2)
    assert watchdog.longest < MOST, watchdog.where


@by_scheme
async def test_no_disk_is_waited_for_while_links_are_open(office, tmp_path, monkeypatch, sharing):
    """Ledgers and records wait for their disk, and for locks, in threads: links are served."""
    manifest = office.manifest(sharing=SHARINGS[sharing])
    on_loop, fsync, open_links = [], os.fsync, set()

    def noting(descriptor):
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if len(open_links) == 3 and threading.current_thread() is threading.main_thread():
            on_loop.append(path.name)
        fsync(descriptor)

    class Watching(Observer):
        def __init__(self, name):
            self.name = name

        def phase(self, phase):
            (open_links.discard if phase is Phase.DONE else open_links.add)(self.name)

    def seat(name):
        own, home = office.identity(name), tmp_path / name
        home.mkdir()
        ledger = partial(own_ledger, own, home)
        records = RecordStore(home / "sessions", own, 3600.0)
        return replace(office.seat(manifest, name), open_ledger=ledger, records=records)

    monkeypatch.setattr(os, "fsync", noting)
    seats = [seat(name) for name in manifest.parties]
    runs = (seat.run(1, Progress(Watching(seat.me))) for seat in seats)
    found = await asyncio.gather(*runs)
    assert {outcome.outputs[0].value for outcome in found} == {3}
    assert on_loop == []


@pytest.mark.slow
@by_scheme
async def test_callbacks_are_short_with_ten_million_elements(office, watchdog, sharing):
    await run(office, watchdog, sharing, 10_000_000, texts=0)
    assert watchdog.longest < MOST, watchdog.where


@pytest.mark.slow
@by_scheme
async def test_callbacks_are_short_with_four_million_lines_of_text(office, watchdog, sharing):
    await run(office, watchdog, sharing, 4_000_000, texts=3)
    assert watchdog.longest < MOST, watchdog.where


slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("case", "size", "n", "security"),
    [
        ("compare", 2_000, 3, "active"),
        ("matmul", 400, 3, "passive"),
        pytest.param("compare", 2_000_000, 3, "passive", marks=slow),
        pytest.param("compare", 400_000, 5, "passive", marks=slow),
        pytest.param("compare", 300_000, 3, "active", marks=slow),
        pytest.param("mul", 5_000_000, 3, "passive", marks=slow),
        pytest.param("mul", 3_000_000, 5, "passive", marks=slow),
        pytest.param("mul", 2_000_000, 3, "active", marks=slow),
        pytest.param("sort", 10_000, 3, "passive", marks=slow),
        pytest.param("sort", 3_000, 3, "active", marks=slow),
        pytest.param("matmul", 1_000, 3, "passive", marks=slow),
        pytest.param("matmul", 500, 3, "active", marks=slow),
        pytest.param("threshold", 500_000, 3, "passive", marks=slow),
        pytest.param("truncate", 500_000, 3, "passive", marks=slow),
        pytest.param("decompose", 50_000, 3, "passive", marks=slow),
        pytest.param("reveal", 5_000_000, 3, "passive", marks=slow),
    ],
)
async def test_callbacks_of_operations_are_short(office, watchdog, case, size, n, security):
    """Operations on long arrays, from shares to numbers that are opened."""
    names = ("alice", "bob", "carlos", "david", "erin")[:n]
    where = office.manifest(names, sharing=SHARINGS["shamir"], deadline=60.0, timeout=300.0)
    sessions = await asyncio.gather(*(office.open(where, name) for name in names))
    begin = start_active if security == "active" else start
    engines = await asyncio.gather(*(begin(_party(each), OsDraw()) for each in sessions))
    cases = await asyncio.gather(*(ENGINE_CASES[case](engine, size) for engine in engines))

    async def run(engine, its):
        result = await its.run()
        await engine.prove()
        return await reveal(result) if isinstance(result, SecretArray) else result

    with watchdog.watching():
        found = await asyncio.gather(*map(run, engines, cases))
    await asyncio.gather(*(session.close() for session in sessions))
    assert all(np.array_equal(opened, cases[0].expected) for opened in found)
    assert watchdog.longest < MOST, watchdog.where


def _party(session):
    names = session.manifest.compute
    return Party(session, Shamir(names, names, (len(names) - 1) // 2))


ALL = '"contributor", "compute", "recipient"'


async def of_protocol(
    office, watchdog, protocol, of_input, outputs, make, *, owners=3, security="passive"
):
    """A session of three parties, of whom so many contribute; returns the first's outcome."""
    roles = {name: ALL if i < owners else ALL[15:] for i, name in enumerate(NAMES)}
    parsed = manifest.parse(
        f'[session]\ntitle = "t"\nprotocol = "{protocol}"\ndeadline = "60s"\ntimeout = "300s"\n'
        f"{office.tables(roles)}[input]\n{of_input}\n[outputs]\n{outputs}\n"
        f'[sharing]\nscheme = "shamir"\nthreshold = 1\nsecurity = "{security}"\n'
    )
    seats = [office.seat(parsed, name) for name in NAMES]
    inputs = [make(i) if seat.contributes else None for i, seat in enumerate(seats)]
    with watchdog.watching():
        found, *_ = await asyncio.gather(*map(lambda seat, x: seat.run(x), seats, inputs))
    assert watchdog.longest < MOST, watchdog.where
    return found


NAMES = ("alice", "bob", "carlos")


@pytest.mark.parametrize("length", [*portioned([], [100_000]), pytest.param(400_000, marks=slow)])
async def test_callbacks_of_statistics_are_short(office, watchdog, length):
    def rows(i):
        return np.arange(length) * (i + 7) % 1000

    numbers = f'type = "int"\nlength = {length}\nmin = 0\nmax = 1000000'
    asked = 'statistics = ["median"]'
    found = await of_protocol(office, watchdog, "statistics", numbers, asked, rows)
    (medians,) = found.outputs[0].parts
    assert np.array_equal(medians, np.median([rows(i) for i in range(3)], axis=0))


@slow
@pytest.mark.parametrize(("length", "checked"), [(250_000, "true"), (5_000_000, "false")])
async def test_callbacks_of_inner_products_are_short(office, watchdog, length, checked):
    x = np.arange(length) % 1000
    numbers = f'type = "int"\nlength = {length}\nmin = 0\nmax = 1000'
    asked = f"checked = {checked}"
    protocol = "inner-product"
    found = await of_protocol(
        office, watchdog, protocol, numbers, asked, lambda _: x.copy(), owners=2
    )
    assert found.value("inner-product") == int(x @ x)


@pytest.mark.parametrize(
    ("length", "security"),
    [
        *portioned([], [(30_000, "passive")]),
        pytest.param(300_000, "passive", marks=slow),
        pytest.param(100_000, "active", marks=slow),
    ],
)
async def test_callbacks_of_votes_are_short(office, watchdog, length, security):
    def ballots(i):
        return np.arange(length) % 4 > i

    questions = f'type = "bool"\nlength = {length}'
    asked = 'pass_at = "1/2"'
    found = await of_protocol(
        office, watchdog, "threshold-vote", questions, asked, ballots, security=security
    )
    (passed,) = found.outputs[0].parts
    assert np.array_equal(passed, np.arange(length) % 4 >= 2)


async def test_callbacks_of_tables_are_short(office, watchdog, side=16):
    """The most cells there may be, with a rule whose pattern of withheld cells is searched for."""
    cells = np.arange(side * side) * 7 % 1000
    names = [[f"{kind}{k}" for k in range(side)] for kind in ("row", "column")]
    outputs = f"rows = {names[0]}\ncolumns = {names[1]}\n[policy]\nmin_cell = 2"
    numbers = f'type = "int"\nlength = {side * side}\nmin = 0\nmax = 1000'
    found = await of_protocol(
        office, watchdog, "table", numbers, outputs.replace("'", '"'), lambda _: cells.copy()
    )
    assert found.outputs


def test_a_watchdog_sees_a_long_callback(watchdog):
    async def busy():
        await asyncio.sleep(0)
        sum(range(3_000_000))

    with watchdog.watching():
        asyncio.run(busy())
    assert watchdog.longest > 0.01
