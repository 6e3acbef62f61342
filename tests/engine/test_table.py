import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostraka.engine.deal import share
from ostraka.engine.reveal import reveal
from ostraka.engine.table import look_up, powers


@settings(
    max_examples=30,
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
        return await reveal(await look_up(await share(engine, 0, x, x.shape), table, first))

    for result in (await together(n, t, program))[0]:
        assert np.array_equal(result, table[x - first])


async def test_several_functions_at_once_and_a_threshold_in_few_rounds(together, size):
    votes = np.arange(21).reshape(3, 7)
    table = np.stack([np.arange(21) >= 11, np.arange(21) ** 2, -np.arange(21)], axis=1)

    async def program(engine):
        count = await share(engine, 0, votes, votes.shape)
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


async def test_powers(together):
    async def program(engine):
        x = await share(engine, 0, [2, -3], (2,))
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
