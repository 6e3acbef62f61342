"""Vectors of comparisons and shuffles, replayed in plain Python as docs/spec says."""

import hashlib
import json
import math
from itertools import chain, product
from pathlib import Path

import pytest

top = Path(__file__).resolve().parents[2]
P = (1 << 61) - 1
BITS = 61
MODULI = (0, 0b11, 0b111, 0b1011, 0b10011)


def cases(name):
    return json.loads((top / "tests" / "vectors" / f"{name}.json").read_text())


class Run:
    """All parties of a vector: their streams, and the messages they send, round by round."""

    def __init__(self, case, plain):
        self.n, self.t, self.plain = case["n"], case["t"], plain
        self.seeds = [[bytes.fromhex(seed) for seed in row] for row in case["seeds"]]
        self.streams, self.sent, self.step = {}, [], 1

    def stream(self, a, b, use):
        key = (a, b, use)
        if key not in self.streams:
            self.streams[key] = self.plain.Stream(self.seeds[a][b], f"engine {use}")
        return self.streams[key]

    def send(self, a, b, words):
        self.sent.append((a, b, self.step, self.plain.pack(words)))

    def deal(self, vectors):
        shares = {}
        for k, x in vectors.items():
            seeded = self.plain.dealt_to(k, self.n, self.t)
            drawn = {s: self.stream(k, s, f"deal {k}").elements(len(x)) for s in seeded}
            shares[k] = self.plain.complete(x, drawn, self.n, True)
            for j in set(range(self.n)) - {k, *seeded}:
                self.send(k, j, shares[k][j])
        self.step += 1
        return shares

    def products(self, x, y):
        workers = range(2 * self.t + 1)
        w = self.plain.lagrange([1 << k for k in workers])
        local = {k: [w[k] * a * b % P for a, b in zip(x[k], y[k], strict=True)] for k in workers}
        return self.total(self.deal(local))

    def total(self, dealt):
        rows = range(self.n)
        return [
            self.plain.combine([1] * len(dealt), [shares[j] for shares in dealt.values()])
            for j in rows
        ]

    def check(self, case, found):
        wanted = sorted((a, b, step, data) for a, b, step, data in case["messages"])
        ours = [(f"p{a}", f"p{b}", f"0.{step}", data) for a, b, step, data in self.sent]
        shown = [(a, b, s, d.hex() if len(d) <= 128 else "sha256:" + sha(d)) for a, b, s, d in ours]
        assert sorted(shown) == wanted
        assert found == case["found"]


def sha(data):
    return hashlib.sha256(data).hexdigest()


# A shared plane is a list, for each party, of words: of components, or of coefficients.


def xor(a, b):
    return [tuple(u ^ v for u, v in zip(x, y, strict=True)) for x, y in zip(a, b, strict=True)]


class Three:
    """Replicated sharing of three parties."""

    def __init__(self, run, count):
        self.run, self.count = run, count

    def both(self, a, b):
        run, z = self.run, []
        for i in range(3):
            zero = [run.stream(i, (i + k) % 3, "zero").words(len(a)) for k in (-1, 1)]
            z.append(
                [
                    (x[i][0] & y[i][0]) ^ (x[i][0] & y[i][1]) ^ (x[i][1] & y[i][0]) ^ p ^ q
                    for x, y, p, q in zip(a, b, *zero, strict=True)
                ]
            )
            run.send(i, (i - 1) % 3, z[i])
        run.step += 1
        return [[(z[i][k], z[(i + 1) % 3][k]) for i in range(3)] for k in range(len(a))]

    def operands(self, y):
        run, plain = self.run, self.run.plain
        r = run.stream(1, 2, "mask").elements(self.count)
        lines = [plain.lagrange([0, 1], 1 << j)[0] for j in range(3)]
        told = [(a + b * lines[1]) % P for a, b in zip(y[1], r, strict=True)]
        run.send(1, 0, told)
        run.step += 1
        masked = plain.combine(plain.lagrange([1, 2]), [y[0], told])
        x1 = run.stream(0, 1, "bits").words(BITS)
        x0 = [a ^ b for a, b in zip(planes(masked), x1, strict=True)]
        run.send(0, 2, x0)
        run.step += 1
        last = planes([P - a for a in r])
        first = [[(a, b), (b, 0), (0, a)] for a, b in zip(x0, x1, strict=True)]
        return [first, [[(0, 0), (0, c), (c, 0)] for c in last]]

    def to_field(self, plane):
        dealt = self.run.deal({0: bits(plane[0][0] ^ plane[0][1], self.count)})[0]
        known = bits(plane[2][0], self.count)
        c = [self.run.plain.lagrange([0, 1], 1 << j)[0] for j in range(3)]
        return [[dealt[j] for j in range(3)], [[c[j] * b % P for b in known] for j in range(3)]]


class More:
    """Shamir sharing over GF(2^m); what is sent is packed, as there are few elements."""

    def __init__(self, run, count):
        self.run, self.count, self.m = run, count, run.n.bit_length()

    def times(self, a, b):
        found = 0
        for k in range(self.m):
            found ^= (a << k) * (b >> k & 1)
        for k in reversed(range(self.m, 2 * self.m)):
            found ^= (MODULI[self.m] << (k - self.m)) * (found >> k & 1)
        return found

    def lagrange(self, points, at):
        def inverse(a):
            return next(b for b in range(1, 1 << self.m) if self.times(a, b) == 1)

        found = []
        for x in points:
            c = 1
            for y in (y for y in points if y != x):
                c = self.times(c, self.times(at ^ y, inverse(x ^ y)))
            found.append(c)
        return found

    def scale(self, x, c):
        """A public multiple of an element, given as m long integers."""
        found = [0] * self.m
        for j, word in enumerate(x):
            image = self.times(c, 1 << j)
            found = [f ^ word * (image >> i & 1) for i, f in enumerate(found)]
        return found

    def deal(self, vectors, size):
        run, dealt = self.run, {}
        for d, secret in vectors.items():
            order = [(d + k) % run.n for k in range(1, run.n)]
            seeded, others = order[: run.t], order[run.t :]
            drawn = {}
            for s in seeded:
                words = run.stream(d, s, f"bits {d}").words(self.m * size)
                drawn[s] = [long(words[i * size : (i + 1) * size]) for i in range(self.m)]
            base = [0, *(s + 1 for s in seeded)]
            shares = dict(drawn)
            for e in (d, *others):
                terms = zip(self.lagrange(base, e + 1), [secret, *drawn.values()], strict=True)
                scaled = [self.scale(x, c) for c, x in terms]
                shares[e] = [parity(column) for column in zip(*scaled, strict=True)]
                if e != d:
                    run.send(d, e, [w for x in shares[e] for w in short(x, size)])
            dealt[d] = shares
        run.step += 1
        return dealt

    def spread(self, shares, rows):
        mask, n = (1 << self.count) - 1, self.count
        return [
            [tuple(x >> (k * n) & mask for x in shares[j]) for j in range(self.run.n)]
            for k in range(rows)
        ]

    def both(self, a, b):
        run, workers = self.run, range(2 * self.run.t + 1)
        size = -(-self.count * len(a) // 64)
        w = self.lagrange([j + 1 for j in workers], 0)
        vectors = {}
        for j in workers:
            x, y = ([self.joined(p, j, i) for i in range(self.m)] for p in (a, b))
            total = [0] * self.m
            for i, k in product(range(self.m), repeat=2):
                unit = self.times(1 << i, 1 << k)
                total = [f ^ (x[i] & y[k]) * (unit >> q & 1) for q, f in enumerate(total)]
            vectors[j] = self.scale(total, w[j])
        dealt = self.deal(vectors, size)
        shares = {
            j: [parity(column) for column in zip(*(s[j] for s in dealt.values()), strict=True)]
            for j in range(run.n)
        }
        return self.spread(shares, len(a))

    def joined(self, planes, j, i):
        return sum(plane[j][i] << (k * self.count) for k, plane in enumerate(planes))

    def operands(self, y):
        run, plain, parties = self.run, self.run.plain, range(1, self.run.t + 1)
        at = {
            (j, k): run.stream(j, k, f"mask {j}").elements(self.count)
            for j in parties
            for k in parties
        }
        points = [1 << j for j in range(run.t + 1)]
        c = plain.lagrange(points)
        r = {j: plain.combine(c[1:], [at[j, k] for k in parties]) for j in parties}
        shares = [y[0]]
        for k in parties:
            shares.append(plain.combine([1] * (run.t + 1), [y[k], *(at[j, k] for j in parties)]))
            run.send(k, 0, shares[k])
        run.step += 1
        numbers = {0: plain.combine(c, shares)}
        numbers |= {j: [P - v for v in r[j]] for j in parties}
        packed = {
            d: [sum(p << (k * self.count) for k, p in enumerate(planes(v)))] + [0] * (self.m - 1)
            for d, v in numbers.items()
        }
        dealt = self.deal(packed, -(-self.count * BITS // 64))
        return [self.spread(dealt[d], BITS) for d in dealt]

    def to_field(self, plane):
        dealers = range(self.run.t + 1)
        c = self.lagrange([d + 1 for d in dealers], 0)
        known = {d: bits(self.scale(plane[d], c[d])[0], self.count) for d in dealers}
        dealt = self.run.deal(known)
        return [[dealt[d][j] for j in range(self.run.n)] for d in dealers]


def parity(words):
    found = 0
    for word in words:
        found ^= word
    return found


def long(words):
    return sum(word << (64 * k) for k, word in enumerate(words))


def short(x, size):
    return [x >> (64 * k) & (1 << 64) - 1 for k in range(size)]


def planes(numbers):
    return [sum((v >> k & 1) << e for e, v in enumerate(numbers)) for k in range(BITS)]


def bits(word, count):
    return [word >> e & 1 for e in range(count)]


# The adders of section 4, for any sharing.


def negative(circuit, y):
    operands = circuit.operands(y)
    while len(operands) > 2:
        threes = len(operands) // 3
        a, b, c = ([*chain(*operands[k : 3 * threes : 3])] for k in range(3))
        ab, ac = map_xor(a, b), map_xor(a, c)
        majority = map_xor(a, circuit.both(ab, ac))
        total = map_xor(ab, c)
        parts = range(0, BITS * threes, BITS)
        carried = [majority[k : k + BITS] for k in parts]
        operands = [
            *(total[k : k + BITS] for k in parts),
            *(part[-1:] + part[:-1] for part in carried),
            *operands[3 * threes :],
        ]
    A, B = operands
    gives, passes = carry(circuit, A, B)
    return circuit.to_field(xor(xor(A[0], B[0]), xor(gives, passes)))


def map_xor(a, b):
    return [xor(p, q) for p, q in zip(a, b, strict=True)]


def carry(circuit, A, B):
    a, b, x, y = A[::2], B[::2], A[1::2], B[1::2]
    g, h = circuit.both(a, b), map_xor(a, b)
    pairs = len(x)
    into = g[:pairs] + map_xor(g, h)[:pairs]
    upper = circuit.both(map_xor(x + x, into), map_xor(y + y, into))
    carried = map_xor(into, upper)
    gives = carried[:pairs] + g[pairs:]
    passes = map_xor(carried[:pairs], carried[pairs:]) + h[pairs:]
    while len(gives) > 1:
        odd = len(gives) % 2
        low, high = slice(odd, None, 2), slice(odd + 1, None, 2)
        found = circuit.both(passes[high] * 2, gives[low] + passes[low])
        half = len(found) // 2
        gives = gives[:odd] + map_xor(gives[high], found[:half])
        passes = passes[:odd] + found[half:]
    return gives[0], passes[0]


def shared(x, n, t):
    """As scripts/vectors shares them."""
    return [
        [(v + sum((k + i) * (1 << j) ** i for i in range(1, t + 1))) % P for k, v in enumerate(x)]
        for j in range(n)
    ]


@pytest.mark.parametrize("case", cases("compare"), ids=lambda case: f"{case['n']} parties")
def test_comparisons(case, reference):
    run, x = Run(case, reference), case["x"]
    y = [[2 * v % P for v in row] for row in shared(x, run.n, run.t)]
    circuit = (Three if run.n == 3 else More)(run, len(x))
    summands = negative(circuit, y)
    while len(summands) > 1:
        a, b, *rest = summands
        ab = run.products(a, b)
        joined = [reference.combine([1, 1, -2], [a[j], b[j], ab[j]]) for j in range(run.n)]
        summands = [joined, *rest]
    run.check(case, summands[0])
    opened = reference.recombine(dict(enumerate(summands[0])), run.n, run.t)
    assert opened == [int(v < 0) for v in x]


def test_shuffles(reference):
    (case,) = cases("shuffle")
    run, rows = Run(case, reference), case["table"]
    width, sets = len(rows[0]), [(0, 1), (0, 2), (1, 2)]
    seeds = {s: reference.pack(run.stream(s[0], s[0], "shuffle").words(4)) for s in sets}
    for first, second in sets:
        run.send(first, second, reference.unpack(seeds[first, second]))
    run.step += 1
    table = shared([v for row in rows for v in row], 3, 1)
    for group in sets:
        words = reference.Stream(seeds[group], "shuffle").words(2 * width)
        keys = list(zip(words[:width], words[width:], strict=True))
        order = sorted(range(width), key=keys.__getitem__)
        c = reference.lagrange([1 << j for j in group])
        dealt = {
            j: [c[k] * table[j][row * width + i] % P for row in range(len(rows)) for i in order]
            for k, j in enumerate(group)
        }
        table = run.total(run.deal(dealt))
    run.check(case, table)
    opened = reference.recombine(dict(enumerate(table)), 3, 1)
    columns = list(zip(opened[:width], opened[width:], strict=True))
    assert sorted(columns) == sorted(zip(*rows, strict=True))


# --- formulas, over a small prime, in all cases --------------------------------------------------


def low_bit(a, b, width):
    """What section 4 makes of two numbers that add up to y modulo 2^width - 1."""
    return (a ^ b ^ (a + b + 1 >> width)) & 1


def test_the_sign_is_exact_for_every_mask():
    """Two operands, p = 7, and three by way of carry-save."""
    p, width = 7, 3
    for y, r, q in product(range(p), repeat=3):
        assert low_bit((y + r) % p, p - r, width) == y & 1
        a, b, c = (y + r + q) % p, p - r, p - q
        carries = (a & b) | (a & c) | (b & c)
        turned = (carries << 1 | carries >> (width - 1)) & p
        assert low_bit(a ^ b ^ c, turned, width) == y & 1


def test_with_a_mask_of_bits_only_a_zero_can_be_missed():
    """Section 6: r from 0 to p, where p stands for 0."""
    p = 7
    for y, r in product(range(p), range(p + 1)):
        c = (y + r) % p
        assert (c ^ r ^ (c < r)) & 1 == y & 1
        assert (c == r) == (y == 0) or (r, y) == (p, 0)


def test_a_table_of_group_sizes():
    """Section 5 of compositions.md: groups, and how many levels there are."""
    from ostraka.engine.choose import _group

    class Keys:
        def __init__(self, k, rest):
            self.k, self.size = k, k * rest

        def __len__(self):
            return self.k

    for k, rest, c in product((2, 5, 64, 65, 1000, 5000), (1, 3), (1, 2, 5)):
        most = max(1 + 4032 // (k * rest), c + 1)
        g = min(k, max(math.ceil(k / math.ceil(k / most)), c + 1))
        assert g == _group(Keys(k, rest), c)
