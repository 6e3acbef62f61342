"""A second backend: one party, values in the clear, any ring; with circuits or without.

It proves that operations need no more than `engine.backend` offers.
"""

from dataclasses import dataclass

import numpy as np

from ostraka.arithmetic.field import Field
from ostraka.arithmetic.matrix import matmul
from ostraka.arithmetic.planes import bits_of, planes_of
from ostraka.arithmetic.randomness import SeededDraw, Stream
from ostraka.engine.array import Fresh, SecretArray
from ostraka.engine.backend import Backend
from ostraka.engine.circuit import Circuit


@dataclass(frozen=True)
class PowerRing:
    """Z_2^bits."""

    bits: int

    @property
    def mask(self):
        return np.uint64((1 << self.bits) - 1)

    def encode(self, values):
        a = np.asarray(values)
        if a.dtype == object:
            whole = [int(v) % (1 << 64) for v in a.ravel()]
            a = np.array(whole, np.uint64).reshape(a.shape)
        if a.dtype.kind not in "biu":
            raise TypeError(f"a ring has no {a.dtype}")
        return a.astype(np.uint64) & self.mask

    def decode(self, a):
        shift = np.int64(64 - self.bits)
        return (a.astype(np.int64) << shift) >> shift

    def add(self, a, b):
        return (a + b) & self.mask

    def subtract(self, a, b):
        return (a - b) & self.mask

    def product(self, a, b):
        return (a * b) & self.mask

    def sum(self, a, axis=None):
        return np.asarray(a.sum(axis=axis, dtype=np.uint64)) & self.mask

    def uniform(self, stream, out):
        stream.fill(out)
        out &= self.mask
        return out


class Clear(Circuit):
    """Bits in the clear; numbers are still cut into three that add up to a secret."""

    summands = 3

    def __init__(self, engine, count):
        self.engine, self.count = engine, count

    async def both(self, a, b):
        return a & b

    async def operands(self, x):
        """x - r - s, and r and s; for p as `Circuit.operands` says, p minus canonical numbers."""
        ring, parts = self.engine.ring, []
        total = x.parts[0]
        for _ in range(2):
            part = ring.uniform(self.engine.own("operand"), np.empty(len(total), np.uint64))
            total = ring.add(total, part)
            # what is taken off again is minus this part: from 1 to p, or any of Z_2^bits
            minus = np.uint64(ring.p) - part if isinstance(ring, Field) else ring.subtract(0, part)
            parts.append(minus)
        return [planes_of(v, ring.bits)[None] for v in (total, *parts)], None

    async def to_ring(self, bits):
        return [self.engine.array(bits_of(bits[0], self.count).reshape(-1))]


class ToyBackend(Backend):
    """All of a computation in one party.

    Args:
        circuits: whether it offers `bits`; without, comparisons take products alone.
    """

    n, t, me, names, active = 1, 0, 0, ("toy",), False

    def __init__(self, ring, *, circuits):
        self._ring, self.circuits, self.claims = ring, circuits, []
        self._streams = {}

    @property
    def ring(self):
        return self._ring

    def array(self, *parts):
        return SecretArray(self, parts)

    def public(self, values, shape=None):
        elements = self.ring.encode(values)
        return self.array(elements if shape is None else np.broadcast_to(elements, shape))

    def combine(self, a, b):
        return matmul(self.ring, a, b) if isinstance(self.ring, Field) else (a @ b) & self.ring.mask

    async def deal(self, dealers, own, shape, *, total):
        assert list(dealers) == [0]
        return [self.array(own.reshape(shape))]

    async def tell(self, messages, expected):
        assert not messages
        assert not expected
        return {}

    async def open(self, x, to=None):
        await self.prove()
        return x.parts[0]

    async def products(self, x, y):
        assert x.shape == y.shape
        assert x.ndim == 1
        return self.array(self.ring.product(x.parts[0], y.parts[0]))

    async def sums(self, x, y, axis):
        return self.array(self.ring.sum(self.ring.product(x.parts[0], y.parts[0]), axis))

    async def matrices(self, x, y):
        return self.array(self.combine(x.parts[0], y.parts[0]))

    def own(self, use):
        if use not in self._streams:
            self._streams[use] = Stream(SeededDraw(use).seed(), use)
        return self._streams[use]

    async def random(self, shape):
        drawn = self.ring.uniform(self.own("random"), np.empty(int(np.prod(shape)), np.uint64))
        return Fresh(self, (drawn.reshape(shape),))

    async def toss(self):
        return self.own("coin")

    def bits(self, count):
        return Clear(self, count) if self.circuits else None

    def claim(self, x, y, z):
        self.claims.append((x, y, z))

    async def prove(self):
        for x, y, z in self.claims:
            assert np.array_equal(self.ring.product(x.parts[0], y.parts[0]), z.parts[0])
        self.claims.clear()
