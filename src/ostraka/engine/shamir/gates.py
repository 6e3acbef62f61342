"""Proofs that the ANDs of three parties were right, for active security.

In an AND of `boolean.Replicated`, party i sends z_i = x_i y_i ^ x_i y_(i+1) ^ x_(i+1) y_i ^ a ^ b,
where a is a stream of it and the party before, b of it and the party after. All a liar can do is
to flip bits of z_i. The party before holds x = x_i, y = y_i and e = z_i ^ a ^ x_i y_i; the party
after holds x' = x_(i+1), y' = y_(i+1) and e' = b; the sender holds both. It was honest where
e ^ e' ^ x y' ^ x' y = 0, and in F_p that is

    (1 - 2e) (1, -2x, -2y, 4xy) . (1 - 2e') (1, y', x', x'y') = 1,        otherwise -1.

So of G gates all are right exactly when these inner products add up to G < p: no random factors
are needed. To shorten such a claim, sum of f . h = g, the vectors f and h are cut into k rows. The
sender deals S_rr = f_r . h_r and S_rs = f_r . h_s + f_s . h_r, except one S_rr that follows as all
of those add up to g. Then a joint coin gives u, and the claim is

    (sum u_r f_r) . (sum u_r h_r) = sum over r <= s of u_r u_s S_rs.

If the old claim is false, some S_rr is, and then the new one is true with a probability of at most
2 / p. Each vector is known to two parties, so a Shamir sharing of it, on a line that is zero at the
third, costs nothing; when vectors are short they go to `audit.Auditor` as any other sum of
products.
[BBCGI19] gives the proof, [BGIN20] the three parties.

It is made fast by counting: with signs for bits, f_r . h_s over so many gates is how often a word
of four XORs has a zero; and sums u_r f_r are looked up, eight rows at a time.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Final

import numpy as np

from ostraka.arithmetic.field import Elements, Field
from ostraka.arithmetic.matrix import inner_products
from ostraka.arithmetic.planes import Planes
from ostraka.arithmetic.randomness import Words, blocks
from ostraka.engine.shamir.boolean import line
from ostraka.engine.shamir.coin import Coin
from ostraka.engine.shamir.context import Context
from ostraka.engine.shamir.deal import deal

MANY: Final = 1 << 17
"""Maximum number of words, of 64 ANDs each, in one proof: bounds memory, about 24 MiB."""

ROWS: Final = 64
"""Number of rows that gates are cut into first."""

FAN: Final = 4
"""Number of rows that longer vectors are cut into: two would take a sixth less time for this, and
twice the rounds."""

SHORT: Final = 1 << 13
"""Maximum number of elements of a vector that is not cut any more."""

STRIP: Final = 512
"""Words of every row counted at a time: fewer take longer, and counts fit 16 bits."""

NARROW: Final = 32
"""Words of every row looked up at a time."""

COUNT_NS: Final = 500
SUM_NS: Final = 900
"""Nanoseconds to count, and to sum, for each word of gates, about."""

FOLD_NS: Final = 40
"""Nanoseconds to fold, for each element of one pair of vectors, about."""

Claims = tuple[Elements, Elements, Words]
"""Shares of three pairs of vectors, shape (3, length), and of what their inner products are."""


class Gates:
    """List of the ANDs since the last proof, and their folding to claims for the audit."""

    def __init__(self, engine: Context) -> None:
        self.engine = engine
        self.me, self.field = engine.me, engine.field
        self._told: list[tuple[Planes, ...]] = []
        self.words = 0

    def add(self, x: Planes, y: Planes, z: Planes, zero: Planes) -> None:
        """Note components i and i + 1 of z = x AND y, and the zeros shared with both neighbours.

        All of shape (2, words); they must not change before they are proven.
        """
        for start in range(0, x.shape[1], MANY):
            part = np.s_[:, start : start + MANY]
            self._told.append((x[part], y[part], z[part], zero[part]))
        self.words += x.shape[1]

    async def claims(self, coin: Coin) -> Claims:
        """Fold the first `MANY` ANDs to sums of products that hold if they were right; forget them.

        Rounds: 2 a fold. Wrong ANDs pass with a probability of at most 2 / p a fold.
        """
        self.engine.counters.gates += 1
        field, planes = self.field, self._planes()
        count = 64 * planes[0, 0].size
        upper = await self.engine.offload(
            COUNT_NS * count // 64, lambda: _sums(field, _counted(field, planes))[:-1]
        )
        u, own, z = await self._fold(coin, upper, count, np.full(3, count, np.uint64))
        f, h = await self.engine.offload(SUM_NS * count // 64, lambda: _summed(field, planes, u))
        while f.shape[1] > SHORT:
            f, h, own, z = await self._shortened(coin, f, h, own, z)
        return self._shares(f, h, z)

    async def _shortened(
        self, coin: Coin, f: Elements, h: Elements, own: int, claims: Words
    ) -> tuple[Elements, Elements, int, Words]:
        """Cut both pairs of vectors to `FAN` rows, and fold the claims about them."""
        field, (x, y) = self.field, (_cut(f), _cut(h))
        cross = partial(_crossed, field, x[0], y[1])
        upper = await self.engine.offload(FOLD_NS * x.size, cross)
        u, own, claims = await self._fold(coin, upper, own, claims)
        f, h = await self.engine.offload(
            FOLD_NS * x.size, lambda: (_joined(field, x, u), _joined(field, y, u))
        )
        return f, h, own, claims

    def _planes(self) -> Planes:
        """Take off x, y, e and e' of both components of this party: shape (4, 2, ROWS, words)."""
        taken = [self._told.pop(0)]
        size = taken[0][0].shape[1]
        while self._told and size + self._told[0][0].shape[1] <= MANY:
            taken.append(self._told.pop(0))
            size += taken[-1][0].shape[1]
        self.words -= size
        w = -(-size // ROWS)
        flat = np.zeros((4, 2, ROWS * w), np.uint64)
        x, y, z, zero = (
            np.concatenate(parts, axis=1, out=row[:, :size])
            for row, parts in zip(flat, zip(*taken, strict=True), strict=True)
        )
        z ^= zero
        z ^= x & y
        return flat.reshape(4, 2, ROWS, w)

    async def _fold(
        self, coin: Coin, upper: Words, own: int, claims: Words
    ) -> tuple[Words, int, Words]:
        """Fold three claims, one that each party has to prove, to claims about rows combined.

        Args:
            upper: S_rs of the claim that this party proves, r <= s, without the last.
            own: the number claimed there.
            claims: this party's shares of the numbers that all three claim.

        Returns:
            u, one for each row, the first 1; then the number now claimed, and the shares of all
            three.
        """
        field = self.field
        dealt = await deal(self.engine, range(3), len(upper), upper.__getitem__, total=False)
        k = math.isqrt(2 * (len(upper) + 1))
        stream, _ = await coin.toss()
        u = np.append(np.uint64(1), field.uniform(stream, np.empty(k - 1, np.uint64)))
        rows = np.triu_indices(k)
        coefficients = field.product(u[:, None], u[None])[rows]
        diagonal = np.flatnonzero(rows[0] == rows[1])[:-1]

        def combined(entries: Words, total: int) -> int:
            """Combine all S_rs; the last S_rr follows from the total."""
            last = (total - int(field.sum(entries[diagonal]))) % field.p
            return field.inner(np.append(entries, np.uint64(last)), coefficients)

        shares = [combined(*pair) for pair in zip(dealt, claims.tolist(), strict=True)]
        return u, combined(upper, own), np.array(shares, np.uint64)

    def _shares(self, f: Elements, h: Elements, z: Words) -> Claims:
        """Share a vector known to two parties by the line that is zero at the third."""
        before, after = (self.me - 1) % 3, (self.me + 1) % 3
        x, y = np.zeros((2, 3, f.shape[1]), np.uint64)
        x[self.me], x[after] = self._share(f[0], after), self._share(f[1], before)
        y[before], y[self.me] = self._share(h[0], after), self._share(h[1], before)
        return x, y, z

    def _share(self, known: Words, stranger: int) -> Words:
        return self.field.scale(known, line(self.engine, stranger))


def _counted(field: Field, planes: Planes) -> Elements:
    """Return f_r . h_s of the gates whose messages this party sent: shape (ROWS, ROWS)."""
    (x, xs), (y, ys), (e, _), (_, es) = planes
    width = x.shape[1]
    wrong = np.zeros((ROWS, ROWS), np.int64)
    for start in range(0, width, STRIP):
        strip = np.s_[:, start : start + STRIP]
        first, second, third, a, b, c = (
            np.ascontiguousarray(p[strip]) for p in (x, y, e, xs, ys, es)
        )
        bits, other = np.empty((2, *first.shape), np.uint64)
        counts = np.empty(bits.shape, np.uint8)
        for s in range(ROWS):
            np.bitwise_and(first, b[s], out=bits)
            bits ^= np.bitwise_and(second, a[s], out=other)
            bits ^= np.bitwise_xor(third, c[s], out=other)
            np.bitwise_count(bits, out=counts)
            wrong[:, s] += counts.sum(axis=1, dtype=np.uint16)
    return field.encode(64 * width - 2 * wrong)


def _sums(field: Field, products: Elements) -> Words:
    """Return S_rs, r <= s, from f_r . h_s."""
    k = len(products)
    both = field.add(products.reshape(-1), products.T.reshape(-1)).reshape(k, k)
    np.fill_diagonal(both, products.diagonal())
    return both[np.triu_indices(k)]


def _summed(field: Field, planes: Planes, u: Words) -> tuple[Elements, Elements]:
    """Return sum u_r f_r, sum u_r h_r for both components of this party: (2, 4 * columns) each.

    With signs s(b) = 1 - 2b, all entries of f and h are combinations of sums of u over s(e),
    s(e ^ x), s(e ^ y) and s(e ^ x ^ y): four look-ups for each vector and eight gates.
    """
    signs, width = _Signs(field, u), planes.shape[3]
    f, h = np.empty((2, 2, 4, 64 * width), np.uint64)
    for start in range(0, width, NARROW):
        x, y, e, es = _columns(planes[..., start : start + NARROW])
        place = np.s_[..., 64 * start : 64 * start + 8 * x.shape[2] * x.shape[3]]
        f[place] = _left(field, signs.sum(_parities(x, y, e))).swapaxes(0, 1)
        h[place] = _right(field, signs.sum(_parities(y, x, es))).swapaxes(0, 1)
    return f.reshape(2, -1), h.reshape(2, -1)


def _parities(x: Planes, y: Planes, e: Planes) -> Planes:
    ex = e ^ x
    return np.stack((e, ex, e ^ y, ex ^ y))


def _left(field: Field, sums: Elements) -> Elements:
    """Return the sums of s(e) (1, -2x, -2y, 4xy), in place, as -2x = s(x) - 1."""
    one, x, y, both = sums
    field.subtract(both, x, out=both)
    field.subtract(x, one, out=x)
    field.subtract(y, one, out=y)
    field.subtract(both, y, out=both)
    return sums


def _right(field: Field, sums: Elements) -> Elements:
    """Return the sums of s(e) (1, x, y, xy): those of `_left` but for powers of two."""
    found = _left(field, sums)
    for row, k in zip(found[1:], (1, 1, 2), strict=True):
        row[...] = field.rotate(field.negate(row) if k == 1 else row, -k)
    return found


class _Signs:
    """Table, for every eight rows, of the sum of u over the zeros in a byte less that over its
    ones."""

    def __init__(self, field: Field, u: Words) -> None:
        self.field = field
        self.rows = np.zeros((ROWS // 8, 1), np.uint64)
        for column in u.reshape(-1, 8).T[:, :, None]:
            plus, minus = field.add(self.rows, column), field.subtract(self.rows, column)
            self.rows = np.hstack((plus, minus))

    def sum(self, bits: Planes) -> Elements:
        """Return the sum over rows of u times the signs of bits, as `_columns` arranges these.

        Shape (..., ROWS / 8, 8, words) to (..., columns).
        """
        octets = bits.reshape(*bits.shape[:-3], len(self.rows), -1).view(np.uint8)
        total, scratch = np.empty((2, *octets.shape[:-2], octets.shape[-1]), np.uint64)
        self.rows[0].take(octets[..., 0, :], out=total, mode="clip")
        for k, row in enumerate(self.rows[1:], start=1):
            row.take(octets[..., k, :], out=scratch, mode="clip")  # "raise" would copy once more
            total += scratch
        return self.field.reduce(total)


def _columns(planes: Planes) -> Planes:
    """Transpose every 8 x 8 bits of eight neighbouring rows: a byte is eight bits of one column.

    Shape (..., ROWS, words) to (..., ROWS / 8, 8, words).
    """
    *outer, rows, width = planes.shape
    turned = planes.reshape(-1, rows, width).copy()
    for distance, mask in _SWAPS:
        pairs = turned.reshape(-1, 2, distance, width)
        low, high = pairs[:, 0], pairs[:, 1]
        moved = low >> distance
        moved ^= high
        moved &= mask
        high ^= moved
        moved <<= distance
        low ^= moved
    return turned.reshape(*outer, rows // 8, 8, width)


_SWAPS: Final = (
    (4, np.uint64(0x0F0F0F0F0F0F0F0F)),
    (2, np.uint64(0x3333333333333333)),
    (1, np.uint64(0x5555555555555555)),
)


def _cut(x: Elements) -> Elements:
    """Cut two vectors to `FAN` rows each, zeros behind: shape (2, FAN, columns)."""
    missing = -x.shape[1] % FAN
    if missing:
        x = np.concatenate((x, np.zeros((2, missing), np.uint64)), axis=1)
    return x.reshape(2, FAN, -1)


def _crossed(field: Field, f: Elements, h: Elements) -> Words:
    """Return S_rs of rows, without the last."""
    return _sums(field, inner_products(field, f, h))[:-1]


def _joined(field: Field, rows: Elements, u: Words) -> Elements:
    """Add row 0 and u_r times every other row r, for two vectors."""
    out = rows[:, 0].copy()
    for joined, (_, *others) in zip(out, rows, strict=True):
        for part in blocks(len(joined)):
            for factor, row in zip(u[1:], others, strict=True):
                field.add(joined[part], field.multiply(row[part], factor), out=joined[part])
    return out
