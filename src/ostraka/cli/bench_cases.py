"""Cases of `bench` that are one operation of the engine, from shares to shares.

Inputs are shared beforehand and results are checked afterwards, both outside the time taken: a
figure for a wrong result would be worth nothing.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a party is one core's worth of work

import numpy as np
from numpy.typing import NDArray

from ostraka.engine.array import SecretArray
from ostraka.engine.compare import less_than
from ostraka.engine.digits import decompose, truncate
from ostraka.engine.multiply import matmul, mul
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir.backend import ShamirBackend
from ostraka.engine.sort import shuffle, sort
from ostraka.engine.table import look_up


@dataclass(frozen=True)
class EngineCase:
    """Operation to time, prepared on shared numbers, with the result that it must give.

    Attributes:
        run: performs the operation; returns a secret array, or opened numbers.
        expected: the result in the clear.
    """

    run: Callable[[], Awaitable[SecretArray | NDArray[Any] | None]]
    expected: Any


# --- cases ---------------------------------------------------------------------------------------


async def _mul(engine: ShamirBackend, size: int) -> EngineCase:
    (x, a), (y, b) = [await numbers(engine, 29, size, k) for k in range(2)]
    return EngineCase(lambda: mul(x, y), a * b)


async def _compare(engine: ShamirBackend, size: int) -> EngineCase:
    (x, a), (y, b) = [await numbers(engine, 59, size, k) for k in range(2)]
    return EngineCase(lambda: less_than(x, y), a < b)


async def _sort(engine: ShamirBackend, size: int) -> EngineCase:
    x, a = await numbers(engine, 39, size)
    return EngineCase(lambda: sort(x), np.sort(a))


async def _matmul(engine: ShamirBackend, size: int) -> EngineCase:
    x, a = await numbers(engine, 20, size * size)
    square, expected = x.reshape(size, size), a.reshape(size, size)
    return EngineCase(lambda: matmul(square, square), expected @ expected)


async def _fixed_matmul(engine: ShamirBackend, size: int) -> EngineCase:
    """Prepare a product of square matrices whose numbers have 16 bits behind the point."""
    x, a = await numbers(engine, 20, size * size)
    square, expected = x.reshape(size, size), a.reshape(size, size)

    async def run() -> SecretArray:
        return await truncate(await matmul(square, square), 16)

    return EngineCase(run, expected @ expected >> 16)


async def _fixed_mul(engine: ShamirBackend, size: int) -> EngineCase:
    """Prepare products of numbers that have 16 bits behind the point, exact to the last."""
    (x, a), (y, b) = [await numbers(engine, 29, size, k) for k in range(2)]

    async def run() -> SecretArray:
        return await truncate(await mul(x, y), 16)

    return EngineCase(run, a * b >> 16)


async def _shuffle(engine: ShamirBackend, size: int) -> EngineCase:
    """Prepare shuffling a table of two columns; what comes out is its sum, as rows are secret."""
    x, a = await numbers(engine, 29, 2 * size)

    async def run() -> SecretArray:
        return (await shuffle(x.reshape(2, size))).sum(axis=1)

    return EngineCase(run, a.reshape(2, size).sum(1))


async def _truncate(engine: ShamirBackend, size: int) -> EngineCase:
    x, a = await numbers(engine, 59, size)
    return EngineCase(lambda: truncate(x, 16), a >> 16)


async def _decompose(engine: ShamirBackend, size: int) -> EngineCase:
    """Prepare splitting numbers, shifted to be at least 0, into all their bits."""
    x, a = await numbers(engine, 59, size)
    bits = (a[:, None] + 2**59) >> np.arange(61) & 1
    return EngineCase(lambda: decompose(x + 2**59, 61), bits)


async def _threshold(engine: ShamirBackend, size: int) -> EngineCase:
    """Prepare finding out whether counts of up to twenty votes reach eleven."""
    counts = np.arange(size) % 21
    x, table = await engine.share(0, counts, counts.shape), np.repeat([0, 1], [11, 10])
    return EngineCase(lambda: look_up(x, table), counts >= 11)


async def _reveal(engine: ShamirBackend, size: int) -> EngineCase:
    x, a = await numbers(engine, 59, size)
    return EngineCase(lambda: reveal(x), a)


ENGINE_CASES: Final[dict[str, Callable[[ShamirBackend, int], Awaitable[EngineCase]]]] = {
    "mul": _mul,
    "compare": _compare,
    "sort": _sort,
    "shuffle": _shuffle,
    "matmul": _matmul,
    "fixed-matmul": _fixed_matmul,
    "fixed-mul": _fixed_mul,
    "truncate": _truncate,
    "decompose": _decompose,
    "threshold": _threshold,
    "reveal": _reveal,
}
"""Functions that prepare each case of `bench` that is an operation, by the case's name."""


async def numbers(
    engine: ShamirBackend, bits: int, size: int, owner: int = 0
) -> tuple[SecretArray, NDArray[np.int64]]:
    """Draw numbers below 2^bits in magnitude and share them from the party at place `owner`;
    return the secret array and the numbers."""
    draw = np.random.default_rng(owner)  # noqa: TID251 - public inputs of a benchmark
    numbers = draw.integers(-(2**bits), 2**bits, size)
    return await engine.share(owner, numbers, numbers.shape), numbers
