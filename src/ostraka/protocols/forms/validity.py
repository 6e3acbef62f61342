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
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.field import Elements
from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.backend import Backend, backend_of
from ostraka.engine.compare import less_than_zero
from ostraka.engine.multiply import dot
from ostraka.engine.rounds import (
    Inner,
    Masked,
    Operation,
    Product,
    Random,
    Unreduced,
    alone,
)

BLOCK: Final = 1 << 20
"""Entries that are checked at a time: what a block takes of memory, 8 bytes each and some copies,
does not grow with the rows."""

PROJECTIONS: Final = 64
"""Sums of entries with random signs that each row must keep small: see `Projections`."""

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
        return 2 * _size(self.part)

    def margins(self, x: SecretArray, tossed: Tossed) -> SecretArray:
        entries = x[:, self.part]
        return concatenate([entries - self.low, self.high - entries], axis=1)


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
    longer than `at` fails with probability below 2^-85: 64 times 2 exp(-64). [RSW24]
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


@dataclass(frozen=True)
class Form:
    """Form of the rows that contributors share.

    Attributes:
        entries: elements of a row.
        conditions: every entry is in the linear part of one: of `Bits`, of `Free`, or `at` in
            `Products`.
        inequalities: comparisons; without any, and without a norm, a check is cheap.
        words: say what a valid input is, for `check`: "each number is from 0 to 9".
    """

    entries: int
    conditions: tuple[Condition, ...]
    inequalities: tuple[Inequality, ...] = ()
    norm: Norm | None = None
    words: str = ""

    @property
    def count(self) -> int:
        """Number of coefficients that are tossed."""
        return sum(condition.count for condition in self.conditions)

    @property
    def compared(self) -> int:
        """Number of comparisons for each row."""
        found = sum(each.count for each in self.inequalities)
        if self.norm:
            found += 1 + (_size(self.norm.part) if self.norm.kind == "l1" else 0)
        return found

    @property
    def rows_at_once(self) -> int:
        """Number of rows of a block."""
        return max(1, BLOCK // (self.entries + self.compared))

    async def toss(self, engine: Backend) -> Tossed:
        """Draw the coefficients, once for all rows: after these are fixed. Rounds: 1."""
        stream = await engine.toss()
        rho = engine.field.uniform(stream, np.empty(self.count, np.uint64))
        if not any(isinstance(each, Projections) for each in self.inequalities):
            return Tossed(rho)
        words = stream.fill(np.empty(2 * self.entries, np.uint64)).view(np.uint8)
        first, second = np.unpackbits(words).astype(np.int64).reshape(2, self.entries, PROJECTIONS)
        return Tossed(rho, engine.field.encode(first - second))

    async def valid(self, x: SecretArray, tossed: Tossed) -> NDArray[np.bool_]:
        """Tell which rows are of this form; compute parties learn nothing else of them.

        Rounds: 2; with inequalities 3 and those of one comparison, with an L1 norm one and another
        comparison more; with active security one more, and with inequalities a proof. Bytes: of 3
        products a row, and of a product and a comparison for each inequality.

        Args:
            x: what contributors shared, shape (rows, entries).
            tossed: given by `toss`.
        """
        engine = backend_of(x)
        if not self.compared:
            return await alone(engine, self._vanishing(x, tossed.rho))
        errors, margins, signed, mask = await alone(engine, self._afresh(x, tossed))
        less = await less_than_zero(concatenate([margins, signed], axis=1))
        negative = less[:, : margins.shape[1]].sum(axis=1)
        if self.norm and self.norm.kind == "l1":
            signs = less[:, margins.shape[1] :]
            norm = await dot(signed, 1 - 2 * signs)
            negative = negative + await less_than_zero(self.norm.at - norm)
        found = concatenate([errors[:, None], negative[:, None]], axis=1)
        return await alone(engine, _zero(found, mask))

    def _vanishing(self, x: SecretArray, rho: Elements) -> Operation[NDArray[np.bool_]]:
        inner, linear = self._combined(x, rho)
        found, mask = yield [inner, Random(x.engine, (len(x), 1))]
        (opened,) = yield [Masked((found - linear)[..., None], mask)]
        zero: NDArray[np.bool_] = opened == 0
        return zero

    def _afresh(
        self, x: SecretArray, tossed: Tossed
    ) -> Operation[tuple[SecretArray, SecretArray, SecretArray, SecretArray]]:
        """Share afresh what is compared, from parties 0 to 2t alone.

        Returns:
            The errors of degree 2, shape (rows,); numbers that may not be negative, and numbers
            whose signs are needed, a row each; a mask, shape (rows, 2).
        """
        inner, linear = self._combined(x, tossed.rho)
        parts = [each.margins(x, tossed) for each in self.inequalities]
        norm, squares = self.norm, list[Inner]()
        if norm and norm.kind == "l1":
            parts.append(x[:, norm.part])
        elif norm:
            squares.append(Inner(x[:, norm.part], x[:, norm.part]))
        asked = concatenate(parts, axis=1)
        one = x.engine.public(1).broadcast_to(asked.shape)
        found, mask, y, *q = yield [
            inner,
            Random(x.engine, (len(x), 2)),
            Product(asked, one),
            *squares,
        ]
        bounded = sum(each.count for each in self.inequalities)
        margins, signed = y[:, :bounded], y[:, bounded:]
        if q and norm:
            margins = concatenate([margins, (norm.at**2 - q[0])[:, None]], axis=1)
        return found - linear, margins, signed, mask

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
