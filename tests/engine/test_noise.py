"""Noise that parties deal: one round, its law, what it sends, and parties that deal too much."""

import asyncio
from fractions import Fraction

import numpy as np
import pytest

from ostraka.engine.noise import add_noise
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir.backend import start, start_active
from ostraka.errors import PeerViolation
from ostraka.noise.shares import LaplaceShares, Sensitivity


def test_noise_comes_on_top_and_has_the_law_of_all_shares(together, size):
    """Variance n / h times 2 a / (1 - a)^2; the mean is what was there."""
    n, t = size
    d, scale = 20_000, 4.0
    noise = LaplaceShares(Fraction(1, 4), Sensitivity(1, 1, d), n - t)
    x = np.arange(d).reshape(2, -1) % 7

    async def program(engine):
        secret = await engine.share(0, x, x.shape)
        before = engine.counters.rounds
        noisy = await add_noise(secret, noise)
        assert engine.counters.rounds == before + 1
        return await reveal(noisy)

    results, _ = asyncio.run(together(n, t, program))
    assert all(np.array_equal(found, results[0]) for found in results)
    drawn = (results[0] - x).ravel()
    a = np.exp(-1 / scale)
    variance = n / (n - t) * 2 * a / (1 - a) ** 2
    assert abs(drawn.mean()) < 4 * np.sqrt(variance / d)
    assert 0.93 < drawn.var() / variance < 1.07
    assert np.mean(np.abs(drawn) <= noise.within(n)) > 0.945


def test_every_party_sends_an_element_to_those_without_a_stream(together):
    """n - t - 1 of them: the same bytes whatever the noise."""
    noise = LaplaceShares(Fraction(1), Sensitivity(1, 1, 100), 3)

    async def program(engine):
        before = engine.counters.bytes
        await add_noise(engine.public(np.zeros(100, np.int64)), noise)
        return engine.counters.bytes - before

    results, _ = asyncio.run(together(5, 2, program))
    assert results == [8 * 100 * 2] * 5


def dealing(together, lie, begin):
    """What each of three parties ends with when the last one deals `lie` as its noise."""
    noise = LaplaceShares(Fraction(1), Sensitivity(2, 2, 4), 2)
    lying = LaplaceShares(Fraction(1), Sensitivity(2, 2, 4), 2)
    lying.draw = lambda stream: np.array([0, lie, 0, 0])

    async def program(engine):
        try:
            mine = lying if engine.me == 2 else noise
            return await reveal(await add_noise(engine.public(np.zeros(4, np.int64)), mine))
        except PeerViolation as violation:
            return violation

    return asyncio.run(together(3, 1, program, begin=begin))[0]


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("excess", [1, 10**6, 1 << 59])
def test_noise_larger_than_any_is_found_with_active_security(together, sign, excess):
    bound = LaplaceShares(Fraction(1), Sensitivity(2, 2, 4), 2).share.bound
    found = dealing(together, sign * (bound + excess), start_active)
    assert all(isinstance(result, PeerViolation) for result in found)
    assert {result.peer for result in found} == {"p2"}


def test_the_largest_noise_there_is_goes_unnoticed_as_is_said(together):
    bound = LaplaceShares(Fraction(1), Sensitivity(2, 2, 4), 2).share.bound
    found = dealing(together, bound, start_active)
    assert abs(found[0][1] - bound) < bound
    found = dealing(together, 1000 * bound, start)  # passive: nobody looks
    assert abs(found[0][1] - 1000 * bound) < bound
