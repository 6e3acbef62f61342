"""What `bench mul`, `compare`, `sort`, `matmul` and `auction` time: from shares to shares.

Inputs are shared beforehand and results are checked afterwards, both outside the time taken: a
figure for a wrong result would be worth nothing. With active security the time taken ends when
all is proven right.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from time import monotonic
from typing import Any, Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a party is one core's worth of work

import numpy as np

from ostraka.engine.array import SecretArray, stack
from ostraka.engine.audit import start_active
from ostraka.engine.choose import largest
from ostraka.engine.compare import less_than
from ostraka.engine.context import Engine, start
from ostraka.engine.deal import share
from ostraka.engine.multiply import matmul, mul
from ostraka.engine.party import Party
from ostraka.engine.reveal import reveal
from ostraka.engine.sort import sort
from ostraka.errors import InternalError
from ostraka.exchange import octets
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.session.session import Session
from ostraka.sharing.randomness import OsDraw
from ostraka.sharing.shamir import Shamir
from ostraka.transport.identity import Identity

Word = Callable[[], Awaitable[SecretArray]]

WORDS: Final = ("mul", "compare", "sort", "matmul", "auction")


async def measure(
    manifest: Manifest, identity: Identity, me: PartyId, work: str, size: int, runs: int
) -> tuple[list[tuple[float, float, int]], int]:
    """`runs` times one word over one session.

    Returns:
        Of each run: begin and end on the machine's clock, bytes sent; and the rounds of one.

    Raises:
        InternalError: the result is wrong.
    """
    session = await Session.open(manifest, identity, me, os.urandom(32), os.urandom(32))
    names = manifest.compute
    scheme = Shamir(names, names, manifest.sharing.threshold)
    begin_engine = start_active if manifest.sharing.security == "active" else start
    engine = await begin_engine(Party(session, scheme), OsDraw())
    word, expected = await _prepare(engine, work, size)
    timings, before = [], replace(engine.counters)
    for _ in range(runs):
        await barrier(engine)
        before, begin, sent = replace(engine.counters), monotonic(), session.bytes_sent
        result = await word()
        if engine.audit:
            await engine.audit.settle()
        await session.flush()
        timings.append((begin, monotonic(), session.bytes_sent - sent))
    rounds = engine.counters.rounds - before.rounds
    opened = await reveal(result)
    if opened is None or not np.array_equal(opened, expected):
        raise InternalError(f"the bench computed a wrong {work}")
    await session.close()
    return timings, rounds


async def _prepare(engine: Engine, work: str, size: int) -> tuple[Word, Any]:
    """The word to time, and what it must give."""
    draw = np.random.default_rng(7)  # noqa: TID251 - public inputs of a benchmark
    if work == "matmul":
        m = draw.integers(-(2**20), 2**20, (size, size))
        x = await share(engine, 0, m, m.shape)
        return lambda: matmul(x, x), m @ m
    bits = {"mul": 29, "compare": 59, "sort": 39, "auction": 39}[work]
    a, b = draw.integers(-(2**bits), 2**bits, (2, size))
    x, y = await share(engine, 0, a, a.shape), await share(engine, 1, b, b.shape)
    if work == "sort":
        return lambda: sort(x), np.sort(a)
    if work == "auction":
        return lambda: _auction(x), np.array([a.max(), a.argmax()])
    if work == "compare":
        return lambda: less_than(x, y), a < b
    return lambda: mul(x, y), a * b


async def _auction(bids: SecretArray) -> SecretArray:
    """The highest bid, and which it is: of equal ones, the first."""
    return stack(await largest(bids))


async def barrier(engine: Engine) -> None:
    """Everybody is ready for the next run."""
    step, others = engine.begin(), [i for i in range(engine.n) if i != engine.me]
    for other in others:
        engine.send(other, step, np.zeros(1, np.uint8))
    for other in others:
        await engine.party.receive(engine.names[other], step, octets(1))
