"""Shared bits for any number of parties: Shamir sharing over GF(2^m), bit-sliced into m planes.

m = ceil(log2(n + 1)). An AND is a product as in `shamir.reduce`: m (n - t - 1) bits from each of
2t + 1 parties.

Adversary: passive, at most t of n >= 2t + 1 parties, who learn nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Final, cast

import numpy as np

from ostraka.arithmetic.binary import Binary, Matrix, apply
from ostraka.arithmetic.field import Elements
from ostraka.arithmetic.planes import Planes, bits_of
from ostraka.arithmetic.randomness import Words
from ostraka.engine.circuit import Bits, Cut
from ostraka.engine.shamir.boolean import Boolean, Known, Proven, Replicated
from ostraka.engine.shamir.context import Context
from ostraka.engine.shamir.deal import deal

WORD_NS: Final = 6
"""Nanoseconds to combine two words of planes, about."""


def boolean(engine: Context, count: int) -> Boolean | None:
    """Return the fastest sharing of bits of `count` elements for these parties.

    None with active security and more than three parties, as nothing proves an AND.
    """
    three = (engine.n, engine.t) == (3, 1)
    if not engine.audit:
        return Replicated(engine, count) if three else Sliced(engine, count)
    return Proven(engine, count) if three else None


class Sliced(Boolean):
    """Shamir sharing over GF(2^m) at the points 1, 2, ..., n."""

    def __init__(self, engine: Context, count: int) -> None:
        super().__init__(engine, count)
        self.points = tuple(range(1, engine.n + 1))
        if "sliced" not in engine.cache:
            binary = Binary.for_points(engine.n)
            rows = [binary.lagrange(self.points[: k * engine.t + 1], 0) for k in (1, 2)]
            engine.cache["sliced"] = (binary, *rows)
        self.binary: Binary
        self.binary, self._opening, self._weights = engine.cache["sliced"]

    async def _both(self, a: Bits, b: Bits) -> Bits:
        engine, shape = self.engine, a.shape
        workers = range(2 * engine.t + 1)
        product = None
        if engine.me in workers:
            work = partial(self.binary.multiply, a, b)
            product = await engine.offload(WORD_NS * self.binary.m * a.size, work)
            product = product.reshape(self.binary.m, -1)
        weight = self._weights[engine.me] if engine.me in workers else 0
        words = int(np.prod(shape[1:], dtype=np.int64))
        return (await self._deal(workers, words, product, weight, total=True))[0].reshape(shape)

    async def _operands(self, y: Words, cut: Cut) -> tuple[list[Bits], Known]:
        engine, field, t = self.engine, self.engine.field, self.engine.t
        mine, summands = self._mask(len(y)) if 1 <= engine.me <= t else (None, [])
        masked = await self._masked(y, summands)
        if mine is not None:
            masked = field.subtract(np.full(len(y), field.p, np.uint64), mine)
        planes = None if masked is None else self._planes(masked, cut)
        shape = (self.binary.m, *self._shape(cut))
        words = shape[1] * shape[2]
        plain = None if planes is None else planes.reshape(1, words)
        dealt = await self._deal(range(t + 1), words, plain, 1, total=False)
        known = {} if masked is None else {engine.me: masked}
        return [self._rows(share.reshape(shape), cut) for share in dealt], known

    def _mask(self, length: int) -> tuple[Words, list[Words]]:
        """Return this party's own summand of r, and its shares of all t.

        The polynomial of party j's summand is zero at party 0, what a stream of their own says at
        each other party 1 to t, and what j's own stream says at j: uniform but for that zero.
        """
        engine, field, me = self.engine, self.engine.field, self.engine.me
        parties = range(1, engine.t + 1)
        own = [engine.uniform(j, f"mask {me}", length) for j in parties]
        mine = field.mix([engine.weights(range(engine.t + 1))[1:]], own)[0]
        others = [engine.uniform(j, f"mask {j}", length) for j in parties if j != me]
        return mine, [own[me - 1], *others]

    async def _summands(self, bits: Bits) -> list[Words]:
        """Deal the bits, of which the secret is the XOR, that parties 0, 1, ... know."""
        engine = self.engine
        dealers = range(engine.t + 1)
        local = None
        if engine.me in dealers:
            row = self.binary.matrix(self._opening[engine.me])[:1]
            known = apply(row, bits.reshape(self.binary.m, -1)).reshape(bits.shape[1:])
            local = bits_of(known, self.count).reshape(-1).__getitem__
        return await deal(engine, dealers, bits.shape[1] * self.count, local, total=False)

    # --- dealing over GF(2^m) -----------------------------------------------------------------

    async def _deal(
        self, dealers: range, words: int, secret: Planes | None, weight: int, *, total: bool
    ) -> list[Elements]:
        """Deal planes, as `deal.deal` does elements: one round.

        Args:
            secret: at a dealer: shape (m, words), or (1, words) for bits.
            weight: public factor of what this party deals.
        """
        engine, m = self.engine, self.binary.m
        results = [np.zeros((m, words), np.uint64) for _ in dealers[: 1 if total else None]]
        target = {d: results[0 if total else k] for k, d in enumerate(dealers)}
        step = engine.begin()
        if secret is not None:
            explicit = self._receivers(engine.me)[1]
            about = WORD_NS * m * words * engine.n * engine.t
            shares = await engine.offload(about, partial(self._split, secret, weight))
            target[engine.me] ^= shares[:m]
            for k, receiver in enumerate(explicit, start=1):
                engine.send(receiver, step, shares[k * m : (k + 1) * m].reshape(-1))
        for dealer in dealers:
            if engine.me in self._receivers(dealer)[0]:
                target[dealer] ^= engine.random_words(dealer, f"bits {dealer}", (m, words))
        for dealer in dealers:
            if engine.me in self._receivers(dealer)[1]:
                arrived = np.empty((m, words), np.uint64)
                await engine.receive_words(dealer, step, arrived.reshape(-1))
                target[dealer] ^= arrived
        return results

    def _split(self, secret: Planes, weight: int) -> Planes:
        """Return this dealer's own share, then those that it sends, one below the other."""
        engine, shape = self.engine, (self.binary.m, secret.shape[1])
        seeded = self._receivers(engine.me)[0]
        drawn = [engine.random_words(j, f"bits {engine.me}", shape) for j in seeded]
        return apply(self._matrix(len(secret), weight), np.concatenate((secret, *drawn)))

    def _receivers(self, dealer: int) -> tuple[list[int], list[int]]:
        """Return the parties that read the dealer's shares from a stream, and those sent them."""
        after = [(dealer + k) % self.engine.n for k in range(1, self.engine.n)]
        return after[: self.engine.t], after[self.engine.t :]

    def _matrix(self, planes: int, weight: int) -> Matrix:
        """Return the map from a secret's planes and t drawn shares to all other shares."""
        key = ("bits", planes, weight)
        if key not in self.engine.cache:
            me, binary = self.engine.me, self.binary
            seeded, explicit = self._receivers(me)
            base = [0, *(self.points[j] for j in seeded)]
            rows = []
            for receiver in (me, *explicit):
                c, *rest = binary.lagrange(base, self.points[receiver])
                first = binary.matrix(binary.times(c, weight))[:, :planes]
                rows.append(np.hstack([first, *(binary.matrix(c) for c in rest)]))
            self.engine.cache[key] = np.vstack(rows)
        return cast(Matrix, self.engine.cache[key])
