"""Words that share their rounds: what several of them deal and open travels in the same messages.

A word is written as a generator: each `yield` is a round, of products, random elements and
openings, and gives back their results. `side_by_side` runs several words at once; a round of all of
them is one message from a party to another.

    squares, g = yield [Product(x, x), Random(x.engine, x.shape)]
    (opened,) = yield [Opened(squares - x, g)]

What is opened may be of degree 2t, that is a product that nobody has reduced: each of 2t + 1
parties announces its part of the sum that the value is, plus its part of zero (`engine.zero`), so
nothing but the sum can be seen. [BGW88]

Adversary: passive, at most t of n >= 2t + 1 parties, who learn what is opened. With active security
everything opened is reduced, proven and opened by degree t instead, in some rounds more.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final, TypeVar

import numpy as np

from ostraka.arithmetic.field import Elements
from ostraka.arithmetic.randomness import Words
from ostraka.engine import king
from ostraka.engine.array import SecretArray
from ostraka.engine.context import Engine
from ostraka.engine.deal import derive, plan, split
from ostraka.engine.reveal import open_elements
from ostraka.engine.zero import with_zero
from ostraka.names import Step

PIECE: Final = 1 << 16
"""Words of one message."""


@dataclass(frozen=True)
class Product:
    """a * b, elementwise with broadcasting: gives a SecretArray."""

    a: SecretArray
    b: SecretArray


@dataclass(frozen=True)
class Random:
    """Uniform elements that no t parties know: gives a SecretArray."""

    engine: Engine
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Opened:
    """The sum of a * b over the last axis, or a itself, told to everybody: gives elements.

    What else may be told of a and b is the word's business. `masked`: see `reveal.open_elements`.
    """

    a: SecretArray
    b: SecretArray | None = None
    masked: bool = False


Task = Product | Random | Opened

T = TypeVar("T")

Word = Generator[Sequence[Task], list[Any], T]
"""Rounds to be shared with other words, and what comes out."""


async def side_by_side(engine: Engine, *words: Word[Any]) -> list[Any]:
    """Run words at once: the rounds of the longest. Every party names them in the same order."""
    results: list[Any] = [None] * len(words)
    answers: list[list[Any] | None] = [None] * len(words)
    left = dict(enumerate(words))
    while left:
        asked: dict[int, Sequence[Task]] = {}
        for k, word in list(left.items()):
            try:
                asked[k] = word.send(answers[k])  # type: ignore[arg-type]
            except StopIteration as end:
                results[k] = end.value
                del left[k]
        found = iter(await _round(engine, [task for tasks in asked.values() for task in tasks]))
        for k, tasks in asked.items():
            answers[k] = [next(found) for _ in tasks]
    return results


async def alone(engine: Engine, word: Word[T]) -> T:
    """Run one word."""
    result: T = (await side_by_side(engine, word))[0]
    return result


async def _round(engine: Engine, tasks: Sequence[Task]) -> list[Any]:
    if not tasks:
        return []
    products = [task for task in tasks if isinstance(task, Product)]
    randoms = [task for task in tasks if isinstance(task, Random)]
    opened = [task for task in tasks if isinstance(task, Opened)]
    way = _proven if engine.audit else _plain
    secrets, values = await way(engine, products, randoms, opened)
    found = {Product: iter(secrets), Random: iter(secrets[len(products) :]), Opened: iter(values)}
    return [next(found[type(task)]) for task in tasks]


Results = tuple[list[SecretArray], list[Elements]]
"""Of the products and then of the random elements; of the openings."""


async def _plain(
    engine: Engine,
    products: Sequence[Product],
    randoms: Sequence[Random],
    opened: Sequence[Opened],
) -> Results:
    engine.need_products()
    local = [engine.field.product(task.a.parts[0], task.b.parts[0]) for task in products]
    told = [_local(task) for task in opened]
    count = sum(prod(task.shape) for task in randoms)
    shares, random, values = await _exchange(engine, _joined(local), count, _joined(told))
    secrets = _parted(shares, [part.shape for part in local])
    secrets += _parted(random, [task.shape for task in randoms])
    told = _parted(values, [part.shape for part in told])
    return [engine.array(part) for part in secrets], told


async def _proven(
    engine: Engine,
    products: Sequence[Product],
    randoms: Sequence[Random],
    opened: Sequence[Opened],
) -> Results:
    """The same, where all is reduced, told to the audit and opened in a round of its own."""
    sums = [task for task in opened if task.b is not None]
    local = [engine.field.product(task.a.parts[0], task.b.parts[0]) for task in products]
    local += [_local(task) for task in sums]
    count, secrets = sum(prod(task.shape) for task in randoms), list[SecretArray]()
    if local or randoms:
        shares, random, _ = await _exchange(engine, _joined(local), count, _joined([]))
        parts = _parted(shares, [part.shape for part in local])
        await _tell(engine, [*products, *sums], parts, random)
        secrets = [engine.array(part) for part in parts]
        secrets[len(products) : len(products)] = [
            engine.array(part) for part in _parted(random, [task.shape for task in randoms])
        ]
    if not opened:
        return secrets, []
    reduced = iter(secrets[len(products) + len(randoms) :])
    told = [task.a if task.b is None else next(reduced) for task in opened]
    masked = all(task.masked for task in opened)
    values = await open_elements(engine.array(_joined([x.parts[0] for x in told])), masked=masked)
    assert values is not None
    return secrets, _parted(values, [x.shape for x in told])


async def _tell(
    engine: Engine, tasks: Sequence[Product | Opened], found: Sequence[Elements], random: Words
) -> None:
    """What must be proven."""
    assert engine.audit is not None
    engine.audit.dealt([*(part.reshape(-1) for part in found), random])
    for task, part in zip(tasks, found, strict=True):
        assert task.b is not None
        x, y = np.broadcast_arrays(task.a.parts[0], task.b.parts[0])
        if isinstance(task, Product):
            engine.audit.products(x.reshape(-1), y.reshape(-1), part.reshape(-1))
        else:
            shape = part.size, x.shape[-1]
            engine.audit.sums(x.reshape(shape), y.reshape(shape), part.reshape(-1))
    await engine.audit.relieve()


def _local(task: Opened) -> Elements:
    """Our share, of degree 2t, of what is opened."""
    field, a = task.a.engine.field, task.a.parts[0]
    return a if task.b is None else field.sum(field.product(a, task.b.parts[0]), axis=-1)


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
    engine: Engine, products: Words, count: int, told: Words
) -> tuple[Words, Words, Words]:
    """One round: reduce products, deal `count` random elements, open `told`. Very many products go
    before the rest, by way of kings.

    Returns:
        Our shares of the products and of the random elements; what was opened.
    """
    if king.pays(engine, len(products)):
        found = await king.reduced(engine, len(products), products.__getitem__)
        if not count and not len(told):
            return found, products[:0], told
        _, *others = await _exchange(engine, products[:0], count, told)
        return found, others[0], others[1]
    workers, size = range(2 * engine.t + 1), len(products)
    shares, value = np.zeros(size + count, np.uint64), np.zeros(len(told), np.uint64)
    step = engine.begin(len(_pieces(size + count + len(told))))
    if engine.me in workers:
        weight = engine.weights(workers)[engine.me]
        vector = engine.field.scale(products, weight)
        if count and engine.me <= engine.t:
            random = engine.uniform(engine.me, "random elements", count)
            vector = np.concatenate((vector, random))
        vectors = {}
        if len(vector):
            vectors = split(engine, vector.__getitem__, shares[: len(vector)])
        own = with_zero(engine, engine.field.scale(told, weight))
        _send(engine, step, vectors, own)
        engine.scheme.add(value, own)
    for party in (worker for worker in workers if worker != engine.me):
        dealt = shares[: size + count * (party <= engine.t)]
        if len(dealt) and engine.me in plan(engine, party).seeded:
            derive(engine, party, dealt)
            dealt = dealt[:0]
        arrived = np.empty(len(dealt) + len(told), np.uint64)
        for i, piece in enumerate(_pieces(len(arrived))):
            await engine.receive(party, step.later(i), arrived[piece])
        engine.field.add(dealt, arrived[: len(dealt)], out=dealt)
        engine.scheme.add(value, arrived[len(dealt) :])
    return shares[:size], shares[size:], value


def _send(engine: Engine, step: Step, vectors: dict[int, Words], told: Words) -> None:
    """To each party its share, if it needs one, and what is told to all."""
    for party in range(engine.n):
        if party != engine.me:
            message = np.concatenate((vectors[party], told)) if party in vectors else told
            for i, piece in enumerate(_pieces(len(message))):
                engine.send(party, step.later(i), message[piece])


def _pieces(length: int) -> list[slice]:
    return [slice(i, min(i + PIECE, length)) for i in range(0, length, PIECE)]
