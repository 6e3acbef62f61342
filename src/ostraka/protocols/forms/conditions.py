"""Conditions on the rows that contributors share: see `validity`, which checks them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.field import Elements
from ostraka.engine.array import SecretArray, concatenate

PROJECTIONS: Final = 64
"""Sums of entries with random signs that each row must keep small: see `Projections`."""

FEW_NUMBERS: Final = 16
"""Numbers of a range up to which products are cheaper than two comparisons: measured, decision
0029."""

REACH: Final = 8
"""Multiple of a norm that a sum with random signs exceeds with probability 2 exp(-64) at most."""

Pair = tuple[SecretArray, SecretArray]
"""Two arrays of one shape, rows first, whose products are summed along the row."""


class Condition(ABC):
    """Condition of degree 2 on rows, in several places; an error of each is zero if it holds."""

    @property
    @abstractmethod
    def count(self) -> int:
        """Number of errors, each of which has a coefficient of its own."""

    @abstractmethod
    def terms(self, x: SecretArray, rho: Elements) -> tuple[list[Pair], SecretArray]:
        """Return pairs and a linear part, shape (rows,): their inner products minus the linear part
        are the sum of all errors times their coefficients.

        Args:
            x: shape (rows, entries).
            rho: shape (count,).
        """


@dataclass(frozen=True)
class Bits(Condition):
    """Entries are `low` or `low` + 1."""

    part: slice
    low: int = 0

    @property
    def count(self) -> int:
        return size_of(self.part)

    def terms(self, x: SecretArray, rho: Elements) -> tuple[list[Pair], SecretArray]:
        bits = x[:, self.part] - self.low if self.low else x[:, self.part]
        weighted = bits * rho
        return [(weighted, bits)], weighted.sum(axis=1)


@dataclass(frozen=True)
class Totals(Condition):
    """Entries of each of `groups` equal parts add up to `total`, each times its weight."""

    part: slice
    groups: int
    total: int
    weights: Sequence[int] = ()

    @property
    def count(self) -> int:
        return self.groups

    def terms(self, x: SecretArray, rho: Elements) -> tuple[list[Pair], SecretArray]:
        groups = x[:, self.part].reshape(len(x), self.groups, -1)
        if self.weights:
            groups = groups * np.array(self.weights)
        return [], ((groups.sum(axis=2) - self.total) * rho).sum(axis=1) * -1


@dataclass(frozen=True)
class Products(Condition):
    """Entries of `at` are (a x + b)(c x + d) for the entries x of `of`, a square for instance."""

    of: slice
    at: slice
    first: tuple[int, int] = (1, 0)
    second: tuple[int, int] = (1, 0)

    @property
    def count(self) -> int:
        return size_of(self.at)

    def terms(self, x: SecretArray, rho: Elements) -> tuple[list[Pair], SecretArray]:
        entries = x[:, self.of]
        (a, b), (c, d) = self.first, self.second
        return [((entries * a + b) * rho, entries * c + d)], (x[:, self.at] * rho).sum(axis=1)


@dataclass(frozen=True)
class Free(Condition):
    """Entries of any value: only their shares must be of degree t."""

    part: slice

    @property
    def count(self) -> int:
        return size_of(self.part)

    def terms(self, x: SecretArray, rho: Elements) -> tuple[list[Pair], SecretArray]:
        found = (x[:, self.part] * rho).sum(axis=1)
        one = x.engine.public(1).broadcast_to((len(x), 1))
        one.origin = x.origin
        return [(found[..., None], one)], found


def size_of(part: slice) -> int:
    """Return the number of entries in a part."""
    size: int = part.stop - part.start
    return size


class Inequality(ABC):
    """Numbers linear in a row's entries, none of which may be negative in a valid row."""

    @abstractmethod
    def margins(self, x: SecretArray, tossed: Tossed) -> SecretArray:
        """Return these numbers, shape (rows, any)."""

    @property
    @abstractmethod
    def count(self) -> int:
        """Number of them, in a row."""


@dataclass(frozen=True)
class Within(Inequality):
    """Entries are from low to high. Two comparisons for each."""

    part: slice
    low: int
    high: int

    @property
    def count(self) -> int:
        return 2 * size_of(self.part)

    def margins(self, x: SecretArray, tossed: Tossed) -> SecretArray:
        entries = x[:, self.part]
        return concatenate([entries - self.low, self.high - entries], axis=1)


@dataclass(frozen=True)
class Few:
    """Entries are of the few whole numbers from low to high: some products each, no comparison.

    With y = (x - low)(high - x), the numbers v and w - v above low have the same y_v = v (w - v),
    w = high - low, and others have another. So the product of y - y_v, v = 0 to w / 2, is zero for
    these numbers alone.
    """

    part: slice
    low: int
    high: int

    @property
    def roots(self) -> list[int]:
        """Values of y, at least two."""
        width = self.high - self.low
        return [v * (width - v) for v in range(width // 2 + 1)]


@dataclass(frozen=True)
class Linear(Inequality):
    """Combinations of entries with public coefficients, plus constants.

    Attributes:
        matrix: shape (entries, numbers).
        constants: shape (numbers,).
    """

    matrix: NDArray[Any]
    constants: Sequence[int]

    @property
    def count(self) -> int:
        return len(self.constants)

    def margins(self, x: SecretArray, tossed: Tossed) -> SecretArray:
        return x @ self.matrix + np.array(self.constants, object)[None]


@dataclass(frozen=True)
class Projections(Inequality):
    """Entries are too small for their squares to wrap around, if their Euclidean norm is at most
    `at`.

    `PROJECTIONS` sums of the entries, each times 1, 0, 0 or -1 as the coin fell, must be within 8
    times `at`. If an entry is beyond 16 times `at`, of three sums that differ in its sign at most
    two are, so each sum is with probability 1/2 at most, and all with 2^-64. A vector that is no
    longer than `at` fails with probability below 2^-85: 64 times 2 exp(-64). [ROCT24]
    """

    part: slice
    at: int

    @property
    def count(self) -> int:
        return 2 * PROJECTIONS

    def margins(self, x: SecretArray, tossed: Tossed) -> SecretArray:
        assert tossed.signs is not None
        sums = x[:, self.part] @ tossed.signs
        return concatenate([sums + REACH * self.at, REACH * self.at - sums], axis=1)


@dataclass(frozen=True)
class Tossed:
    """Public coefficients that the compute parties toss once the rows are fixed.

    Attributes:
        rho: of the conditions.
        signs: 1, 0 and -1 for `Projections`, shape (entries, PROJECTIONS); None without these.
    """

    rho: Elements
    signs: NDArray[np.uint64] | None = None


@dataclass(frozen=True)
class Norm:
    """Norm of some entries, which is at most `at`.

    Inequalities bound each entry, so that neither norm wraps around.

    Attributes:
        kind: L1, the sum of absolute values: it costs a comparison an entry, for its sign. Or L2,
            the root of the sum of squares: one product and one comparison a row.
    """

    part: slice
    kind: Literal["l1", "l2"]
    at: int
