"""Orders of a few secrets, by comparing every pair in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.engine.array import SecretArray
from ostraka.engine.compare import equal, less_than
from ostraka.engine.multiply import dot
from ostraka.engine.table import look_up

FEW: Final = 16
"""Maximum number of ranks looked up in a table: products for each, instead of a comparison."""


async def ranks(x: SecretArray) -> SecretArray:
    """Rank the elements of each column (first axis), 0 to k - 1, each rank once. Opens nothing.

    An element's rank is the number of others that it stands above; of equals, the earlier stands
    above. So k - 1 is the first of the largest. Costs k (k - 1) / 2 comparisons for each column,
    in the rounds of one.

    Args:
        x: shape (k, ...).

    Returns:
        Shape of x.
    """
    first, second = pairs(len(x))
    if not len(first):
        return x.engine.public(np.zeros(x.shape, np.int64))
    return ranks_from(await less_than(x[first], x[second]), len(x))


def pairs(k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List all pairs of k places, the earlier first: two vectors of k (k - 1) / 2 indices."""
    return np.triu_indices(k, 1)


def ranks_from(less: SecretArray, k: int) -> SecretArray:
    """Compute `ranks` of k elements from the comparisons of their pairs. Local.

    Args:
        less: 1 where the first of a pair is less, else 0: shape (pairs, ...), as `pairs` lists
            them.

    Returns:
        Shape (k, ...).
    """
    first, second = pairs(k)
    rest = less.shape[1:]
    pair = np.zeros((k, k), np.int64)
    pair[first, second] = pair[second, first] = np.arange(len(first))
    # against those before it an element wins if they are less, against the others if it is not
    sign = np.sign(np.arange(k)[:, None] - np.arange(k)).reshape(k, k, *[1] * len(rest))
    after = np.broadcast_to(np.arange(k)[::-1].reshape(k, *[1] * len(rest)), (k, *rest))
    if k < 2:
        return less.engine.public(after)
    found: SecretArray = (less[pair] * sign).sum(axis=1) + after
    return found


async def places(rank: SecretArray, wanted: Sequence[int]) -> SecretArray:
    """Mark where the element of each wanted rank stands in its column. Opens nothing.

    Rounds: those of a table of up to `FEW` entries, above that those of `equal`.

    Args:
        rank: shape (k, ...).

    Returns:
        1 at that place, else 0: shape (wanted, k, ...).
    """
    if 0 < len(rank) <= FEW:
        found = await look_up(rank, np.arange(len(rank))[:, None] == np.array(wanted))
        return found.transpose(rank.ndim, *range(rank.ndim))
    some = np.array(wanted).reshape(-1, *[1] * rank.ndim)
    return await equal(rank[None], some)


async def at(place: SecretArray, x: SecretArray) -> SecretArray:
    """Pick from each column of x the element that is marked, for each wanted rank. One round.

    Args:
        place: marks made by `places`, shape (wanted, k, ...).
        x: shape (k, ...).

    Returns:
        Shape (wanted, ...); nothing is opened.
    """
    last = (0, *range(2, place.ndim), 1)
    return await dot(place.transpose(*last), x.transpose(*range(1, x.ndim), 0)[None])
