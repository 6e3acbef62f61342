import numpy as np
import pytest

from ostraka.engine import batches, compare, digits, table
from ostraka.engine.batches import batched
from ostraka.engine.reveal import reveal


@pytest.mark.parametrize("shape", [(), (0,), (7,), (2, 5), (3, 0, 2)])
async def test_parts_come_back_in_the_shape_of_the_whole(together, shape):
    x, sizes = np.arange(np.prod(shape, dtype=int)).reshape(shape), []

    async def program(engine):
        async def each(part):
            sizes.append(part.size)
            return part * 2

        return await reveal(await batched(await engine.share(0, x, x.shape), 3, each))

    (found, *_), _ = await together(3, 1, program)
    assert found.shape == shape
    assert np.array_equal(found, 2 * x)
    assert max(sizes, default=0) <= 3


@pytest.mark.parametrize("n", [3, pytest.param(5, marks=pytest.mark.slow)])
async def test_operations_in_batches_are_those_on_the_whole(together, monkeypatch, n):
    x = np.arange(-9, 12).reshape(3, 7)
    squares = np.stack([np.arange(-9, 12) ** 2, np.arange(21)], axis=1)

    async def program(engine):
        y, rounds = await engine.share(0, x, x.shape), engine.counters.rounds
        found = [
            await compare.less_than_zero(y),
            await compare.equal(y, 4),
            await digits.decompose(y + 9, 5),
            await digits.truncate(y, 2),
            await table.look_up(y, squares, -9),
        ]
        taken = engine.counters.rounds - rounds
        return [await reveal(each) for each in found], taken

    (whole, at_once), *_ = (await together(n, n // 2, program))[0]
    monkeypatch.setattr(batches, "COMPARED", 4)
    monkeypatch.setattr(table, "LOOKED_UP", 200)
    (parts, one_by_one), *_ = (await together(n, n // 2, program))[0]
    bits = (x[..., None] + 9) >> np.arange(5) & 1
    expected = [x < 0, x == 4, bits, x >> 2, squares[x + 9]]
    for at_last, part, wanted in zip(whole, parts, expected, strict=True):
        assert np.array_equal(at_last, wanted)
        assert np.array_equal(part, wanted)
    assert one_by_one > at_once
