"""Shared bits: that they are right, and, trying all randomness, that they hide."""

from itertools import combinations, product

import numpy as np
import pytest
from portions import portioned

from ostraka.arithmetic.binary import Binary, apply
from ostraka.arithmetic.field import Field
from ostraka.arithmetic.planes import bits_of, dense, planes_of, spread
from ostraka.engine.circuit import Cut
from ostraka.engine.shamir.boolean import Replicated
from ostraka.engine.shamir.sliced import Sliced, boolean


@pytest.mark.parametrize("bits", [1, 3, 8, 13, 61, 64])
def test_planes_are_bits(bits):
    for count in (1, 2, 63, 64, 65, 200, 512, 1000):
        check_planes(count, bits)


def check_planes(count, bits):
    x = np.random.default_rng(count).integers(0, 1 << 63, count, dtype=np.uint64) * np.uint64(2)
    x += np.uint64(1)
    planes = planes_of(x, bits)
    assert planes.shape == (bits, -(-count // 64))
    expected = x >> np.arange(bits, dtype=np.uint64)[:, None] & np.uint64(1)
    assert np.array_equal(bits_of(planes, count), expected)


@pytest.mark.parametrize("count", [1, 5, 32, 64, 70])
@pytest.mark.parametrize("rows", [1, 61])
def test_sparse_planes_are_packed_and_unpacked(count, rows):
    draw = np.random.default_rng(count)
    planes = np.stack([planes_of(draw.integers(0, 2**63, count, dtype=np.uint64), rows)] * 2)
    packed = dense(planes, count)
    assert packed.shape == (2, 1, -(-rows * count // 64))
    assert np.array_equal(spread(packed, rows, count), planes)


@pytest.mark.parametrize("m", range(1, 7))
def test_small_binary_fields_are_fields(m):
    binary, everything = Binary(m), range(1 << m)
    for a in everything:
        assert binary.times(a, 1) == a
        assert sorted(binary.times(a, b) for b in everything) == (
            list(everything) if a else [0] * len(everything)
        )
        for b in everything:
            assert binary.times(a, b) == binary.times(b, a)
            c = (a * 7 + b) % (1 << m)
            assert binary.times(a, b ^ c) == binary.times(a, b) ^ binary.times(a, c)
            assert binary.times(a, binary.times(b, c)) == binary.times(binary.times(a, b), c)
    with pytest.raises(ZeroDivisionError):
        binary.inverse(0)


@pytest.mark.parametrize("m", range(1, 7))
def test_sliced_products(m):
    binary = Binary(m)
    a, b = (g.ravel().astype(np.uint64) for g in np.meshgrid(range(1 << m), range(1 << m)))
    expected = np.array(
        [binary.times(int(x), int(y)) for x, y in zip(a, b, strict=True)], np.uint64
    )
    product = binary.multiply(planes_of(a, m), planes_of(b, m))
    assert np.array_equal(product, planes_of(expected, m))
    for c in range(1 << m):
        scaled = np.array([binary.times(int(x), c) for x in a], np.uint64)
        assert np.array_equal(apply(binary.matrix(c), planes_of(a, m)), planes_of(scaled, m))


def test_long_linear_maps_are_short_ones(monkeypatch):
    draw = np.random.default_rng(2)
    matrix = draw.integers(0, 2, (6, 9), dtype=np.uint8)
    planes = draw.integers(0, 2**63, (9, 5000), dtype=np.uint64)
    long = apply(matrix, planes)
    monkeypatch.setattr("ostraka.arithmetic.binary.AT_ONCE", 10**9)
    assert np.array_equal(apply(matrix, planes), long)


@pytest.mark.parametrize(("n", "kind"), [(3, Replicated), (4, Sliced), (9, Sliced)])
async def test_which_sharing_is_used(together, n, kind):
    async def program(engine):
        return type(boolean(engine, 1))

    assert set((await together(n, (n - 1) // 2, program))[0]) == {kind}


# --- secrecy, exactly: the 64 lanes of a word are 64 choices of all randomness


def lanes(bit):
    """Bit `bit` of the numbers 0 to 63, one in each lane."""
    return sum(1 << lane for lane in range(64) if lane >> bit & 1)


def values(planes):
    """What the planes (shape (k, 1)) say in each lane, as a number."""
    bits = bits_of(np.asarray(planes).reshape(-1, 1), 64)
    return (bits << np.arange(len(bits), dtype=np.uint64)[:, None]).sum(axis=0)


@pytest.mark.parametrize(("n", "t"), portioned([(4, 1), (5, 2)], [(6, 2), (7, 2)]))
@pytest.mark.parametrize("secret", portioned([0, 5], [1, 2, 3, 4, 6, 7]))
async def test_any_t_shares_of_a_dealt_element_are_uniform(together, n, t, secret):
    async def program(engine):
        sliced = Sliced(engine, 64)
        m = sliced.binary.m

        def drawn(peer, use, shape):
            pair = sorted((peer, engine.me))
            place = sliced._receivers(0)[0].index(pair[1]) * m
            return np.array([[lanes(place + i)] for i in range(m)], np.uint64)

        engine.random_words = drawn
        mine = np.array([[(2**64 - 1) * (secret >> i & 1)] for i in range(m)], np.uint64)
        return (await sliced._deal(range(1), 1, mine if engine.me == 0 else None, 1, total=True))[0]

    shares, _ = await together(n, t, program)
    m = len(shares[0])
    for coalition in combinations(range(n), t):
        joint = values(np.concatenate([shares[i] for i in coalition]))
        assert set(np.bincount(joint.astype(np.int64), minlength=1 << (m * t))) == {64 >> (m * t)}
    both = [values(np.concatenate([shares[i] for i in c])) for c in combinations(range(n), t + 1)]
    assert all(len(set(joint.tolist())) == min(64, 1 << (m * t)) for joint in both)


class Repeated:
    """A stream that says one word for ever."""

    def __init__(self, word):
        self.word = word

    def fill(self, out):
        out[:] = self.word
        return out


async def test_an_and_shows_each_of_three_parties_the_same_whatever_the_bits(together):
    """Three streams of one bit each: eight lanes are all the randomness there is."""
    views = {}
    for a in range(8):
        for b in range(8):

            async def program(engine, a=a, b=b):
                replicated = Replicated(engine, 64)
                stream = {(0, 2): 0, (0, 1): 1, (1, 2): 2}
                engine.stream = lambda peer, use: Repeated(
                    lanes(stream[min(peer, engine.me), max(peer, engine.me)])
                )
                full = np.uint64(2**64 - 1)
                pick = (engine.me, replicated.after)
                x, y = (np.array([[[full * (v >> i & 1)]] for i in pick]) for v in (a, b))
                z = await replicated.both(x, y)
                known = [
                    engine.stream(p, "zero").fill(np.empty((1, 1), np.uint64))
                    for p in (replicated.before, replicated.after)
                ]
                return z, np.concatenate([*known, z[1]])

            outcome, _ = await together(3, 1, program)
            z = outcome[0][0][0] ^ outcome[1][0][0] ^ outcome[2][0][0]
            expected = bin(a).count("1") % 2 & bin(b).count("1") % 2
            assert values(z).tolist() == [expected] * 64
            assert all(
                np.array_equal(outcome[i][0][1], outcome[(i + 1) % 3][0][0]) for i in range(3)
            )
            for me in range(3):
                views.setdefault(me, set()).add(tuple(sorted(values(outcome[me][1]).tolist())))
    assert all(len(found) == 1 for found in views.values())


@pytest.mark.parametrize("cut", [None, Cut(1, 1)], ids=["whole", "cut"])
@pytest.mark.parametrize(("n", "t", "known"), [(3, 1, []), (5, 2, [1]), (5, 2, [2]), (6, 2, [1])])
async def test_what_party_0_opens_of_a_comparison_does_not_depend_on_it(together, n, t, known, cut):
    """Over p = 7 all masks are tried: what party 0 and up to t - 1 others see is identical."""
    field = Field(3)
    uses = (
        [(1, "mask 1"), (2, "mask 2"), (12, "mask 1"), (12, "mask 2")] if t == 2 else [(12, "mask")]
    )
    grid = [
        g.ravel() for g in np.meshgrid(*[np.arange(7, dtype=np.uint64)] * len(uses), indexing="ij")
    ]
    views = []
    for secret in range(7):
        heard = []

        async def program(engine, secret=secret, heard=heard):
            def uniform(peer, use, length):
                pair = engine.me if peer == engine.me else 12
                return grid[uses.index((pair, use))].copy()

            receive = engine.receive

            async def watched(sender, step, into):
                arrived = await receive(sender, step, into)
                heard.append(arrived.copy())
                return arrived

            engine.uniform, engine.receive = uniform, watched
            y = np.full(len(grid[0]), secret, np.uint64)
            operands, _ = await boolean(engine, len(y)).operands(engine.array(y), cut)
            return [operand.shape for operand in operands]

        shapes, _ = await together(n, t, program, field=field)
        assert all(len(found) == t + 1 for found in shapes)
        assert len(heard) == t
        # a colluder's own message is its share plus what it knows of the masks: nothing new
        news = [message for k, message in enumerate(heard, 1) if k not in known]
        mine = [
            grid[k] for k, (who, _) in enumerate(uses) if any(str(p) in str(who) for p in known)
        ]
        code = np.zeros(len(grid[0]), np.int64)
        for column in (*news, *mine):
            code = code * 7 + column.astype(np.int64)
        views.append(np.sort(code))
    assert all(np.array_equal(views[0], view) for view in views)
    assert len(set(views[0].tolist())) > 1


@pytest.mark.parametrize(("n", "t"), [(3, 1), (5, 2)])
async def test_what_party_0_opens_is_uniform_at_full_size(together, n, t):
    async def program(engine):
        x = await engine.share(0, 12345, (20_000,))
        sharing, opened = boolean(engine, 20_000), []
        masked = sharing._masked

        async def watched(y, summands):
            opened.append(await masked(y, summands))
            return opened[0]

        sharing._masked = watched
        await sharing.operands(x)
        return opened[0]

    opened = (await together(n, t, program))[0][0]
    for shift in (0, 27, 53):
        counts = np.bincount((opened >> np.uint64(shift) & np.uint64(255)).astype(np.int64))
        chi = ((counts - 20_000 / 256) ** 2 / (20_000 / 256)).sum()
        assert 160 < chi < 370  # 255 degrees of freedom; a fixed seed


class Told:
    """A stream that gives elements it was told, in order."""

    def __init__(self, elements):
        self.elements, self.at = elements, 0

    def fill(self, out):
        out[:] = self.elements[self.at : self.at + len(out)]
        self.at += len(out)
        return out


async def test_what_a_truncation_shows_each_party_is_the_same_for_every_secret(together):
    """Over p = 7 all lines are tried; party 0 knows A and x_0 ^ x_1, the others B and x_2.

    A party sees what it reads from streams and what it is sent: one share each of what it does not
    know.
    """
    field, weights, count, views = Field(3), [-4, 1], 7**5, {}
    grid = np.meshgrid(*[np.arange(7, dtype=np.uint64)] * 5, indexing="ij")
    lines = [g.ravel() for g in grid]
    streams = {0: np.concatenate(lines[:3]), 1: lines[3], 2: lines[4]}

    def planes_at(me, first, last):
        """Party 1 has x_1 = 0, so x_0 is all that party 0 knows."""
        rows = [[(2**64 - 1) * (v >> i & 1) for i in range(2)] for v in (first, 0, last)]
        pair = [rows[me], rows[(me + 1) % 3]]
        return np.repeat(np.array(pair, np.uint64)[..., None], -(-count // 64), axis=2)

    for a, b, first, last in product((0, 3, 6), (1, 4, 7), range(4), range(4)):

        async def program(engine, a=a, b=b, first=first, last=last):
            mine = {dealer: Told(elements) for dealer, elements in streams.items()}
            seen = [elements for d, elements in streams.items() if engine.me in (d, (d + 1) % 3)]
            known = np.full(count, b if engine.me else a, np.uint64)
            receive = engine.receive

            async def watched(sender, step, into):
                arrived = await receive(sender, step, into)
                seen.append(arrived.copy())
                return arrived

            engine.receive = watched
            engine.stream = lambda _, use: mine[int(use.removeprefix("deal "))]
            planes = planes_at(engine.me, first, last)
            found = await Replicated(engine, count).shifted(
                {min(engine.me, 1): known}, 1, planes, weights
            )
            return found.parts[0], np.concatenate(seen).reshape(-1, count)

        results, _ = await together(3, 1, program, field=field)
        line = field.lagrange([1, 2], 0)
        opened = field.mix([line], [results[0][0], results[1][0]])[0]
        wanted = (a >> 1) + (b >> 1) + sum(((first ^ last) >> i & 1) * weights[i] for i in range(2))
        assert set(opened.tolist()) == {wanted % 7}
        for me, (_, seen) in enumerate(results):
            code = (seen.astype(np.int64) * 7 ** np.arange(len(seen))[:, None]).sum(0)
            own = (b, last) if me else (a, first)
            views.setdefault((me, own), set()).add(np.sort(code).tobytes())
    assert all(len(found) == 1 for found in views.values())
