"""Opening Shamir shares to compute parties: all n send theirs, which must be of degree t."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from ostraka.arithmetic.randomness import Words, blocks
from ostraka.delivery.combining import combined
from ostraka.engine.shamir.context import Context
from ostraka.exchange import words
from ostraka.names import PartyId

PIECE: Final = 1 << 17
"""Elements of one message."""


async def open_shares(
    engine: Context, own: Words, to: Iterable[PartyId] | None = None, *, proven: bool = True
) -> Words | None:
    """Open a vector: one round. Gives it to those of `to` (all by default), and None to others.

    Args:
        proven: settle the audit first, if there is one; then a contradiction names who lies. The
            callers that do not are `rounds`, for `Masked`, and `open_masked`.
    """
    proven = proven and engine.audit is not None
    if engine.audit and proven:
        await engine.audit.settle()
    recipients = tuple(engine.names if to is None else to)
    unknown = [name for name in recipients if name not in engine.names]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is no compute party")
    pieces = blocks(len(own), PIECE)
    step = engine.begin(len(pieces))
    for i, piece in enumerate(pieces):
        for name in recipients:
            if name != engine.party.me:
                engine.send(engine.names.index(name), step.later(i), own[piece])
    if engine.party.me not in recipients:
        return None
    value = np.empty(len(own), np.uint64)
    for i, piece in enumerate(pieces):
        shares = {engine.party.me: own[piece]}
        for name in engine.names:
            if name != engine.party.me:
                expected = words(piece.stop - piece.start)
                shares[name] = await engine.party.receive(name, step.later(i), expected)
        value[piece] = combined(engine.party, shares, certain=proven)
    return value


async def open_masked(
    engine: Context, own: Words, masks: Iterable[Words], to: Iterable[PartyId]
) -> Words | None:
    """Open a vector plus masks to some parties at once, before anything is proven: one round.

    Safe if each of `to` lacks one of the masks, and that one is uniform to it: then it could have
    drawn what it learns, however other values were falsified. See
    docs/decisions/0006-active-security.md.

    Args:
        masks: our shares of each; they are added here, so none can be forgotten.
    """
    total = own
    for mask in masks:
        total = engine.field.add(total, mask)
    if total is own:
        raise ValueError("nothing masks what is to be opened")
    return await open_shares(engine, total, to, proven=False)
