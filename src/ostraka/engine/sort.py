"""Sorting: shuffle so that no t parties know the order, then let every party see comparisons.

After a shuffle that no t parties know, the outcomes of comparisons of distinct keys are those of
a uniformly random order for any keys: they may be opened. Keys are made distinct by
appending each element's place, which also makes the order stable. A few pivots are ranked among
themselves and everything else against them, then each group between two pivots in itself: about
2 k^1.5 comparisons of k elements, in the rounds of two.

Adversary: passive or active; at most t < n / 2 parties, who learn nothing but k.
"""

from __future__ import annotations

from math import isqrt

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import SEED_BYTES, Stream, Words
from ostraka.engine.array import SecretArray, concatenate, stack
from ostraka.engine.backend import Backend, backend_of
from ostraka.engine.compare import less_than
from ostraka.engine.multiply import matmul
from ostraka.engine.reveal import reveal

Order = NDArray[np.int64]


async def sort(x: SecretArray) -> SecretArray:
    """Sort a vector in ascending order; the result stays secret. Needs k |x| < p / 4 in F_p.

    k is the number of elements.

    Rounds: those of a shuffle, two comparisons and two openings.
    """
    return (await sorted_with(x, x[None]))[0]


async def top_k(x: SecretArray, k: int) -> tuple[SecretArray, SecretArray]:
    """Return the k largest of a vector, largest first, and their places, all secret.

    Of equals, the lower place comes first. Range and rounds are those of `sort`.
    """
    places = x.engine.public(np.arange(len(x)))
    descending = await sorted_with(-x, stack([x, places]))
    return descending[0, :k], descending[1, :k]


async def sorted_with(keys: SecretArray, columns: SecretArray) -> SecretArray:
    """Order `columns` (shape (c, k)) ascending and stably by `keys` (k,); both stay secret.

    Range and rounds are those of `sort`.
    """
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

    As the backend does it best (over Shamir shares: `shamir.shuffle`); else parties 0 to t each
    deal a permutation matrix: t + 2 rounds, and k^2 dealt elements from each of these. With active
    security it is proven that all entries are bits and that all rows and columns add up to one.
    """
    engine = backend_of(table)
    found = await engine.shuffled(table)
    if found is not None:
        return found
    k, own = table.shape[1], None
    if engine.me <= engine.t:
        own = np.eye(k, dtype=np.uint64)[permutation(new_seed(engine), k)]
    for matrix in await engine.deal(range(engine.t + 1), own, (k, k), total=False):
        if engine.active:
            sums, ones = concatenate([matrix.sum(0), matrix.sum(1)]), engine.public(1, (2 * k,))
            engine.claim(matrix.ravel(), matrix.ravel(), matrix.ravel())
            engine.claim(sums, ones, ones)
        table = await matmul(table, matrix)
    return table


def new_seed(engine: Backend) -> bytes:
    """Draw a seed for `permutation` from this party's own randomness: `SEED_BYTES` bytes."""
    return engine.own("shuffle").fill(np.empty(SEED_BYTES // 8, np.uint64)).tobytes()


def permutation(seed: bytes, k: int) -> Order:
    """Return the order of k places that a seed stands for.

    Uniform but for a chance of at most k^2 / 2^128 that two of its 128-bit keys are equal.
    """
    high, low = Stream(seed, "shuffle").fill(np.empty(2 * k, np.uint64)).reshape(2, k)
    return order_of(high, low)


def order_of(high: Words, low: Words) -> Order:
    """Return the order of 128-bit keys, given as halves: that of `np.lexsort((low, high))`.

    Each place is sorted along with the front of its key, in one word, six times as fast as places
    are sorted by keys. Keys with the same front are then ordered among themselves.
    """
    places = np.uint64(max(1, len(high) - 1).bit_length())
    fronts = high >> places << places
    fronts |= np.arange(len(high), dtype=np.uint64)
    fronts.sort()
    order = (fronts & ((np.uint64(1) << places) - np.uint64(1))).astype(np.int64)
    fronts >>= places
    same = fronts[1:] == fronts[:-1]
    if same.any():
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        among = order[tied]
        order[tied] = among[np.lexsort((low[among], high[among]))]
    return order


async def _opened_order(keys: SecretArray) -> Order:
    """Return the order of shuffled, distinct keys; every party learns it.

    Rounds: those of two comparisons and two openings.
    """
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
    return np.argsort(group * k + rank)


def _against(pivots: Order, k: int) -> tuple[Order, Order]:
    """Pair every pivot with every element after it; pivots come first."""
    first, second = np.meshgrid(pivots, np.arange(k), indexing="ij")
    later = second > first
    return first[later], second[later]


def _within(group: Order) -> tuple[Order, Order]:
    """Return all pairs of places that are in one group."""
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order])) + 1
    pairs = [_pairs(members) for members in np.split(order, starts)]
    return np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])


def _pairs(members: Order) -> tuple[Order, Order]:
    first, second = np.triu_indices(len(members), 1)
    return members[first], members[second]


async def _compared(keys: SecretArray, first: Order, second: Order) -> Order:
    """Open to every party 1 where keys[first] < keys[second], 0 elsewhere."""
    opened = await reveal(await less_than(keys[first], keys[second]))
    assert opened is not None
    return opened
