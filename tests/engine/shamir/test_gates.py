"""Proofs of ANDs: what is counted and summed, and that every flipped bit is found."""

import random
from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from portions import portioned

from ostraka.arithmetic.field import P61, Field
from ostraka.engine.circuit import Cut
from ostraka.engine.compare import equal, less_than, less_than_zero
from ostraka.engine.digits import truncate
from ostraka.engine.multiply import mul
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir import audit as auditing
from ostraka.engine.shamir import boolean as sharing
from ostraka.engine.shamir import gates as proving
from ostraka.engine.shamir.backend import start_active
from ostraka.engine.shamir.boolean import Proven
from ostraka.engine.shamir.gates import ROWS, Gates
from ostraka.engine.shamir.sliced import boolean
from ostraka.errors import OstrakaError, PeerViolation
from ostraka.simulation import MemoryNet

HALF = (P61.p - 1) // 2


# --- right answers


@pytest.mark.usefixtures("carries")
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_comparisons_are_pythons(compares, data):
    await compares(data, 3, 1, begin=start_active)


@pytest.mark.usefixtures("carries")
@pytest.mark.parametrize("bits", [3, 5, 7, 13])
async def test_every_value_of_a_tiny_field(together, open_early, bits):
    """Rare cases, carries out of all bits and operands that are p, happen here all the time.

    Opened without a proof, for which the field is too small.
    """
    half = Field(bits).p // 2
    x = np.tile(np.arange(-half, half + 1), 50 if bits < 13 else 1)

    async def program(engine):
        a = await engine.share(0, x, x.shape)
        found = await less_than_zero(a), await equal(a, -half)
        return [await open_early(z) for z in found]

    for signs, same in (await together(3, 1, program, field=Field(bits), begin=start_active))[0]:
        assert np.array_equal(signs, x < 0)
        assert np.array_equal(same, x == -half)


async def test_a_batch_costs_the_rounds_of_one_and_nothing_is_proven_before_the_end(together):
    seen = set()
    for count in (1, 500):

        async def program(engine, count=count):
            x = await engine.share(0, 7, (count,))
            before = engine.counters.rounds
            both = await mul(await less_than(x, 9), await equal(x, 7))
            assert engine.audit._gates.words > 0
            rounds = engine.counters.rounds - before
            return rounds, (await reveal(both)).tolist()

        for rounds, result in (await together(3, 1, program, begin=start_active))[0]:
            assert result == [1] * count
            seen.add(rounds)
    assert seen == {11 + 10 + 1}


async def test_many_gates_are_cut_again_and_proven_before_they_are_too_many(together, monkeypatch):
    monkeypatch.setattr(proving, "SHORT", 100)
    monkeypatch.setattr(proving, "MANY", 300)
    monkeypatch.setattr(auditing, "MANY", 300)
    a = np.arange(-100, 100)

    async def program(engine):
        x = await engine.share(0, a, a.shape)
        less = await less_than_zero(x)
        assert engine.audit._gates.words <= 300
        assert len(engine.audit._sums) >= 2
        return await reveal(less)

    for result in (await together(3, 1, program, begin=start_active))[0]:
        assert np.array_equal(result, a < 0)


# --- what is proven


def vectors(x, y, e):
    """f and h of a gate's three bits, as the module's docstring has them."""
    sign = 1 - 2 * e
    one = x * 0 + 1
    return np.array([one, -2 * x, -2 * y, 4 * x * y]) * sign, np.array([one, y, x, x * y]) * sign


def test_the_inner_product_says_whether_a_gate_is_right():
    for x, y, e, xs, ys, es in product((0, 1), repeat=6):
        right = e ^ es ^ x & ys ^ xs & y == 0
        assert vectors(x, y, e)[0] @ vectors(xs, ys, es)[1] == (1 if right else -1)


@pytest.mark.parametrize("width", [1, 3, 33, pytest.param(130, marks=pytest.mark.slow)])
def test_counts_and_sums_are_those_of_the_vectors(width):
    draw = np.random.default_rng(width)
    planes = draw.integers(0, 2**64, (4, 2, ROWS, width), dtype=np.uint64)
    u = draw.integers(0, P61.p, ROWS, dtype=np.uint64)
    octets = planes.view(np.uint8)
    bits = np.unpackbits(octets, axis=-1, bitorder="little").astype(np.int64)  # 4, 2, ROWS, 64 w
    x, y, e, es = bits
    f = vectors(x, y, e)[0]  # 4, 2, ROWS, columns
    h = vectors(x, y, es)[1]
    expected = np.einsum("krc,ksc->rs", f[:, 0], h[:, 1])
    assert np.array_equal(P61.decode(proving._counted(P61, planes)), expected)
    for found, side in zip(proving._summed(P61, planes, u), (f, h), strict=True):
        exact = (side.astype(object) * u.astype(object)[:, None]).sum(axis=2) % P61.p
        columns = found.reshape(2, 4, -1).astype(object)
        # columns come in another order, the same for f and h
        for k, c in product(range(4), range(2)):
            assert sorted(columns[c, k]) == sorted(exact[k, c])
    (f0, _), (_, h1) = proving._summed(P61, planes, u)
    total = (expected.astype(object) * u.astype(object)[:, None] * u.astype(object)).sum()
    assert P61.inner(f0, h1) == total % P61.p


@pytest.mark.parametrize("length", [8, 41, 40_000])
def test_cut_vectors_keep_their_inner_product(length):
    draw = np.random.default_rng(length)
    f, h = draw.integers(0, P61.p, (2, 2, length), dtype=np.uint64)
    u = np.append(np.uint64(1), draw.integers(0, P61.p, proving.FAN - 1, dtype=np.uint64))
    rows, columns = proving._cut(f), proving._cut(h)
    upper = proving._crossed(P61, rows[0], columns[1])
    products = [[P61.inner(a, b) for b in columns[1]] for a in rows[0]]
    assert np.array_equal(upper, proving._sums(P61, np.array(products, np.uint64))[:-1])
    exact = sum(
        int(a) * int(b) * p
        for a, row in zip(u, products, strict=True)
        for b, p in zip(u, row, strict=True)
    )
    joined = proving._joined(P61, rows, u)[0], proving._joined(P61, columns, u)[1]
    assert P61.inner(*joined) == exact % P61.p


class Chosen:
    """A coin that falls as the test says."""

    def __init__(self, word):
        self.word = word

    async def toss(self):
        return self, []

    def fill(self, out):
        out[:] = self.word
        return out


async def test_a_false_claim_passes_for_two_coins_of_p_at_most(together, open_early):
    """What is dealt is off by -1, -65 and 1: so is the new claim, by (u - 2) (u - 63) mod 127."""
    field, f, h = Field(7), np.array([[3, 4], [5, 6]]), np.array([[9, 8], [7, 2]])
    true = (f @ h.T) + np.array([[-1, -65], [0, 1]])

    async def program(engine):
        gates, lucky = Gates(engine), []
        trace = int(np.trace(f @ h.T))
        upper = proving._sums(field, field.encode(true if engine.me == 1 else f @ h.T))[:-1]
        for coin in range(field.p):
            claims = np.full(3, trace % field.p, np.uint64)
            _, own, found = await gates._fold(Chosen(coin), upper, trace, claims)
            opened = await open_early(engine.array(found))
            value = (np.array([1, coin]) @ f) @ (np.array([1, coin]) @ h) % field.p
            assert opened[0] == opened[2] == value
            assert opened[engine.me] == own
            if opened[1] == value:
                lucky.append(coin)
        return lucky

    assert (await together(3, 1, program, field=field))[0] == [[2, 63]] * 3


# --- secrecy of what a comparison opens


@pytest.mark.parametrize("cut", [None, Cut(1, 2)], ids=["whole", "cut"])
async def test_what_each_party_sees_of_a_comparison_is_the_same_for_every_secret(together, cut):
    """Over p = 7 all masks, and all lines through the secret, are tried."""
    field = Field(3)
    r, q, slope = np.meshgrid(*[np.arange(7, dtype=np.uint64)] * 3, indexing="ij")
    views = set()
    for secret in range(7):

        async def program(engine, secret=secret):
            masks = {0: r.ravel(), 1: q.ravel()}
            seen = [mask for party, mask in masks.items() if engine.me in (party, 2)]
            receive = engine.party.receive

            async def watched(*arguments, **more):
                seen.append(await receive(*arguments, **more))
                return seen[-1]

            engine.uniform = lambda peer, use, length: masks[min(peer, engine.me)].copy()
            engine.party.receive = watched
            seen.append(field.encode(secret + engine.points[engine.me] * slope.ravel()))
            await boolean(engine, 343).operands(engine.array(seen[-1]), cut)
            return seen

        seen, _ = await together(3, 1, program, field=field, begin=start_active)
        assert [len(view) for view in seen] == [4, 4, 3]
        columns = (zip(*(v.tolist() for v in view), strict=True) for view in seen)
        views.add(tuple(tuple(sorted(rows)) for rows in columns))
    assert len(views) == 1


async def test_what_a_comparison_opens_is_uniform_at_full_size(together, monkeypatch):
    honest = sharing.open_masked

    async def program(engine):
        x = await engine.share(0, 12345, (20_000,))
        await less_than_zero(x)
        return seen.get(engine.me)

    seen = {}

    async def watched(engine, y, masks, to):
        opened = await honest(engine, y, masks, to)
        seen[engine.me] = opened
        return opened

    monkeypatch.setattr(sharing, "open_masked", watched)
    first, second, third = (await together(3, 1, program, begin=start_active))[0]
    assert third is None
    assert np.array_equal(first, second)
    for shift in (0, 27, 53):
        counts = np.bincount((first >> np.uint64(shift) & np.uint64(255)).astype(np.int64))
        chi = ((counts - 20_000 / 256) ** 2 / (20_000 / 256)).sum()
        assert 160 < chi < 370  # 255 degrees of freedom; a fixed seed


# --- liars


class Flipped(MemoryNet):
    """One party flips a bit of one of its messages."""

    def __init__(self, names, seed):
        super().__init__(names, seed=seed)
        self.draw = random.Random(seed)
        self.liar = self.draw.choice(names)
        self.at = None

    def put(self, sender, to, step, message):
        if sender == self.liar and self.sent[sender].messages == self.at:
            message = message.copy()
            octets = message.view(np.uint8)
            octets[self.draw.randrange(len(octets))] ^= 1 << self.draw.randrange(8)
        super().put(sender, to, step, message)


async def compared(engine):
    """Inputs are fixed lines, so that who shares them is no liar."""
    field = engine.field
    a, b = (np.array(v) for v in ([3, -5, 2**40], [4, -6, 2**40]))
    x, y = (engine.array(field.encode(v + engine.points[engine.me])) for v in (a, b))
    less, same = await less_than(x, y), await equal(x, y)
    return (await reveal(await mul(less, 1 - same) + 2 * same)).tolist()


async def caught(engine, work=compared):
    try:
        return await work(engine)
    except OstrakaError as error:
        return error


async def truncated(engine):
    x = np.array([2**58 + 5, -9, 0]) + engine.points[engine.me]
    return (await reveal(await truncate(engine.array(engine.field.encode(x)), 3))).tolist()


RIGHT = {compared: [1, 0, 2], truncated: [(2**58 + 5) >> 3, -2, 0]}


async def flips(together, seeds, work=compared):
    """How often honest parties were stopped; every other end is right."""
    program = partial(caught, work=work)
    results, straight = await together(3, 1, program, begin=start_active)
    assert results == [RIGHT[work]] * 3
    names, ends = tuple(straight.sent), []
    for seed in seeds:
        net = Flipped(names, seed)
        # the first two messages agree on seeds
        net.at = net.draw.randrange(2, straight.sent[net.liar].messages)
        results, _ = await together(3, 1, program, seed=seed, net=net, begin=start_active)
        ends += [r for name, r in zip(names, results, strict=True) if name != net.liar]
    assert all(isinstance(end, OstrakaError) or end == RIGHT[work] for end in ends)
    return sum(isinstance(end, OstrakaError) for end in ends)


@pytest.mark.usefixtures("carries")
@pytest.mark.parametrize("work", RIGHT)
@pytest.mark.parametrize(("seeds", "least"), [
    *portioned([(range(5), 7)], [(range(15), 27)]),
    *(pytest.param(range(k, k + 500), 901, marks=pytest.mark.slow) for k in range(1000, 4000, 500)),
], ids=str)  # fmt: skip
async def test_a_bit_flipped_in_any_message_makes_no_result_wrong(together, work, seeds, least):
    assert await flips(together, seeds, work) >= least


ANDS = 15
"""Rounds of ANDs in `compared`."""


async def lied(together, monkeypatch, seed):
    """Party `liar` flips bits of its messages in one AND, and keeps to that for ever."""
    draw = random.Random(seed)
    liar, at, count = draw.randrange(3), draw.randrange(ANDS), draw.choice([1, 1, 2, 64])
    calls, honest = {0: 0, 1: 0, 2: 0}, Proven._both

    async def both(self, a, b):
        calls[self.engine.me] += 1
        if self.engine.me != liar or calls[liar] != at + 1:
            return await honest(self, a, b)
        send = self.engine.send

        def wrong(to, step, message):
            for place in draw.sample(range(3 * len(message)), min(count, 3 * len(message))):
                message[place // 3] ^= np.uint64(1 << place % 3)
            send(to, step, message)

        self.engine.send = wrong
        try:
            return await honest(self, a, b)
        finally:
            self.engine.send = send

    with monkeypatch.context() as patch:
        patch.setattr(Proven, "_both", both)
        results, _ = await together(3, 1, caught, seed=seed, begin=start_active)
    assert calls[liar] == ANDS
    return [result for me, result in enumerate(results) if me != liar]


async def test_a_lie_in_an_and_that_its_sender_keeps_to_is_always_found(together, monkeypatch):
    for seed in range(10):
        for result in await lied(together, monkeypatch, seed):
            assert isinstance(result, PeerViolation), seed
            assert "falsified" in str(result)


async def test_the_same_lies_do_harm_where_gates_are_not_proven(together, monkeypatch):
    monkeypatch.setattr(auditing.Auditor, "gates", lambda *_: None)
    ends = [result for seed in range(20) for result in await lied(together, monkeypatch, seed)]
    assert sum(isinstance(end, list) and end != [1, 0, 2] for end in ends) > 20


@pytest.mark.slow
async def test_a_lie_in_an_and_is_found_in_thousands_of_runs(together, monkeypatch):
    for seed in range(1000, 3000):
        for result in await lied(together, monkeypatch, seed):
            assert isinstance(result, PeerViolation), seed


@pytest.mark.parametrize("liar", range(3))
async def test_a_wrong_share_of_a_masked_number_is_found_at_once(together, monkeypatch, liar):
    honest = sharing.open_masked

    async def opened(engine, y, masks, to):
        wrong = (engine.array(y) + (engine.me == liar) * 1).parts[0]
        return await honest(engine, wrong, masks, to)

    monkeypatch.setattr(sharing, "open_masked", opened)
    results, _ = await together(3, 1, caught, begin=start_active)
    for me in {0, 1} - {liar}:
        assert isinstance(results[me], PeerViolation)


async def test_what_party_0_deals_of_its_bits_is_proven(together, monkeypatch):
    honest = sharing.deal

    async def deal(engine, dealers, length, local, *, total):
        def wrong(part):
            return local(part) ^ np.uint64(1)

        return await honest(engine, dealers, length, local and wrong, total=total)

    monkeypatch.setattr(sharing, "deal", deal)
    results, _ = await together(3, 1, caught, begin=start_active)
    assert all("falsified" in str(result) for result in results)
