"""Operations that share rounds: right, in one message a round, and nothing but what is opened."""

import numpy as np
import pytest

from ostraka.arithmetic.field import P61, Field
from ostraka.engine.reveal import reveal
from ostraka.engine.rounds import Opened, Product, Random, Unreduced, alone, side_by_side
from ostraka.engine.shamir import rounds
from ostraka.engine.shamir.backend import start, start_active
from ostraka.engine.shamir.deal import plan
from ostraka.errors import ManifestError, PeerViolation

HALF = (P61.p - 1) // 2


def cube(x):
    (square,) = yield [Product(x, x)]
    (found,) = yield [Product(square, x)]
    return found


def test_a_word_can_be_read():
    """It asks for tasks and is told their results, so it needs no network to be tried."""
    word = cube("x")
    assert next(word) == [Product("x", "x")]
    assert word.send(["xx"]) == [Product("xx", "x")]
    with pytest.raises(StopIteration) as end:
        word.send(["xxx"])
    assert end.value.value == "xxx"


def mixture(x, y):
    """Everything that may be asked for at once."""
    product, r, opened, itself, dotted = yield [
        Product(x, y),
        Random(x.engine, (2, 3)),
        Unreduced(x[..., None], y[..., None]),
        Opened(x),
        Unreduced(x, y[:1]),
    ]
    again, sums = yield [Random(x.engine, (4,)), Unreduced(product, r[:1])]
    return product, r, opened, itself, dotted, again, sums


@pytest.mark.parametrize("begin", [start, start_active], ids=["passive", "active"])
async def test_everything_at_once(together, size, monkeypatch, begin):
    monkeypatch.setattr(rounds, "PIECE", 5)
    a = np.array([[0, 1, -1], [HALF, -HALF, 2**40]])
    b = np.array([[5, -7, HALF], [1, -1, -(2**19)]])

    async def program(engine):
        x, y = await engine.share(0, a, a.shape), await engine.share(1, b, b.shape)
        nothing = alone(engine, iter_of_nothing())
        results = await side_by_side(engine, mixture(x, y), cube(x[0]), iter_of_nothing())
        product, r, opened, itself, dotted, again, sums = results[0]
        assert (results[2], await nothing) == ("nothing", "nothing")
        secrets = [await reveal(s) for s in (product, r, again, results[1])]
        return [*secrets, *map(engine.field.decode, (opened, itself, dotted, sums))]

    found, _ = await together(*size, program, begin=begin)
    product, r, again, third, opened, itself, dotted, sums = found[0]
    assert all(np.array_equal(x, y) for row in found for x, y in zip(row, found[0], strict=True))

    def centred(values):
        return [(int(v) + HALF) % P61.p - HALF for v in values]

    wide = centred(int(x) * int(y) for x, y in zip(a.ravel(), b.ravel(), strict=True))
    assert product.ravel().tolist() == opened.ravel().tolist() == wide
    assert np.array_equal(itself, a)
    assert dotted.tolist() == centred(
        sum(int(x) * int(y) for x, y in zip(row, b[0], strict=True)) for row in a
    )
    assert third.tolist() == centred(int(x) ** 3 for x in a[0])
    assert sums.tolist() == centred(
        sum(int(x) * int(y) for x, y in zip(row, r[0], strict=True)) for row in product
    )
    assert (r.shape, again.shape) == ((2, 3), (4,))
    assert len({*r.ravel().tolist(), *again.tolist()}) == 10


def iter_of_nothing():
    yield from ()
    return "nothing"


async def test_rounds_and_bytes_are_as_promised_whatever_the_inputs(together, size):
    n, t = size
    seen = set()
    for value in (0, HALF):

        async def program(engine, value=value):
            x = await engine.share(0, value, (10,))
            before = (c := engine.counters).rounds, c.messages, c.bytes
            tasks = [Product(x, x), Random(engine, (7,)), Unreduced(x[:3, None], x[:3, None])]
            await side_by_side(engine, once(tasks), cube(x))
            return c.rounds - before[0], c.messages - before[1], c.bytes - before[2]

        sent, net = await together(n, t, program)
        for me, (took, messages, size_sent) in enumerate(sent):
            works = me < 2 * t + 1
            dealt = (n - t - 1) * (10 + 10 + 10 + 7 * (me <= t))
            assert took == 2
            assert messages == works * (n - 1 + n - t - 1)
            assert size_sent == 8 * works * (dealt + 3 * (n - 1))
        seen.add(tuple(net.sent.values()))
    assert len(seen) == 1


def once(tasks):
    found = yield tasks
    return found


async def test_too_few_parties_for_products(together):
    async def program(engine):
        x = await engine.share(0, 1, (1,))
        with pytest.raises(ManifestError, match="at least 5 compute parties"):
            await alone(engine, cube(x))

    await together(4, 2, program)


async def test_what_is_no_element_names_its_sender(together, monkeypatch):
    """A dealer's share and a part of what is opened are checked like any other message."""
    monkeypatch.setattr(rounds, "with_zero", lambda engine, x: x + P61._p)

    async def program(engine):
        x = await engine.share(0, 1, (1,))
        with pytest.raises(PeerViolation, match="sent no share") as caught:
            await alone(engine, once([Opened(x)]))
        return caught.value.peer

    peers, _ = await together(3, 1, program)
    assert peers == ["p1", "p0", "p0"]


# --- secrecy, exactly: over p = 7 with all randomness tried


class Grid:
    """Streams replaced by all possible values, one axis for each that is read."""

    def __init__(self, field, axes):
        self.columns = np.array(
            np.meshgrid(*[np.arange(field.p, dtype=np.uint64)] * axes, indexing="ij")
        ).reshape(axes, -1)
        self.axis = {}

    def column(self, pair, use):
        return self.columns[self.axis.setdefault((pair, use), len(self.axis))]


class Read:
    """A stand-in for `Stream`: a column of the grid."""

    def __init__(self, column):
        self.column, self.place = column, 0

    def fill(self, out):
        out[:] = self.column[self.place : self.place + len(out)]
        self.place += len(out)
        return out


async def views(together, a, b):
    """What each of three parties reads and is sent while a product is opened, in all runs."""
    field, grid = Field(3), Grid(Field(3), 3)
    seen = [[] for _ in range(3)]

    async def program(engine):
        # constant polynomials: that shares hide their secret is tested elsewhere
        x, y = (engine.array(np.full((grid.columns.shape[1], 1), s, np.uint64)) for s in (a, b))
        receive = engine.receive

        def stream(peer, use):
            column = grid.column(frozenset((engine.me, peer)), use)
            seen[engine.me].append(column)
            return Read(column)

        async def watched(sender, step, into):
            seen[engine.me].append((await receive(sender, step, into)).copy())
            return into

        engine.stream, engine.receive = stream, watched
        (opened,) = await alone(engine, once([Unreduced(x, y)]))
        assert (opened == a * b % field.p).all()

    await together(3, 1, program, field=field)
    return [np.sort(np.array(columns).T @ 7 ** np.arange(len(columns))) for columns in seen]


async def test_nothing_but_the_product_can_be_seen_of_what_is_opened(together, monkeypatch):
    # the same product, of other factors: two of them zero, or both, or none
    for one, other in (((0, 0), (0, 5)), ((1, 6), (2, 3)), ((4, 4), (1, 2))):
        first, second = [await views(together, *pair) for pair in (one, other)]
        assert all(np.array_equal(x, y) for x, y in zip(first, second, strict=True))
    assert not np.array_equal(first[0], (await views(together, 1, 3))[0])


async def crooked_views(together, masked, monkeypatch):
    """The same where the factors' shares are of degree 1: do parts tell more than the product?"""
    if not masked:
        monkeypatch.setattr(rounds, "with_zero", lambda engine, x: x)
    field, found = Field(3), []
    grid = Grid(field, 3)
    for slope in range(field.p):
        seen = []

        async def program(engine, slope=slope, seen=seen):
            # x = 0 + slope X, y = 0 + slope X: their product is 0, whatever the slope
            own = slope * engine.points[engine.me] % field.p
            x = engine.array(np.full((grid.columns.shape[1], 1), own, np.uint64))
            receive = engine.receive
            engine.stream = lambda peer, use: Read(grid.column(frozenset((engine.me, peer)), use))

            async def watched(sender, step, into):
                await receive(sender, step, into)
                if engine.me == 0:
                    seen.append(into.copy())
                return into

            engine.receive = watched
            await alone(engine, once([Unreduced(x, x)]))

        await together(3, 1, program, field=field)
        # party 0's own share shows the slope; what the others tell each other's product does not
        found.append(np.bincount(seen[0].astype(int), minlength=field.p).tolist())
    return found


async def test_parts_of_a_product_are_uniform_and_without_zero_they_are_not(together, monkeypatch):
    masked = await crooked_views(together, True, monkeypatch)
    assert all(counts == [49] * 7 for counts in masked)
    bare = await crooked_views(together, False, monkeypatch)
    assert any(counts != [49] * 7 for counts in bare)


def test_plans_of_other_dealers_need_no_coefficients(together):
    """Only a dealer computes with its coefficients: the others know who reads a stream."""

    async def program(engine):
        plans = [plan(engine, dealer) for dealer in range(engine.n)]
        return [bool(p.coefficients) for p in plans]

    import asyncio

    found, _ = asyncio.run(together(5, 2, program))
    assert np.array_equal(np.array(found), np.eye(5, dtype=bool))
