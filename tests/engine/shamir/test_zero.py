"""Parts of zero: they add up to zero, and any 2t of them are as good as random."""

import numpy as np
import pytest

from ostraka.engine.shamir.zero import with_zero


@pytest.mark.parametrize(("n", "t"), [(3, 1), (5, 2), (6, 2), (9, 4)])
async def test_parts_add_up_to_zero_and_are_fresh_each_time(together, n, t):
    async def program(engine):
        if engine.me > 2 * t:
            return None
        return [with_zero(engine, np.zeros(4, np.uint64)).tolist() for _ in range(2)]

    found, _ = await together(n, t, program)
    parts = found[: 2 * t + 1]
    for k in range(2):
        columns = zip(*(part[k] for part in parts), strict=True)
        assert [sum(column) % (2**61 - 1) for column in columns] == [0] * 4
    seen = [x for part in parts for both in part for x in both]
    assert len(set(seen)) == len(seen)


async def test_nothing_is_read_for_nothing(together):
    async def program(engine):
        with_zero(engine, np.empty(0, np.uint64))
        return with_zero(engine, np.zeros(1, np.uint64)).tolist()

    async def shorter(engine):
        return with_zero(engine, np.zeros(1, np.uint64)).tolist()

    assert (await together(3, 1, program))[0] == (await together(3, 1, shorter))[0]
