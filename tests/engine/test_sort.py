from collections import Counter
from math import factorial

import numpy as np
import pytest
from portions import portioned

from ostraka.engine import sort as sorting
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir import shuffle as shuffling
from ostraka.engine.sort import order_of, shuffle, sort, sorted_with, top_k


@pytest.mark.parametrize("k", portioned([0, 1, 65], [2, 3, 64, 300]))
async def test_sorting_is_numpys(together, k):
    x = np.random.default_rng(k).integers(-(2**50), 2**50, k)
    x[: k // 2] = x[: k // 2] % 5

    async def program(engine):
        return await reveal(await sort(await engine.share(0, x, x.shape)))

    for result in (await together(3, 1, program))[0]:
        assert np.array_equal(result, np.sort(x))


async def test_sorting_at_any_number_of_parties_is_stable_and_takes_columns_along(together, size):
    x = np.array([5, -2, 5, 0, -2, 7, 5, 2**40])

    async def program(engine):
        keys = await engine.share(0, x, x.shape)
        values, places = await top_k(keys, 4)
        table = await sorted_with(keys, engine.public(np.arange(8))[None])
        return [(await reveal(r)).tolist() for r in (await sort(keys), table[0], values, places)]

    order = np.argsort(x, kind="stable").tolist()
    expected = [sorted(x.tolist()), order, [2**40, 7, 5, 5], [7, 5, 0, 2]]
    assert (await together(*size, program))[0] == [expected] * size[0]


@pytest.mark.parametrize(
    "runs", [*portioned([120], [300]), pytest.param(600, marks=pytest.mark.slow)]
)
async def test_a_shuffle_is_a_fair_permutation_of_whole_columns(together, runs):
    table = np.array([[0, 1, 2], [10, 11, 12]])

    async def program(engine):
        secret = await engine.share(0, table, table.shape)
        return [await reveal(await shuffle(secret)) for _ in range(runs)]

    results, _ = await together(3, 1, program)
    assert np.array_equal(results[0], results[2])
    assert all(np.array_equal(r[1], r[0] + 10) for r in results[0])
    counts = Counter(tuple(r[0].tolist()) for r in results[0])
    assert len(counts) == 6
    assert sum((c - runs / 6) ** 2 for c in counts.values()) < 20 * runs / 6  # 5 degrees of freedom


@pytest.mark.parametrize(
    ("runs", "k"), [*portioned([(60, 3)], [(120, 4)]), pytest.param(720, 4, marks=pytest.mark.slow)]
)
async def test_the_order_that_is_opened_while_sorting_is_uniform_whatever_the_input(
    together, monkeypatch, runs, k
):
    orders, count = [], factorial(k)
    opened_order = sorting._opened_order

    async def watched(keys):
        order = await opened_order(keys)
        if keys.engine.me == 0:
            orders.append(tuple(order.tolist()))
        return order

    monkeypatch.setattr(sorting, "_opened_order", watched)
    for x in (np.zeros(k, int), np.array([9, 5, 4, -3])[:k]):

        async def program(engine, x=x):
            secret = await engine.share(0, x, x.shape)
            for _ in range(runs):
                await sort(secret)

        orders.clear()
        await together(3, 1, program)
        counts = Counter(orders)
        assert len(counts) == count
        most = {6: 20, 24: 50}[count]  # of 5 and 23 degrees of freedom
        assert sum((c - runs / count) ** 2 for c in counts.values()) < most * runs / count


async def test_many_parties_shuffle_by_matrices(together):
    x = np.array([5, -2, 5, 0, -2, 7])

    async def program(engine):
        secret = await engine.share(0, x, x.shape)
        before = engine.counters.rounds
        shuffled = await shuffle(secret[None])
        rounds = engine.counters.rounds - before
        return rounds, await reveal(shuffled), await reveal(await sort(secret))

    results, _ = await together(11, 5, program)
    orders = {tuple(shuffled[0].tolist()) for _, shuffled, _ in results}
    assert len(orders) == 1
    assert sorted(orders.pop()) == sorted(x.tolist())
    assert all(rounds == 7 and ordered.tolist() == sorted(x) for rounds, _, ordered in results)


@pytest.mark.parametrize(
    "runs", [*portioned([120], [300]), pytest.param(600, marks=pytest.mark.slow)]
)
async def test_a_shuffle_by_matrices_is_fair(together, monkeypatch, runs):
    monkeypatch.setattr(shuffling, "SETS", 0)

    async def program(engine):
        secret = engine.public([[0, 1, 2]])
        return [tuple((await reveal(await shuffle(secret)))[0].tolist()) for _ in range(runs)]

    counts = Counter((await together(3, 1, program))[0][0])
    assert len(counts) == 6
    assert sum((c - runs / 6) ** 2 for c in counts.values()) < 20 * runs / 6  # 5 degrees of freedom


@pytest.mark.parametrize("k", [0, 1, 2, 3, 255, 256, 257, 5000])
def test_an_order_of_keys_is_that_of_lexsort(k):
    """Equal fronts are rare, but all parties must then agree all the same."""
    draw = np.random.default_rng(k)
    for top in (2**64, 2**10, 2):
        high, low = draw.integers(0, top, (2, k), dtype=np.uint64)
        high *= np.uint64(2**64 // top % 2**64 or 1)
        high ^= draw.integers(0, 4, k, dtype=np.uint64)
        assert np.array_equal(order_of(high, low), np.lexsort((low, high)))
