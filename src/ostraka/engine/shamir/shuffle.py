"""Shuffling over Shamir shares: sets of n - t parties permute by an order that only they know."""

from __future__ import annotations

import hashlib
from itertools import combinations
from math import comb
from typing import Final

import numpy as np

from ostraka.arithmetic.field import Elements
from ostraka.arithmetic.randomness import SEED_BYTES, Words
from ostraka.engine.shamir.context import Context
from ostraka.engine.shamir.deal import deal, random_elements
from ostraka.engine.shamir.reduce import matrices
from ostraka.engine.sort import permutation
from ostraka.errors import Aborted
from ostraka.exchange import octets

SETS: Final = 200
"""Maximum number of sets, so of rounds, that a shuffle is worth: C(n, t) is 126 for nine parties
and t = 4, 462 for eleven and t = 5."""


async def shuffled(engine: Context, table: Elements) -> Elements | None:
    """Shuffle the columns of a matrix, as `Backend.shuffled` says; None where sets are too many.

    For every set of n - t parties in turn: they permute their shares by an order of their own and
    t + 1 of them deal them afresh. Parties that may collude are outside one of these sets. One
    round for seeds and one for each set, n - t - 1 elements from each dealer. [LWZ11]

    With active security a column has one more element, r . column for a secret uniform r, and that
    it still is so after each set is a product to prove. What is dealt wrong adds errors that do not
    depend on r to a column, so none passes, but with probability 1 / p, and whether one does says
    nothing about the table. Two rounds more, and with t > 1 a third: if the honest in a set had
    different orders, they would deal sums of columns, whose combinations with r are right.
    """
    if comb(engine.n, engine.t) > SETS:
        return None
    groups = list(combinations(range(engine.n), engine.n - engine.t))
    seeds = await _group_seeds(engine, groups)
    if not engine.audit:
        for group, seed in zip(groups, seeds, strict=True):
            table = await _permuted(engine, table, group, seed)
        return table
    if engine.t > 1:
        await _same_seeds(engine, groups, seeds)
    r = await random_elements(engine, (1, len(table)))
    table = np.concatenate([table, await matrices(engine, r, table)])
    for group, seed in zip(groups, seeds, strict=True):
        table = await _permuted(engine, table, group, seed)
        engine.audit.matrices(r, table[:-1], table[-1:])
        engine.counters.passes += 1
    return table[:-1]


async def _permuted(
    engine: Context, table: Elements, group: tuple[int, ...], seed: bytes | None
) -> Elements:
    """Let one set permute the columns and t + 1 of its parties deal them afresh: one round."""
    local = None
    dealers = group[: engine.t + 1]
    if engine.me in dealers and seed is not None:
        order = permutation(seed, table.shape[1])
        flat = table.take(order, axis=1, mode="clip").reshape(-1)  # "raise" would copy once more
        weight = engine.weights(dealers)[dealers.index(engine.me)]

        def local(part: slice) -> Words:
            return engine.field.scale(flat[part], weight)

    dealt = await deal(engine, dealers, table.size, local, total=True)
    return dealt[0].reshape(table.shape)


async def _group_seeds(engine: Context, groups: list[tuple[int, ...]]) -> list[bytes | None]:
    """Give each group a seed that its first member draws; None for groups without it: one round."""
    step = engine.begin()
    found: list[bytes | None] = [None] * len(groups)
    sent: dict[int, list[bytes]] = {}
    for i, group in enumerate(groups):
        if engine.me == group[0]:
            seed = engine.random_words(engine.me, "shuffle", (SEED_BYTES // 8,)).tobytes()
            found[i] = seed
            for member in group[1:]:
                sent.setdefault(member, []).append(seed)
    for member, seeds in sent.items():
        engine.send(member, step, np.frombuffer(b"".join(seeds), np.uint8))
    for leader in range(engine.me):
        ours = [i for i, g in enumerate(groups) if g[0] == leader and engine.me in g]
        if ours:
            expected = octets(SEED_BYTES * len(ours))
            message = await engine.party.receive(engine.names[leader], step, expected)
            for i, row in zip(ours, message.reshape(-1, SEED_BYTES), strict=True):
                found[i] = row.tobytes()
    return found


async def _same_seeds(
    engine: Context, groups: list[tuple[int, ...]], seeds: list[bytes | None]
) -> None:
    """Check that any two parties hold the same seeds of the sets they are both in: one round.

    Raises:
        Aborted: they do not.
    """
    held = {
        other: hashlib.sha256(
            b"".join(s for g, s in zip(groups, seeds, strict=True) if s and other in g)
        ).digest()
        for other in range(engine.n)
        if other != engine.me
    }
    told = {other: np.frombuffer(digest, np.uint8) for other, digest in held.items()}
    for other, theirs in (await engine.all_to_all(told, octets(32))).items():
        if theirs.tobytes() != held[other]:
            raise Aborted(
                f"{engine.names[other]} and this party were told different orders to shuffle by; "
                "no result was revealed",
                hint="one of the compute parties does not follow the protocol",
            )
