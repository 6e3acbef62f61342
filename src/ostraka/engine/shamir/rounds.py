"""A round of a Shamir computation: products, random elements and openings in the same messages.

What is opened may be of degree 2t, that is a product that no round has reduced: each of 2t + 1
parties announces its part of the sum that the value is, plus its part of zero (`shamir.zero`), so
nothing but the sum can be seen. [BGW88]

Adversary: passive, at most t of n >= 2t + 1 parties, who learn what is opened. With active security
everything opened is reduced, proven and opened by degree t instead, in some rounds more; a round
that opens `Masked` sums alone is not proven first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any, Final

import numpy as np

from ostraka.arithmetic.field import Elements
from ostraka.arithmetic.randomness import Words, blocks
from ostraka.engine.array import Fresh, SecretArray
from ostraka.engine.rounds import (
    Inner,
    Masked,
    Opened,
    Opening,
    Product,
    Random,
    Task,
    Unreduced,
)
from ostraka.engine.shamir import king
from ostraka.engine.shamir.context import Context
from ostraka.engine.shamir.deal import DERIVE_NS, SPLIT_NS, derive, plan, split
from ostraka.engine.shamir.opening import open_shares
from ostraka.engine.shamir.reduce import PRODUCT_NS
from ostraka.engine.shamir.zero import with_zero
from ostraka.names import Step

PIECE: Final = 1 << 16
"""Elements of one message."""


async def shared_round(engine: Context, tasks: Sequence[Task]) -> list[Any]:
    """Do all tasks in one round, or some more with active security: see `Rounds.round`."""
    if not tasks:
        return []
    products = [task for task in tasks if isinstance(task, Product | Inner)]
    randoms = [task for task in tasks if isinstance(task, Random)]
    opened = [task for task in tasks if isinstance(task, Opening)]
    way = _proven if engine.audit else _plain
    secrets, values = await way(engine, products, randoms, opened)
    of_products, of_randoms, told = iter(secrets), iter(secrets[len(products) :]), iter(values)
    places = {Product: of_products, Inner: of_products, Random: of_randoms}
    return [next(places.get(type(task), told)) for task in tasks]


Results = tuple[list[SecretArray], list[Elements]]
"""Results of the products, then of the random elements; results of the openings."""


async def _plain(
    engine: Context,
    products: Sequence[Product | Inner],
    randoms: Sequence[Random],
    opened: Sequence[Opening],
) -> Results:
    engine.need_products()
    if opened and engine.party.step.n:
        # Parties that reduce no degrees send nothing here, but may have refused. Nothing that the
        # first round opens depends on inputs, so their consents can arrive beside it.
        await engine.party.hear_all_asides()
    local = [await _local(engine, task) for task in products]
    told = [await _local(engine, task) for task in opened]
    count = sum(prod(task.shape) for task in randoms)
    shares, random, values = await _exchange(engine, _joined(local), count, _joined(told))
    secrets = [engine.array(part) for part in _parted(shares, [part.shape for part in local])]
    secrets += _fresh(engine, random, randoms)
    return secrets, _parted(values, [part.shape for part in told])


async def _proven(
    engine: Context,
    products: Sequence[Product | Inner],
    randoms: Sequence[Random],
    opened: Sequence[Opening],
) -> Results:
    """Do the same, but reduce all, tell the audit, and open in a round of its own."""
    sums = [task for task in opened if not isinstance(task, Opened)]
    local = [await _local(engine, task) for task in (*products, *sums)]
    count, secrets = sum(prod(task.shape) for task in randoms), list[SecretArray]()
    if local or randoms:
        shares, random, _ = await _exchange(engine, _joined(local), count, _joined([]))
        parts = _parted(shares, [part.shape for part in local])
        await _tell(engine, [*products, *sums], parts, random)
        secrets = [engine.array(part) for part in parts]
        secrets[len(products) : len(products)] = _fresh(engine, random, randoms)
    if not opened:
        return secrets, []
    reduced = iter(secrets[len(products) + len(randoms) :])
    told = [task.a if isinstance(task, Opened) else next(reduced) for task in opened]
    first = not all(isinstance(task, Masked) for task in opened)
    values = await open_shares(engine, _joined([x.parts[0] for x in told]), proven=first)
    assert values is not None
    return secrets, _parted(values, [x.shape for x in told])


async def _tell(
    engine: Context,
    tasks: Sequence[Product | Inner | Unreduced | Masked],
    found: Sequence[Elements],
    random: Words,
) -> None:
    """Tell the audit what must be proven."""
    assert engine.audit is not None
    engine.audit.dealt([*(part.reshape(-1) for part in found), random])
    for task, part in zip(tasks, found, strict=True):
        x, y = np.broadcast_arrays(task.a.parts[0], task.b.parts[0])
        if isinstance(task, Product):
            engine.audit.products(x.reshape(-1), y.reshape(-1), part.reshape(-1))
        else:
            shape = part.size, x.shape[-1]
            engine.audit.sums(x.reshape(shape), y.reshape(shape), part.reshape(-1))
    await engine.audit.relieve()


async def _local(engine: Context, task: Product | Inner | Opening) -> Elements:
    """Return this party's share, of degree 2t, of a product or of what is opened."""
    field, a = engine.field, task.a.parts[0]
    if isinstance(task, Opened):
        return a
    b = task.b.parts[0]
    about = PRODUCT_NS * prod(np.broadcast_shapes(a.shape, b.shape))
    if isinstance(task, Product):
        return await engine.offload(about, lambda: field.product(a, b))
    return await engine.offload(about, lambda: field.sum(field.product(a, b), axis=-1))


def _fresh(engine: Context, random: Words, tasks: Sequence[Random]) -> list[SecretArray]:
    return [Fresh(engine, (part,)) for part in _parted(random, [task.shape for task in tasks])]


def _joined(parts: Sequence[Elements]) -> Words:
    flat = [np.ascontiguousarray(part).reshape(-1) for part in parts]
    return np.concatenate(flat) if flat else np.empty(0, np.uint64)


def _parted(flat: Words, shapes: Sequence[tuple[int, ...]]) -> list[Elements]:
    found, end = list[Elements](), 0
    for shape in shapes:
        start, end = end, end + prod(shape)
        found.append(flat[start:end].reshape(shape))
    return found


# --- messages ------------------------------------------------------------------------------------


async def _exchange(
    engine: Context, products: Words, count: int, told: Words
) -> tuple[Words, Words, Words]:
    """Run one round: reduce products, deal `count` random elements, open `told`.

    Very many products go before the rest, by way of kings.

    Returns:
        This party's shares of the products and of the random elements; the opened elements.
    """
    if king.pays(engine, len(products)):
        found = await king.reduced(engine, len(products), products.__getitem__)
        if not count and not len(told):
            return found, products[:0], told
        _, *others = await _exchange(engine, products[:0], count, told)
        return found, others[0], others[1]
    workers, size = range(2 * engine.t + 1), len(products)
    shares, value = np.zeros(size + count, np.uint64), np.zeros(len(told), np.uint64)
    step = engine.begin(len(blocks(size + count + len(told), PIECE)))
    if engine.me in workers:
        about = SPLIT_NS * engine.n * (len(shares) + len(told))
        work = partial(_parts, engine, products, count, told, shares)
        vectors, own = await engine.offload(about, work)
        _send(engine, step, vectors, own)
        engine.scheme.add(value, own)
    for party in (worker for worker in workers if worker != engine.me):
        dealt = shares[: size + count * (party <= engine.t)]
        if len(dealt) and engine.me in plan(engine, party).seeded:
            await engine.offload(DERIVE_NS * len(dealt), partial(derive, engine, party, dealt))
            dealt = dealt[:0]
        arrived = np.empty(len(dealt) + len(told), np.uint64)
        for i, piece in enumerate(blocks(len(arrived), PIECE)):
            await engine.receive(party, step.later(i), arrived[piece])
        engine.field.add(dealt, arrived[: len(dealt)], out=dealt)
        engine.scheme.add(value, arrived[len(dealt) :])
    return shares[:size], shares[size:], value


def _parts(
    engine: Context, products: Words, count: int, told: Words, shares: Words
) -> tuple[dict[int, Words], Words]:
    """Return what this worker deals, by receiver, and its part of what is opened.

    Its own share of what it deals is added to `shares`.
    """
    weight = engine.weights(range(2 * engine.t + 1))[engine.me]
    vector = engine.field.scale(products, weight)
    if count and engine.me <= engine.t:
        random = engine.uniform(engine.me, "random elements", count)
        vector = np.concatenate((vector, random))
    vectors = split(engine, vector.__getitem__, shares[: len(vector)]) if len(vector) else {}
    return vectors, with_zero(engine, engine.field.scale(told, weight))


def _send(engine: Context, step: Step, vectors: dict[int, Words], told: Words) -> None:
    """Send each party its share, if it needs one, and what is told to all."""
    for party in range(engine.n):
        if party != engine.me:
            message = np.concatenate((vectors[party], told)) if party in vectors else told
            for i, piece in enumerate(blocks(len(message), PIECE)):
                engine.send(party, step.later(i), message[piece])
