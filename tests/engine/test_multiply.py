from itertools import combinations

import numpy as np
import pytest

from ostraka.arithmetic.field import P61, Field
from ostraka.arithmetic.randomness import SeededDraw
from ostraka.delivery.party import Party
from ostraka.engine.multiply import dot, matmul, mul
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir import deal as dealing
from ostraka.engine.shamir import opening as revealing
from ostraka.engine.shamir.backend import start
from ostraka.errors import ManifestError, OstrakaError, PeerViolation
from ostraka.sharing.additive import Additive
from ostraka.sharing.shamir import Shamir
from ostraka.simulation import MemoryNet

HALF = (P61.p - 1) // 2
EDGES = np.array([0, 1, -1, 2, -2, HALF, -HALF, HALF - 1, 2**32, -(2**32), 2**30 + 1])


def centred(values):
    """Python integers, wrapped around as the field does."""
    return [(int(v) + HALF) % P61.p - HALF for v in values]


async def test_products_wrap_like_the_field(together, size):
    a, b = (grid.ravel() for grid in np.meshgrid(EDGES, EDGES))

    async def program(engine):
        x, y = await engine.share(0, a, a.shape), await engine.share(engine.n - 1, b, b.shape)
        before = engine.counters.rounds
        product = await mul(x, y)
        assert engine.counters.rounds == before + 1
        return (await reveal(product)).tolist()

    expected = centred(int(x) * int(y) for x, y in zip(a, b, strict=True))
    assert (await together(*size, program))[0] == [expected] * size[0]


async def test_long_vectors_take_one_round_in_pieces(together, size, monkeypatch):
    monkeypatch.setattr(dealing, "PIECE", 1000)
    monkeypatch.setattr(revealing, "PIECE", 900)
    a = np.arange(-5000, 5500)

    async def program(engine):
        x = await engine.share(1, a, a.shape)
        before = engine.counters.rounds
        opened = await reveal(await mul(x, x))
        assert engine.counters.rounds == before + 2
        return opened

    for opened in (await together(*size, program))[0]:
        assert np.array_equal(opened, a * a)


@pytest.mark.parametrize(("n", "t"), [(2, 1), (3, 2), (4, 3), (5, 2), (6, 2), (8, 2), (70, 2)])
async def test_everybody_can_share_at_any_threshold(together, n, t):
    dealers = sorted({*range(0, n, n // 8 or 1), n - 1})  # of many a few, first and last too

    async def program(engine):
        secrets = [await engine.share(k, [k, -k], (2,)) for k in dealers]
        for dealer in dealers:
            receivers = dealing.plan(engine, dealer)
            assert {dealer, *receivers.seeded, *receivers.explicit} == set(range(n))
            assert len(receivers.seeded) == t
        return (await reveal(sum(secrets[1:], start=secrets[0]))).tolist()

    total = sum(dealers)
    assert (await together(n, t, program))[0] == [[total, -total]] * n


async def test_shapes(together, size):
    a, b, m = np.arange(12).reshape(3, 4) - 5, np.arange(4) * 3 - 7, np.arange(8).reshape(4, 2)

    async def program(engine):
        x, y, z = [await engine.share(k % engine.n, v, v.shape) for k, v in enumerate((a, b, m))]
        empty = x[:0]
        products = [
            await mul(x, y),
            await mul(x[0, 1], y),
            await matmul(x, y),
            await matmul(y, z),
            await matmul(x, z),
            await matmul(y, y),
            await dot(x, y),
            await mul(empty, empty),
        ]
        return [await reveal(product) for product in products]

    expected = [a * b, a[0, 1] * b, a @ b, b @ m, a @ m, b @ b, a @ b, a[:0]]
    for results in (await together(*size, program))[0]:
        for result, value in zip(results, expected, strict=True):
            assert result.shape == value.shape
            assert np.array_equal(result, value)


async def test_bytes_are_as_promised_whatever_the_inputs(together, size):
    n, t = size
    seen = set()
    for value in (0, HALF):

        async def program(engine, value=value):
            x = await engine.share(0, value, (100,))
            before = engine.counters.bytes
            await mul(x, x)
            return engine.counters.bytes - before

        sent, net = await together(n, t, program)
        assert sent == [800 * (n - t - 1) * (i < 2 * t + 1) for i in range(n)]
        seen.add(tuple(net.sent.values()))
    assert len(seen) == 1


async def test_reveal_tells_whom_it_is_told_to(together, size):
    async def program(engine):
        return await reveal(await engine.share(0, [4, -4], (2,)), to=["p1"])

    results, _ = await together(*size, program)
    assert [r if r is None else r.tolist() for r in results] == [
        [4, -4] if i == 1 else None for i in range(size[0])
    ]


@pytest.mark.parametrize(("n", "t"), [(3, 1), (4, 1), (5, 2), (7, 2)])
async def test_a_wrong_share_is_noticed_and_told_whose_it_is_where_that_is_certain(together, n, t):
    async def program(engine):
        x = await engine.share(0, [4, -4], (2,))
        if engine.me == 1:
            x = x + np.array([0, 1])
        try:
            return await reveal(x)
        except OstrakaError as error:
            return error

    results, _ = await together(n, t, program)
    assert all(isinstance(result, PeerViolation) for result in results)
    assert {result.peer for result in results} == {None}  # who dealt it wrongly may be another
    told = [result.message.startswith("the shares that p1 announced") for result in results]
    assert set(told) == {n > 3 * t}


async def test_words_that_are_no_elements_are_refused(together):
    async def program(engine):
        step = engine.begin()
        if engine.me == 0:
            engine.send(1, step, np.array([P61.p], np.uint64))
        elif engine.me == 1:
            with pytest.raises(PeerViolation, match="p0 sent no share"):
                await engine.receive(0, step, np.empty(1, np.uint64))

    await together(3, 1, program)


async def test_products_need_more_parties_than_twice_the_threshold(together):
    async def program(engine):
        x = await engine.share(0, 3, ())
        with pytest.raises(ManifestError, match="at least 5 compute parties"):
            await mul(x, x)
        with pytest.raises(ValueError, match="nobody"):
            await reveal(x, to=["nobody"])

    await together(4, 2, program)


async def test_additive_shares_do_not_multiply():
    party = Party(MemoryNet(("a", "b")).exchange("a"), Additive(("x",), ("a", "b")))
    with pytest.raises(ManifestError, match="cannot multiply"):
        await start(party, SeededDraw(0))


# --- secrecy, exactly


class Everything:
    """Streams replaced by a grid of all possible values, one axis for each draw."""

    def __init__(self, field, axes):
        self.grid = np.meshgrid(*[np.arange(field.p, dtype=np.uint64)] * axes, indexing="ij")
        self.used = {}

    def column(self, pair, use):
        """The same column for both ends of a stream."""
        return self.grid[self.used.setdefault((pair, use), len(self.used))].ravel()


class Lookup:
    """A stand-in for `Stream` that gives a column of the grid."""

    def __init__(self, column):
        self.column = column
        self.place = 0

    def fill(self, out):
        out[:] = self.column[self.place : self.place + len(out)]
        self.place += len(out)
        return out


@pytest.mark.parametrize(("n", "t"), [(3, 1), (4, 1)])
async def test_what_a_party_sees_of_a_product_does_not_depend_on_the_factors(together, n, t):
    """Over p = 7 all randomness of a product is tried: views of t parties are identical."""
    field = Field(3)
    everything = Everything(field, 2 * t + 1)
    views = {}
    for secrets in ((0, 0), (1, 6), (3, 5)):
        seen = [[] for _ in range(n)]

        async def program(engine, secrets=secrets, seen=seen):
            count = everything.grid[0].size
            # constant polynomials: that shares hide their secret is tested elsewhere
            x, y = (engine.array(np.full(count, s, np.uint64)) for s in secrets)
            receive = engine.receive

            def stream(peer, use):
                pair = frozenset((engine.me, peer))
                return Lookup(everything.column(pair, use))

            async def watched(sender, step, into):
                arrived = await receive(sender, step, into)
                seen[engine.me].append(arrived.copy())
                return arrived

            engine.stream, engine.receive = stream, watched
            result = await mul(x, y)
            streams = [
                everything.column(frozenset((engine.me, d)), f"deal {d}")
                for d in range(2 * t + 1)
                if engine.me in (d, *dealing.plan(engine, d).seeded) and d != engine.me
            ]
            own = [
                everything.column(frozenset((engine.me, j)), f"deal {engine.me}")
                for j in dealing.plan(engine, engine.me).seeded
                if engine.me < 2 * t + 1
            ]
            return [*streams, *own], result.parts[0]

        outcome, _ = await together(n, t, program, field=field)
        for me in range(n):
            code = np.zeros(everything.grid[0].size, np.int64)
            for column in (*outcome[me][0], *seen[me]):
                code = code * field.p + column.astype(np.int64)
            views.setdefault(me, []).append(np.sort(code))
        for pair in combinations(range(n), t + 1):
            opened = Shamir(("x",), tuple(range(n)), t, field).combine(
                {i: outcome[i][1] for i in pair}
            )
            assert (opened == secrets[0] * secrets[1] % field.p).all()
    for me in range(n):
        first, *others = views[me]
        own_is_the_same = [np.array_equal(first, other) for other in others]
        assert all(own_is_the_same), me


async def test_seeds_are_agreed_between_every_pair_and_nobody_else(together):
    async def program(engine):
        return engine.seeds

    seeds, net = await together(5, 2, program)
    assert all(seeds[i][j] == seeds[j][i] for i in range(5) for j in range(5))
    assert len({s for row in seeds for s in row}) == 10 + 5
    assert {sent.bytes for sent in net.sent.values()} == {4 * 32}
