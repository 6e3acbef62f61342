"""Sorting: shuffle so that nobody knows the order, then let everybody see comparisons.

After a shuffle that no t parties know, the outcomes of comparisons of distinct keys are those of
a uniformly random order, whatever the keys are: they may be opened. Keys are made distinct by
appending each element's place, which also makes the order stable. A few pivots are ranked among
themselves and everything else against them, then each group between two pivots in itself: about
2 k^1.5 comparisons of k elements, in the rounds of two.

Adversary: passive, or active with `Engine.audit`; at most t < n / 2 parties, who learn nothing
but k.
"""

from __future__ import annotations

import hashlib
from itertools import combinations
from math import comb, isqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import SEED_BYTES, Stream
from ostraka.engine.array import SecretArray, concatenate, stack
from ostraka.engine.compare import less_than
from ostraka.engine.context import Engine
from ostraka.engine.deal import deal, random_elements
from ostraka.engine.multiply import matmul
from ostraka.engine.reveal import reveal
from ostraka.errors import Aborted
from ostraka.exchange import octets

SETS: Final = 200
"""Rounds of a shuffle that are still worth it: C(n, t) is 126 for nine parties and t = 4, 462 for
eleven and t = 5."""

Order = NDArray[np.int64]


async def sort(x: SecretArray) -> SecretArray:
    """A vector in ascending order. Needs k |x| < p / 4 for k elements.

    Rounds: those of a shuffle, two comparisons and two openings.
    """
    return (await sorted_with(x, x[None]))[0]


async def top_k(x: SecretArray, k: int) -> tuple[SecretArray, SecretArray]:
    """The k largest of a vector, largest first, and their places; of equals, the lower place."""
    places = x.engine.public(np.arange(len(x)))
    descending = await sorted_with(-x, stack([x, places]))
    return descending[0, :k], descending[1, :k]


async def sorted_with(keys: SecretArray, columns: SecretArray) -> SecretArray:
    """`columns` (shape (c, k)), the k columns in ascending and stable order of `keys` (k,)."""
    if keys.ndim != 1:
        raise ValueError("what is sorted is a vector")
    k = len(keys)
    distinct = keys * k + np.arange(k)
    if k < 2:
        return columns
    table = await shuffle(concatenate([distinct[None], columns]))
    order = await _opened_order(table[0])
    return table[1:, order]


async def shuffle(table: SecretArray) -> SecretArray:
    """Permute the columns of a (c, k) array, uniformly, by a permutation no t parties know.

    For every set of n - t parties in turn: they permute their shares by an order of their own and
    t + 1 of them deal them afresh. Whoever may collude is outside one of these sets. One round for
    seeds and one for each set, n - t - 1 elements from each dealer. [LWZ11]

    Where these sets are too many, parties 0 to t each deal a permutation matrix instead: t + 2
    rounds, and k^2 (n - t - 1) elements from each of these.

    With active security a column has one more element, r . column for a secret uniform r, and that
    it still is so after each set is a product to prove. What is dealt wrong adds errors that do not
    depend on r to a column, so none passes, but with probability 1 / p, and whether one does says
    nothing about the table. Two rounds more, and with t > 1 a third: if the honest in a set had
    different orders, they would deal sums of columns, whose combinations with r are right.
    """
    engine = table.engine
    if comb(engine.n, engine.t) > SETS:
        return await _multiplied(table)
    groups = list(combinations(range(engine.n), engine.n - engine.t))
    seeds = await _group_seeds(engine, groups)
    if not engine.audit:
        for group, seed in zip(groups, seeds, strict=True):
            table = await _permuted(table, group, seed)
        return table
    if engine.t > 1:
        await _same_seeds(engine, groups, seeds)
    r = await random_elements(engine, (1, len(table)))
    tagged = concatenate([table, await matmul(r, table)])
    for group, seed in zip(groups, seeds, strict=True):
        tagged = await _permuted(tagged, group, seed)
        shares = tagged.parts[0]
        engine.audit.matrices(r.parts[0], shares[:-1], shares[-1:])
    return tagged[:-1]


async def _multiplied(table: SecretArray) -> SecretArray:
    """`table` times a permutation matrix of each of parties 0 to t."""
    engine, k, local = table.engine, table.shape[1], None
    if engine.me <= engine.t:
        seed = engine.random_words(engine.me, "shuffle", (SEED_BYTES // 8,)).tobytes()
        local = np.eye(k, dtype=np.uint64)[_permutation(seed, k)].reshape(-1).__getitem__
    for dealt in await deal(engine, range(engine.t + 1), k * k, local, total=False):
        matrix = dealt.reshape(k, k)
        if engine.audit:
            sums = np.concatenate([engine.field.sum(matrix, axis) for axis in (0, 1)])
            ones = np.ones(2 * k, np.uint64)
            engine.audit.products(dealt, dealt, dealt)
            engine.audit.products(sums, ones, ones)
        table = await matmul(table, engine.array(matrix))
    return table


async def _permuted(table: SecretArray, group: tuple[int, ...], seed: bytes | None) -> SecretArray:
    engine, local = table.engine, None
    dealers = group[: engine.t + 1]
    if engine.me in dealers and seed is not None:
        order = _permutation(seed, table.shape[1])
        flat = np.ascontiguousarray(table.parts[0][:, order]).reshape(-1)
        weight = engine.weights(dealers)[dealers.index(engine.me)]

        def local(part: slice) -> NDArray[np.uint64]:
            return engine.field.scale(flat[part], weight)

    dealt = await deal(engine, dealers, table.size, local, total=True)
    return engine.array(dealt[0].reshape(table.shape))


def _permutation(seed: bytes, k: int) -> Order:
    """Uniform but for a chance of k^2 / 2^128 that two of its 128-bit keys are equal."""
    high, low = Stream(seed, "shuffle").fill(np.empty(2 * k, np.uint64)).reshape(2, k)
    return np.lexsort((low, high))


async def _group_seeds(engine: Engine, groups: list[tuple[int, ...]]) -> list[bytes | None]:
    """For each group a seed that its first member draws; None for groups without us: one round."""
    step = engine.begin()
    found: list[bytes | None] = [None] * len(groups)
    sent: dict[int, list[bytes]] = {}
    for i, group in enumerate(groups):
        if engine.me == group[0]:
            seed = engine.random_words(engine.me, "shuffle", (SEED_BYTES // 8,)).tobytes()
            found[i] = seed
            for member in group[1:]:
                sent.setdefault(member, []).append(seed)
    for member, seeds in sent.items():
        engine.send(member, step, np.frombuffer(b"".join(seeds), np.uint8))
    for leader in range(engine.me):
        ours = [i for i, g in enumerate(groups) if g[0] == leader and engine.me in g]
        if ours:
            expected = octets(SEED_BYTES * len(ours))
            message = await engine.party.receive(engine.names[leader], step, expected)
            for i, row in zip(ours, message.reshape(-1, SEED_BYTES), strict=True):
                found[i] = row.tobytes()
    return found


async def _same_seeds(
    engine: Engine, groups: list[tuple[int, ...]], seeds: list[bytes | None]
) -> None:
    """Any two parties hold the same seeds of the sets they are both in: one round.

    Raises:
        Aborted: they do not.
    """
    step, others = engine.begin(), [party for party in range(engine.n) if party != engine.me]
    held = {
        other: hashlib.sha256(
            b"".join(s for g, s in zip(groups, seeds, strict=True) if s and other in g)
        ).digest()
        for other in others
    }
    for other in others:
        engine.send(other, step, np.frombuffer(held[other], np.uint8))
    for other in others:
        name = engine.names[other]
        theirs = await engine.party.receive(name, step, octets(len(held[other])))
        if theirs.tobytes() != held[other]:
            raise Aborted(
                f"{name} and we were told different orders to shuffle by; nothing was revealed",
                hint="one of the compute parties does not follow the protocol",
            )


async def _opened_order(keys: SecretArray) -> Order:
    """The order of shuffled, distinct keys, opened to everybody."""
    k = len(keys)
    pivots = np.arange(isqrt(k) if k > 64 else 0)
    below = await _compared(keys, *_against(pivots, k))
    group = np.zeros(k, np.int64)
    first, second = _against(pivots, k)
    np.add.at(group, second, below)
    np.add.at(group, first[second < len(pivots)], 1 - below[second < len(pivots)])
    group[len(pivots) :] = 2 * group[len(pivots) :]
    group[: len(pivots)] = 2 * group[: len(pivots)] + 1
    first, second = _within(group)
    below = await _compared(keys, first, second)
    rank = np.zeros(k, np.int64)
    np.add.at(rank, second, below)
    np.add.at(rank, first, 1 - below)
    return np.lexsort((rank, group))


def _against(pivots: Order, k: int) -> tuple[Order, Order]:
    """Every pivot with every element after it; pivots come first."""
    first, second = np.meshgrid(pivots, np.arange(k), indexing="ij")
    later = second > first
    return first[later], second[later]


def _within(group: Order) -> tuple[Order, Order]:
    """All pairs of places that are in one group."""
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order])) + 1
    pairs = [_pairs(members) for members in np.split(order, starts)]
    return np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])


def _pairs(members: Order) -> tuple[Order, Order]:
    first, second = np.triu_indices(len(members), 1)
    return members[first], members[second]


async def _compared(keys: SecretArray, first: Order, second: Order) -> Order:
    """1 where keys[first] < keys[second], opened."""
    opened = await reveal(await less_than(keys[first], keys[second]))
    assert opened is not None
    return opened
