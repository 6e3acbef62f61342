"""Orders of a few secrets, by comparing every pair in one batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ostraka.engine.array import SecretArray
from ostraka.engine.compare import equal, less_than
from ostraka.engine.multiply import matmul


async def ranks(x: SecretArray) -> SecretArray:
    """How many of a vector's other elements each stands above; of equals, the earlier above.

    So the ranks are 0 to k - 1, each once: k - 1 is the first of the largest. k (k - 1) / 2
    comparisons in the rounds of one.
    """
    k = len(x)
    if k < 2:
        return x.engine.public(np.zeros(k, np.int64))
    first, second = np.triu_indices(k, 1)
    loses = await less_than(x[first], x[second])
    below = (first == np.arange(k)[:, None]).astype(np.int64)
    above = (second == np.arange(k)[:, None]).astype(np.int64)
    # the first of a pair stands above unless it is less
    return loses.engine.public(below.sum(axis=1)) + loses.__rmatmul__(above - below)


async def places(rank: SecretArray, wanted: Sequence[int]) -> SecretArray:
    """One row for each wanted rank: 1 where the element of that rank stands, else 0."""
    return await equal(rank[None, :], np.array(wanted)[:, None])


async def at(rows: SecretArray, x: SecretArray) -> SecretArray:
    """The elements of x where each row has its 1: one round."""
    return await matmul(rows, x)
