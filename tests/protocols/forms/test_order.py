import asyncio

import numpy as np
import pytest

from ostraka.arithmetic.randomness import SeededDraw
from ostraka.delivery.party import Party
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir.backend import start
from ostraka.protocols.forms.order import at, places, ranks
from ostraka.sharing.shamir import Shamir
from ostraka.simulation import MemoryNet

NAMES = ("a", "b", "c")


def together(program):
    """Run `program(engine)` at three parties; what the first gets."""
    net, found = MemoryNet(NAMES), {}

    async def one(name):
        engine = await start(Party(net.exchange(name), Shamir(NAMES, NAMES, 1)), SeededDraw(name))
        found[name] = await program(engine)

    async def main():
        async with asyncio.TaskGroup() as group:
            for name in NAMES:
                group.create_task(one(name))

    asyncio.run(main())
    return found["a"]


@pytest.mark.parametrize("shape", [(1,), (2,), (7,), (5, 3), (4, 2, 2)])
def test_ranks_and_the_elements_at_them(shape):
    x = np.random.default_rng(1).integers(-2, 3, shape)  # many equal ones
    wanted = sorted({0, shape[0] // 2, shape[0] - 1})

    async def program(engine):
        secret = await engine.share(0, x, x.shape)
        rank = await ranks(secret)
        found = await at(await places(rank, wanted), secret)
        return await reveal(rank), await reveal(found)

    rank, found = together(program)
    ordered = np.sort(x, axis=0)
    assert (found == ordered[wanted]).all()
    assert (np.sort(rank, axis=0) == np.arange(shape[0]).reshape(-1, *[1] * (x.ndim - 1))).all()
    for i in range(shape[0]):
        for j in range(i):
            assert ((rank[j] > rank[i]) == (x[j] >= x[i])).all()


def test_many_elements_take_little_memory():
    """Every pair of 300 elements, without a matrix of elements times pairs."""
    import tracemalloc

    x = np.arange(300) % 17

    async def program(engine):
        return await reveal(await ranks(await engine.share(0, x, x.shape)))

    tracemalloc.start()
    rank = together(program)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sorted(rank) == list(range(300))
    assert peak < 100e6
