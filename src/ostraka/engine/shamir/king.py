"""Products of secrets by way of kings: a few elements for each, however many parties there are.

    round 1   r      Every party deals a random element: t + 1 others read their shares from
                     streams. n - t combinations of n dealt elements, the rows of a Vandermonde
                     matrix of the powers 2^0 to 2^(n - 1), which are distinct up to n = 61, are
                     uniform given all that any t dealers know. [DN07]
    round 2   x y    Each of 2t + 1 parties sends the king its share of x y + r, weighted so that
                     the sum is the value, plus its part of zero (`shamir.zero`).
    round 3   v      The king adds up v = x y + r, which is uniform, and shares it by the
                     polynomial that is zero at t parties' points: the n - t - 1 others are sent v
                     and multiply it by a constant. z = v - r. [GS20]

Every party is the king of an n-th of the elements. With n = 2t + 1 a party sends, for each,
(t - 1) / (t + 1) + 2t / n + t / n elements: less than 2.5, where [GRR98] takes t.

Adversary: at most t of n >= 2t + 1 parties, who learn nothing. All parties must stay. Passive;
active with `shamir.audit`: a dealer, a worker or a king may send each party another wrong element.
The honest parties' shares then lie off the right polynomial by amounts that it knows and that do
not depend on the secrets. The proof of the product finds an error in the value; where n > 2t + 1,
the same proof first finds shares of no polynomial of degree t. (With n = 2t + 1 the shares of t + 1
honest parties always are of one.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from ostraka.arithmetic.field import Elements
from ostraka.arithmetic.randomness import Words, blocks
from ostraka.engine.shamir.context import Context
from ostraka.engine.shamir.deal import Local
from ostraka.engine.shamir.zero import with_zero
from ostraka.names import Step
from ostraka.sharing.shamir import complete

PIECE: Final = 1 << 18
"""Elements on their way together: while one piece is computed, those before it are sent."""

TERM_NS: Final = 8
"""Nanoseconds for a term of a share, about."""

ROTATED_NS: Final = 5
"""Nanoseconds to rotate an element and to add it, about."""

WORTH: Final = 40_000
"""Number of elements, times t - 1, from which kings beat [GRR98]: measured, decision 0009."""


@dataclass(frozen=True)
class KingPlan:
    """Division of the work; public, and the same at every party.

    Attributes:
        seeded: for each dealer the t + 1 parties that read their shares from streams.
        explicit: for each dealer the parties that it sends shares.
        coefficients: for this party as a dealer, rows for `complete`: its own share, then each of
            `explicit`.
        silent: for each king the t parties whose share of v is zero.
        factors: for each king, what this party multiplies v by; None where it is silent.
        weight: of this party's share in x y + r; None unless it is one of the 2t + 1 workers.
    """

    seeded: list[tuple[int, ...]]
    explicit: list[tuple[int, ...]]
    coefficients: list[list[int]]
    silent: list[tuple[int, ...]]
    factors: list[int | None]
    weight: int | None


def plan(engine: Context) -> KingPlan:
    """Return the division of work, with this party's own factors; computed once per context."""
    if "king" not in engine.cache:
        engine.cache["king"] = _plan(engine)
    found: KingPlan = engine.cache["king"]
    return found


def _plan(engine: Context) -> KingPlan:
    n, t, me = engine.n, engine.t, engine.me
    seeded = [tuple((d + 1 + k) % n for k in range(t + 1)) for d in range(n)]
    explicit = [tuple(j for j in range(n) if j not in (d, *seeded[d])) for d in range(n)]
    silent = [tuple((king + 1 + k) % n for k in range(t)) for king in range(n)]
    points = engine.points
    base = [points[j] for j in seeded[me]]
    coefficients = [engine.field.lagrange(base, points[j])[1:] for j in (me, *explicit[me])]
    zeros = [[0, *(points[j] for j in some)] for some in silent]
    factors = [
        None if me in some else engine.field.lagrange(at, points[me])[0]
        for some, at in zip(silent, zeros, strict=True)
    ]
    workers = range(2 * t + 1)
    weight = engine.weights(workers)[me] if me in workers else None
    return KingPlan(seeded, explicit, coefficients, silent, factors, weight)


def pays(engine: Context, length: int) -> bool:
    """Tell whether kings are faster for `length` products, and the field has n powers of two."""
    return length > 0 and length * (engine.t - 1) >= WORTH and engine.n <= engine.field.bits


async def reduced(engine: Context, length: int, local: Local) -> Words:
    """Reduce shares of degree 2t to shares of degree t of the same values: three rounds.

    Opens nothing, and does not tell the audit.

    Args:
        length: number of elements.
        local: this party's shares of degree 2t, block by block.
    """
    batch = _Batch(engine, length, local)
    pieces = len(batch.pieces)
    for i in range(pieces + 3):
        if i < pieces:
            await batch.deal(i)
        if 1 <= i <= pieces:
            await batch.mask(i - 1)
        if 2 <= i <= pieces + 1:
            await batch.reign(i - 2)
        if i >= 3:
            await batch.finish(i - 3)
    return batch.result


class _Batch:
    """The pieces of one batch of products."""

    def __init__(self, engine: Context, length: int, local: Local) -> None:
        self.engine, self.local, self.plan = engine, local, plan(engine)
        self.field = engine.field
        self.pieces = blocks(length, PIECE)
        self.first, *_ = [engine.begin(len(self.pieces) + 2) for _ in range(3)]
        self.result = np.empty(length, np.uint64)
        self.own: dict[int, Words] = {}
        self.masks: dict[int, Words] = {}

    def _step(self, i: int, stage: int) -> Step:
        """Number steps in the order in which every party sends."""
        return self.first.later(3 * (i + stage) + stage)

    def _size(self, i: int) -> int:
        return int(self.pieces[i].stop - self.pieces[i].start)

    def _rows(self, i: int) -> int:
        """Count the elements that each party deals."""
        return -(-self._size(i) // (self.engine.n - self.engine.t))

    def _slice(self, i: int) -> int:
        """Count the elements of which each party is the king; the last ones may have no king."""
        return -(-self._size(i) // self.engine.n)

    async def deal(self, i: int) -> None:
        """Deal piece i of this party's random elements: send shares to those without a stream."""
        engine, explicit = self.engine, self.plan.explicit[self.engine.me]
        about = TERM_NS * self._rows(i) * (len(explicit) + 1) * (engine.t + 1)
        self.own[i], *vectors = await engine.offload(about, partial(self._dealt, self._rows(i)))
        for receiver, vector in zip(explicit, vectors, strict=True):
            engine.send(receiver, self._step(i, 0), vector)

    def _dealt(self, length: int) -> list[Words]:
        """Return shares of this party's random elements: its own, then those of `explicit`."""
        engine, me = self.engine, self.engine.me
        seeded, explicit = self.plan.seeded[me], self.plan.explicit[me]
        vectors = [np.empty(length, np.uint64) for _ in (me, *explicit)]
        for part in blocks(length):
            size = part.stop - part.start
            origin, *rest = (engine.uniform(j, f"king {me}", size) for j in seeded)
            shares = complete(self.field, origin, rest, self.plan.coefficients)
            for vector, share in zip(vectors, shares, strict=True):
                vector[part] = share
        return vectors

    async def mask(self, i: int) -> None:
        """Make r of what all parties dealt, and send this party's part of x y + r to the kings."""
        engine, piece, size = self.engine, self.pieces[i], self._slice(i)
        mask = self.masks[i] = await self._mask(i)
        masked = np.zeros(engine.n * size, np.uint64)
        if self.plan.weight is not None:
            about = TERM_NS * len(mask) * (engine.t + 4)
            work = partial(self._hide, piece.start, mask, self.plan.weight, masked)
            await engine.offload(about, work)
            for king in range(engine.n):
                if king != engine.me:
                    vector = masked[king * size : (king + 1) * size]
                    engine.send(king, self._step(i, 1), vector)
        self.own[i] = masked[engine.me * size : (engine.me + 1) * size]

    def _hide(self, start: int, mask: Words, weight: int, out: Words) -> None:
        """Fill `out` with this party's part of x y + r, from element `start` of the batch on."""
        for part in blocks(len(mask)):
            place = slice(start + part.start, start + part.stop)
            hidden = self.field.add(self.local(place), mask[part])
            out[part] = with_zero(self.engine, self.field.scale(hidden, weight))

    async def _mask(self, i: int) -> Words:
        engine, length = self.engine, self._rows(i)
        dealt = np.empty((engine.n, length), np.uint64)
        for dealer in range(engine.n):
            if dealer == engine.me:
                dealt[dealer] = self.own.pop(i)
            elif engine.me in self.plan.seeded[dealer]:
                dealt[dealer] = engine.uniform(dealer, f"king {dealer}", length)
            else:
                await engine.receive(dealer, self._step(i, 0), dealt[dealer])
        about = ROTATED_NS * dealt.size * (engine.n - engine.t)
        extracted = await engine.offload(about, partial(self._extracted, dealt))
        return extracted.reshape(-1)[: self._size(i)]

    def _extracted(self, dealt: Elements) -> Elements:
        """Return n - t rows: the sums of 2^(j i) dealt_i."""
        field, found = (
            self.field,
            np.empty((self.engine.n - self.engine.t, dealt.shape[1]), np.uint64),
        )
        for part in blocks(dealt.shape[1]):
            rows = dealt[:, part]
            for j, out in enumerate(found):
                total = rows[0].copy()
                for k, row in enumerate(rows[1:], 1):
                    field.add(total, field.rotate(row, j * k), out=total)
                out[part] = total
        return found

    async def reign(self, i: int) -> None:
        """Add up v = x y + r of this king's slice; send v to the parties that are not silent."""
        engine, king = self.engine, self.engine.me
        total, arrived = self.own[i], np.empty(self._slice(i), np.uint64)
        for worker in range(2 * engine.t + 1):
            if worker != king:
                await engine.receive(worker, self._step(i, 1), arrived)
                self.field.add(total, arrived, out=total)
        for party in range(engine.n):
            if party != king and party not in self.plan.silent[king]:
                engine.send(party, self._step(i, 2), total)

    async def finish(self, i: int) -> None:
        """Receive v from each king and compute this party's shares of z = v - r."""
        engine, size, mask = self.engine, self._slice(i), self.masks.pop(i)
        result = self.result[self.pieces[i]]
        arrived = np.empty(size, np.uint64)
        for king, factor in enumerate(self.plan.factors):
            part = slice(king * size, min((king + 1) * size, len(mask)))
            if factor is None:
                result[part] = self.field.negate(mask[part])
                continue
            value = self.own.pop(i) if king == engine.me else arrived
            if king != engine.me:
                await engine.receive(king, self._step(i, 2), arrived)
            value = self.field.scale(value[: len(mask[part])], factor)
            self.field.subtract(value, mask[part], out=result[part])
