"""Parties of an engine in one process."""

import asyncio

import pytest

from ostraka.engine.context import start
from ostraka.engine.party import Party
from ostraka.sharing.field import P61
from ostraka.sharing.randomness import SeededDraw
from ostraka.sharing.shamir import Shamir
from ostraka.simulate import MemoryNet

SIZES = [(3, 1), (4, 1), (5, 2), (7, 3), (9, 4)]


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


@pytest.fixture(params=SIZES, ids=lambda size: f"n{size[0]}t{size[1]}")
def size(request):
    return request.param
