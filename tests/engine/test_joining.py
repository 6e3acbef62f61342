"""Joined rows: what a dictionary says, what each party sees, a helper that repeats a row."""

import asyncio
from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from ostraka.arithmetic.field import P61, Field
from ostraka.engine import joining
from ostraka.engine.joining import Lists, joined
from ostraka.engine.matching import WORDS
from ostraka.engine.reveal import reveal
from ostraka.errors import PeerViolation


def made_up(seed, lengths):
    """Lists of keys from few, so that about half of them are in common; in random orders."""
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, 2**63, (2 * max(lengths), WORDS)).astype(np.uint64)
    return [keys[rng.permutation(len(keys))[:length]] for length in lengths]


def by_dictionary(lists, tables):
    places = [{bytes(row): i for i, row in enumerate(each)} for each in lists]
    found = []
    for place, table in zip(places[1:], tables[1:], strict=True):
        out = np.zeros((len(table), len(lists[0])), np.int64)
        for i, row in enumerate(lists[0]):
            if all(bytes(row) in each for each in places):
                out[:, i] = table[:, place[bytes(row)]]
        found.append(out.tolist())
    return found


async def meet(together, lists, tables, owners, helper, told=None, **how):
    n = len(owners) + 1
    columns = [0, *map(len, tables[1:])]
    shape = Lists(owners, helper, [len(each) for each in lists], columns)

    async def program(engine):
        if told is not None:
            engine.tell = watched(engine, told)
        i = owners.index(engine.me) if engine.me in owners else None
        rows = None if i is None else np.ascontiguousarray(lists[i]).reshape(-1)
        table = P61.encode(tables[i]) if i else None
        return [(await reveal(each)).tolist() for each in await joined(engine, shape, rows, table)]

    return (await together(n, 1, program, **how))[0]


def watched(engine, told):
    real = engine.tell

    async def tell(messages, expected):
        told.append((engine.me, {to: words.copy() for to, words in messages.items()}))
        return await real(messages, expected)

    return tell


@pytest.mark.parametrize(
    ("owners", "helper", "lengths"),
    [
        ([0, 1], 2, (20, 20)),
        ([2, 0], 1, (3, 30)),
        ([1, 2], 0, (30, 1)),
        ([1, 3, 0], 2, (12, 9, 20)),
        ([4, 3, 2, 0], 1, (6, 6, 6, 6)),
    ],
)
def test_rows_come_in_the_order_of_the_target_and_zeros_elsewhere(
    together, owners, helper, lengths
):
    lists = made_up(len(owners), lengths)
    tables = [np.arange(2 * len(each)).reshape(2, -1) + 100 * i for i, each in enumerate(lists)]
    results = asyncio.run(meet(together, lists, tables, owners, helper))
    assert results == [by_dictionary(lists, tables)] * len(results)


@pytest.mark.parametrize(
    ("first", "second"),
    [([0], [0]), ([0], [1]), ([0, 1, 2], [2, 0, 1]), ([0, 1, 2], [3, 4, 5]), ([5, 2], [0, 1, 2])],
)
def test_equal_lists_disjoint_ones_and_those_of_one_row(together, first, second):
    keys = np.concatenate(made_up(0, (6,)))
    lists = [keys[first], keys[second]]
    tables = [None, np.arange(1, len(second) + 1).reshape(1, -1)]
    results = asyncio.run(meet(together, lists, tables, [0, 1], 2))
    assert results[0] == by_dictionary(lists, tables)


def test_what_is_told_depends_on_public_lengths_alone(together):
    told = []
    lists = made_up(1, (7, 5))
    asyncio.run(meet(together, lists, [np.ones((2, 7)), np.ones((2, 5), int)], [0, 1], 2, told))
    sent = Counter((me, to, len(words)) for me, m in told for to, words in m.items())
    seeds = [(0, 1, 4), (1, 0, 4)]
    rows = [(0, 2, 14), (1, 2, 14), (1, 0, 24), (2, 0, 7)]
    assert sent == Counter(seeds + rows)


def test_a_helper_that_takes_a_row_twice_is_named(together, monkeypatch):
    real = joining._orders

    async def twice(engine, lists, common, got):
        found = await real(engine, lists, common, got)
        found[1][0] = found[1][1]
        return found

    monkeypatch.setattr(joining, "_orders", twice)
    lists = made_up(1, (7, 5))
    with pytest.raises(BaseExceptionGroup) as caught:
        asyncio.run(meet(together, lists, [np.ones((1, 7)), np.ones((1, 5), int)], [0, 1], 2))
    (fault,) = [e for e in caught.value.exceptions if isinstance(e, PeerViolation)]
    assert fault.peer == "p2"


# --- secrecy, exactly --------------------------------------------------------------------------


def test_places_told_to_the_target_are_uniform_whatever_matches():
    """Over all orders of the mover's rows, the places of any two different choices of rows are
    told equally often: here of 2 rows of the target among 2 of the mover and 2 of zeros."""
    seen = {}
    for source in permutations(range(4), 2):
        counts = Counter()
        for order in permutations(range(4)):
            place = np.empty(4, int)
            place[list(order)] = np.arange(4)
            counts[tuple(place[list(source)].tolist())] += 1
        seen[source] = counts
    assert len({frozenset(counts.items()) for counts in seen.values()}) == 1
    assert set(seen[0, 1].values()) == {2}


def test_masked_rows_are_uniform_in_a_tiny_field(monkeypatch):
    """Over all masks of a field of 7 elements, two tables are told as the same words equally
    often; the order is the same for both, so it cannot make up for a difference."""
    field, seen = Field(3), []
    monkeypatch.setattr(joining, "permutation", lambda _, k: np.arange(k)[::-1])
    for table in ([[1, 2]], [[6, 0]]):
        counts = Counter()
        for a in range(7**3):
            values = np.array([a // 7**i % 7 for i in range(3)], np.uint64)
            monkeypatch.setattr(joining, "mask", lambda *_, v=values: v.copy().reshape(1, 3))
            made = joining.masked(field, np.array(table, np.uint64), 3, b"")
            counts[tuple(made.tolist())] += 1
        seen.append(counts)
    assert seen[0] == seen[1]
    assert set(seen[0].values()) == {1}
