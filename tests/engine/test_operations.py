"""Every word of the engine against numpy and Python, over parties, securities and edges; and what
is sent and opened on the way."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostraka.arithmetic.field import P61
from ostraka.engine.choose import argmax, largest, leaders, maximum, minimum, select
from ostraka.engine.compare import equal, less_than, less_than_zero
from ostraka.engine.digits import decompose, divide, truncate
from ostraka.engine.multiply import dot, matmul, mul
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir.backend import start, start_active
from ostraka.engine.sort import shuffle, sort, top_k
from ostraka.engine.table import look_up
from ostraka.simulation import MemoryNet

SIZES = [(3, 1), (4, 1), (5, 2), (7, 3), (9, 4)]
HALF = (P61.p - 1) // 2
LARGEST = 2**56
"""A declared range: differences of sums of a few still fit."""

BEGIN = {"passive": start, "active": start_active}


def wrapped(value):
    return (int(value) + HALF) % P61.p - HALF


async def every_word(x, y, small):
    """Words of two vectors within +-LARGEST, and of one from 0 to 20; secret in, opened out."""
    table = np.arange(21) ** 2
    descending = await top_k(x, 2)
    found = {
        "mul": await mul(x, y),
        "dot": await dot(x, y),
        "matmul": await matmul(x[:, None], y[None]),
        "negative": await less_than_zero(x),
        "less": await less_than(x, y),
        "equal": await equal(x, y),
        "select": await select(await less_than(x, y), x, y),
        "minimum": await minimum(x),
        "maximum": await maximum(y),
        "argmax": await argmax(x),
        "largest": (await largest(x))[0],
        "leaders": (await leaders(x[None], 2))[0],
        "sort": await sort(small),
        "top": descending[0],
        "shuffle": (await shuffle(x[None])).sum(),
        "truncate": await truncate(x, 13),
        "decompose": await decompose(small, 5),
        "divide": await divide(small, small + 1, 2),
        "table": await look_up(small, table),
    }
    return {name: (await reveal(value)).tolist() for name, value in found.items()}


def textbook(a, b, c):
    rows = list(zip(a, b, strict=True))
    ordered = sorted(a, reverse=True)
    return {
        "mul": [wrapped(x * y) for x, y in rows],
        "dot": wrapped(sum(x * y for x, y in rows)),
        "matmul": [[wrapped(x * y) for y in b] for x in a],
        "negative": [int(x < 0) for x in a],
        "less": [int(x < y) for x, y in rows],
        "equal": [int(x == y) for x, y in rows],
        "select": [min(x, y) for x, y in rows],
        "minimum": min(a),
        "maximum": max(b),
        "argmax": a.index(max(a)),
        "largest": max(a),
        "leaders": ordered[:2],
        "sort": sorted(c),
        "top": ordered[:2],
        "shuffle": sum(a),
        "truncate": [x >> 13 for x in a],
        "decompose": [[x >> i & 1 for i in range(5)] for x in c],
        "divide": [x // (x + 1) for x in c],
        "table": [x * x for x in c],
    }


EDGES = st.sampled_from([0, 1, -1, LARGEST, -LARGEST, LARGEST - 1, 2**32, -(2**31) - 1])
THOROUGH = settings().max_examples > 100
NUMBERS = EDGES | st.integers(-LARGEST, LARGEST)


@settings(
    max_examples=settings().max_examples // 6,  # an example takes more than a second
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
async def test_words_are_those_of_the_textbook(together, data):
    n, t = data.draw(st.sampled_from(SIZES if THOROUGH else SIZES[:3]))
    security = data.draw(st.sampled_from(["passive", "active"])) if n < 7 else "passive"
    k = data.draw(st.integers(1, 4))
    a = data.draw(st.lists(NUMBERS, min_size=k, max_size=k))
    b = [data.draw(st.sampled_from(a) | NUMBERS) for _ in range(k)]
    c = data.draw(st.lists(st.integers(0, 20), min_size=k, max_size=k))

    async def program(engine):
        secrets = [await engine.share(i, v, (k,)) for i, v in enumerate((a, b, c))]
        return await every_word(*secrets)

    results, _ = await together(n, t, program, begin=BEGIN[security])
    assert results == [textbook(a, b, c)] * n


class Watched(MemoryNet):
    """Who sent whom what kind of message when."""

    def __init__(self, names):
        super().__init__(names)
        self.log = []

    def put(self, sender, to, step, message):
        self.log.append((sender, to, step, message.dtype.str, message.size))
        super().put(sender, to, step, message)


@pytest.mark.parametrize(
    ("n", "t", "security"),
    [
        (*SIZES[0], "passive"),
        *(pytest.param(*size, "passive", marks=pytest.mark.slow) for size in SIZES[1:4]),
        pytest.param(3, 1, "active", marks=pytest.mark.thorough),  # test_audit.py tries two of them
    ],
)
async def test_what_is_sent_when_depends_on_no_input(together, n, t, security):
    logs = []
    for a, b, c in (
        ([0, 0, 0], [0, 0, 0], [0, 0, 0]),
        ([LARGEST, -LARGEST, 1], [-LARGEST, 5, 1], [20, 0, 20]),
        ([3, 2, 1], [1, 2, 3], [7, 8, 9]),
    ):

        async def program(engine, a=a, b=b, c=c):
            secrets = [await engine.share(i, v, (3,)) for i, v in enumerate((a, b, c))]
            return await every_word(*secrets)

        net = Watched(tuple(f"p{i}" for i in range(n)))
        await together(n, t, program, net=net, begin=BEGIN[security])
        logs.append(sorted(net.log))
    assert logs[0] == logs[1] == logs[2]


@pytest.mark.parametrize(("n", "t"), SIZES)
async def test_shares_of_one_product_many_times_are_uniform_at_every_party(together, n, t):
    """Whatever the factors: chi-square of the highest and the lowest byte."""

    async def program(engine):
        x = await engine.share(0, 1, (20_000,))
        return (await mul(x, x)).parts[0]

    for shares in (await together(n, t, program))[0]:
        for byte in (shares >> np.uint64(53), shares & np.uint64(255)):
            counts = np.bincount(byte.astype(np.int64), minlength=256)
            chi = ((counts - 20_000 / 256) ** 2 / (20_000 / 256)).sum()
            assert 160 < chi < 370  # 255 degrees of freedom; a fixed seed
