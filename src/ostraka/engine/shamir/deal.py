"""Dealing: a party splits a vector it knows among the compute parties, in one round.

The shares of t of its n - 1 receivers are read from streams they have in common with it, so
n - t - 1 elements are sent for each element dealt. [CDI05]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Final

import numpy as np

from ostraka.arithmetic.field import Elements, Field
from ostraka.arithmetic.randomness import BLOCK, Words, blocks
from ostraka.engine.shamir.context import Context
from ostraka.names import Step
from ostraka.sharing.shamir import complete

PIECE: Final = 1 << 16
"""Elements of one message: what is sent is encrypted while the next piece is computed."""

SPLIT_NS: Final = 10
"""Nanoseconds to make one party's share of an element, about."""

DERIVE_NS: Final = 7
"""Nanoseconds to read an element of a share from a stream and to add it, about."""

Local = Callable[[slice], Words]
"""A block of the vector that this party deals, computed as it is asked for."""


@dataclass(frozen=True)
class DealPlan:
    """Division of one deal: parties that read their shares, parties that are sent them; public."""

    dealer: int
    seeded: tuple[int, ...]
    explicit: tuple[int, ...]
    coefficients: list[list[int]]
    """Rows for the dealer, then each of `explicit`: see `shamir.complete`; at the dealer alone."""
    powers: list[list[int]] | None = None
    """Powers for t = 2 and points 2^k, 2^(k+1): shares by the polynomial, without products."""


def plan(engine: Context, dealer: int) -> DealPlan:
    """Plan a deal: t neighbours, after the dealer or the first, read streams; others get shares."""
    key = ("deal", dealer)
    if key not in engine.cache:
        wraps = dealer + engine.t >= engine.n and dealer >= engine.t
        first = 0 if wraps else dealer + 1
        seeded = tuple((first + k) % engine.n for k in range(engine.t))
        explicit = tuple(j for j in range(engine.n) if j != dealer and j not in seeded)
        engine.cache[key] = _plan(engine, dealer, seeded, explicit)
    found: DealPlan = engine.cache[key]
    return found


def _plan(
    engine: Context, dealer: int, seeded: tuple[int, ...], explicit: tuple[int, ...]
) -> DealPlan:
    p, points = engine.field.p, engine.points
    base, powers = [points[j] for j in seeded], None
    if len(base) == 2 and base[1] == 2 * base[0]:
        ratios = [points[j] * pow(base[0], -1, p) % p for j in (dealer, *explicit)]
        powers = [[u, u * u % p] for u in ratios]
    targets = [points[j] for j in (dealer, *explicit)] if dealer == engine.me else []
    rows = [engine.field.lagrange([0, *base], at)[1:] for at in targets]
    return DealPlan(dealer, seeded, explicit, rows, powers)


def _shares(field: Field, ours: DealPlan, x: Words, fixed: Sequence[Words]) -> list[Words]:
    """Return the dealer's own share and the explicit ones.

    With X_2 = 2 X_1, u = X / X_1 and d_s = f(X_s) - x, f(X) = x + (2 d_1 - h) u + (h - d_1) u^2,
    h = d_2 / 2: where all points are powers of two, rotations and sums.
    """
    if ours.powers is None:
        return complete(field, x, fixed, ours.coefficients)
    first, second = (field.subtract(r, x) for r in fixed)
    half = field.rotate(second, -1)
    square = field.subtract(half, first)
    line = field.subtract(first, square)
    return [field.add(x, share, out=share) for share in field.mix(ours.powers, [line, square])]


async def deal(
    engine: Context, dealers: Sequence[int], length: int, local: Local | None, *, total: bool
) -> list[Words]:
    """Let each of `dealers` deal a vector of `length` elements; one round for all of them.

    Args:
        dealers: places of the parties that deal a vector each.
        local: blocks of this party's vector, if it is a dealer: elements, which are consumed.
        total: return a share of the sum of all dealers' vectors instead of each.

    Returns:
        This party's share of each dealer's vector, in their order, or of their sum alone.
    """
    pieces = blocks(length, PIECE)
    step = engine.begin(len(pieces))
    results = [np.zeros(length, np.uint64) for _ in dealers[: 1 if total else None]]
    targets = {dealer: results[0 if total else k] for k, dealer in enumerate(dealers)}
    for i, piece in enumerate(pieces):
        if engine.me in targets and local is not None:
            await _send(engine, step.later(i), piece, targets[engine.me], local)
        for dealer, result in targets.items():
            if engine.me in plan(engine, dealer).seeded:
                read = partial(derive, engine, dealer, result[piece])
                await engine.offload(DERIVE_NS * len(result[piece]), read)
        if i:
            await _collect(engine, step.later(i - 1), pieces[i - 1], targets)
    if pieces:
        await _collect(engine, step.later(len(pieces) - 1), pieces[-1], targets)
    if engine.audit:
        engine.audit.dealt(results)
    return results


async def _send(engine: Context, step: Step, piece: slice, result: Words, local: Local) -> None:
    """Split a piece of this party's vector: add its own share to `result`, send the others."""

    def shifted(part: slice) -> Words:
        return local(slice(piece.start + part.start, piece.start + part.stop))

    work = partial(split, engine, shifted, result[piece])
    about = SPLIT_NS * engine.n * len(result[piece])
    for receiver, vector in (await engine.offload(about, work)).items():
        engine.send(receiver, step, vector)


def split(engine: Context, local: Local, result: Words) -> dict[int, Words]:
    """Split a vector into shares as long as `result`, and add this party's own share to that.

    Returns:
        The shares that must be sent, by receiver; the t others read theirs: see `derive`.
    """
    ours = plan(engine, engine.me)
    vectors = [np.empty(len(result), np.uint64) for _ in ours.explicit]
    streams = [engine.stream(j, f"deal {engine.me}") for j in ours.seeded]
    scratch = np.empty((engine.t, min(BLOCK, len(result))), np.uint64)
    for part in blocks(len(result)):
        rows = [row[: part.stop - part.start] for row in scratch]
        fixed = [engine.field.uniform(s, row) for s, row in zip(streams, rows, strict=True)]
        own, *others = _shares(engine.field, ours, local(part), fixed)
        engine.field.add(result[part], own, out=result[part])
        for vector, share in zip(vectors, others, strict=True):
            vector[part] = share
    return dict(zip(ours.explicit, vectors, strict=True))


def derive(engine: Context, dealer: int, result: Words) -> None:
    """Add to `result` the share that `dealer` and this party both read from their stream."""
    stream = engine.stream(dealer, f"deal {dealer}")
    scratch = np.empty(min(BLOCK, len(result)), np.uint64)
    for part in blocks(len(result)):
        block = result[part]
        engine.field.add(block, engine.field.uniform(stream, scratch[: len(block)]), out=block)


async def _collect(engine: Context, step: Step, piece: slice, targets: dict[int, Words]) -> None:
    """Receive the shares of one piece that dealers send this party, and add them to `targets`."""
    scratch = np.empty(piece.stop - piece.start, np.uint64)
    for dealer, result in targets.items():
        if engine.me in plan(engine, dealer).explicit:
            arrived = await engine.receive(dealer, step, scratch)
            for part in blocks(len(scratch)):
                block = result[piece][part]
                engine.field.add(block, arrived[part], out=block)


async def divide(engine: Context, own: Words | None, length: int) -> Words:
    """Let party 0 of three divide a vector, `own`, between the two others; one round.

    Party 1 reads its summand from the stream that would give its share of a deal; party 2 is sent
    what is left. Each is uniform. Passive security.

    Returns:
        This party's summand; at party 0 the vector.
    """
    pieces = blocks(length, PIECE)
    step = engine.begin(len(pieces))
    if own is not None:
        for i, piece in enumerate(pieces):
            rest = own[piece].copy()
            work = partial(_pad, engine, rest)
            await engine.offload(DERIVE_NS * len(rest), work)
            engine.send(2, step.later(i), rest)
        return own
    summand = np.zeros(length, np.uint64)
    for i, piece in enumerate(pieces):
        if engine.me == 1:
            read = partial(derive, engine, 0, summand[piece])
            await engine.offload(DERIVE_NS * len(summand[piece]), read)
        else:
            await engine.receive(0, step.later(i), summand[piece])
    return summand


def _pad(engine: Context, x: Words) -> None:
    """Subtract from x what party 1 reads."""
    stream = engine.stream(1, f"deal {engine.me}")
    scratch = np.empty(min(BLOCK, len(x)), np.uint64)
    for part in blocks(len(x)):
        block = x[part]
        engine.field.subtract(block, engine.field.uniform(stream, scratch[: len(block)]), out=block)


async def random_elements(engine: Context, shape: tuple[int, ...]) -> Elements:
    """Draw uniform elements that no t parties know: parties 0 to t deal one each; one round."""
    length, local = prod(shape), None
    if engine.me <= engine.t:
        local = engine.uniform(engine.me, "random elements", length).__getitem__
    dealt = await deal(engine, range(engine.t + 1), length, local, total=True)
    return dealt[0].reshape(shape)
