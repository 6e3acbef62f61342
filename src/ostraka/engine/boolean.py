"""Shared bits, and how field elements get there and back.

Bits do not belong in F_p, where one takes 8 bytes and a product of two an eighth of a kilobyte:
they are packed 64 to a word and shared over a field of characteristic two, where XOR is free and
AND costs one round. Two sharings of the same interface:

- `Replicated`, three parties and t = 1: each bit is the XOR of three, party i holds the i-th and
  the one after. An AND sends one bit per party.
- `Sliced`, any n >= 2t + 1: Shamir sharing over GF(2^m), m = ceil(log2(n + 1)), bit-sliced into m
  planes. An AND is a product as in `multiply`: m (n - t - 1) bits from each of 2t + 1 parties.

Adversary: passive, at most t parties. With `Engine.audit` active, for three parties: `Proven`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, cast

import numpy as np

from ostraka.arithmetic.binary import Binary, Matrix, apply
from ostraka.arithmetic.field import Elements
from ostraka.arithmetic.planes import Planes, bits_of, dense, planes_of, spread, width
from ostraka.arithmetic.randomness import BLOCK, Words, blocks
from ostraka.engine.context import Engine
from ostraka.engine.deal import deal
from ostraka.engine.reveal import open_elements
from ostraka.errors import ManifestError

SPARSE: Final = 32
"""Elements up to which what is sent is packed anew, as most of each plane's last word is empty."""

Bits = Planes
"""Shape (parts, rows, words): this party's shares of `rows` planes; `^` is XOR of secrets."""


Known = dict[int, Words]
"""Numbers that this party knows, by their place among the operands."""


class Boolean(ABC):
    """One way to share bits of `count` elements."""

    def __init__(self, engine: Engine, count: int) -> None:
        engine.need_products()
        self.engine = engine
        self.count = count
        self.sparse = count <= SPARSE

    async def both(self, a: Bits, b: Bits) -> Bits:
        """a AND b: one round. The result must not change afterwards: part of it is on its way."""
        if not self.sparse:
            return await self._both(a, b)
        x, y = dense(a, self.count), dense(b, self.count)
        return spread(await self._both(x, y), a.shape[1], self.count)

    @abstractmethod
    async def _both(self, a: Bits, b: Bits) -> Bits: ...

    @property
    def summands(self) -> int:
        """How many numbers `operands` gives."""
        return self.engine.t + 1

    @abstractmethod
    async def operands(self, y: Words) -> tuple[list[Bits], Known]:
        """t + 1 shared numbers of `field.bits` bits that add up to y modulo p: two rounds.

        Party 0 learns y + r, r uniform to it and any t - 1 others; parties 1 to t each know one of
        t summands of r. The first operand is y + r, canonical, so never p; the others are p minus
        a canonical summand, so never zero: see `compare`.

        Returns:
            Our shares of the operands, and those of them that we know: the first at party 0, the
            others at 1 to t; of three parties, 2 knows what 1 does.
        """

    async def shared(self, known: Known) -> Words:
        """Shares over F_p of the sum of a number made of each operand by who knows it.

        Parties 0 to t deal theirs: one round.
        """
        engine, dealers = self.engine, range(self.engine.t + 1)
        local = known[engine.me].__getitem__ if engine.me in dealers else None
        return (await deal(engine, dealers, self.count, local, total=True))[0]

    @abstractmethod
    async def to_field(self, bits: Bits) -> list[Words]:
        """t + 1 shared vectors (rows * count) over F_p, zeros and ones, whose XOR the bits are."""

    # --- y + r for party 0 --------------------------------------------------------------------

    async def _masked(self, y: Words, summands: Sequence[Words]) -> Words | None:
        """y + r, to party 0: one round; parties 1 to t send one element each.

        Args:
            summands: this party's shares of the summands of r; none at party 0, as all of them lie
                on polynomials of degree t that are zero at party 0's point.
        """
        engine, field, t = self.engine, self.engine.field, self.engine.t
        step = engine.begin()
        if 1 <= engine.me <= t:
            total = y
            for share in summands:
                total = field.add(total, share)
            engine.send(0, step, total)
        if engine.me:
            return None
        shares = [y, *(np.empty(len(y), np.uint64) for _ in range(t))]
        for sender in range(1, t + 1):
            await engine.receive(sender, step, shares[sender])
        weights = engine.weights(range(t + 1))
        masked = np.empty(len(y), np.uint64)
        for part in blocks(len(y)):
            masked[part] = field.mix([weights], [share[part] for share in shares])[0]
        return masked

    def _planes(self, elements: Words) -> Planes:
        """Their bits as they are dealt: shape (rows, words)."""
        planes = planes_of(elements, self.engine.field.bits)
        return dense(planes[None], self.count)[0] if self.sparse else planes

    def _shape(self) -> tuple[int, int]:
        """Rows and words of a number as it is dealt."""
        bits = self.engine.field.bits
        return (1, width(bits * self.count)) if self.sparse else (bits, width(self.count))

    def _rows(self, dealt: Planes) -> Bits:
        """A number as it is used: one row for each bit."""
        return spread(dealt, self.engine.field.bits, self.count) if self.sparse else dealt


def boolean(engine: Engine, count: int) -> Boolean:
    """The fastest sharing of bits of `count` elements for these parties.

    Raises:
        ManifestError: with active security and more than three parties, as nothing proves an AND.
    """
    three = (engine.n, engine.t) == (3, 1)
    if not engine.audit:
        return Replicated(engine, count) if three else Sliced(engine, count)
    if not three:
        raise ManifestError(
            'this needs Boolean circuits, which security = "active" proves among three compute '
            "parties only",
            hint='name three compute parties, or use security = "passive"',
        )
    return Proven(engine, count)


def provable(engine: Engine) -> bool:
    """Whether `boolean` has a sharing for this adversary."""
    return not engine.audit or (engine.n, engine.t) == (3, 1)


def line(engine: Engine, stranger: int) -> int:
    """Our share of 1 on the line that is zero at `stranger`.

    Two of three parties that know a number share it so, without a message.
    """
    return engine.field.lagrange([0, engine.points[stranger]], engine.points[engine.me])[0]


class Replicated(Boolean):
    """x = x_0 ^ x_1 ^ x_2, party i holds x_i and x_(i+1)."""

    def __init__(self, engine: Engine, count: int) -> None:
        super().__init__(engine, count)
        self.sparse = False  # one word for each bit is little enough, and packing takes time
        self.after, self.before = (engine.me + 1) % 3, (engine.me - 1) % 3

    async def _both(self, a: Bits, b: Bits) -> Bits:
        """The three parties' z_i = x_i y_i ^ x_i y_(i+1) ^ x_(i+1) y_i ^ zero_i. [AFLNO16]"""
        engine, shape = self.engine, a.shape
        (a0, a1), (b0, b1) = a.reshape(2, -1), b.reshape(2, -1)
        out = np.empty((2, len(a0)), np.uint64)
        scratch = np.empty(min(BLOCK, len(a0)), np.uint64)
        zero = engine.stream(self.before, "zero"), engine.stream(self.after, "zero")
        for part in blocks(len(a0)):
            z, other = out[0, part], scratch[: part.stop - part.start]
            zero[0].fill(z)
            z ^= zero[1].fill(other)
            np.bitwise_xor(b0[part], b1[part], out=other)
            other &= a0[part]
            z ^= other
            z ^= np.bitwise_and(a1[part], b0[part], out=other)
        step = engine.begin()
        engine.send(self.before, step, out[0])
        await engine.receive_words(self.after, step, out[1])
        return out.reshape(shape)

    async def operands(self, y: Words) -> tuple[list[Bits], Known]:
        """r is a stream of parties 1 and 2; of y + r, party 1 gets a stream and 2 the rest."""
        engine, field = self.engine, self.engine.field
        r = None
        if engine.me:
            r = engine.uniform(3 - engine.me, "mask", len(y))
        summands = [] if r is None else [field.scale(r, line(engine, 0))]
        masked = await self._masked(y, summands)
        shape = (2, *self._shape())
        first, second = np.zeros(shape, np.uint64), np.zeros(shape, np.uint64)
        step = engine.begin()
        if masked is not None:
            first[1] = engine.random_words(1, "bits", shape[1:])
            first[0] = first[1] ^ self._planes(masked)
            engine.send(2, step, first[0].reshape(-1))
        elif r is not None:
            r = masked = field.subtract(np.full(len(y), field.p, np.uint64), r)
            second[2 - engine.me] = self._planes(r)
            if engine.me == 1:
                first[0] = engine.random_words(0, "bits", shape[1:])
            else:
                await engine.receive_words(0, step, first[1].reshape(-1))
        assert masked is not None
        return [self._rows(first), self._rows(second)], {min(engine.me, 1): masked}

    async def to_field(self, bits: Bits) -> list[Words]:
        """Party 0 deals x_0 ^ x_1; both others know x_2, on the line that is zero at party 0."""
        engine, count, length = self.engine, self.count, bits.shape[1] * self.count
        if engine.me == 0:
            known = bits_of(bits[0] ^ bits[1], count).reshape(-1)
            dealt = await deal(engine, [0], length, known.__getitem__, total=True)
            return [*dealt, np.zeros(length, np.uint64)]
        dealt = await deal(engine, [0], length, None, total=True)
        known = bits_of(bits[2 - engine.me], count).reshape(-1)
        return [*dealt, known * np.uint64(line(engine, 0))]


class Proven(Replicated):
    """For an active adversary: whatever enters is known to two parties, and ANDs are proven.

    So components are consistent whatever a liar says: of the two that hold one, one is honest.
    What is opened here is uniform to who learns it; nothing needs to be proven before.
    """

    async def _both(self, a: Bits, b: Bits) -> Bits:
        engine, words = self.engine, a.shape[1:]
        x, y = a.reshape(2, -1), b.reshape(2, -1)
        zero = np.stack([engine.random_words(j, "zero", words) for j in (self.before, self.after)])
        zero = zero.reshape(2, -1)
        out = np.empty_like(zero)
        z, other = out[0], y[0] ^ y[1]
        np.bitwise_xor(zero[0], zero[1], out=z)
        other &= x[0]
        z ^= other
        z ^= np.bitwise_and(x[1], y[0], out=other)
        step = engine.begin()
        engine.send(self.before, step, z)
        await engine.receive_words(self.after, step, out[1])
        assert engine.audit is not None
        engine.audit.gates(x, y, out, zero)
        await engine.audit.relieve()
        return out.reshape(a.shape)

    @property
    def summands(self) -> int:
        """Each is a component of which the others are zero."""
        return 3

    async def operands(self, y: Words) -> tuple[list[Bits], Known]:
        """Three, in one round: s = y + r + q, and minus both masks.

        r is a stream of parties 0 and 2, q of parties 1 and 2, s is opened to 0 and 1, who see
        whether all three shares of it are on a line. Each is known to two parties, as component i
        of bits is known to party i and the one before.
        """
        engine, field, me = self.engine, self.engine.field, self.engine.me
        masks = {j: engine.uniform(3 - me - j, "mask", len(y)) for j in (0, 1) if j != me}
        for stranger, mask in masks.items():
            y = field.add(y, field.scale(mask, line(engine, stranger)))
        opened = await open_elements(engine.array(y), engine.names[:2], masked=True)
        numbers = {
            (stranger + 2) % 3: field.subtract(np.full(len(y), field.p, np.uint64), mask)
            for stranger, mask in masks.items()
        }
        if opened is not None:
            numbers[1] = opened
        found = []
        for component in (1, 0, 2):
            operand = np.zeros((2, *self._shape()), np.uint64)
            if component in numbers:
                operand[(component - me) % 3] = self._planes(numbers[component])
            found.append(operand)
        return found, numbers

    async def shared(self, known: Known) -> Words:
        """No message, and no lie: as components."""
        shares = [
            self.engine.field.scale(v, line(self.engine, (i + 1) % 3)) for i, v in known.items()
        ]
        return self.engine.field.add(*shares)

    async def to_field(self, bits: Bits) -> list[Words]:
        """As without liars, and what party 0 deals of x_0 and x_1 is proven: a product."""
        engine, field = self.engine, self.engine.field
        dealt, last = await super().to_field(bits)
        x, y = (self._component(bits, i) for i in (0, 1))
        assert engine.audit is not None
        engine.audit.products(x, field.add(y, y), field.subtract(field.add(x, y), dealt))
        return [dealt, last]

    def _component(self, bits: Bits, i: int) -> Words:
        """Shares of x_i, zeros and ones, known to party i and the one before."""
        place = (i - self.engine.me) % 3
        if place == 2:
            return np.zeros(bits.shape[1] * self.count, np.uint64)
        known = bits_of(bits[place], self.count).reshape(-1)
        return known * np.uint64(line(self.engine, (i + 1) % 3))


class Sliced(Boolean):
    """Shamir sharing over GF(2^m) at the points 1, 2, ..., n."""

    def __init__(self, engine: Engine, count: int) -> None:
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
            product = self.binary.multiply(a, b).reshape(self.binary.m, -1)
        weight = self._weights[engine.me] if engine.me in workers else 0
        words = int(np.prod(shape[1:], dtype=np.int64))
        return (await self._deal(workers, words, product, weight, total=True))[0].reshape(shape)

    async def operands(self, y: Words) -> tuple[list[Bits], Known]:
        engine, field, t = self.engine, self.engine.field, self.engine.t
        mine, summands = self._mask(len(y)) if 1 <= engine.me <= t else (None, [])
        masked = await self._masked(y, summands)
        if mine is not None:
            masked = field.subtract(np.full(len(y), field.p, np.uint64), mine)
        planes = None if masked is None else self._planes(masked)
        shape = (self.binary.m, *self._shape())
        words = shape[1] * shape[2]
        plain = None if planes is None else planes.reshape(1, words)
        dealt = await self._deal(range(t + 1), words, plain, 1, total=False)
        known = {} if masked is None else {engine.me: masked}
        return [self._rows(share.reshape(shape)) for share in dealt], known

    def _mask(self, length: int) -> tuple[Words, list[Words]]:
        """Our own summand of r, and our shares of all t.

        The polynomial of party j's summand is zero at party 0, what a stream of their own says at
        each other party 1 to t, and what j's own stream says at j: uniform but for that zero.
        """
        engine, field, me = self.engine, self.engine.field, self.engine.me
        parties = range(1, engine.t + 1)
        own = [engine.uniform(j, f"mask {me}", length) for j in parties]
        mine = field.mix([engine.weights(range(engine.t + 1))[1:]], own)[0]
        others = [engine.uniform(j, f"mask {j}", length) for j in parties if j != me]
        return mine, [own[me - 1], *others]

    async def to_field(self, bits: Bits) -> list[Words]:
        """The secret is the XOR of a bit that party 0 knows, one that party 1 knows, ..."""
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
        """As `deal.deal`, for planes: one round.

        Args:
            secret: at a dealer: shape (m, words), or (1, words) for bits.
            weight: public factor of what we deal.
        """
        engine, m = self.engine, self.binary.m
        results = [np.zeros((m, words), np.uint64) for _ in dealers[: 1 if total else None]]
        target = {d: results[0 if total else k] for k, d in enumerate(dealers)}
        step = engine.begin()
        if secret is not None:
            seeded, explicit = self._receivers(engine.me)
            drawn = [engine.random_words(j, f"bits {engine.me}", (m, words)) for j in seeded]
            shares = apply(self._matrix(len(secret), weight), np.concatenate((secret, *drawn)))
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

    def _receivers(self, dealer: int) -> tuple[list[int], list[int]]:
        """Who reads the dealer's shares from a stream, and who is sent them."""
        after = [(dealer + k) % self.engine.n for k in range(1, self.engine.n)]
        return after[: self.engine.t], after[self.engine.t :]

    def _matrix(self, planes: int, weight: int) -> Matrix:
        """From our secret's planes and t drawn shares to our own share and the explicit ones."""
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
