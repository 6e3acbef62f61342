"""Parties of an engine in one process."""

import asyncio

import numpy as np
import pytest
from hypothesis import strategies as st

from ostraka.arithmetic.field import P61
from ostraka.arithmetic.randomness import SeededDraw
from ostraka.delivery.party import Party
from ostraka.engine.compare import equal, less_than
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir import boolean
from ostraka.engine.shamir.backend import start
from ostraka.engine.shamir.opening import open_shares
from ostraka.sharing.shamir import Shamir
from ostraka.simulation import MemoryNet


async def open_early(x):
    """Open x before anything is proven, as `Masked` does."""
    flat = np.ascontiguousarray(x.parts[0]).reshape(-1)
    return (await open_shares(x.engine, flat, proven=False)).reshape(x.shape)


SIZES = [(3, 1), (4, 1), (5, 2), (7, 3), (9, 4)]
MARKS = {3: (), 4: (), 5: pytest.mark.thorough}


async def together(n, t, program, *, field=P61, seed=0, net=None, begin=start):
    """Run `program(engine)` at n parties; their results in order, and the net."""
    names = tuple(f"p{i}" for i in range(n))
    net = net or MemoryNet(names, seed=seed)
    results = {}

    async def one(name):
        party = Party(net.exchange(name), Shamir(("x",), names, t, field))
        try:
            engine = await begin(party, SeededDraw(f"{seed} {name}"))
            results[name] = await program(engine)
        finally:
            net.leave(name)

    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(one(name))
    return [results[name] for name in names], net


@pytest.fixture(name="together")
def _together():
    return together


@pytest.fixture(name="open_early")
def _open_early():
    return open_early


@pytest.fixture(
    params=[pytest.param(size, marks=MARKS.get(size[0], pytest.mark.slow)) for size in SIZES],
    ids=lambda size: f"n{size[0]}t{size[1]}",
)
def size(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["tree", "blocks"])
def carries(request, monkeypatch):
    """Carries by trees, as of few elements, and by blocks, as of many."""
    if request.param:
        monkeypatch.setattr(boolean, "LONG", 1)


@pytest.fixture
def compares():
    """Draws pairs of numbers, and checks that the engine compares them as Python does."""

    async def check(data, n, t, *, begin=start):
        value = st.integers(-(2**59), 2**59 - 1) | st.sampled_from([0, 1, -1, 2**59 - 1, -(2**59)])
        pairs = data.draw(st.lists(st.tuples(value, value), min_size=1, max_size=70))
        pairs += [(a, a) for a, _ in pairs[:3]]
        a, b = (np.array(column) for column in zip(*pairs, strict=True))
        seed = data.draw(st.integers(0, 1000))

        async def program(engine):
            x, y = await engine.share(0, a, a.shape), await engine.share(1, b, b.shape)
            return [await reveal(z) for z in (await less_than(x, y), await equal(x, y))]

        for less, same in (await together(n, t, program, seed=seed, begin=begin))[0]:
            assert np.array_equal(less, a < b)
            assert np.array_equal(same, a == b)

    return check
