"""Active security, with abort: all that was computed is proven before a result is opened.

Adversary: at most t < n / 2 parties that may do anything. While a computation runs they see only
uniform shares, and all they can do is deal wrong shares. Wrong shares that are of degree t among
the honest add an error to a product: the corrupt parties *know it*, and it does not depend on the
secrets [GIPST14]. Before a result is opened:

1. A joint coin gives coefficients g. In its round every party deals masks.
2. sum g_i x_i y_i = sum g_i z_i is one inner product. Its vectors are cut into k pieces, seen as
   values of polynomials f and g at 0 to k - 1; h = f . g is shared at 2k - 1 points (one deal),
   and at a joint random point the claim h = f . g is an inner product k times shorter. [GS20,
   BBCGI19] At the end a random pair is mixed in.
3. Four numbers are opened to every party and must be of degree t: f, g and h, uniform but for
   h = f g, and a random combination, masked, of all that was dealt or contributed. (With
   n = 2t + 1 any t + 1 honest shares are of degree t; then only contributors' shares go in.)

Shares that are not of degree t among the honest stop the run for any secrets, but for a chance of
2 / p. Else a false claim fails by an amount that the corrupt parties know. So whether a run stops
tells nothing about secrets. A false claim passes with a probability below 2^-52: two roots of p for
the coefficients, at most 2k - 2 of p for each of the foldings. A failed proof ends the run, so this
bounds all proofs of a run together. Rounds: 4 for up to `FAN` terms, and 2 for each folding more;
ANDs of three parties are folded first (`shamir.gates`).

An element that its learners could have drawn themselves, however the computation was falsified, may
be opened before the proof (`rounds.Masked`, `opening.open_masked`): see
docs/decisions/0006-active-security.md.

No message authentication codes: a product costs no more bytes than a passive one, and a proof has
O(log) rounds and elements. After it, values are consistent among the honest, so an opening has one
possible value, and with n >= 3t + 1 up to t wrong shares announced are corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, reduce
from itertools import accumulate
from math import factorial
from typing import Final

import numpy as np

from ostraka.arithmetic.field import Elements, Field
from ostraka.arithmetic.matrix import inner_products, matmul
from ostraka.arithmetic.planes import Planes
from ostraka.arithmetic.randomness import Stream, Words, blocks
from ostraka.engine.shamir.coin import Coin
from ostraka.engine.shamir.context import Audit, Context
from ostraka.engine.shamir.gates import MANY, Gates
from ostraka.engine.shamir.reduce import reduced
from ostraka.errors import PeerViolation
from ostraka.exchange import words
from ostraka.sharing.scheme import InconsistentShares
from ostraka.sharing.shamir import complete

LIMIT: Final = 1 << 22
"""Number of terms above which a proof does not wait for the next opening: bounds memory."""

LONG: Final = 1 << 14
"""Length above which a vector is cut in `FEW`, for the least time; below, for the fewest rounds."""

FEW: Final = 4
"""Pieces of a long vector: they are multiplied by numbers, more of them as a matrix."""

MASKS: Final = 3
"""Random elements of a proof: a pair of factors, and one to mask the combination of shares."""

FAN: Final = 64
"""Maximum number of pieces of a vector, and of terms in the last folding, beside its mask."""

TERM_NS: Final = 50
"""Nanoseconds that a step of a proof takes for each term, about."""


class Auditor(Audit):
    """List of products, shares and ANDs that must be right, and their proof at `settle`."""

    def __init__(self, engine: Context, coin: Coin) -> None:
        self.engine, self.coin = engine, coin
        self._products: list[tuple[Words, Words, Words]] = []
        self._sums: list[tuple[Elements, Elements, Words]] = []
        self._matrices: list[tuple[Elements, Elements, Elements]] = []
        self._shares: list[Words] = []
        self._gates = Gates(engine)
        self._terms = 0

    def products(self, x: Words, y: Words, z: Words) -> None:
        self._products.append((x, y, z))
        self._terms += x.size

    def sums(self, x: Elements, y: Elements, z: Words) -> None:
        self._sums.append((x, y, z))
        self._terms += x.size

    def matrices(self, x: Elements, y: Elements, z: Elements) -> None:
        self._matrices.append((x, y, z))
        self._terms += x.size + y.size + z.size

    def gates(self, x: Planes, y: Planes, z: Planes, zero: Planes) -> None:
        self._gates.add(x, y, z, zero)

    def dealt(self, shares: Sequence[Words]) -> None:
        if self.engine.n > 2 * self.engine.t + 1:
            self.given(shares)

    def given(self, shares: Sequence[Words]) -> None:
        self._shares.extend(shares)
        self._terms += sum(share.size for share in shares)

    async def toss(self) -> Stream:
        return (await self.coin.toss())[0]

    async def agree(self, on: bytes) -> None:
        self.coin.context += on
        await self.coin.toss()

    async def relieve(self) -> None:
        while self._gates.words > MANY:
            self.sums(*await self._gates.claims(self.coin))
        if self._terms > LIMIT:
            await self.settle()

    async def settle(self) -> None:
        while self._gates.words:
            self.sums(*await self._gates.claims(self.coin))
        if not self._terms:
            return
        self.engine.counters.audits += 1
        stream, (*pair, mask) = await self._masks()
        x, y, z, loose = await self.engine.offload(
            TERM_NS * self._terms, lambda: (*self._claim(stream), self._loose(stream))
        )
        await self._prove(x, y, z, pair, (loose, mask))
        self._products, self._sums, self._matrices, self._shares = [], [], [], []
        self._terms = 0

    async def _masks(self) -> tuple[Stream, list[int]]:
        """Draw the coin, and in its round deal uniform elements that no t parties know."""
        engine, p = self.engine, self.engine.field.p
        own = engine.uniform(engine.me, "audit", MASKS * (engine.t + 1)).reshape(MASKS, -1).tolist()
        dealt = [[_at(c, x, p) for c in own] for x in engine.points]
        stream, told = await self.coin.toss([np.array(row, np.uint64) for row in dealt])
        return stream, [sum(column) % p for column in zip(*told, strict=True)]

    def _claim(self, stream: Stream) -> tuple[Words, Words, int]:
        """Join everything to one claim: the inner product of two vectors is a number."""
        field = self.engine.field
        length = sum(x.size for x, _, _ in self._products + self._sums)
        length += sum(x.shape[1] for x, _, _ in self._matrices)
        left, right, z = (*np.zeros((2, max(1, length)), np.uint64), 0)
        at = 0
        for x, y, product in self._products:
            right[at : at + len(x)] = y
            for part in blocks(len(x)):
                g = field.uniform(stream, np.empty(len(x[part]), np.uint64))
                left[at + part.start : at + part.stop][: len(g)] = field.multiply(x[part], g)
                z += field.inner(product[part], g)
            at += len(x)
        for x, y, found in self._sums:
            g = field.uniform(stream, np.empty(len(x), np.uint64))
            left[at : at + x.size] = field.product(x, g[:, None]).reshape(-1)
            right[at : at + x.size] = y.reshape(-1)
            z += field.inner(found, g)
            at += x.size
        for x, y, matrix in self._matrices:
            u = field.uniform(stream, np.empty((1, len(x)), np.uint64)[0])[None]
            v = field.uniform(stream, np.empty(y.shape[1], np.uint64))[:, None]
            left[at : at + len(y)] = matmul(field, u, x)[0]
            right[at : at + len(y)] = matmul(field, y, v)[:, 0]
            z += int(matmul(field, matmul(field, u, matrix), v)[0, 0])
            at += len(y)
        return left, right, z % field.p

    def _loose(self, stream: Stream) -> int:
        """Return a random combination of the shares that must be of degree t."""
        return _random_inner(self.engine.field, stream, self._shares)

    async def _prove(
        self, x: Words, y: Words, z: int, pair: Sequence[int], loose: tuple[int, int]
    ) -> None:
        """Fold the claim until it is short, mix a random pair in and open what is left.

        Args:
            loose: shares of the combination that must be of degree t, and of a mask for it.
        """
        while len(x) > FAN:
            k = FEW if len(x) > LONG else min(FAN, -(-len(x) // FAN))
            x, y, z, _ = await self._fold(_cut(x, k), _cut(y, k), z)
        a, b = (np.append(np.uint64(m), w)[:, None] for m, w in zip(pair, (x, y), strict=True))
        x, y, z, stream = await self._fold(a, b, z, masks=1)
        at = int(self.engine.field.uniform(stream, np.empty(1, np.uint64))[0])
        f, g, h, _ = await self._opened([int(x[0]), int(y[0]), z, loose[0] * at + loose[1]])
        if f * g % self.engine.field.p != h:
            raise PeerViolation(
                "a compute party falsified a product; no result was revealed",
                hint="find out which party is faulty before running again",
            )

    async def _fold(
        self, x: Elements, y: Elements, z: int, masks: int = 0
    ) -> tuple[Words, Words, int, Stream]:
        """Fold a claim about k rows to one about a combination of them. Rounds: 2.

        Args:
            masks: so many rows in front are not in the claim.

        Returns:
            The new claim, and the rest of the coin that combined them.
        """
        engine, field, k = self.engine, self.engine.field, len(x)
        local = await engine.offload(TERM_NS * x.size, lambda: self._values(x, y))
        rest = (await reduced(engine, len(local), local.__getitem__)).tolist()
        h = [*rest[: k - 1], (z - sum(rest[masks : k - 1])) % field.p, *rest[k - 1 :]]
        stream, _ = await self.coin.toss()
        at = _point(stream, field, len(h))
        z = sum(c * v for c, v in zip(_lagrange(len(h), at, field.p), h, strict=True)) % field.p
        row = np.array([_lagrange(k, at, field.p)], np.uint64)
        f, g = await engine.offload(
            TERM_NS * x.size, lambda: [_combined(field, row, v)[0] for v in (x, y)]
        )
        return f, g, z, stream

    def _values(self, x: Elements, y: Elements) -> Words:
        """Return f . g at the points 0 to 2k - 2 but k - 1, where it follows from the claim."""
        field, k = self.engine.field, len(x)
        rows = _extrapolation(field, k)
        if 1 < k <= FEW:
            rows = np.concatenate((np.eye(k, dtype=np.uint64)[:-1], rows))
            apart = inner_products(field, x, y)  # the values are combinations of these
            values = [matmul(field, matmul(field, row[None], apart), row[:, None]) for row in rows]
            return np.concatenate(values).reshape(-1)
        f, g = _combined(field, rows, x), _combined(field, rows, y)
        f, g = np.concatenate((x[:-1], f)), np.concatenate((y[:-1], g))
        return field.sum(field.product(f, g), axis=1)

    async def _opened(self, shares: Sequence[int]) -> list[int]:
        """Open a few numbers to every party.

        A contradiction names no party: an honest one announces a wrong share if it was dealt one.
        """
        engine = self.engine
        own = np.array([share % engine.field.p for share in shares], np.uint64)
        told = dict.fromkeys((i for i in range(engine.n) if i != engine.me), own)
        arrived = await engine.all_to_all(told, words(len(own)))
        found = {engine.party.me: own}
        found |= {engine.names[i]: engine.check(i, vector) for i, vector in arrived.items()}
        try:
            return [int(value) for value in engine.scheme.combine(found)]
        except InconsistentShares:
            raise PeerViolation(
                "shares contradict each other: a party dealt or announced a wrong one; no "
                "result was revealed",
                hint="find out which party is faulty before running again",
            ) from None


def _random_inner(field: Field, stream: Stream, vectors: Sequence[Words]) -> int:
    """Return the sum of all elements, each times an element of the stream."""
    total = 0
    for vector in vectors:
        for part in blocks(vector.size):
            block = vector[part]
            total += field.inner(block, field.uniform(stream, np.empty(len(block), np.uint64)))
    return total


def _cut(x: Words, k: int) -> Elements:
    """Cut a vector to k rows, zeros behind."""
    columns = -(-len(x) // k)
    if len(x) == k * columns:
        return x.reshape(k, columns)
    padded = np.zeros(k * columns, np.uint64)
    padded[: len(x)] = x
    return padded.reshape(k, columns)


def _combined(field: Field, coefficients: Elements, x: Elements) -> Elements:
    """Return coefficients @ x; each row of coefficients adds up to one."""
    if len(x) > FEW:
        return matmul(field, coefficients, x)
    out = np.empty((len(coefficients), x.shape[1]), np.uint64)
    for part in blocks(x.shape[1]):
        first, *others = x[:, part]
        for row, c in zip(out, coefficients.tolist(), strict=True):
            row[part] = complete(field, first, others, [c[1:]])[0] if others else first
    return out


def _at(polynomial: Sequence[int], x: int, p: int) -> int:
    """Return its value at x, coefficients lowest first."""
    return reduce(lambda value, c: (value * x + c) % p, reversed(polynomial), 0)


def _inverses(elements: Sequence[int], p: int) -> list[int]:
    """Return 1 / x of each: three products each, and one inversion."""
    below = [1, *accumulate(elements, lambda a, b: a * b % p)]
    whole, found = pow(below[-1], -1, p), []
    for x, product in zip(reversed(elements), reversed(below[:-1]), strict=True):
        found.append(whole * product % p)
        whole = whole * x % p
    return found[::-1]


@lru_cache(maxsize=512)
def _weights(k: int, p: int) -> list[int]:
    """Return 1 / prod_{j != i} (i - j) for i = 0 to k - 1, j alike."""
    below = [factorial(i) * factorial(k - 1 - i) * (-1) ** (k - 1 - i) for i in range(k)]
    return _inverses(below, p)


def _lagrange(k: int, at: int, p: int) -> list[int]:
    """Return `Field.lagrange(range(k), at)` for `at` above: L_i = prod (at - j) w_i / (at - i)."""
    apart = [(at - i) % p for i in range(k)]
    whole = reduce(lambda a, b: a * b % p, apart, 1)
    return [whole * w * d % p for w, d in zip(_weights(k, p), _inverses(apart, p), strict=True)]


@lru_cache(maxsize=256)
def _extrapolation(field: Field, k: int) -> Elements:
    """Return rows that take values at 0 to k - 1 to those at k to 2k - 2, like `_lagrange`."""
    p, at, nodes = field.p, np.arange(k, 2 * k - 1)[:, None], np.arange(k)
    whole = [factorial(j) // factorial(j - k) % p for j in range(k, 2 * k - 1)]
    inverses = np.array([0, *_inverses(range(1, 2 * k - 1), p)], np.uint64)
    rows = field.product(np.array(whole, np.uint64)[:, None], inverses[at - nodes])
    return field.product(rows, np.array(_weights(k, p), np.uint64)[None])


def _point(stream: Stream, field: Field, above: int) -> int:
    """Draw a uniform element that is none of 0 to `above` - 1, but for a bias of 2^-67."""
    low, high = stream.fill(np.empty(2, np.uint64)).tolist()
    return int(above + (high << 64 | low) % (field.p - above))
