"""Choosing: by a secret condition, the smallest, the largest, and where it stands.

Adversary: passive, at most t < n / 2 parties, who learn nothing. A comparison is `compare`'s; the
rounds of a tournament over k elements are ceil(log2 k) times those of one comparison and one
product.
"""

from __future__ import annotations

import numpy as np

from ostraka.engine.array import SecretArray, concatenate, stack
from ostraka.engine.compare import Operand, less_than
from ostraka.engine.multiply import mul


async def select(condition: SecretArray, a: SecretArray, b: Operand) -> SecretArray:
    """a where the condition is 1, b where it is 0, with broadcasting: one product, one round."""
    return await mul(condition, a - b) + b


async def minimum(x: SecretArray, axis: int = -1) -> SecretArray:
    """The smallest along an axis; differences within the range `less_than` asks for."""
    return -(await _tournament(-x, axis))[0]


async def maximum(x: SecretArray, axis: int = -1) -> SecretArray:
    """The largest along an axis; differences within the range `less_than` asks for."""
    return (await _tournament(x, axis))[0]


async def argmax(x: SecretArray, axis: int = -1) -> SecretArray:
    """The secret index of the largest along an axis; of several, the lowest."""
    return (await _tournament(x, axis))[1]


async def largest(x: SecretArray, axis: int = -1) -> tuple[SecretArray, SecretArray]:
    """`maximum` and `argmax` for the price of one."""
    found = await _tournament(x, axis)
    return found[0], found[1]


async def _tournament(x: SecretArray, axis: int) -> SecretArray:
    """Value and index of the largest: shape (2, ...) without the axis."""
    if not x.ndim or not x.shape[axis]:
        raise ValueError("the largest of nothing")
    axis %= x.ndim
    x = x.transpose(axis, *(k for k in range(x.ndim) if k != axis))
    places = np.arange(len(x)).reshape(-1, *[1] * (x.ndim - 1))
    left = stack([x, x.engine.public(places, x.shape)])
    while (count := left.shape[1]) > 1:
        first, second = left[:, 0 : count - 1 : 2], left[:, 1:count:2]
        greater = await less_than(first[0], second[0])
        winners = await select(greater, second, first)
        left = concatenate([winners, left[:, count - count % 2 :]], axis=1)
    return left[:, 0]
