"""Forms of rows on the engine: what passes, with which probability, and what is seen of the rest.

Over p = 7 all randomness is tried, so probabilities and distributions are exact.
"""

import asyncio
from functools import reduce
from itertools import product

import numpy as np
import pytest
from portions import portioned

from ostraka.arithmetic.field import Field
from ostraka.arithmetic.randomness import SeededDraw
from ostraka.delivery.party import Party
from ostraka.engine.array import of_contributors
from ostraka.engine.shamir.backend import start, start_active
from ostraka.protocols.forms.conditions import Bits, Few, Free, Products, Tossed, Totals, Within
from ostraka.protocols.forms.validity import Form
from ostraka.sharing.shamir import Shamir
from ostraka.simulation import MemoryNet

SMALL = Field(3)
P = SMALL.p


def together(program, *, field=SMALL, n=3, t=1, begin=start):
    """Run `program(engine)` at n parties; return their results in order."""
    names = tuple(f"p{i}" for i in range(n))
    net, results = MemoryNet(names), {}

    async def one(name):
        party = Party(net.exchange(name), Shamir(("x",), names, t, field))
        results[name] = await program(await begin(party, SeededDraw(name)))
        net.leave(name)

    async def everybody():
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(one(name))

    asyncio.run(everybody())
    return [results[name] for name in names]


def constant(engine, rows):
    """Shares of rows by constant polynomials: that shares hide is tested elsewhere."""
    return of_contributors(engine.array(np.asarray(rows, np.uint64)))


# --- what passes ----------------------------------------------------------------------------------

HOT = Form(2, (Bits(slice(0, 2)), Totals(slice(0, 2), 1, 1)))
SQUARE = Form(2, (Free(slice(0, 2)), Products(slice(0, 1), slice(1, 2))))
MARGINS = Products(slice(0, 1), slice(1, 2), (1, -1), (-1, 5))
SPREAD = Form(2, (Bits(slice(0, 1), 2), Free(slice(1, 2)), MARGINS))
WEIGHED = Form(2, (Bits(slice(0, 2)), Totals(slice(0, 2), 1, 3, (1, 3))))
RANGE = Form(2, (Free(slice(0, 2)),), (Within(slice(0, 2), -1, 1),))

FEW = Form(2, (Free(slice(0, 2)),), few=Few(slice(0, 2), 1, 3))
FIVE = Form(2, (Free(slice(0, 2)),), few=Few(slice(0, 2), -1, 3))

RULES = {
    "few": (FEW, lambda a, b: {a, b} <= {1, 2, 3}),
    "five": (FIVE, lambda a, b: {a, b} <= {P - 1, 0, 1, 2, 3}),
    "one-hot": (HOT, lambda a, b: {a, b} == {0, 1}),
    "square": (SQUARE, lambda a, b: a * a % P == b),
    "spread": (SPREAD, lambda a, b: a in (2, 3) and (a - 1) * (5 - a) % P == b),
    "weighed": (WEIGHED, lambda a, b: (a, b) == (0, 1)),
    "range": (RANGE, lambda a, b: {a, b} <= {P - 1, 0, 1}),
}


@pytest.mark.parametrize(
    ("rule", "begin"),
    [
        (rule, begin)
        for rule, (form, _) in RULES.items()
        for begin in (start, start_active)
        if begin is start or not (form.inequalities or form.few)  # their proofs need a larger field
    ],
)
def test_exactly_the_valid_rows_of_a_tiny_field_always_pass(rule, begin):
    form, valid = RULES[rule]
    rows, masks, tosses = list(product(range(P), repeat=2)), 8, 7

    async def program(engine):
        x = constant(engine, [row for row in rows for _ in range(masks)])
        passed = np.ones(len(rows), bool)
        for _ in range(tosses):
            tossed = await form.toss(engine)
            passed &= (await form.valid(x, tossed)).reshape(len(rows), masks).all(axis=1)
        return passed

    for passed in together(program, begin=begin):
        assert passed.tolist() == [valid(*row) for row in rows]


def test_a_wrong_row_passes_with_probability_two_over_p_at_most():
    """Over all coefficients, and all values of the secret element: 2/p - 1/p^2, exactly."""
    found = {}
    for a, b in product(range(P), repeat=2):
        errors = [(a * a - a) % P, (b * b - b) % P, (a + b - 1) % P]
        zero = sum(
            sum(r * e for r, e in zip(rho, errors, strict=True)) * mask % P == 0
            for rho in product(range(P), repeat=3)
            for mask in range(P)
        )
        found[a, b] = zero
    assert {row for row, count in found.items() if count == P**4} == {(0, 1), (1, 0)}
    assert all(count in (P**4, 2 * P**3 - P**2) for count in found.values())


# --- what is seen ---------------------------------------------------------------------------------


class Columns:
    """Streams of the masks and of zero replaced by all their values; those of z by constants."""

    AXES = 7

    def __init__(self, constants):
        grid = np.meshgrid(*[np.arange(P, dtype=np.uint64)] * self.AXES, indexing="ij")
        self.columns = np.array(grid).reshape(self.AXES, -1)
        self.axis, self.constants = {}, constants

    @property
    def count(self):
        return self.columns.shape[1]

    def words(self, pair, use):
        """What a stream gives; of a deal, first for z and then for the mask."""
        key = frozenset(pair), use
        if use == "deal 2":
            return np.full(self.count, self.constants[2], np.uint64), None
        column = self.columns[self.axis.setdefault(key, len(self.axis))]
        if not use.startswith("deal"):
            return column, column
        z = np.full(self.count, self.constants[int(use[-1])], np.uint64)
        return np.concatenate([z, column]), column


class Read:
    def __init__(self, words):
        self.words, self.place = words, 0

    def fill(self, out):
        out[:] = self.words[self.place : self.place + len(out)]
        self.place += len(out)
        return out


def views(row, constants):
    """What each party reads of masks and zero and is sent when its row is opened, in all runs."""
    columns, seen = Columns(constants), [[] for _ in range(3)]
    rho = np.array([2, 3, 5], np.uint64)

    async def program(engine):
        x = constant(engine, np.tile(np.array(row, np.uint64), (columns.count, 1)))
        receive, streams, opened = engine.receive, {}, []

        def stream(peer, use):
            if (peer, use) not in streams:
                words, secret = columns.words((engine.me, peer), use)
                streams[peer, use] = Read(words)
                if secret is not None:
                    seen[engine.me].append(secret)
            return streams[peer, use]

        async def watched(sender, step, into):
            await receive(sender, step, into)
            opened.append((step, into.copy()))
            return into

        engine.stream, engine.receive = stream, watched
        found = await HOT.valid(x, Tossed(rho))
        last = max(step for step, _ in opened)
        pieces = -(-columns.count // (1 << 16))
        parts = [words for step, words in opened if step.n > last.n - pieces]
        seen[engine.me] += np.split(np.concatenate(parts), 2)
        return found.sum()

    passed = together(program)
    keys = [np.sort(reduce(lambda key, column: key * P + column, v)) for v in seen]
    return keys, int(passed[0]), columns.count


@pytest.mark.parametrize("constants", [pytest.param((0, 0, 0), marks=pytest.mark.slow), (1, 4, 2)])
@pytest.mark.parametrize(
    "wrong", portioned([[(2, 0), (5, 3)]], [[(2, 0), (0, 0), (5, 3)]]), ids=str
)
def test_nothing_but_validity_can_be_seen_of_a_row(constants, wrong):
    """All valid rows look alike, and all others whose z is not zero: to each party, exactly."""
    valid = [views(row, constants) for row in ((0, 1), (1, 0))]
    others = [views(row, constants) for row in wrong]
    for same in (valid, others):
        for keys, passed, _ in same[1:]:
            assert passed == same[0][1]
            assert all(np.array_equal(a, b) for a, b in zip(keys, same[0][0], strict=True))
    assert valid[0][1] == valid[0][2]
    assert others[0][1] * P == others[0][2]
    assert not np.array_equal(valid[0][0][0], others[0][0][0])
