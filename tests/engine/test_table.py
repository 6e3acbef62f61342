from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostraka.arithmetic.field import Field
from ostraka.engine.reveal import reveal
from ostraka.engine.rounds import alone
from ostraka.engine.shamir import rounds
from ostraka.engine.table import _masked as masked
from ostraka.engine.table import look_up, powers


@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
async def test_a_table_is_read_at_a_secret_place(together, data):
    entry = st.integers(-(2**60) + 1, 2**60 - 1) | st.integers(0, 1)
    table = np.array(data.draw(st.lists(entry, min_size=1, max_size=40)))
    first = data.draw(st.integers(-50, 50) | st.just(-(2**59)))
    x = first + np.array([0, len(table) - 1, *range(len(table))])
    n, t = data.draw(st.sampled_from([(3, 1), (5, 2)]))

    async def program(engine):
        return await reveal(await look_up(await engine.share(0, x, x.shape), table, first))

    for result in (await together(n, t, program))[0]:
        assert np.array_equal(result, table[x - first])


async def test_several_functions_at_once_and_a_threshold_in_few_rounds(together, size):
    votes = np.arange(21).reshape(3, 7)
    table = np.stack([np.arange(21) >= 11, np.arange(21) ** 2, -np.arange(21)], axis=1)

    async def program(engine):
        count = await engine.share(0, votes, votes.shape)
        before = engine.counters.rounds
        passed = await look_up(count, np.arange(21) >= 11)
        assert engine.counters.rounds == before + 3
        longest = await look_up(count, np.arange(512) % 7)
        return (
            await reveal(passed),
            await reveal(await look_up(count, table)),
            await reveal(longest),
        )

    for passed, several, longest in (await together(*size, program))[0]:
        assert np.array_equal(passed, votes >= 11)
        assert np.array_equal(several, table[votes])
        assert np.array_equal(longest, votes % 7)


@pytest.mark.parametrize("k", [2, 5, 6, 21, 64, 512])
async def test_rounds_of_a_table(together, k):
    """A mask takes two rounds, and one more to deal it where no randomness is at hand."""
    degree = k - 1

    async def program(engine):
        x = await engine.share(0, [k - 1], (1,))
        took, found = [], []
        for spare in (0, 2 * degree + 1):
            engine.offered = (await engine.random((spare,))).parts[0]
            before = engine.counters.rounds
            found += (await reveal(await look_up(x, np.arange(k) ** 2))).tolist()
            took.append(engine.counters.rounds - before - 1)
        return took, found, len(engine.offered)

    for took, found, left in (await together(5, 2, program))[0]:
        assert took == ([3, 2] if degree > 4 else [(degree - 1).bit_length()] * 2)
        assert found == [degree**2] * 2
        assert left == (0 if degree > 4 else 2 * degree + 1)


@pytest.mark.slow
async def test_what_a_mask_opens_does_not_depend_on_what_is_looked_up(together):
    """Over p = 7, for a polynomial of degree 2, all of r, b_1, b_2, v_1, v_2 tried.

    Unless one of them is zero, which over 2^61 - 1 none is, w and d take all values but zero
    equally often, and A all but x: as close to independent of x as r cannot be zero.
    """
    field = Field(3)
    grid = np.meshgrid(*[np.arange(7, dtype=np.uint64)] * 5, indexing="ij")
    every = np.array(grid).reshape(5, -1)
    f = np.array([[3], [1], [5]], np.uint64)

    async def program(engine, place):
        engine.offered = every.reshape(-1)
        x = engine.public(np.full(every.shape[1], place))
        word, told = masked(x, f), []

        def watched():
            answer = None
            while True:
                try:
                    answer = yield word.send(answer)
                except StopIteration as end:
                    return end.value
                told.append(answer)

        found = await alone(engine, watched())
        (w, _), (d, a) = told
        return found.parts[0][:, 0], np.vstack((w, d, a[None])).astype(int)

    good = every.all(axis=0)
    for place in range(7):
        found, told = (
            await together(3, 1, lambda engine, x=place: program(engine, x), field=field)
        )[0][0]
        assert (found[good] == (3 + place + 5 * place**2) % 7).all()
        codes = 7 ** np.arange(5) @ told[:, good]
        possible = [c for c in product(*[range(1, 7)] * 4, range(7)) if c[4] != place]
        assert sorted(codes) == sorted(7 ** np.arange(5) @ np.array(possible).T)


async def test_what_a_mask_opens_is_uniform(together, monkeypatch):
    """At full size, of one value looked up again and again."""
    seen, real = [], rounds._exchange

    async def spying(engine, *arguments):
        found = await real(engine, *arguments)
        if engine.me == 0:
            seen.append(found[2])
        return found

    monkeypatch.setattr(rounds, "_exchange", spying)

    async def program(engine):
        x = await engine.share(0, 3, (40,))
        for _ in range(10):
            await look_up(x, np.arange(12) >= 6)

    await together(3, 1, program)
    values = np.concatenate(seen)
    assert len(values) == 400 * (11 + 11 + 1)
    for bits in (values >> np.uint64(57), values & np.uint64(15)):
        counts = np.bincount(bits.astype(np.int64), minlength=16)
        expected = len(values) / 16
        assert ((counts - expected) ** 2 / expected).sum() < 37.7  # 15 degrees, 1 in 1000


async def test_powers(together):
    async def program(engine):
        x = await engine.share(0, [2, -3], (2,))
        return [(await reveal(await powers(x, k))).tolist() for k in (1, 5)]

    one, five = (await together(3, 1, program))[0][0]
    assert one == [[2, -3]]
    assert five == [[2**k, (-3) ** k] for k in range(1, 6)]


@pytest.mark.parametrize("table", [[], [[[1]]], [0] * 513], ids=["none", "cube", "long"])
async def test_what_is_no_table(together, table):
    async def program(engine):
        with pytest.raises(ValueError, match="a table has 1 to 512 entries"):
            await look_up(engine.public([1]), table)

    await together(3, 1, program)
