"""Vectors of comparisons and shuffles, for scripts/vectors."""

from __future__ import annotations

from typing import Any

from vectors_engine import numbers, shared_numbers, with_seeds

from ostraka.arithmetic.field import P61
from ostraka.engine.compare import less_than_zero
from ostraka.engine.shamir.backend import ShamirBackend
from ostraka.engine.sort import shuffle

Vectors = list[dict[str, Any]]


def of_compare() -> Vectors:
    """Whether secrets are below zero: shares of them, messages, shares of the bits."""
    found = []
    for n, t in ((3, 1), (5, 2)):
        x = [-3, 0, 5, -(P61.p // 2), P61.p // 2]

        async def program(engine: ShamirBackend, x: list[int] = x) -> Any:
            return numbers((await less_than_zero(shared_numbers(engine, x))).parts[0])

        found.append({"x": x, **with_seeds(n, t, program)})
    return found


CONTRADICT = "contradict each other"


def of_bad_compare() -> Vectors:
    """Active, three parties: the lowest bit of a message is flipped on its way."""
    steps = [(1, "p0", "p1"), (2, "p2", "p1"), (9, "p1", "p0"), (12, "p0", "p2")]
    return [{"step": n, "sender": a, "to": b, "error": CONTRADICT} for n, a, b in steps]


def of_shuffle() -> Vectors:
    table = [[1, 2, 3, 4], [10, 20, 30, 40]]

    async def program(engine: ShamirBackend) -> Any:
        x = shared_numbers(engine, table[0] + table[1]).reshape(2, 4)
        return numbers((await shuffle(x)).parts[0])

    return [{"table": table, **with_seeds(3, 1, program)}]


def of_bad_shuffle() -> Vectors:
    """Active, three parties: another seed of a set than its leader's; another share."""
    return [
        {"step": 1, "sender": "p0", "to": "p1", "error": "falsified a product"},
        {"step": 4, "sender": "p0", "to": "p2", "error": CONTRADICT},
        {"step": 6, "sender": "p2", "to": "p1", "error": CONTRADICT},
    ]
