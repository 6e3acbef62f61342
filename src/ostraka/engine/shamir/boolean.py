"""Shared bits, and how field elements get there and back.

Bits do not belong in F_p, where one takes 8 bytes and a product of two 8 (n - t - 1) bytes from
each of 2t + 1 parties: they are packed 64 to a word and shared over a field of characteristic two,
where XOR is free and AND costs one round. `Replicated` is for three parties and t = 1: each bit is
the XOR of three, party i holds the i-th and the one after, and an AND sends one bit per party. For
more parties: `shamir.sliced`.

Adversary: at most t < n / 2 parties, who learn nothing. Passive; for three parties `Proven` is
against an active one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Final

import numpy as np

from ostraka.arithmetic.field import Elements, Field
from ostraka.arithmetic.planes import Planes, bits_of, dense, planes_of, spread, width
from ostraka.arithmetic.randomness import BLOCK, Words, blocks
from ostraka.engine.array import SecretArray, stack
from ostraka.engine.bits import xor_all
from ostraka.engine.circuit import Bits, Circuit, Cut
from ostraka.engine.multiply import dot
from ostraka.engine.shamir.context import Context
from ostraka.engine.shamir.deal import deal, divide
from ostraka.engine.shamir.opening import open_masked

SPARSE: Final = 32
"""Elements up to which what is sent is packed anew, as most of each plane's last word is empty."""

LONG: Final = 1 << 15
"""Elements from which an AND that is to be proven takes longer than a round of three parties."""

Known = dict[int, Words]
"""Numbers that this party knows, by their place among the operands."""


class Boolean(Circuit):
    """A sharing of bits of `count` elements among the parties of a Shamir computation."""

    def __init__(self, engine: Context, count: int) -> None:
        engine.need_products()
        self.engine = engine
        self.count = count
        self.summands = engine.t + 1
        self.shifts = engine.t <= 2
        self.sparse = count <= SPARSE

    async def both(self, a: Bits, b: Bits) -> Bits:
        """Return a AND b, as `Circuit.both` says: part of the result may still be being sent."""
        if not self.sparse:
            return await self._both(a, b)
        x, y = dense(a, self.count), dense(b, self.count)
        return spread(await self._both(x, y), a.shape[1], self.count)

    @abstractmethod
    async def _both(self, a: Bits, b: Bits) -> Bits: ...

    async def operands(self, x: SecretArray, cut: Cut | None = None) -> tuple[list[Bits], Known]:
        """Share t + 1 numbers, as `Circuit.operands` says, and return those this party knows.

        Two rounds.

        Party 0 learns y + r, r uniform to it and any t - 1 others; parties 1 to t each know one of
        t summands of r. The first operand is y + r, canonical, so never p; the others are p minus
        a canonical summand, so never zero: see `compare`. Party 0 knows the first operand, 1 to t
        the others; of three parties, 2 knows what 1 does.
        """
        whole = Cut(self.engine.field.bits)
        return await self._operands(np.ascontiguousarray(x.parts[0]), cut or whole)

    @abstractmethod
    async def _operands(self, y: Words, cut: Cut) -> tuple[list[Bits], Known]: ...

    async def shifted(
        self, known: Known, k: int, planes: Bits, weights: Sequence[int]
    ) -> SecretArray:
        """Shift as `Circuit.shifted` says: parties 0 to t deal operands they know.

        With t = 1 each bit is the XOR of two elements, a ^ b = a + b - 2 a b, and one product does
        for all planes. Rounds: 3, with t = 2 4.
        """
        moved = await self._shared({i: v >> np.uint64(k) for i, v in known.items()})
        found, factors = await self.to_ring(planes), np.array(weights)
        rows = (len(weights), self.count)
        if len(found) > 2:
            total = (await xor_all(found)).reshape(rows).T @ factors
        else:
            a, b = (share.reshape(rows) for share in found)
            a = stack([a[i] * w for i, w in enumerate(weights)])
            linear = a.sum(0) + stack([b[i] * w for i, w in enumerate(weights)]).sum(0)
            total = linear - 2 * await dot(a, b, axis=0)
        return self.engine.array(moved) + total

    async def _shared(self, known: Known) -> Words:
        """Share over F_p the sum of one number for each operand, dealt by a party that knows it."""
        engine, dealers = self.engine, range(self.engine.t + 1)
        local = known[engine.me].__getitem__ if engine.me in dealers else None
        return (await deal(engine, dealers, self.count, local, total=True))[0]

    async def to_ring(self, bits: Bits) -> list[SecretArray]:
        return [self.engine.array(share) for share in await self._summands(bits)]

    @abstractmethod
    async def _summands(self, bits: Bits) -> list[Words]:
        """Return t + 1 shared vectors over F_p, zeros and ones, whose XOR the bits are."""

    # --- y + r for party 0 --------------------------------------------------------------------

    async def _masked(self, y: Words, summands: Sequence[Words]) -> Words | None:
        """Tell party 0 y + r: one round; parties 1 to t send one element each.

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

    def _planes(self, elements: Words, cut: Cut) -> Planes:
        """Return their bits as they are dealt: shape (rows, words)."""
        planes = planes_of(cut.pack(elements, self.engine.field.bits), cut.rows)
        return dense(planes[None], self.count)[0] if self.sparse else planes

    def _shape(self, cut: Cut) -> tuple[int, int]:
        """Count rows and words of a number as it is dealt."""
        bits = cut.rows
        return (1, width(bits * self.count)) if self.sparse else (bits, width(self.count))

    def _rows(self, dealt: Planes, cut: Cut) -> Bits:
        """Return a number as it is used: one row for each bit."""
        return spread(dealt, cut.rows, self.count) if self.sparse else dealt


def line(engine: Context, stranger: int) -> int:
    """Return this party's share of 1 on the line that is zero at the point of party `stranger`.

    Times a number that the two other parties know, it is a sharing of it without a message.
    """
    return engine.field.lagrange([0, engine.points[stranger]], engine.points[engine.me])[0]


def _add_weighted(
    field: Field, total: Words, bits: Elements, weights: Sequence[int], of: Elements | None = None
) -> Words:
    """Add to `total` each row of bits times its weight, and times a row of `of` if there is one;
    return it."""
    for part in blocks(len(total)):
        block = total[part]
        for k, (row, w) in enumerate(zip(bits, weights, strict=True)):
            if of is None:
                term = row[part] * np.uint64(w % field.p)
            else:
                term = field.scale(row[part] * of[k, part], w)
            field.add(block, term, out=block)
    return total


class Replicated(Boolean):
    """Replicated sharing of three parties: x = x_0 ^ x_1 ^ x_2, party i holds x_i and x_(i+1)."""

    def __init__(self, engine: Context, count: int) -> None:
        super().__init__(engine, count)
        self.sparse = False  # one word for each bit is little enough, and packing takes time
        self.after, self.before = (engine.me + 1) % 3, (engine.me - 1) % 3

    async def _both(self, a: Bits, b: Bits) -> Bits:
        """Send z_i = x_i y_i ^ x_i y_(i+1) ^ x_(i+1) y_i ^ zero_i as party i of three. [AFLNO16]"""
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

    async def _operands(self, y: Words, cut: Cut) -> tuple[list[Bits], Known]:
        """Mask by a stream r of parties 1 and 2; of y + r, 1 gets a stream and 2 the rest."""
        engine, field = self.engine, self.engine.field
        r = None
        if engine.me:
            r = engine.uniform(3 - engine.me, "mask", len(y))
        summands = [] if r is None else [field.scale(r, line(engine, 0))]
        masked = await self._masked(y, summands)
        shape = (2, *self._shape(cut))
        first, second = np.zeros(shape, np.uint64), np.zeros(shape, np.uint64)
        step = engine.begin()
        if masked is not None:
            first[1] = engine.random_words(1, "bits", shape[1:])
            first[0] = first[1] ^ self._planes(masked, cut)
            engine.send(2, step, first[0].reshape(-1))
        elif r is not None:
            r = masked = field.subtract(np.full(len(y), field.p, np.uint64), r)
            second[2 - engine.me] = self._planes(r, cut)
            if engine.me == 1:
                first[0] = engine.random_words(0, "bits", shape[1:])
            else:
                await engine.receive_words(0, step, first[1].reshape(-1))
        assert masked is not None
        return [self._rows(first, cut), self._rows(second, cut)], {min(engine.me, 1): masked}

    async def shifted(
        self, known: Known, k: int, planes: Bits, weights: Sequence[int]
    ) -> SecretArray:
        """Shift as `Circuit.shifted` says: two rounds.

        Party 0 knows a = x_0 ^ x_1 of each plane, both others know b = x_2, and a ^ b = a + b - 2 a
        b. Each a, and the sum of party 0's operand and its weighted bits, party 0 divides between
        the others. Then the result is a sum of what parties 1 and 2 know, which they deal.
        """
        engine, field, count = self.engine, self.engine.field, self.count
        bits = bits_of(planes[0] ^ planes[1] if engine.me == 0 else planes[2 - engine.me], count)
        own = None
        if engine.me == 0:
            moved = _add_weighted(field, known[0] >> np.uint64(k), bits, weights)
            own = np.concatenate((bits, moved[None])).reshape(-1)
        divided = (await divide(engine, own, (len(bits) + 1) * count)).reshape(-1, count)

        def local(part: slice) -> Words:
            total = divided[-1, part].copy()
            if engine.me == 1:
                field.add(total, known[1][part] >> np.uint64(k), out=total)
                total = _add_weighted(field, total, bits[:, part], weights)
            twice = [-2 * w for w in weights]
            return _add_weighted(field, total, bits[:, part], twice, of=divided[:, part])

        (found,) = await deal(engine, (1, 2), count, local if engine.me else None, total=True)
        return engine.array(found)

    async def _summands(self, bits: Bits) -> list[Words]:
        """Let party 0 deal x_0 ^ x_1; both others know x_2, on the line that is zero at party 0."""
        engine, count, length = self.engine, self.count, bits.shape[1] * self.count
        if engine.me == 0:
            known = bits_of(bits[0] ^ bits[1], count).reshape(-1)
            dealt = await deal(engine, [0], length, known.__getitem__, total=True)
            return [*dealt, np.zeros(length, np.uint64)]
        dealt = await deal(engine, [0], length, None, total=True)
        known = bits_of(bits[2 - engine.me], count).reshape(-1)
        return [*dealt, known * np.uint64(line(engine, 0))]


class Proven(Replicated):
    """Replicated bits of three parties, one of them active: two know each input, ANDs are proven.

    Of the two parties that hold a component one is honest, so a liar cannot make the components of
    an input inconsistent. The number opened here, with `open_masked`, is uniform to each of the two
    parties that learn it: party 0 does not know q, party 1 does not know r. So nothing needs to be
    proven before.
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

    def __init__(self, engine: Context, count: int) -> None:
        super().__init__(engine, count)
        self.summands = 3  # each is a component of which the others are zero
        self.sparing = count >= LONG

    async def _operands(self, y: Words, cut: Cut) -> tuple[list[Bits], Known]:
        """Share three numbers that add up to y, in one round: s = y + r + q, -r and -q.

        r is a stream of parties 0 and 2, q of parties 1 and 2, s is opened to 0 and 1, who see
        whether all three shares of it are on a line. Each is known to two parties, as component i
        of bits is known to party i and the one before.
        """
        engine, field, me = self.engine, self.engine.field, self.engine.me
        masks = {j: engine.uniform(3 - me - j, "mask", len(y)) for j in (0, 1) if j != me}
        shares = [field.scale(mask, line(engine, j)) for j, mask in masks.items()]
        opened = await open_masked(engine, y, shares, engine.names[:2])
        numbers = {
            (stranger + 2) % 3: field.subtract(np.full(len(y), field.p, np.uint64), mask)
            for stranger, mask in masks.items()
        }
        if opened is not None:
            numbers[1] = opened
        found = []
        for component in (1, 0, 2):
            operand = np.zeros((2, *self._shape(cut)), np.uint64)
            if component in numbers:
                operand[(component - me) % 3] = self._planes(numbers[component], cut)
            found.append(operand)
        return found, numbers

    async def shifted(
        self, known: Known, k: int, planes: Bits, weights: Sequence[int]
    ) -> SecretArray:
        return await Boolean.shifted(self, known, k, planes, weights)

    async def _shared(self, known: Known) -> Words:
        """Add the components up: local, so no party can falsify it."""
        shares = [
            self.engine.field.scale(v, line(self.engine, (i + 1) % 3)) for i, v in known.items()
        ]
        return self.engine.field.add(*shares)

    async def _summands(self, bits: Bits) -> list[Words]:
        """Share as `Replicated` does; that party 0 deals x_0 ^ x_1 is one product to prove."""
        engine, field = self.engine, self.engine.field
        dealt, last = await super()._summands(bits)
        x, y = (self._component(bits, i) for i in (0, 1))
        assert engine.audit is not None
        engine.audit.products(x, field.add(y, y), field.subtract(field.add(x, y), dealt))
        return [dealt, last]

    def _component(self, bits: Bits, i: int) -> Words:
        """Return this party's shares of x_i, zeros and ones, which parties i and i - 1 know."""
        place = (i - self.engine.me) % 3
        if place == 2:
            return np.zeros(bits.shape[1] * self.count, np.uint64)
        known = bits_of(bits[place], self.count).reshape(-1)
        return known * np.uint64(line(self.engine, (i + 1) % 3))
