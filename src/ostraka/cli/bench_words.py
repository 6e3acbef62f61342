"""What `bench` times of the engine: from shares to shares. A line of `WORDS` for each WORK.

Inputs are shared beforehand and results are checked afterwards, both outside the time taken: a
figure for a wrong result would be worth nothing. With active security the time taken ends when
all is proven right.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a party is one core's worth of work

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import OsDraw
from ostraka.delivery.opening import open_to
from ostraka.delivery.party import Party
from ostraka.engine.array import SecretArray
from ostraka.engine.compare import less_than
from ostraka.engine.digits import decompose, truncate
from ostraka.engine.multiply import matmul, mul
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir.backend import ShamirBackend, start, start_active
from ostraka.engine.sort import sort
from ostraka.engine.table import look_up
from ostraka.errors import InternalError
from ostraka.exchange import octets
from ostraka.identity import Identity
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.protocols.auction import Auction
from ostraka.protocols.shares import Shares
from ostraka.session.session import Session
from ostraka.sharing.scheme import Explicit, Parcel
from ostraka.sharing.shamir import Shamir


@dataclass(frozen=True)
class Word:
    """What is timed, and what it must give.

    Attributes:
        run: a secret, or opened numbers.
        rounds: those of a run; None: as the engine counts them.
    """

    run: Callable[[], Awaitable[SecretArray | NDArray[Any] | None]]
    expected: Any
    rounds: int | None = None


async def measure(
    manifest: Manifest,
    identity: Identity,
    me: PartyId,
    work: str,
    size: int,
    runs: int,
    peak: Callable[[], float],
) -> tuple[list[tuple[float, float, int]], int, float]:
    """`runs` times one word over one session.

    Returns:
        Of each run: begin and end on the machine's clock, bytes sent; the rounds of one; and what
        `peak` said after the last, before the result was checked.

    Raises:
        InternalError: the result is wrong.
    """
    session = await Session.open(manifest, identity, me, os.urandom(32), os.urandom(32))
    names = manifest.compute
    scheme = Shamir(names, names, manifest.sharing.threshold)
    begin_engine = start_active if manifest.sharing.security == "active" else start
    engine = await begin_engine(Party(session, scheme), OsDraw())
    word = await WORDS[work](engine, manifest, size)
    timings, before = [], replace(engine.counters)
    for _ in range(runs):
        await barrier(engine)
        before, begin, sent = replace(engine.counters), monotonic(), session.bytes_sent
        result = await word.run()
        await engine.prove()
        await session.flush()
        timings.append((begin, monotonic(), session.bytes_sent - sent))
    rounds, most = engine.counters.rounds - before.rounds, peak()
    opened = await reveal(result) if isinstance(result, SecretArray) else result
    if opened is None or not np.array_equal(opened, word.expected):
        raise InternalError(f"the bench computed a wrong {work}")
    await session.close()
    return timings, rounds if word.rounds is None else word.rounds, most


# --- words ---------------------------------------------------------------------------------------


async def _mul(engine: ShamirBackend, _: Manifest, size: int) -> Word:
    (x, a), (y, b) = [await _numbers(engine, 29, size, k) for k in range(2)]
    return Word(lambda: mul(x, y), a * b)


async def _compare(engine: ShamirBackend, _: Manifest, size: int) -> Word:
    (x, a), (y, b) = [await _numbers(engine, 59, size, k) for k in range(2)]
    return Word(lambda: less_than(x, y), a < b)


async def _sort(engine: ShamirBackend, _: Manifest, size: int) -> Word:
    x, a = await _numbers(engine, 39, size)
    return Word(lambda: sort(x), np.sort(a))


async def _matmul(engine: ShamirBackend, _: Manifest, size: int) -> Word:
    x, a = await _numbers(engine, 20, size * size)
    square, expected = x.reshape(size, size), a.reshape(size, size)
    return Word(lambda: matmul(square, square), expected @ expected)


async def _fixed_matmul(engine: ShamirBackend, _: Manifest, size: int) -> Word:
    """Numbers with 16 bits behind the point."""
    x, a = await _numbers(engine, 20, size * size)
    square, expected = x.reshape(size, size), a.reshape(size, size)

    async def run() -> SecretArray:
        return await truncate(await matmul(square, square), 16)

    return Word(run, expected @ expected >> 16)


async def _truncate(engine: ShamirBackend, _: Manifest, size: int) -> Word:
    x, a = await _numbers(engine, 59, size)
    return Word(lambda: truncate(x, 16), a >> 16)


async def _decompose(engine: ShamirBackend, _: Manifest, size: int) -> Word:
    """All bits of numbers that are not negative."""
    x, a = await _numbers(engine, 59, size)
    bits = (a[:, None] + 2**59) >> np.arange(61) & 1
    return Word(lambda: decompose(x + 2**59, 61), bits)


async def _threshold(engine: ShamirBackend, _: Manifest, size: int) -> Word:
    """Whether counts of up to twenty votes reach eleven."""
    counts = np.arange(size) % 21
    x, table = await engine.share(0, counts, counts.shape), np.repeat([0, 1], [11, 10])
    return Word(lambda: look_up(x, table), counts >= 11)


async def _reveal(engine: ShamirBackend, _: Manifest, size: int) -> Word:
    x, a = await _numbers(engine, 59, size)
    return Word(lambda: reveal(x), a)


async def _auction(engine: ShamirBackend, manifest: Manifest, size: int) -> Word:
    """The protocol itself, from the moment `size` bidders, who are not there, have shared: bids are
    found to be within bounds, the highest and whose it is are found and opened to everybody."""
    protocol = Auction(_bidding(manifest, size))
    x, bids = await _numbers(engine, 39, size)
    rows = engine.share_of(x).reshape(-1, 1)
    party = Party(engine.party.exchange, protocol.scheme, engine.party.next_steps(0))
    everybody = protocol.recipients

    async def run() -> NDArray[Any] | None:
        parcels: dict[PartyId, Parcel] = {
            bidder: Explicit(row) for bidder, row in zip(protocol.contributors, rows, strict=True)
        }
        shares = Shares(protocol.scheme, 1, parcels, party.me, OsDraw())
        result = await protocol.compute(party, shares)
        opened = await open_to(party, everybody, len(result), result, shares.counted)
        return None if opened is None else protocol.scheme.to_signed(opened[0])

    expected = [bids.argmax() + 1, bids.max() + 2**39 + 1]
    return Word(run, expected, rounds=protocol.cost().rounds - 1)


def _bidding(manifest: Manifest, size: int) -> Manifest:
    """The compute parties of `manifest`, and so many bidders."""
    bidders = [
        {"name": f"bidder{i}", "key": f"sha256:{i:064x}", "roles": ["contributor"]}
        for i in range(size)
    ]
    parties = [
        {"name": party.name, "key": party.key, "roles": ["compute", "recipient"]}
        for party in manifest.party
    ]
    relay = {"address": "127.0.0.1:1", "key": f"sha256:{2**256 - 1:064x}"}
    return Manifest.model_validate(
        {
            "session": {
                "title": "bench",
                "protocol": "auction",
                "deadline": "2m",
                "coordinator": relay,
            },
            "party": [*bidders, *parties],
            "input": {"type": "int", "min": -(2**39), "max": 2**39},
            "sharing": manifest.sharing.model_dump(),
            "policy": {"min_contributors": size},
        }
    )


WORDS: Final[dict[str, Callable[[ShamirBackend, Manifest, int], Awaitable[Word]]]] = {
    "mul": _mul,
    "compare": _compare,
    "sort": _sort,
    "matmul": _matmul,
    "fixed-matmul": _fixed_matmul,
    "truncate": _truncate,
    "decompose": _decompose,
    "threshold": _threshold,
    "reveal": _reveal,
    "auction": _auction,
}
"""How each WORK that is no whole protocol is prepared; `bench.Work` names them too."""


async def _numbers(
    engine: ShamirBackend, bits: int, size: int, owner: int = 0
) -> tuple[SecretArray, NDArray[np.int64]]:
    """Numbers below 2^bits in magnitude that party `owner` shares, and what they are."""
    draw = np.random.default_rng(owner)  # noqa: TID251 - public inputs of a benchmark
    numbers = draw.integers(-(2**bits), 2**bits, size)
    return await engine.share(owner, numbers, numbers.shape), numbers


async def barrier(engine: ShamirBackend) -> None:
    """Everybody is ready for the next run."""
    others = (i for i in range(engine.n) if i != engine.me)
    await engine.all_to_all(dict.fromkeys(others, np.zeros(1, np.uint8)), octets(1))
