"""Tables of which each column is one row's choice: bits, of which at most one is 1.

Found without opening anything else: after the tables are fixed, the compute parties toss a number
tau for each choice and rho for each column. With u = sum tau b over a column's entries b, and v =
sum tau^2 b, u^2 - v is zero for all tau exactly if all b^2 = b and all products of two entries are
zero. One number, sum rho (u^2 - v) over the columns, is opened times a secret uniform element:
zero, or uniform. A table that is not of this form passes with probability 4 / p at most. [BBCGI19]
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import Stream
from ostraka.engine.array import SecretArray, stack
from ostraka.engine.backend import backend_of
from ostraka.engine.rounds import Inner
from ostraka.protocols.interactive import all_zero

LOCAL_NS: Final = 30
"""Nanoseconds to weigh an entry with two coefficients, about."""


async def are_one_hot(tables: Sequence[SecretArray]) -> NDArray[np.bool_]:
    """Tell which tables are of this form; compute parties learn nothing else of them. Rounds: 4.

    Args:
        tables: each of shape (choices, rows).
    """
    engine = backend_of(tables[0])
    stream, inner, linear = await engine.toss(), [], []
    for table in tables:
        work = partial(_condition, table, stream)
        square, rest = await engine.offload(LOCAL_NS * table.size, work)
        inner.append(square)
        linear.append(rest)
    squares = await engine.round(inner)
    errors = [a.reshape(1) - b.reshape(1) for a, b in zip(squares, linear, strict=True)]
    return await all_zero(stack(errors))


def _condition(table: SecretArray, stream: Stream) -> tuple[Inner, SecretArray]:
    """Return the sums of rho u^2 and of rho v over all columns of a table."""
    choices, rows = table.shape
    field = backend_of(table).field
    tau = field.uniform(stream, np.empty(choices, np.uint64)).tolist()
    rho = field.uniform(stream, np.empty(rows, np.uint64))
    u, v = (_weighted(table, [t**k % field.p for t in tau]) for k in (1, 2))
    return Inner(u * rho, u), (v * rho).sum()


def _weighted(table: SecretArray, factors: Sequence[int]) -> SecretArray:
    total = table[0] * factors[0]
    for row, factor in enumerate(factors[1:], start=1):
        total = total + table[row] * factor
    return total
