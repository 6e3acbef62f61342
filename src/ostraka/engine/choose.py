"""Choosing: by a secret condition, the smallest, the largest, and where it stands.

Adversary: at most t < n / 2 parties, who learn nothing; passive, or active with `Engine.audit`. A
comparison is `compare`'s. The largest of k are found by levels: groups of g, all pairs in a group
compared, go on with their first ones. A level has the rounds of one comparison, ceil(log2 (g - 1))
and one more; groups are as large as comparing stays cheaper than rounds.
"""

from __future__ import annotations

from math import prod
from typing import Final

import numpy as np

from ostraka.engine.array import SecretArray, concatenate, stack
from ostraka.engine.compare import Operand, less_than
from ostraka.engine.multiply import dot, mul
from ostraka.engine.table import look_up

FREE: Final = 2016
"""Comparisons that take about as long as the rounds of a level: all pairs of 64."""


async def select(condition: SecretArray, a: SecretArray, b: Operand) -> SecretArray:
    """a where the condition is 1, b where it is 0, with broadcasting: one product, one round."""
    return await mul(condition, a - b) + b


async def minimum(x: SecretArray, axis: int = -1) -> SecretArray:
    """The smallest along an axis; differences within the range `less_than` asks for."""
    return -await maximum(-x, axis)


async def maximum(x: SecretArray, axis: int = -1) -> SecretArray:
    """The largest along an axis; differences within the range `less_than` asks for."""
    return (await leaders(_first(x, axis)[None]))[0, 0]


async def argmax(x: SecretArray, axis: int = -1) -> SecretArray:
    """The secret index of the largest along an axis; of several, the lowest."""
    return (await largest(x, axis))[1]


async def largest(x: SecretArray, axis: int = -1) -> tuple[SecretArray, SecretArray]:
    """`maximum` and `argmax` for the price of one."""
    x = _first(x, axis)
    places = np.arange(len(x)).reshape(-1, *[1] * (x.ndim - 1))
    found = await leaders(stack([x, x.engine.public(places, x.shape)]))
    return found[0, 0], found[1, 0]


def _first(x: SecretArray, axis: int) -> SecretArray:
    """The axis in front."""
    if not x.ndim or not x.shape[axis]:
        raise ValueError("the largest of nothing")
    axis %= x.ndim
    return x.transpose(axis, *(k for k in range(x.ndim) if k != axis))


async def leaders(table: SecretArray, count: int = 1) -> SecretArray:
    """The columns of the largest keys, largest first; of equal keys, the earlier column first.

    Args:
        table: shape (c, k, ...), k at least 1: keys in row 0, and what goes with each.
        count: how many columns.

    Returns:
        Shape (c, min(count, k), ...).
    """
    rows, k, *rest = table.shape
    while k > 1:
        g = _group(k, prod(table.shape[1:]), count)
        whole = k - k % g
        groups = table[:, :whole].reshape(rows, whole // g, g, *rest)
        first = (await _first_ones(groups, min(count, g))).reshape(rows, -1, *rest)
        if g == k:
            return first
        table = concatenate([first, table[:, whole:]], axis=1)
        k = table.shape[1]
    return table


def _group(k: int, size: int, count: int) -> int:
    """How many to compare with one another, of k: all groups together no more than `FREE` pairs,
    but more than are to be left."""
    most = max(1 + 2 * FREE // size, count + 1)
    even = -(-k // -(-k // most))
    return min(k, max(even, count + 1))


async def _first_ones(groups: SecretArray, count: int) -> SecretArray:
    """From (c, groups, g, ...) to (c, groups, count, ...)."""
    g, last = groups.shape[2], groups.ndim - 1
    first, second = np.triu_indices(g, 1)
    less = await less_than(groups[0][:, first], groups[0][:, second])
    less = less.transpose(0, *range(2, last), 1)
    # a rank counts whom one stands above: those before that are less, those after that are not
    above = np.zeros((len(first), g), np.int64)
    above[np.arange(len(first)), second] = 1
    above[np.arange(len(first)), first] = -1
    rank = (less.reshape(-1, len(first)) @ above + np.arange(g)[::-1]).reshape(*less.shape[:-1], g)
    wanted = np.arange(g)[:, None] == g - 1 - np.arange(count)
    place = await look_up(rank, wanted)
    place = place.transpose(0, last, *range(1, last))
    return await dot(place, groups.transpose(0, 1, *range(3, last + 1), 2)[:, :, None])
