"""Lists in bins: one list has at most one row in each, the other a polynomial over its rows there.

Each row is an element of the field and three bins. The *placed* list puts each row into one of its
three bins, no two into one (cuckoo hashing), and shares the powers of its element, zeros where a
bin is empty. The *listed* list counts each row in all three, and shares for each bin a polynomial f
whose zeros are the elements of its rows there, and g, which has their values at these. Then f(x) =
0 exactly if the row is in both lists, and g(x) is its value. [PSTY19]

Everything that is shared is of a size that the limits of both lists determine. Pure: no randomness,
and no party but the owner sees any of this in the clear.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.field import Elements, Field
from ostraka.arithmetic.randomness import Words
from ostraka.inputs.encoding import Signed, refuse

HASHES: Final = 3
"""Bins that a row may be in."""

HASHED_WORDS: Final = 1 + HASHES
"""64-bit words of a row's hash: its element, and its bins."""

SPARE: Final = 128
"""Bins beyond 1.27 for each row, so that also short lists are placed but for 2^-40."""

SURE: Final = 2.0**-40
"""Probability of more rows in a bin than there is room for."""

ROUNDS: Final = 1000
"""Evictions one after another, after which a list is given up; some tens are usual."""

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Bins:
    """Public sizes of two lists in bins.

    Attributes:
        count: number of bins.
        depth: the most rows of the listed list in a bin.
    """

    count: int
    depth: int

    @classmethod
    def of(cls, placed: int, listed: int) -> Bins:
        """Return the sizes for lists of at most so many rows."""
        count = math.ceil(1.27 * placed) + SPARE
        return cls(count, _depth(listed, count))

    # --- rows -----------------------------------------------------------------------------------

    def rows(self, field: Field, hashes: Words) -> tuple[Elements, Places]:
        """Return each row's element, from 1, and its bins, shape (`HASHES`, rows)."""
        words = hashes.reshape(-1, HASHED_WORDS).T
        elements = words[0] % np.uint64(field.p - 1) + np.uint64(1)
        bins = (words[1:] >> np.uint64(32)) * np.uint64(self.count) >> np.uint64(32)
        return elements, bins.astype(np.int64)

    def place(self, bins: Places) -> Places:
        """Return the row in each bin, -1 for none: each row in one of its bins.

        Raises:
            InputError: there is no such placement, which happens by chance once in 2^40 lists.
        """
        inside, choice = np.full(self.count, -1, np.int64), np.zeros(bins.shape[1], np.int64)
        pending = np.arange(bins.shape[1])
        for _ in range(ROUNDS):
            at = bins[choice[pending], pending]
            before = inside[at]
            inside[at] = pending
            lost = pending[inside[at] != pending]
            put_out = np.unique(before[before >= 0])
            pending = np.concatenate([lost, put_out[~np.isin(put_out, inside[at])]])
            choice[pending] = (choice[pending] + 1) % HASHES
            if not len(pending):
                break
        if len(pending):
            refuse("the list cannot be put into bins, by a rare chance: leave one row out")
        return inside

    # --- what is shared -------------------------------------------------------------------------

    def powers(self, field: Field, elements: Elements, inside: Places) -> Elements:
        """Return x, x^2, ... of the row x in each bin, zeros without one: (depth, count)."""
        x = np.where(inside >= 0, elements[inside] if len(elements) else 0, 0).astype(np.uint64)
        found = np.empty((self.depth, self.count), np.uint64)
        found[0] = x
        for k in range(1, self.depth):
            found[k] = field.product(found[k - 1], x)
        return found

    def in_bins(self, values: Signed, inside: Places) -> Signed:
        """Return the value of the row in each bin, 0 without one."""
        if not len(values):
            return np.zeros(self.count, np.int64)
        return np.where(inside >= 0, values[inside], 0)

    def polynomials(
        self, field: Field, elements: Elements, bins: Places, values: Elements | None
    ) -> tuple[Elements, Elements]:
        """Return f and g of each bin, lowest power first: (depth + 1, count) and (depth, count).

        Without values g has no rows.

        Raises:
            InputError: more rows are in a bin than there is room for, or two have one element.
        """
        f = np.zeros((self.depth + 1, self.count), np.uint64)
        g = np.zeros((self.depth if values is not None else 0, self.count), np.uint64)
        f[0] = 1
        for r, (at, rows) in enumerate(self._by_rank(bins)):
            if r == self.depth:
                refuse("too many rows fall into one bin, by a rare chance: leave one row out")
            y, part = elements[rows], f[: r + 2, at]
            if values is not None:
                g[: r + 1, at] = _through(field, part, g[: r + 1, at], y, values[rows])
            minus = field.negate(y)
            grown = np.concatenate([np.zeros((1, len(at)), np.uint64), part[:-1]])
            f[: r + 2, at] = field.add(grown, field.product(part, minus[None]))
        return f, g

    def _by_rank(self, bins: Places) -> list[tuple[Places, Places]]:
        """Return the bins that have an r-th row, and these rows, for r = 0, 1, ..."""
        rows = np.tile(np.arange(bins.shape[1]), HASHES)
        pairs = np.unique(np.stack([bins.reshape(-1), rows]), axis=1)  # a row once in a bin
        at, rows = pairs
        first = np.searchsorted(at, at)
        rank = np.arange(len(at)) - first
        deepest = int(rank.max(initial=-1))
        return [(at[rank == r], rows[rank == r]) for r in range(deepest + 1)]


def _through(field: Field, f: Elements, g: Elements, y: Elements, v: Elements) -> Elements:
    """Return g with a multiple of f added, so that it is v at y, for each column."""
    slope = _at(field, f, y)
    if not slope.all():
        refuse("two identifiers have one hash: that is no chance; leave one out")
    missing = field.subtract(v, _at(field, g, y))
    factor = field.product(missing, _inverse(field, slope))
    found: Elements = field.add(g, field.product(f[:-1], factor[None]))
    return found


def _at(field: Field, f: Elements, y: Elements) -> Elements:
    """Evaluate the polynomial of each column at an element of its own."""
    found: Elements = f[-1].copy()
    for row in f[-2::-1]:
        found = field.add(field.product(found, y), row)
    return found


def _inverse(field: Field, x: Elements) -> Elements:
    """Return x^(p - 2), all at once."""
    found = np.ones(len(x), np.uint64)
    for bit in bin(field.p - 2)[2:]:
        found = field.product(found, found)
        if bit == "1":
            found = field.product(found, x)
    return found


@lru_cache(maxsize=64)
def _depth(rows: int, count: int) -> int:
    """Return how many of so many rows are in one bin at most, but for `SURE`.

    A bin has a row with probability at most 3 / count, each row by itself: a tail of the binomial
    law, times the number of bins.
    """
    p = min(1.0, HASHES / count)
    if p == 1.0:
        return max(1, rows)
    for k in range(1, rows):
        tail, log_p, log_q = 0.0, math.log(p), math.log1p(-p)
        for j in range(k + 1, min(rows, k + 60) + 1):
            ways = math.lgamma(rows + 1) - math.lgamma(j + 1) - math.lgamma(rows - j + 1)
            tail += math.exp(ways + j * log_p + (rows - j) * log_q)
        if k > rows * p and tail * count < SURE:
            return k
    return max(1, rows)
