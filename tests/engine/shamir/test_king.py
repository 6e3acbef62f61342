"""Products by way of kings: right, as cheap as said, and secret; with active security, proven."""

from itertools import chain, combinations, product
from math import prod

import numpy as np
import pytest
from portions import portioned

from ostraka.arithmetic.field import P61, Field
from ostraka.engine.multiply import dot, matmul, mul
from ostraka.engine.reveal import reveal
from ostraka.engine.rounds import Opened, Product, Random, alone
from ostraka.engine.shamir import king
from ostraka.engine.shamir.backend import start, start_active
from ostraka.engine.table import powers
from ostraka.errors import OstrakaError
from ostraka.simulation import MemoryNet

SIZES = [(3, 1), (4, 1), (5, 2), (6, 2), (7, 3), (9, 2), (9, 4)]
MARKS = {3: (), 4: (), 5: pytest.mark.thorough, 6: pytest.mark.thorough}


@pytest.fixture(
    params=[pytest.param(size, marks=MARKS.get(size[0], pytest.mark.slow)) for size in SIZES],
    ids=lambda size: f"n{size[0]}t{size[1]}",
)
def size(request):
    return request.param


@pytest.fixture(autouse=True)
def always(monkeypatch):
    monkeypatch.setattr(king, "WORTH", 0)


async def test_products_are_those_of_the_field(together, size, monkeypatch):
    monkeypatch.setattr(king, "PIECE", 100)
    half = (P61.p - 1) // 2
    edges = np.array([0, 1, -1, 2, half, -half, 2**32, -(2**59), 12345])
    a, b = (grid.ravel() for grid in np.meshgrid(np.tile(edges, 3), edges))
    square = np.arange(16).reshape(4, 4) - 7

    async def program(engine):
        x, y = await engine.share(0, a, a.shape), await engine.share(1, b, b.shape)
        m = await engine.share(0, square, (4, 4))
        words = [mul(x, y), mul(x[:1], y[:1]), mul(x[:0], x[:0]), matmul(m, m), dot(m, m)]
        return [await reveal(await word) for word in words]

    products = [(int(x) * int(y) + half) % P61.p - half for x, y in zip(a, b, strict=True)]
    expected = [products, products[:1], [], square @ square, (square * square).sum(axis=1)]
    for results in (await together(*size, program))[0]:
        for result, value in zip(results, expected, strict=True):
            assert np.array_equal(result, value)


async def test_bytes_and_rounds_are_as_promised_whatever_the_inputs(together, size):
    n, t = size
    length = n * (n - t) * 7
    seen = set()
    for value in (0, 1, (P61.p - 1) // 2):

        async def program(engine, value=value):
            x = await engine.share(0, value, (length,))
            before, rounds = engine.counters.bytes, engine.counters.rounds
            await mul(x, x)
            assert engine.counters.rounds == rounds + 3
            return engine.counters.bytes - before

        sent, net = await together(n, t, program)
        dealt, reigned = (n - t - 2) / (n - t), (n - t - 1) / n
        masked = [(i <= 2 * t) * (n - 1) / n for i in range(n)]
        assert np.allclose(sent, [8 * length * (dealt + m + reigned) for m in masked])
        if n == 2 * t + 1:
            assert max(sent) < 8 * length * 2.5
        seen.add(tuple(net.sent.values()))
    assert len(seen) == 1


# Beyond 61 parties powers of two repeat, and masks would not be independent.
MANY = [(61, 2, 300, 3), (62, 2, 300, 1)]


@pytest.mark.parametrize(
    ("n", "t", "length", "rounds"),
    [
        *[(5, 2, 299, 1), (5, 2, 300, 3), (7, 3, 150, 3), (3, 1, 900, 1)],
        *(pytest.param(*case, marks=pytest.mark.slow) for case in MANY),
    ],
)
async def test_only_long_batches_of_larger_thresholds_go_this_way(
    together, monkeypatch, n, t, length, rounds
):
    monkeypatch.setattr(king, "WORTH", 300)

    async def program(engine):
        x, before = engine.public(np.zeros(length, np.int64)), engine.counters.rounds
        await mul(x, x)
        return engine.counters.rounds - before

    assert (await together(n, t, program))[0] == [rounds] * n


async def test_words_that_share_rounds_go_this_way_too(together, monkeypatch):
    monkeypatch.setattr(king, "WORTH", 300)
    a, b = np.arange(-100, 100), np.arange(200) % 7

    for begin in (start, start_active):

        async def program(engine):
            x, y = await engine.share(0, a, a.shape), await engine.share(1, b, b.shape)
            before = engine.counters.rounds
            raised = await powers(x, 4)
            if not engine.audit:
                assert engine.counters.rounds == before + 1 + 3

            def word():
                first, random = yield [Product(x, y), Random(engine, (3,))]
                many, opened = yield [Product(raised, y), Opened(random - random)]
                return first, many, opened

            first, many, opened = await alone(engine, word())
            return [await reveal(z) for z in (raised, first, many)] + [opened]

        for raised, first, many, opened in (await together(5, 2, program, begin=begin))[0]:
            assert np.array_equal(raised, [a, a**2, a**3, a**4])
            assert np.array_equal(first, a * b)
            assert np.array_equal(many, [a**k * b for k in (1, 2, 3, 4)])
            assert not opened.any()


# --- secrecy


class Drawn:
    """Streams whose words are all zero but one; counts the words there are."""

    def __init__(self, chosen=None):
        self.chosen, self.known = chosen, {}

    def word(self, *key):
        self.known[key] = None
        return int(key == self.chosen)


class Reading:
    def __init__(self, drawn, key):
        self.drawn, self.key, self.place = drawn, key, 0

    def fill(self, out):
        for i in range(len(out)):
            out[i] = self.drawn.word(*self.key, self.place)
            self.place += 1
        return out


async def views(together, n, t, field, x, y, chosen=None):
    """All that each party reads from streams and is sent in n products, and its shares of them.

    Args:
        x, y: everybody's shares.
        chosen: the word of a stream that is one; all others are zero.
    """
    drawn = Drawn(chosen)

    async def program(engine):
        seen, receive = [], engine.receive
        streams = {}

        def stream(peer, use):
            key = (*sorted((engine.me, peer)), use)
            return streams.setdefault(key, Reading(drawn, key))

        async def watched(sender, step, into):
            arrived = await receive(sender, step, into)
            seen.extend(arrived.tolist())
            return arrived

        engine.stream, engine.receive = stream, watched
        a, b = (np.full(n, shares[engine.me], np.uint64) for shares in (x, y))
        z = await mul(engine.array(a), engine.array(b))
        return seen, z.parts[0].tolist()

    results, _ = await together(n, t, program, field=field)
    found = [
        [int(key == chosen) for key in sorted(drawn.known) if party in key[:2]] + seen
        for party, (seen, _) in enumerate(results)
    ]
    return found, [z for _, z in results], list(drawn.known)


def reduced_rows(rows, p):
    """A basis of the space the rows span, each with its pivot."""
    basis = []
    for row in rows:
        row = remainder(row, basis, p)
        pivot = next((i for i, v in enumerate(row) if v), None)
        if pivot is not None:
            basis.append((pivot, [v * pow(row[pivot], -1, p) % p for v in row]))
    return basis


def remainder(row, basis, p):
    row = [v % p for v in row]
    for pivot, other in basis:
        if c := row[pivot]:
            row = [(v - c * w) % p for v, w in zip(row, other, strict=True)]
    return row


async def who_learns(together, n, t):
    """The sets of t parties that see anything of the factors of a product.

    Exactly, over p = 31: what is seen is affine in what was drawn, so it has the same distribution
    for all factors if what these change lies in the space that drawing spans. And with it
    everybody's shares of the product, where factors differ and products do not.
    """
    field, zero, found = Field(5), [0] * n, []
    first, shares, words = await views(together, n, t, field, zero, zero)
    spans = [await views(together, n, t, field, zero, zero, chosen) for chosen in words]
    points = field.points(n)
    for some in combinations(range(n), t):
        # polynomials of secrets that are not zero, while the shares of these t parties are
        hidden = [prod(points[j] - points[i] for i in some) % field.p for j in range(n)]
        for x, y, also in ((hidden, hidden, False), (hidden, zero, True)):
            seen, z, _ = await views(together, n, t, field, x, y)
            runs = [(first, shares), (seen, z), *((v, s) for v, s, _ in spans)]
            start, moved, *drawn = (
                list(chain(*(v[i] for i in some), *(s if also else ()))) for v, s in runs
            )
            change = [a - b for a, b in zip(moved, start, strict=True)]
            if any(remainder(change, reduced_rows(drawn, field.p), field.p)):
                found.append((some, also))
    return found


@pytest.mark.parametrize(("n", "t"), portioned([(4, 1)], [(3, 1), (5, 2)]))
async def test_what_t_parties_see_does_not_depend_on_the_factors(together, n, t):
    assert await who_learns(together, n, t) == []


async def test_without_the_shares_of_zero_it_does(together, monkeypatch):
    """So the test above can fail."""
    monkeypatch.setattr(king, "with_zero", lambda engine, x: x)
    assert await who_learns(together, 5, 2)


async def test_what_kings_learn_is_uniform(together, monkeypatch):
    seen, reign = [], king._Batch.reign

    async def watched(self, i):
        await reign(self, i)
        seen.append(self.own[i].copy())

    monkeypatch.setattr(king._Batch, "reign", watched)

    async def program(engine):
        x = await engine.share(0, 1, (20_000,))
        await mul(x, x)

    await together(5, 2, program)
    values = np.concatenate(seen)
    assert len(values) == 20_000
    for bits in (values >> np.uint64(57), values & np.uint64(15)):
        counts = np.bincount(bits.astype(np.int64), minlength=16)
        assert ((counts - 1250) ** 2 / 1250).sum() < 37.7  # chi-square, 15 degrees, 1 in 1000


# --- cheaters


LIES = {
    "one": lambda m: m ^ (np.arange(len(m)) == 0).astype(m.dtype),
    "all": lambda m: P61.add(m, np.full_like(m, 12345)),
    "zero": np.zeros_like,
    "short": lambda m: m[:-1],
}


class Liar(MemoryNet):
    """Party p1 alters one message of its own."""

    def __init__(self, names, number, how="one"):
        super().__init__(names)
        self.number, self.how = number, LIES[how]

    def put(self, sender, to, step, message):
        if sender == "p1" and self.sent[sender].messages == self.number:
            message = self.how(message)
        super().put(sender, to, step, message)


@pytest.mark.parametrize(("n", "t"), portioned([(4, 1)], [(3, 1), (5, 2)]))
async def test_whatever_a_king_a_dealer_or_a_worker_alters_is_found(together, n, t):
    """Each message of one product in turn; other parties are told the right thing."""
    ends = {"right": 0, "stopped": 0}

    async def program(engine):
        messages = []
        try:
            x = await engine.share(0, [3, 4, 5], (3,))
            messages.append(engine.counters.messages)
            square = await mul(x, x)
            messages.append(engine.counters.messages)
            return (await reveal(square)).tolist(), messages
        except OstrakaError as error:
            return error, messages

    begin, end = (await together(n, t, program, begin=start_active))[0][1][1]
    assert end - begin >= n - 1
    for number, how in product(range(begin, end), LIES):
        net = Liar(tuple(f"p{i}" for i in range(n)), number, how)
        results, _ = await together(n, t, program, begin=start_active, net=net)
        for me, (result, _) in enumerate(results):
            if me != 1:
                ends["stopped" if isinstance(result, OstrakaError) else "right"] += 1
                assert isinstance(result, OstrakaError) or result == [9, 16, 25]
    assert ends["stopped"] > 2 * (end - begin) * (n - 1)


async def test_the_same_lies_do_harm_where_nothing_is_proven(together):
    async def program(engine):
        x = await engine.share(0, [3, 4, 5], (3,))
        try:
            return (await reveal(await mul(x, x))).tolist()
        except OstrakaError as error:
            return error

    wrong = []
    for number in range(3, 8):
        results, _ = await together(3, 1, program, net=Liar(("p0", "p1", "p2"), number))
        wrong += [r for r in results if not isinstance(r, OstrakaError) and r != [9, 16, 25]]
    assert wrong
