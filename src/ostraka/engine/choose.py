"""Choices: by a secret condition, the smallest, the largest, and where it stands.

Adversary: at most t < n / 2 parties, who learn nothing; passive, or active. A
comparison is `compare`'s. The largest of k are found by levels: groups of g, all pairs in a group
compared, go on with their first ones. A level has the rounds of one comparison, ceil(log2 (g - 1))
and one more; groups are as large as comparing stays cheaper than rounds.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ostraka.engine.array import SecretArray, concatenate, stack
from ostraka.engine.compare import Operand, less_than_zero
from ostraka.engine.multiply import dot, mul
from ostraka.engine.table import look_up

FREE: Final = 2016
"""Comparisons that take about as long as the rounds of a level: all pairs of 64."""


async def select(condition: SecretArray, a: SecretArray, b: Operand) -> SecretArray:
    """Return a where the secret condition is 1, b where it is 0, with broadcasting: one round."""
    return await mul(condition, a - b) + b


async def minimum(x: SecretArray, axis: int = -1) -> SecretArray:
    """Return the smallest along an axis, secret; differences within the range of `less_than`."""
    return -await maximum(-x, axis)


async def maximum(x: SecretArray, axis: int = -1) -> SecretArray:
    """Return the largest along an axis, secret; differences within the range of `less_than`."""
    return (await leaders(_first(x, axis)[None]))[0, 0]


async def argmax(x: SecretArray, axis: int = -1) -> SecretArray:
    """Return the secret index of the largest along an axis; of several, the lowest."""
    return (await largest(x, axis))[1]


async def largest(x: SecretArray, axis: int = -1) -> tuple[SecretArray, SecretArray]:
    """Return the largest along an axis and its index, both secret, for the price of one."""
    x = _first(x, axis)
    places = np.arange(len(x)).reshape(-1, *[1] * (x.ndim - 1))
    found = await leaders(stack([x, x.engine.public(places, x.shape)]))
    return found[0, 0], found[1, 0]


def _first(x: SecretArray, axis: int) -> SecretArray:
    """Move the axis to the front."""
    if not x.ndim or not x.shape[axis]:
        raise ValueError("the largest of nothing")
    axis %= x.ndim
    return x.transpose(axis, *(k for k in range(x.ndim) if k != axis))


async def leaders(
    table: SecretArray, count: int = 1, less: SecretArray | None = None
) -> SecretArray:
    """Return the columns of the largest keys, largest first; of equal keys, the earlier first.

    Args:
        table: shape (c, k, ...), k at least 1: keys in row 0, columns that go with them below.
        count: number of columns wanted.
        less: secret bits, 1 where one of `first_pairs(table[0], count)` is below zero, if these
            were compared before: saves the rounds of a comparison.

    Returns:
        Shape (c, min(count, k), ...).
    """
    while (k := table.shape[1]) > 1:
        if less is None:
            less = await less_than_zero(first_pairs(table[0], count))
        g = _group(table[0], count)
        whole = k - k % g
        first = await _first_ones(table[:, :whole], g, min(count, g), less)
        table, less = concatenate([first, table[:, whole:]], axis=1), None
        if g == k:
            break
    return table


def first_pairs(keys: SecretArray, count: int = 1) -> SecretArray:
    """Return what `leaders` compares first: differences of all pairs in each first group.

    Args:
        keys: shape (k, ...).

    Returns:
        Shape (groups * pairs, ...).
    """
    g = _group(keys, count)
    first, second = np.triu_indices(g, 1)
    starts = np.arange(0, len(keys) - g + 1, g)[:, None]
    return keys[(starts + first).ravel()] - keys[(starts + second).ravel()]


def _group(keys: SecretArray, count: int) -> int:
    """Return how many neighbours to compare with one another.

    All groups together have no more than `FREE` pairs, but a group more than are to be left of it.
    """
    k = len(keys)
    most = max(1 + 2 * FREE // keys.size, count + 1)
    even = -(-k // -(-k // most))
    return min(k, max(even, count + 1))


async def _first_ones(table: SecretArray, g: int, count: int, less: SecretArray) -> SecretArray:
    """Return the first `count` columns of every g neighbours: shape (c, groups * count, ...)."""
    rows, k, *rest = table.shape
    pairs = g * (g - 1) // 2
    less = less.reshape(k // g, pairs, *rest)
    less = less.transpose(0, *range(2, less.ndim), 1)
    # a rank counts the keys it is above: earlier ones that are less, later ones that are not
    first, second = np.triu_indices(g, 1)
    above = np.zeros((pairs, g), np.int64)
    above[np.arange(pairs), second] = 1
    above[np.arange(pairs), first] = -1
    rank = (less.reshape(-1, pairs) @ above + np.arange(g)[::-1]).reshape(*less.shape[:-1], g)
    wanted = np.arange(g)[:, None] == g - 1 - np.arange(count)
    place = await look_up(rank, wanted)
    last = place.ndim - 1
    groups = table.reshape(rows, k // g, 1, g, *rest).transpose(0, 1, 2, *range(4, last + 2), 3)
    found = await dot(place.transpose(0, last, *range(1, last)), groups)
    return found.reshape(rows, -1, *rest)
