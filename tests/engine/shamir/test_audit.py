"""Active security: right answers, what a proof costs, and what becomes of cheaters."""

import random

import numpy as np
import pytest
from portions import portioned

from ostraka.arithmetic.field import P61, Field
from ostraka.engine import sort as sorting
from ostraka.engine.bits import random_bits
from ostraka.engine.compare import equal, less_than
from ostraka.engine.digits import decompose, truncate
from ostraka.engine.multiply import dot, matmul, mul
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir import audit as auditing
from ostraka.engine.shamir import backend as sharing
from ostraka.engine.shamir import links
from ostraka.engine.shamir import reduce as multiplying
from ostraka.engine.shamir import shuffle as shuffling
from ostraka.engine.shamir.backend import start_active
from ostraka.engine.shamir.opening import open_shares
from ostraka.engine.sort import sort, top_k
from ostraka.errors import Aborted, ManifestError, OstrakaError, PeerViolation
from ostraka.simulation import MemoryNet

SIZES = [(3, 1), (4, 1), (5, 2), (7, 2), (7, 3)]
MARKS = {3: (), 4: (), 5: pytest.mark.thorough}
HALF = (P61.p - 1) // 2


@pytest.fixture(
    params=[pytest.param(size, marks=MARKS.get(size[0], pytest.mark.slow)) for size in SIZES],
    ids=lambda size: f"n{size[0]}t{size[1]}",
)
def size(request):
    return request.param


async def test_products_of_every_shape_are_right_and_proven(together, size):
    a, b = np.arange(-18, 18).reshape(6, 6), np.arange(36).reshape(6, 6) * 5 - 7

    async def program(engine):
        x, y = await engine.share(0, a, a.shape), await engine.share(1, b, b.shape)
        products = [
            await mul(x, y),
            await mul(x[:, :1], y),
            await matmul(x, y),
            await matmul(x[0], y),
            await matmul(x, y[0]),
            await dot(x, y),
            await dot(x[0], y),
            await mul(await mul(x, x), x[:0].reshape(0, 6).sum(axis=0)),
        ]
        return [await reveal(product) for product in products]

    expected = [a * b, a[:, :1] * b, a @ b, a[0] @ b, a @ b[0], (a * b).sum(1), a[0] @ b.T, a * 0]
    for results in (await together(*size, program, begin=start_active))[0]:
        for result, value in zip(results, expected, strict=True):
            assert np.array_equal(result, value)


async def test_long_vectors_are_cut_in_few_and_proven_before_they_are_too_many(
    together, monkeypatch
):
    monkeypatch.setattr(auditing, "LONG", 100)
    monkeypatch.setattr(auditing, "LIMIT", 3000)
    a = np.arange(-500, 1499)

    async def program(engine):
        x = await engine.share(0, a, a.shape)
        product = await mul(await mul(x, x), x)
        assert not engine.audit._products
        return await reveal(product)

    for result in (await together(3, 1, program, begin=start_active))[0]:
        assert np.array_equal(result, a**3)


async def test_a_product_costs_no_more_bytes_and_a_proof_few(together):
    async def program(engine):
        x = await engine.share(0, 3, (20_000,))
        before = engine.counters.bytes
        product = await mul(x, x)
        assert engine.counters.bytes == before + 8 * 20_000
        before, rounds = engine.counters.bytes, engine.counters.rounds
        await engine.audit.settle()
        assert engine.counters.bytes < before + 5_000
        assert engine.counters.rounds <= rounds + 16
        rounds = engine.counters.rounds
        await engine.audit.settle()
        assert engine.counters.rounds == rounds
        return await reveal(product)

    results, _ = await together(3, 1, program, begin=start_active)
    assert all((result == 9).all() for result in results)


async def test_when_a_chain_is_used_up_everybody_commits_to_another(together, monkeypatch):
    monkeypatch.setattr(links, "LINKS", 3)

    async def program(engine):
        x, rounds = await engine.share(0, 3, ()), []
        for _ in range(4):
            before = engine.counters.rounds
            x = await mul(x, x) - 6
            assert (await reveal(x)).item() == 3
            rounds.append(engine.counters.rounds - before)
        return rounds

    results, _ = await together(3, 1, program, begin=start_active)
    assert results == [[6, 7, 6, 7]] * 3


async def test_who_opens_another_link_is_named(together, monkeypatch):
    async def program(engine):
        x = await engine.share(0, 3, ())
        if engine.me == 1:
            engine.audit.coin._chain[-1] = bytes(32)
            with pytest.raises(OstrakaError):
                await reveal(await mul(x, x))
            return
        with pytest.raises(PeerViolation, match="p1 opened a coin") as caught:
            await reveal(await mul(x, x))
        assert caught.value.peer == "p1"

    await together(3, 1, program, begin=start_active)


async def test_comparisons_at_the_edges(together, size):
    values = [0, 1, -1, 2, HALF, -HALF, HALF - 1, 2**59, -(2**59), 2**32]
    a, b = (grid.ravel() for grid in np.meshgrid(values, values))
    fits = np.abs(a.astype(object) - b) <= HALF
    a, b = a[fits], b[fits]

    async def program(engine):
        x, y = await engine.share(0, a, a.shape), await engine.share(1, b, b.shape)
        empty = await less_than(x[:0], y[:0]), await equal(x[:0], y[:0])
        assert [e.shape for e in empty] == [(0,), (0,)]
        return [await reveal(z) for z in (await less_than(x, y), await equal(x, y))]

    for less, same in (await together(*size, program, begin=start_active))[0]:
        assert np.array_equal(less, a < b)
        assert np.array_equal(same, a == b)


async def test_sorting(together, size):
    a = np.array([5, -3, 5, 0, 2**40, -(2**40), 1])

    async def program(engine):
        x = await engine.share(0, a, a.shape)
        return [await reveal(v) for v in (await sort(x), *await top_k(x, 3))]

    for ascending, largest, places in (await together(*size, program, begin=start_active))[0]:
        assert np.array_equal(ascending, np.sort(a))
        assert (largest.tolist(), places.tolist()) == ([2**40, 5, 5], [4, 0, 2])


@pytest.mark.parametrize("wrong", [[[1, 0], [1, 0]], [[2, -1], [-1, 2]], [[1, 1], [0, 0]]])
async def test_a_matrix_that_is_no_permutation_is_found(together, monkeypatch, wrong):
    honest = sharing.deal

    async def deal(engine, dealers, length, local, *, total):
        matrix = engine.field.encode(wrong).reshape(-1)
        mine = matrix.__getitem__ if engine.me == 1 and len(dealers) > 1 else local
        return await honest(engine, dealers, length, mine, total=total)

    monkeypatch.setattr(sharing, "deal", deal)
    monkeypatch.setattr(shuffling, "SETS", 0)

    async def program(engine):
        table = await sorting.shuffle(await engine.share(0, [[3, 4]], (1, 2)))
        with pytest.raises(PeerViolation, match="falsified"):
            await reveal(table)

    await together(3, 1, program, begin=start_active)


@pytest.mark.parametrize("how", ["another order", "add", "add and take away"])
@pytest.mark.parametrize(("n", "t"), portioned([(3, 1)], [(4, 1), (5, 2)]))
async def test_a_shuffle_that_is_none_is_found(together, monkeypatch, n, t, how):
    """Party 1 deals something else in the sets that it is in."""
    honest = shuffling._permuted
    errors = {"another order": [], "add": [1], "add and take away": [1, -1]}[how]

    async def permuted(engine, table, group, seed):
        if engine.me == 1 and 1 in group[: t + 1]:
            if how == "another order":
                seed = bytes(32)
            elif errors:
                first = (np.arange(table.size) == 0).reshape(table.shape)
                table = (engine.array(table) + errors.pop(0) * first).parts[0]
        return await honest(engine, table, group, seed)

    monkeypatch.setattr(shuffling, "_permuted", permuted)

    async def program(engine):
        table = await engine.share(0, [[3, 3, 3], [5, 6, 7]], (2, 3))
        with pytest.raises(PeerViolation, match="falsified"):
            await reveal(await sorting.shuffle(table))

    await together(n, t, program, begin=start_active)


async def test_a_leader_that_tells_different_orders_is_found(together, monkeypatch):
    """Else columns could be mixed, and the combinations that prove them right would be, too."""
    honest = shuffling._group_seeds

    async def two_stories(engine, groups):
        found = await honest(engine, groups)
        if engine.me == 3:
            found[groups.index((0, 3, 4))] = bytes(32)
        return found

    monkeypatch.setattr(shuffling, "_group_seeds", two_stories)

    async def program(engine):
        table = await engine.share(0, [[3, 4]], (1, 2))
        try:
            await sorting.shuffle(table)
        except OstrakaError as error:
            return "different orders" in str(error)
        return False

    results, _ = await together(5, 2, program, begin=start_active)
    assert results[3]
    assert results[4]


@pytest.mark.parametrize("ks", portioned([[1, 59]], [[0, 16, 31, 58]]))
async def test_bits_of_secrets_and_halving(together, size, ks):
    a = np.array([[5, 12345, 2**58 + 7, 0], [2**59 - 1, 1, -1, -(2**59)]])
    bits = np.array([0, 1, 2**60 - 1, 0x123456789ABCDEF])

    async def program(engine):
        x, y = await engine.share(0, a, a.shape), await engine.share(1, bits, bits.shape)
        shifted = [await reveal(await truncate(x, k)) for k in ks]
        assert (await truncate(x[:0], 3)).shape == (0, 4)
        return shifted, [await reveal(await decompose(y.reshape(2, 2), k)) for k in (1, 61)]

    for shifted, (low, every) in (await together(*size, program, begin=start_active))[0]:
        for k, found in zip(ks, shifted, strict=True):
            assert np.array_equal(found, a >> k)
        assert np.array_equal(low, bits.reshape(2, 2, 1) & 1)
        assert np.array_equal(every @ (1 << np.arange(61)), bits.reshape(2, 2))


async def test_too_few_for_products_are_refused(together):
    with pytest.raises(ExceptionGroup) as caught:
        await together(4, 2, program=None, begin=start_active)
    assert caught.group_contains(ManifestError, match="at least 5 compute parties")


async def test_traffic_does_not_depend_on_inputs(together, size):
    seen = set()
    for value in (0, 1, HALF):

        async def program(engine, value=value):
            x = await engine.share(0, [value, 5], (2,))
            return await reveal(await mul(await less_than(x, 3), x))

        _, net = await together(*size, program, begin=start_active)
        seen.add(tuple(net.sent.values()))
    assert len(seen) == 1


# --- cheaters


class Liar(MemoryNet):
    """Some parties alter one message of theirs each, of the ones after the first `start`."""

    def __init__(self, names, liars, seed):
        super().__init__(names, seed=seed)
        self.draw = random.Random(seed)
        self.liars = dict.fromkeys(liars)
        self.earlier = []
        self.altered = 0

    def aim(self, counts):
        """Choose which message, knowing how many each sends."""
        self.liars = {liar: self.draw.randrange(counts[liar]) for liar in self.liars}

    def put(self, sender, to, step, message):
        if self.liars.get(sender) == self.sent[sender].messages:
            before = message
            message = self.alter(message.copy())
            self.altered += not np.array_equal(message, before)
        if sender in self.liars:
            self.earlier.append(message)
        super().put(sender, to, step, message)

    def alter(self, message):
        how = self.draw.choice(["add", "add all", "flip", "replay", "random", "cut"])
        place = self.draw.randrange(max(1, len(message)))
        if how == "cut" or not len(message):
            return message[:-1]
        if how == "flip" or message.dtype == np.uint8:
            message[place] ^= message.dtype.type(1 << self.draw.randrange(message.itemsize * 8))
        elif how == "add":
            message[place] = (int(message[place]) + self.draw.choice([1, 2, P61.p - 1])) % P61.p
        elif how == "add all":
            message = P61.add(message, np.full_like(message, self.draw.randrange(1, P61.p)))
        elif how == "replay":
            alike = [m for m in self.earlier if m.shape == message.shape]
            message = self.draw.choice(alike or [message])
        else:
            message[:] = [self.draw.randrange(P61.p) for _ in message]
        return message


async def cheated(together, n, t, seed):
    """What everybody but the liars ends with, a result or an OstrakaError; and who lied."""
    names = tuple(f"p{i}" for i in range(n))
    liars = random.Random(seed).sample(names, t)
    program = every_word(next(i for i, name in enumerate(names) if name not in liars))

    async def later(party, draw):
        return party, draw

    async def caught(arguments):
        try:
            return await program(await start_active(*arguments))
        except OstrakaError as error:
            return error

    if (n, liars[0]) not in MESSAGES:
        _, straight = await together(n, t, caught, begin=later)
        MESSAGES[n, liars[0]] = {name: straight.sent[name].messages for name in names}
    net = Liar(names, liars, seed)
    net.aim(MESSAGES[n, liars[0]])
    results, _ = await together(n, t, caught, seed=seed, begin=later, net=net)
    return [r for name, r in zip(names, results, strict=True) if name not in liars], liars


MESSAGES = {}
"""How many messages each party sends."""


def every_word(owner):
    """A program whose inputs come from an honest party."""

    async def program(engine):
        x, y = await engine.share(owner, [3, -5], (2,)), await engine.share(owner, [4, -6], (2,))
        product = await mul(x, y)
        less = await less_than(x, y)
        bits = await random_bits(engine, (3,))
        total = await matmul(product.reshape(1, 2), less.reshape(2, 1))
        masks = await engine.random((2,))
        opened = await open_shares(engine, (masks + x).parts[0], proven=False)
        rest = await dot(bits, 1 - bits)
        found = [(await reveal(v)).tolist() for v in (product, less, total, rest)]
        half = await truncate(product, 1)
        found.append((await reveal(half + opened - masks - x)).tolist())
        return [*found, (await reveal(await sort(y))).tolist()]

    return program


RIGHT = [[12, 30], [1, 0], [[12]], 0, [6, 15], [-6, 4]]


async def try_cheats(together, seeds):
    """How many honest parties ended how."""
    ends = {"right": 0, "stopped": 0, "named": 0}
    for seed in seeds:
        n, t = random.Random(seed).choice([(3, 1), (3, 1), (4, 1), (5, 2)])
        results, liars = await cheated(together, n, t, seed)
        for result in results:
            if isinstance(result, OstrakaError):
                ends["stopped"] += 1
                if isinstance(result, PeerViolation) and result.peer:
                    ends["named"] += 1
                    assert result.peer in liars, (seed, result)
            else:
                assert result == RIGHT, seed
                ends["right"] += 1
    return ends


async def test_a_cheater_never_makes_a_result_wrong(together):
    ends = await try_cheats(together, range(5))
    assert ends["stopped"] > 6
    assert ends["named"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 4000, 500))
async def test_a_cheater_never_makes_a_result_wrong_in_thousands_of_runs(together, first):
    ends = await try_cheats(together, range(first, first + 500))
    assert ends["stopped"] > 500


async def test_the_same_cheats_do_harm_where_nothing_is_proven(together, monkeypatch):
    """So the tests above can fail."""

    async def nothing(self):
        return None

    monkeypatch.setattr(auditing.Auditor, "settle", nothing)
    with pytest.raises(AssertionError):
        await try_cheats(together, range(150))


def add(module, monkeypatch, liar, errors):
    """Party `liar` deals products with errors added; consistently, so only the proof can tell."""
    honest = module.reduced

    async def reduced(engine, length, local):
        def wrong(part):
            return engine.field.add(local(part).copy(), np.array(errors, np.uint64)[part])

        return await honest(engine, length, wrong if engine.me == liar else local)

    monkeypatch.setattr(module, "reduced", reduced)


@pytest.mark.parametrize(("n", "t"), [(4, 1), (7, 2)])
async def test_lies_at_openings_are_corrected_and_the_run_goes_on(together, n, t):
    liars = [f"p{i}" for i in range(t)]

    async def program(engine):
        lie = 5 * (engine.me < t)
        x = await engine.share(t, [3, -5], (2,))
        first = await reveal(await mul(x, x) + lie)
        less = await reveal(await less_than(x, 0) - 2 * lie)
        return first.tolist(), less.tolist(), set(engine.party.liars)

    results, _ = await together(n, t, program, begin=start_active)
    assert results[t:] == [([9, 25], [0, 1], set(liars))] * (n - t)


async def test_lies_before_the_proof_are_not_corrected(together, open_early):
    async def program(engine):
        x = await engine.share(0, [3, -5], (2,))
        with pytest.raises(PeerViolation, match="p1 announced contradict") as caught:
            await open_early(x + (engine.me == 1))
        assert caught.value.peer is None
        assert engine.party.liars == []

    await together(4, 1, program, begin=start_active)


@pytest.mark.parametrize("word", ["mul", "dot", "matmul"])
@pytest.mark.parametrize(("n", "t"), portioned([(3, 1)], [(4, 1), (5, 2)]))
async def test_a_wrong_product_is_found_whatever_it_is_used_for(together, monkeypatch, word, n, t):
    add(multiplying, monkeypatch, 1, [1, 0])

    async def program(engine):
        x = await engine.share(0, [[3, 4], [5, 6]], (2, 2))
        product = {"mul": mul, "dot": dot, "matmul": matmul}[word]
        await product(x[0], x if word != "mul" else x[1])
        with pytest.raises(PeerViolation, match="falsified a product"):
            await reveal(x[0] + 1)

    await together(n, t, program, begin=start_active)


async def test_a_bit_that_is_none_is_found(together, monkeypatch):
    honest = sharing.deal

    async def deal(engine, dealers, length, local, *, total):
        def wrong(part):
            return local(part) + np.uint64(2)

        mine = wrong if engine.me == 0 else local
        return await honest(engine, dealers, length, mine, total=total)

    monkeypatch.setattr(sharing, "deal", deal)

    async def program(engine):
        bits = await random_bits(engine, (5,))
        with pytest.raises(PeerViolation, match="falsified"):
            await reveal(bits[0])

    await together(3, 1, program, begin=start_active)


@pytest.mark.parametrize(("n", "t"), [(3, 1), (4, 1)])
async def test_shares_of_no_polynomial_from_outside_are_found_and_nobody_is_blamed(together, n, t):
    async def program(engine):
        engine.audit.given([np.array([7, 7 + (engine.me == 2)], np.uint64)])
        with pytest.raises(PeerViolation, match="contradict each other") as caught:
            await engine.audit.settle()
        assert caught.value.peer is None

    await together(n, t, program, begin=start_active)


async def test_who_counts_different_contributors_opens_nothing(together):
    async def begin(party, draw):
        return await start_active(party, draw, b"a b" if party.me == "p1" else b"a c")

    async def program(engine):
        x = await engine.share(0, 3, ())
        with pytest.raises(Aborted, match="different contributors"):
            await reveal(await mul(x, x))

    await together(3, 1, program, begin=begin)


class Chosen:
    """A coin that falls as the test says."""

    def __init__(self, words):
        self.words = words

    def fill(self, out):
        out[:] = np.resize(self.words, len(out))
        return out


async def passes(together, monkeypatch, error, errors, coefficient, point):
    """Whether a product with this error is accepted, over p = 127, given how coins fall."""
    with monkeypatch.context() as patch:
        add(multiplying, patch, 1, [error])
        add(auditing, patch, 1, errors)

        async def program(engine):
            tosses = iter([Chosen(coefficient), Chosen([point - 3, 0])])

            honest = engine.audit.coin.toss

            async def toss(aside=()):
                _, said = await honest(aside)
                return next(tosses), said

            x = await engine.share(0, 3, ())
            z = await mul(x, x)
            engine.audit.coin.toss = toss
            try:
                await reveal(z)
            except PeerViolation:
                return False
            return True

        results, _ = await together(3, 1, program, field=Field(7), begin=start_active)
    assert len(set(results)) == 1
    return results[0]


@pytest.mark.parametrize("coefficients", portioned([range(24)], [range(127)]))
async def test_exactly_one_of_p_coefficients_lets_a_fixed_error_pass(
    together, monkeypatch, coefficients
):
    lucky = [c for c in coefficients if await passes(together, monkeypatch, 5, [0, 0], c, 50)]
    assert lucky == [0]


@pytest.mark.parametrize("points", portioned([range(3, 24)], [range(3, 127)]))
async def test_at_most_two_points_let_an_error_pass_that_is_covered_up(
    together, monkeypatch, points
):
    """(s - 10) (s - 20) is 73, 44, 17 at 0, 1, 2."""
    lucky = [s for s in points if await passes(together, monkeypatch, 44, [73, 17], 1, s)]
    assert lucky == [10, 20]
