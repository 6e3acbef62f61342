"""Operations that share their rounds: what several of them multiply and open travels together.

Such an operation is written as a generator: each `yield` is a round, of products, random elements
and openings, and gives back their results. `side_by_side` runs several of them at once; where the
backend can, a round of all of them is one message from a party to another.

    squares, g = yield [Product(x, x), Random(x.engine, x.shape)]
    (opened,) = yield [Masked(squares - x, g)]

What may be opened says its type. `Opened` and `Unreduced` are proven first under active security;
`Masked` is opened at once, and draws on a `Fresh` mask that no other opening used.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ostraka.arithmetic.field import Field
from ostraka.engine.array import Arithmetic, Fresh, SecretArray, joint_origin


@dataclass(frozen=True)
class Product:
    """a * b, elementwise with broadcasting: gives a SecretArray."""

    a: SecretArray
    b: SecretArray


@dataclass(frozen=True)
class Inner:
    """The sum of a * b over the last axis, shared afresh: gives a SecretArray.

    It costs the bytes of one product for each sum, however long the last axis is.
    """

    a: SecretArray
    b: SecretArray


@dataclass(frozen=True)
class Random:
    """Uniform elements that no t parties know: gives a `Fresh` array."""

    engine: Arithmetic
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Opened:
    """An array that every compute party may know: gives its elements.

    Safe because the operation means to tell a, and nothing else of a is told. With active security
    all that was done before is proven first, so a is what it should be.
    """

    a: SecretArray


@dataclass(frozen=True)
class Unreduced:
    """The sum of a * b over the last axis, which every compute party may know: gives elements.

    The product is opened without being shared afresh. Safe because each party adds its part of a
    sharing of zero, so nothing but the sum can be seen. [BGW88] With active security the sum is
    shared afresh and proven first.
    """

    a: SecretArray
    b: SecretArray


class Masked:
    """The sum of a * mask over the last axis, for a mask no opening used before: gives elements.

    Opened at once, before anything is proven. Where a row of a is zero the sum is zero; where it is
    not the sum is uniform in a field, so parties learn of each row at most whether it is zero. That
    tells a liar nothing if it could tell the rows itself: a row is linear in what one contributor
    shared and its products, one product deep, as ballots are; its `Origin` says so. What lies
    deeper or mixes contributors is opened as `Unreduced`: docs/decisions/0006-active-security.md.

    Raises:
        TypeError: the mask does not come from `Random`, or the ring is no field.
        ValueError: rows of a are not known to be of one contributor each, one product deep at most;
            the mask hid something already, or its shape is not that of a.
    """

    __slots__ = ("a", "b")

    def __init__(self, a: SecretArray, mask: Fresh) -> None:
        if not isinstance(mask, Fresh):
            raise TypeError("a mask is what Random gave, as it is")
        if not isinstance(a.engine.ring, Field):
            raise TypeError("a multiple of a uniform element hides nothing for certain in a ring")
        if a.origin is None or a.origin.depth > 1:
            raise ValueError(
                "only rows of one contributor each, one product deep, are opened before the proof: "
                "open these as Unreduced"
            )
        if mask.shape != a.shape:
            raise ValueError(f"a mask of shape {mask.shape} does not hide shape {a.shape}")
        mask.spend()
        self.a, self.b = a, mask


Opening = Opened | Unreduced | Masked

Task = Product | Inner | Random | Opening

T = TypeVar("T")

Operation = Generator[Sequence[Task], list[Any], T]
"""Rounds to be shared with other operations, and what comes out."""


class Rounds(Arithmetic):
    """A computation in which tasks can share a round."""

    @abstractmethod
    async def round(self, tasks: Sequence[Task]) -> list[Any]:
        """Do all tasks, and return their results in order."""


async def side_by_side(engine: Rounds, *operations: Operation[Any]) -> list[Any]:
    """Run operations at once, in the rounds of the longest.

    Every party names them in the same order.
    """
    results: list[Any] = [None] * len(operations)
    answers: list[list[Any] | None] = [None] * len(operations)
    left = dict(enumerate(operations))
    while left:
        asked: dict[int, Sequence[Task]] = {}
        for k, operation in list(left.items()):
            try:
                asked[k] = operation.send(answers[k])  # type: ignore[arg-type]
            except StopIteration as end:
                results[k] = end.value
                del left[k]
        found = iter(await engine.round([task for tasks in asked.values() for task in tasks]))
        for k, tasks in asked.items():
            answers[k] = [_traced(task, next(found)) for task in tasks]
    return results


def _traced(task: Task, result: Any) -> Any:
    """Give a product the origin of its factors, if their rows are of the same contributors."""
    if isinstance(task, Product | Inner) and task.a.shape == task.b.shape:
        result.origin = joint_origin(task.a.origin, task.b.origin, products=1)
    return result


async def alone(engine: Rounds, operation: Operation[T]) -> T:
    """Run one operation."""
    result: T = (await side_by_side(engine, operation))[0]
    return result
