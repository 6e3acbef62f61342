"""Joined rows as secret columns: other owners' rows are brought into the order of one list.

One owner's list, the *target*, gives the order. Every other owner, a *mover*, appends a row of
zeros for each row of the target, permutes all its rows by an order sigma, adds a mask, and sends
that to the target's owner; the helper is sent the seed of sigma and mask along with the tags
(`matching`). The helper knows which row belongs where, and tells the target's owner from which
place of the masked table to take each row: the mover's row where all lists have it, else a row of
zeros that serves no other place. The target's owner deals the rows it took, the helper deals the
masks of the same places with the opposite sign, and the sum is what was asked for. [KMRS14] [MRR20]

Who learns what: the helper what it learns in `matching`. The target's owner sees masked rows, and
places that are a uniform choice for any pattern, as sigma is uniform and unknown to it. Movers
see nothing. All of that holds against one curious party. Passive security; but that the helper
takes no row twice is checked.

Rounds: 4. Bytes for each mover of d rows and c columns, to a target of k rows: 16 d + 32 to the
helper, 8 c (d + k) to the target's owner, 8 k from the helper to it; two deals of c k elements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Final

import numpy as np

from ostraka.arithmetic.field import Elements, Field
from ostraka.arithmetic.randomness import SEED_BYTES, Stream, Words
from ostraka.engine.array import SecretArray
from ostraka.engine.backend import Backend
from ostraka.engine.matching import WORDS, Places, agreed_key, places_of_common, tagged
from ostraka.engine.sort import Order, new_seed, permutation
from ostraka.errors import PeerViolation

MOVE_NS: Final = 15
"""Nanoseconds to mask, permute or take one element, about."""

ORDER_NS: Final = 100
"""Nanoseconds to draw one place of an order, about."""

SEED_WORDS: Final = SEED_BYTES // 8


@dataclass(frozen=True)
class Lists:
    """Public shape of a join.

    Attributes:
        owners: places of the compute parties that own a list, two or more; the first is the target.
        helper: place of the compute party that compares tags; no owner.
        lengths: rows of each owner's list.
        columns: columns of each owner's table; the target's stays where it is, and counts as 0.
    """

    owners: Sequence[int]
    helper: int
    lengths: Sequence[int]
    columns: Sequence[int]

    @property
    def target(self) -> int:
        """Place of the owner whose list gives the order."""
        return self.owners[0]

    @property
    def movers(self) -> Mapping[int, tuple[int, int]]:
        """Columns and rows of the other owners' tables, those of zeros included, by place."""
        shapes = zip(self.owners, self.columns, self.lengths, strict=True)
        return {o: (c, d + self.lengths[0]) for o, c, d in shapes if o != self.target}


async def joined(
    engine: Backend, lists: Lists, rows: Words | None, table: Elements | None
) -> list[SecretArray]:
    """Bring the movers' tables into the order of the target's list.

    Args:
        rows: at an owner, `WORDS` words for each of its rows, in an order that tells nothing; rows
            of several lists are the same if their words are. None at other parties.
        table: at a mover, its elements, shape (columns, rows); None at other parties.

    Returns:
        For each mover a table of shape (columns, rows of the target): its row where all lists have
        the target's row, zeros elsewhere.

    Raises:
        PeerViolation: at the target's owner: the helper took a row twice.
    """
    key, movers = await agreed_key(engine, lists.owners), lists.movers
    seed = new_seed(engine) if engine.me in movers else b""
    got = await _told(engine, lists, key, rows, seed, table)
    orders: dict[int, Order] = {}
    if engine.me == lists.helper:
        tags = [got[o][: WORDS * d] for o, d in zip(lists.owners, lists.lengths, strict=True)]
        orders = await _orders(engine, lists, await places_of_common(engine, tags), got)
    taken = await _tell_orders(engine, lists, orders)
    own = await _to_deal(engine, lists, got, taken or orders)
    shape = (sum(c for c, _ in movers.values()), lists.lengths[0])
    (dealt,) = await engine.deal([lists.target, lists.helper], own, shape, total=True)
    ends = np.cumsum([c for c, _ in movers.values()]).tolist()
    return [dealt[end - c : end] for end, (c, _) in zip(ends, movers.values(), strict=True)]


async def _told(
    engine: Backend,
    lists: Lists,
    key: bytes,
    rows: Words | None,
    seed: bytes,
    table: Elements | None,
) -> dict[int, Words]:
    """Send tags and seeds to the helper, masked tables to the target's owner: one round."""
    messages: dict[int, Words] = {}
    expected: dict[int, int] = {}
    if rows is not None:
        made = await tagged(engine, key, rows)
        messages[lists.helper] = np.concatenate([made, np.frombuffer(seed, np.uint64)])
    if table is not None:
        c, k = lists.movers[engine.me]
        field, own = engine.field, table
        work = (ORDER_NS + MOVE_NS * c) * k
        messages[lists.target] = await engine.offload(work, lambda: masked(field, own, k, seed))
    if engine.me == lists.helper:
        for owner, length in zip(lists.owners, lists.lengths, strict=True):
            expected[owner] = WORDS * length + SEED_WORDS * (owner != lists.target)
    if engine.me == lists.target:
        expected = {mover: c * k for mover, (c, k) in lists.movers.items()}
    return await engine.tell(messages, expected)


def masked(field: Field, table: Elements, k: int, seed: bytes) -> Words:
    """Return a table padded with zeros to k rows, permuted and masked as the seed says, flat."""
    padded = np.zeros((len(table), k), np.uint64)
    padded[:, : table.shape[1]] = table
    found = mask(field, padded.shape, seed)
    order = permutation(seed, k)
    for column, source in zip(found, padded, strict=True):
        field.add(column, source[order], out=column)
    return found.reshape(-1)


def mask(field: Field, shape: tuple[int, int], seed: bytes) -> Elements:
    """Return the mask that a seed stands for."""
    return field.uniform(Stream(seed, "join mask"), np.empty(prod(shape), np.uint64)).reshape(shape)


async def _orders(
    engine: Backend, lists: Lists, common: Places, got: Mapping[int, Words]
) -> dict[int, Order]:
    """Find, at the helper, from which place of each mover's masked table to take each row."""
    found = {}
    for i, owner in enumerate(lists.owners[1:], start=1):
        seed, k = got[owner][-SEED_WORDS:].tobytes(), lists.movers[owner][1]
        source = np.arange(k - lists.lengths[0], k)
        source[common[0]] = common[i]
        inverse = await engine.offload(ORDER_NS * k, partial(_inverse, seed, k))
        found[owner] = inverse[source]
    return found


def _inverse(seed: bytes, k: int) -> Order:
    found = np.empty(k, np.int64)
    found[permutation(seed, k)] = np.arange(k)
    return found


async def _tell_orders(
    engine: Backend, lists: Lists, orders: Mapping[int, Order]
) -> dict[int, Order]:
    """Tell the target's owner the places, each as its distance from the row's own: one round.

    So zeros, which a rehearsal receives, stand for places that are all different.
    """
    rows, movers = np.arange(lists.lengths[0]), lists.movers
    messages, expected = {}, {}
    if engine.me == lists.helper:
        far = [(order - rows) % movers[mover][1] for mover, order in orders.items()]
        messages[lists.target] = np.concatenate(far).astype(np.uint64)
    if engine.me == lists.target:
        expected[lists.helper] = len(movers) * len(rows)
    got = await engine.tell(messages, expected)
    if not got:
        return {}
    told = got[lists.helper].reshape(len(movers), -1)
    return {m: _read(engine, lists, m, far) for m, far in zip(movers, told, strict=True)}


def _read(engine: Backend, lists: Lists, mover: int, told: Words) -> Order:
    """Return the places that the helper told for a mover's rows; raises as `joined`."""
    k = np.uint64(lists.movers[mover][1])
    rows = np.arange(len(told), dtype=np.uint64)
    found: Order = ((rows + told % k) % k).astype(np.int64)
    if np.bincount(found).max() > 1:
        helper = engine.names[lists.helper]
        raise PeerViolation(
            f"{helper} took a row twice while it joined the lists; no result was revealed",
            hint="choose another helper",
            peer=helper,
        )
    return found


async def _to_deal(
    engine: Backend, lists: Lists, got: Mapping[int, Words], orders: Mapping[int, Order]
) -> Elements | None:
    """Return what this party deals: taken rows at the target's owner, masks at the helper."""
    if not orders:
        return None
    take = _taken if engine.me == lists.target else _masks
    return await engine.offload(
        MOVE_NS * sum(c * k for c, k in lists.movers.values()),
        lambda: np.concatenate([take(engine, lists, m, got[m], orders[m]) for m in lists.movers]),
    )


def _taken(engine: Backend, lists: Lists, mover: int, words: Words, order: Order) -> Elements:
    try:
        engine.field.check(words)
    except ValueError as problem:
        name = engine.names[mover]
        raise PeerViolation(f"{name} sent no masked rows: {problem}", peer=name) from None
    return _columns(words.reshape(lists.movers[mover]), order)


def _masks(engine: Backend, lists: Lists, mover: int, words: Words, order: Order) -> Elements:
    made = mask(engine.field, lists.movers[mover], words[-SEED_WORDS:].tobytes())
    return engine.field.negate(_columns(made, order))


def _columns(table: Elements, order: Order) -> Elements:
    """Return table[:, order], row by row: four times as fast."""
    return np.stack([row[order] for row in table])
