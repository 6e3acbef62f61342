"""No callback of the event loop is long, however long the vectors: links are served throughout."""

import asyncio

import numpy as np
import pytest

from ostraka.inputs import reading

MOST = 0.1
"""Seconds of one callback."""

SHARINGS = {"additive": 'scheme = "additive"', "shamir": 'scheme = "shamir"\nthreshold = 1'}
by_scheme = pytest.mark.parametrize("sharing", SHARINGS)


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


def test_a_watchdog_sees_a_long_callback(watchdog):
    async def busy():
        await asyncio.sleep(0)
        sum(range(3_000_000))

    with watchdog.watching():
        asyncio.run(busy())
    assert watchdog.longest > 0.01
