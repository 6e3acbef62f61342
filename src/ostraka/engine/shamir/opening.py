"""Opening Shamir shares to compute parties: all n send theirs, which must be of degree t."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import Words, blocks
from ostraka.delivery.combining import COMBINE_NS, combined
from ostraka.engine.shamir.context import Context
from ostraka.exchange import words
from ostraka.names import PartyId

PIECE: Final = 1 << 17
"""Elements of one message."""


async def open_shares(
    engine: Context, own: Words, to: Iterable[PartyId] | None = None, *, proven: bool = True
) -> Words | None:
    """Open a vector of shares to some compute parties: one round, after the proof if there is one.

    All n parties send their shares to each of `to`, 8 bytes an element, so up to n - t - 1 wrong
    shares are noticed. After a proof, with n >= 3t + 1, up to t are corrected, and the parties that
    announced them noted in `Party.liars`.

    Args:
        own: this party's shares, of degree t.
        to: the compute parties that learn the vector; all by default.
        proven: settle the audit first, if there is one. `rounds` for `Masked`, and `open_masked`,
            are the only callers that do not.

    Returns:
        The vector to a party that learns it, None to others.

    Raises:
        PeerViolation: shares contradict each other, or the proof failed.
        ValueError: one of `to` is not a compute party.
    """
    await engine.party.hear_all_asides()  # a party that refused must not be in what is opened
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
        combine = partial(combined, engine.party, shares, proven=proven)
        about = COMBINE_NS * len(shares) * (piece.stop - piece.start)
        value[piece] = await engine.offload(about, combine)
    return value


async def open_masked(
    engine: Context, own: Words, masks: Iterable[Words], to: Iterable[PartyId]
) -> Words | None:
    """Open a vector plus masks to some parties at once, before anything is proven: one round.

    Safe if any t parties with one of `to` among them lack one of the masks, and that one is uniform
    to them and hides nothing else: then they could have drawn what they learn, however other values
    were falsified. See docs/decisions/0006-active-security.md. All n shares must be of degree t.

    Args:
        own: this party's shares of the vector.
        masks: its shares of each mask; they are added here, so none can be forgotten.

    Raises:
        PeerViolation: shares contradict each other.
        ValueError: there is no mask.
    """
    total = own
    for mask in masks:
        total = engine.field.add(total, mask)
    if total is own:
        raise ValueError("nothing masks what is to be opened")
    return await open_shares(engine, total, to, proven=False)


async def contradicting(engine: Context, own: Words, mask: Words) -> NDArray[np.bool_]:
    """Find the elements whose shares are of no polynomial of degree t: two rounds.

    With active security. Each element plus a mask is opened to all, before anything is proven, as
    by `open_masked`. A party that lies can make any element contradict itself; honest parties come
    to one answer, or the run stops.

    Args:
        own: this party's shares of the vector.
        mask: its shares of uniform elements that hide nothing else.

    Raises:
        Aborted: parties were told different shares.
    """
    assert engine.audit is not None
    await engine.party.hear_all_asides()
    own = engine.field.add(own, mask)
    others, found = [i for i in range(engine.n) if i != engine.me], np.empty(len(own), bool)
    for piece in blocks(len(own), PIECE):
        told = dict.fromkeys(others, own[piece])
        arrived = await engine.all_to_all(told, words(piece.stop - piece.start))
        shares = {
            name: engine.check(i, arrived[i]) if i in arrived else own[piece]
            for i, name in enumerate(engine.names)
        }
        about = COMBINE_NS * len(shares) * (piece.stop - piece.start)
        found[piece] = await engine.offload(about, partial(engine.scheme.contradictions, shares))
    await engine.audit.agree(np.packbits(found).tobytes())
    return found
