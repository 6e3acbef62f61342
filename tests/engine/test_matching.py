"""Matching by tags: what sets say, whatever the tags have in common; and what each party sees."""

import asyncio
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import examples

from ostraka.engine.matching import WORDS, in_all, matched, tags
from ostraka.engine.reveal import reveal


def by_sets(lists):
    """The same by Python's sets; of a tag that is there twice the first counts."""
    rows = [[tuple(row) for row in each.tolist()] for each in lists]
    common = set.intersection(*map(set, rows))
    return [
        [int(row in common and each.index(row) == i) for i, row in enumerate(each)] for each in rows
    ]


few = st.integers(0, 3)
crowded = st.one_of(few, few.map(lambda n: n << 62), few.map(lambda n: (1 << 64) - 1 - n))
row = st.tuples(crowded, crowded)


@given(st.lists(st.lists(row, min_size=1, max_size=9), min_size=2, max_size=4))
@examples(200)
def test_it_is_what_sets_say_also_where_tags_begin_alike(lists):
    lists = [np.array(each, np.uint64) for each in lists]
    places = in_all(lists)
    for i, (each, expected) in enumerate(zip(lists, by_sets(lists), strict=True)):
        assert sorted(places[i].tolist()) == np.flatnonzero(expected).tolist()
        assert np.array_equal(each[places[i]], lists[0][places[0]])


def test_equal_rows_have_equal_tags_and_others_none():
    rows = np.arange(2000, dtype=np.uint64)
    made = tags(bytes(32), rows).reshape(-1, WORDS)
    assert np.array_equal(made, tags(bytes(32), rows).reshape(-1, WORDS))
    assert len({tuple(each) for each in made.tolist()}) == 1000
    assert not np.array_equal(made, tags(b"k" * 32, rows).reshape(-1, WORDS))


def lists_of(seed, owners, length):
    """Lists that have about half of their rows in common, in random orders."""
    rng = np.random.default_rng(seed)
    every = rng.integers(0, 2**63, (2 * length, WORDS)).astype(np.uint64)
    return [rng.permutation(every[: length + owner])[:length] for owner in range(owners)]


async def meet(together, lists, helper, wanted, told=None):
    """Matching among compute parties of which all but the helper own a list."""
    n = len(lists) + 1
    owners = [place for place in range(n) if place != helper]
    own = dict(zip(owners, lists, strict=True))

    async def program(engine):
        def watched(real):
            async def tell(messages, expected):
                got = await real(messages, expected)
                told.append((engine.me, {k: v.copy() for k, v in messages.items()}))
                return got

            return tell

        if told is not None:
            engine.tell = watched(engine.tell)
        rows = own[engine.me].reshape(-1).copy() if engine.me in own else None
        lengths = list(map(len, lists))
        found = await matched(engine, owners, helper, rows, lengths, wanted)
        return [(await reveal(each)).tolist() for each in found]

    results, _ = await together(n, 1, program)
    return results


@pytest.mark.parametrize(("owners", "helper"), [(2, 2), (2, 0), (2, 1), (3, 1), (4, 4)])
def test_every_owner_is_told_which_of_its_rows_all_have(together, owners, helper):
    lists = lists_of(owners, owners, 30)
    wanted = [place for place in range(owners + 1) if place != helper]
    results = asyncio.run(meet(together, lists, helper, wanted))
    assert results == [by_sets(lists)] * (owners + 1)
    assert 0 < sum(results[0][0]) < 30


def test_only_the_helper_is_sent_tags_and_the_owners_seeds_of_32_bytes(together):
    told = []
    lists = lists_of(1, 2, 20)
    asyncio.run(meet(together, lists, 2, [0], told))
    sent = Counter((me, to, len(words)) for me, messages in told for to, words in messages.items())
    assert sent == Counter([(0, 1, 4), (1, 0, 4), (0, 2, 40), (1, 2, 40)])


def test_the_helper_sees_the_pattern_and_nothing_else(together):
    """Tags of other identifiers, with the same pattern, are equal in the same places: what the
    helper sees of two pairs of lists differs as two keys do, and that is all."""
    patterns = []
    for seed in (1, 2):
        told = []
        rows = np.random.default_rng(seed).integers(0, 2**63, (15, WORDS)).astype(np.uint64)
        asyncio.run(meet(together, [rows[:10], rows[5:]], 2, [0], told))
        seen = [m[2].reshape(-1, WORDS) for _, m in told if 2 in m]
        every = [tuple(row) for each in seen for row in each.tolist()]
        patterns.append([every.index(each) for each in every])
        assert not {tuple(row) for row in rows.tolist()} & set(every)
    assert patterns[0] == patterns[1]
