import numpy as np
import pytest

from ostraka.engine.bits import random_bits
from ostraka.engine.choose import argmax, largest, maximum, minimum, select
from ostraka.engine.reveal import reveal

X = np.array(
    [[3, -7, 3, 2**58, 2**58, 0, -1], [0, 0, 0, 0, 0, 0, 0], [-(2**58), 5, 4, 5, 5, -5, 2**57]]
)


async def test_choosing_is_numpys(together, size):
    async def program(engine):
        x = await engine.share(0, X, X.shape)
        c = await engine.share(1, X[0] > 2, (7,))
        words = [
            await select(c, x[1], x[2]),
            await select(c, x, 9),
            await minimum(x),
            await maximum(x, axis=0),
            await argmax(x),
            await argmax(x, axis=0),
            await maximum(x.reshape(3, 7, 1), axis=1),
            await argmax(x[0, :1]),
            *await largest(x[0]),
        ]
        return [await reveal(word) for word in words]

    chosen = X[0] > 2
    expected = [
        np.where(chosen, X[1], X[2]),
        np.where(chosen, X, 9),
        X.min(axis=-1),
        X.max(axis=0),
        X.argmax(axis=-1),
        X.argmax(axis=0),
        X.reshape(3, 7, 1).max(axis=1),
        0,
        X[0].max(),
        X[0].argmax(),
    ]
    for results in (await together(*size, program))[0]:
        for result, value in zip(results, expected, strict=True):
            assert result.shape == np.shape(value)
            assert np.array_equal(result, value)


async def test_the_largest_of_nothing_is_refused(together):
    async def program(engine):
        for x in (engine.public([]), engine.public(1)):
            with pytest.raises(ValueError, match="of nothing"):
                await maximum(x)

    await together(3, 1, program)


async def test_random_bits_are_fair_and_the_same_for_everybody(together, size):
    async def program(engine):
        bits = await random_bits(engine, (50, 40))
        return await reveal(bits), await reveal(await random_bits(engine, (50, 40)))

    results, _ = await together(*size, program)
    for first, second in results:
        assert np.array_equal(first, results[0][0])
        assert set(np.unique(first).tolist()) == {0, 1}
        assert 900 < first.sum() < 1100  # 4.5 sigma, and a fixed seed
        assert 900 < (first ^ second).sum() < 1100
