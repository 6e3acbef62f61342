import importlib.util
import random
from pathlib import Path

import numpy as np
import pytest

from ostraka.arithmetic.field import Field
from ostraka.arithmetic.planes import bits_of, planes_of
from ostraka.engine.digits import _shifted, decompose, divide, truncate
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir import boolean
from ostraka.engine.shamir.backend import start_active

_spec = importlib.util.spec_from_file_location("toy", Path(__file__).with_name("toy.py"))
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)

TOP = 2**59
X = np.array([0, 1, -1, 2, -2, 7, -8, 2**16, -(2**16) - 1, TOP - 1, -TOP, TOP // 3, -TOP // 7])


@pytest.mark.parametrize("k", [0, 1, 16, 33, 59])
async def test_truncation_is_pythons_shift(together, size, k):
    async def program(engine):
        x = await engine.share(0, X, X.shape)
        assert (await truncate(x.reshape(1, -1, 1), k)).shape == (1, len(X), 1)
        return await reveal(await truncate(x, k))

    for result in (await together(*size, program))[0]:
        assert np.array_equal(result, X >> k)


async def test_truncation_of_many_random_values(together):
    x = np.random.default_rng(4).integers(-TOP, TOP, (40, 50))

    async def program(engine):
        return await reveal(await truncate(await engine.share(0, x, x.shape), 20))

    assert np.array_equal((await together(3, 1, program))[0][0], x >> 20)


async def test_bits_of_every_value_of_a_tiny_field(together):
    for bits, n, t in ((5, 3, 1), (5, 5, 2), (7, 7, 3)):
        x = np.tile(np.arange(2**bits - 1), 9).reshape(3, -1)

        async def program(engine, x=x, bits=bits):
            secret = await engine.share(0, x, x.shape)
            words = [await decompose(secret, k) for k in (1, 2, bits)]
            return [await reveal(w) for w in words]

        for results in (await together(n, t, program, field=Field(bits)))[0]:
            for k, result in zip((1, 2, bits), results, strict=True):
                assert np.array_equal(result, x[..., None] >> np.arange(k) & 1)


async def test_bits_at_full_size(together, size):
    x = np.array([0, 1, 2**60 - 1, 2**59, 0x123456789ABCDEF])

    async def program(engine):
        secret = await engine.share(1, x, x.shape)
        return await reveal(await decompose(secret, 61)), await reveal(
            await decompose(secret[2], 3)
        )

    for bits, scalar in (await together(*size, program))[0]:
        assert np.array_equal(bits, x[:, None] >> np.arange(61) & 1)
        assert scalar.tolist() == [1, 1, 1]


async def test_division(together, size):
    a, b = (
        np.array([0, 1, 99, 100, 101, 2**40 - 1, 12345]),
        np.array([1, 5, 10, 10, 10, 2**30, 12345]),
    )

    async def program(engine):
        x, y = await engine.share(0, a, a.shape), await engine.share(1, b, b.shape)
        return [
            await reveal(q)
            for q in (
                await divide(x, y, 12),
                await divide(x[:5], 7, 4),
                await divide(x[4], y[:3], 7),
            )
        ]

    for both, public, broad in (await together(*size, program))[0]:
        assert np.array_equal(both, a // b)
        assert np.array_equal(public, a[:5] // 7)
        assert np.array_equal(broad, 101 // b[:3])


async def test_what_cannot_be_asked(together):
    async def program(engine):
        x = engine.public([5])
        for k in (-1, 60):
            with pytest.raises(ValueError, match="from 0 to 59"):
                await truncate(x, k)
        for k in (0, 62):
            with pytest.raises(ValueError, match="bits 1 to 61"):
                await decompose(x, k)
        assert (await truncate(x[:0], 3)).shape == (0,)
        assert (await decompose(x[:0], 3)).shape == (0, 3)

    await together(3, 1, program)


@pytest.mark.parametrize("long", [boolean.LONG, 1])
@pytest.mark.parametrize("k", [1, 20, 59])
async def test_truncation_with_active_security(together, k, long, monkeypatch):
    monkeypatch.setattr(boolean, "LONG", long)

    async def program(engine):
        return await reveal(await truncate(await engine.share(0, X, X.shape), k))

    for result in (await together(3, 1, program, begin=start_active))[0]:
        assert np.array_equal(result, X >> k)


# --- every way in which numbers can add up to x


class Given(toy.Clear):
    """Bits in the clear of numbers that are given."""

    def __init__(self, engine, numbers, *, sparing=False):
        super().__init__(engine, len(numbers[0]))
        self.sparing = sparing
        self.numbers, self.summands = numbers, len(numbers)

    async def operands(self, x, cut=None):
        packed = [cut.pack(number, self.engine.ring.bits) for number in self.numbers]
        return [planes_of(number, cut.rows)[None] for number in packed], None

    async def shifted(self, known, k, planes, weights):
        bits = bits_of(planes[0], self.count).astype(np.int64)
        found = sum((number >> np.uint64(k)).astype(np.int64) for number in self.numbers)
        return self.engine.public(found + (bits * np.array(weights)[:, None]).sum(0))


@pytest.mark.parametrize(("bits", "summands"), [(3, 2), (5, 2), (7, 2), (13, 2), (3, 3), (5, 3)])
async def test_the_wrap_of_every_sum_is_right(bits, summands):
    """Every x, and every A, B (and C) that add up to it: A is never p, the others never zero."""
    engine = toy.ToyBackend(Field(bits), circuits=True)
    p, half = 2**bits - 1, 2 ** (bits - 1)
    ranges = [range(half) if bits < 13 else [0, 1, 2, half // 2, half - 2, half - 1]]
    ranges += [range(1, p + 1)] * (summands - 1)
    x, *others = (v.ravel() for v in np.meshgrid(*ranges, indexing="ij"))
    first = (x - sum(others)) % p
    numbers = [v.astype(np.uint64) for v in (first, *others)]
    for k in range(1, bits - 1):
        for sparing in (False, True):
            given = Given(engine, numbers, sparing=sparing)
            found = await _shifted(given, engine.public(x), k)
            assert np.array_equal((await engine.open(found)).astype(np.int64), x >> k)


async def test_the_wrap_is_right_at_full_size():
    draw = random.Random(5)
    p, half = 2**61 - 1, 2**60
    edges = [0, 1, 2, half - 2, half - 1, half // 2, half // 2 - 1]
    corners = [*edges, half, half + 1, p - 1, p]
    engine = toy.ToyBackend(Field(61), circuits=True)
    for summands in (2, 3):
        x = [draw.choice([draw.choice(edges), draw.randrange(half)]) for _ in range(20_000)]
        others = [
            [max(1, draw.choice([draw.choice(corners), draw.randrange(1, p + 1)])) for _ in x]
            for _ in range(summands - 1)
        ]
        first = [(v - sum(o)) % p for v, *o in zip(x, *others, strict=True)]
        numbers = [np.array(v, np.uint64) for v in (first, *others)]
        for k in (1, 16, 42, 59):
            for sparing in (False, True):
                given = Given(engine, numbers, sparing=sparing)
                found = await _shifted(given, engine.public(x), k)
                assert (await engine.open(found)).tolist() == [v >> k for v in x]
