"""Batches: an operation on a long array is done a part at a time, one part after the other.

That bounds memory, and how long the event loop waits while a part is computed. It costs the rounds
of the operation for each part.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from ostraka.arithmetic.randomness import blocks
from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.backend import Backend

COMPARED: Final = 1 << 18
"""Elements whose bits are shared and compared at a time where t = 1: a round of them takes some ten
milliseconds. A multiple t of operands takes that multiple of it."""


def compared_at_once(engine: Backend) -> int:
    """Return how many elements are compared in one batch."""
    return max(1, COMPARED // max(1, engine.t))


async def batched(
    x: SecretArray, most: int, operation: Callable[[SecretArray], Awaitable[SecretArray]]
) -> SecretArray:
    """Run an operation on the elements of x, at most `most` at a time.

    Args:
        operation: takes a vector; its results end in an axis of the vector's length.

    Returns:
        The results; in place of their last axis they have the shape of x.
    """
    flat = x.ravel()
    found = [await operation(flat[part]) for part in blocks(len(flat), most)]
    if not found:
        return x
    joined = found[0] if len(found) == 1 else concatenate(found, axis=-1)
    return joined.reshape((*joined.shape[:-1], *x.shape))
