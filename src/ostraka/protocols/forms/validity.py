"""Validity of what contributors share: found for each row without opening anything else of it.

A *form* says what a row must be: conditions of degree 2 that vanish (an entry is 0 or 1, entries
add up to 1, an entry is the square of another), and numbers that must not be negative. After the
set of contributors is fixed the compute parties toss coefficients rho, one for each condition.
Each row's conditions become one number, z = sum rho_i c_i(row). It is linear in products of what
one contributor shared, so each party computes its part alone, however long the row is; one element
a row is then shared afresh, multiplied by a secret uniform element, and opened: zero, or uniform.
[BBCGI19]

Shares of no polynomial: in z the entries themselves, times rho, are taken as they were shared,
with what is shared afresh on the other side. Times a secret polynomial of degree t, their part is
zero only if the shares of parties 0 to 2t are of degree t. So no dealt share needs a look of its
own.

A row that is not of its form, or not of degree t, passes with probability at most 2 / p: 1 / p that
its z is zero for these coefficients, 1 / p that the secret element is. docs/spec/validity.md has
the steps, and what the norms add to that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.field import Elements
from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.backend import Backend, backend_of
from ostraka.engine.compare import less_than_zero
from ostraka.engine.rounds import (
    Inner,
    Masked,
    Operation,
    Product,
    Random,
    Task,
    Unreduced,
    alone,
)

BLOCK: Final = 1 << 20
"""Entries that are checked at a time: what a block takes of memory, 8 bytes each and some copies,
does not grow with the rows."""

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
        return _size(self.part)

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
        return _size(self.at)

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
        return _size(self.part)

    def terms(self, x: SecretArray, rho: Elements) -> tuple[list[Pair], SecretArray]:
        found = (x[:, self.part] * rho).sum(axis=1)
        one = x.engine.public(1).broadcast_to((len(x), 1))
        one.origin = x.origin
        return [(found[..., None], one)], found


def _size(part: slice) -> int:
    size: int = part.stop - part.start
    return size


class Inequality(ABC):
    """Numbers linear in a row's entries, none of which may be negative in a valid row."""

    @abstractmethod
    def margins(self, x: SecretArray) -> SecretArray:
        """Return these numbers, shape (rows, any)."""


@dataclass(frozen=True)
class Within(Inequality):
    """Entries are from low to high. Two comparisons for each."""

    part: slice
    low: int
    high: int

    def margins(self, x: SecretArray) -> SecretArray:
        entries = x[:, self.part]
        return concatenate([entries - self.low, self.high - entries], axis=1)


@dataclass(frozen=True)
class Form:
    """Form of the rows that contributors share.

    Attributes:
        entries: elements of a row.
        conditions: every entry is in one whose linear part has it: `Bits` or `Free`.
        inequalities: comparisons; without any, a check is cheap.
        words: say what a valid input is, for `check`: "each number is from 0 to 9".
    """

    entries: int
    conditions: tuple[Condition, ...]
    inequalities: tuple[Inequality, ...] = ()
    words: str = ""

    @property
    def count(self) -> int:
        """Number of coefficients that are tossed."""
        return sum(condition.count for condition in self.conditions)

    @property
    def rows_at_once(self) -> int:
        """Number of rows of a block."""
        return max(1, BLOCK // self.entries)

    async def coefficients(self, engine: Backend) -> Elements:
        """Draw the coefficients rho, once for all rows: after these are fixed. Rounds: 1."""
        stream = await engine.toss()
        return engine.field.uniform(stream, np.empty(self.count, np.uint64))

    async def valid(self, x: SecretArray, rho: Elements) -> NDArray[np.bool_]:
        """Tell which rows are of this form; compute parties learn nothing else of them.

        Rounds: 2; with inequalities 3 and those of one comparison; with active security one more,
        and with inequalities a proof. Bytes: of 3 products a row, and for each inequality one and a
        comparison.

        Args:
            x: what contributors shared, shape (rows, entries).
            rho: given by `coefficients`.
        """
        engine = backend_of(x)
        if not self.inequalities:
            return await alone(engine, self._vanishing(x, rho))
        margins = concatenate([each.margins(x) for each in self.inequalities], axis=1)
        errors, y, mask = await alone(engine, self._afresh(x, rho, margins))
        negative = (await less_than_zero(y)).sum(axis=1)
        found = concatenate([errors[:, None], negative[:, None]], axis=1)
        return await alone(engine, _zero(found, mask))

    def _vanishing(self, x: SecretArray, rho: Elements) -> Operation[NDArray[np.bool_]]:
        inner, linear = self._combined(x, rho)
        found, mask = yield [inner, Random(x.engine, (len(x), 1))]
        (opened,) = yield [Masked((found - linear)[..., None], mask)]
        zero: NDArray[np.bool_] = opened == 0
        return zero

    def _afresh(
        self, x: SecretArray, rho: Elements, margins: SecretArray
    ) -> Operation[tuple[SecretArray, SecretArray, SecretArray]]:
        inner, linear = self._combined(x, rho)
        one = x.engine.public(1).broadcast_to(margins.shape)
        tasks: list[Task] = [inner, Product(margins, one), Random(x.engine, (len(x), 2))]
        found, y, mask = yield tasks
        return found - linear, y, mask

    def _combined(self, x: SecretArray, rho: Elements) -> tuple[Inner, SecretArray]:
        """Combine all conditions: the inner product, minus what is linear, is z of each row."""
        left, right, linear, at = list[SecretArray](), list[SecretArray](), None, 0
        for condition in self.conditions:
            pairs, own = condition.terms(x, rho[at : at + condition.count])
            left += [a for a, _ in pairs]
            right += [b for _, b in pairs]
            linear = own if linear is None else linear + own
            at += condition.count
        assert linear is not None
        a, b = (concatenate(v, axis=1) if len(v) > 1 else v[0] for v in (left, right))
        return Inner(a, b), linear


def _zero(errors: SecretArray, mask: SecretArray) -> Operation[NDArray[np.bool_]]:
    """Tell which rows have zeros only, as `interactive.all_zero` does, with a mask at hand."""
    (opened,) = yield [Unreduced(errors, mask)]
    found: NDArray[np.bool_] = opened == 0
    return found
