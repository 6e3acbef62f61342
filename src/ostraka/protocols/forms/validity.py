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

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.field import Elements
from ostraka.arithmetic.randomness import Stream
from ostraka.engine.array import SecretArray, concatenate, stack
from ostraka.engine.backend import Backend, backend_of
from ostraka.engine.compare import less_than_zero
from ostraka.engine.multiply import dot, mul
from ostraka.engine.rounds import (
    Inner,
    Masked,
    Operation,
    Product,
    Random,
    Unreduced,
    alone,
)
from ostraka.protocols.forms.conditions import (
    PROJECTIONS,
    Condition,
    Few,
    Inequality,
    Norm,
    Projections,
    Tossed,
    size_of,
)

BLOCK: Final = 1 << 22
"""Entries that are checked at a time: what a block takes of memory, 8 bytes each and some copies,
does not grow with the rows."""

LOCAL_NS: Final = 40
"""Nanoseconds to weigh an entry with coefficients, about."""


@dataclass(frozen=True)
class Form:
    """Form of the rows that contributors share.

    Attributes:
        entries: elements of a row.
        conditions: every entry is in the linear part of one: of `Bits`, of `Free`, or `at` in
            `Products`.
        few: entries of few possible values, in place of inequalities and a norm.
        inequalities: comparisons; without any, and without a norm, a check is cheap.
        words: say what a valid input is, for `check`: "each number is from 0 to 9".
    """

    entries: int
    conditions: tuple[Condition, ...]
    inequalities: tuple[Inequality, ...] = ()
    few: Few | None = None
    norm: Norm | None = None
    words: str = ""

    @property
    def count(self) -> int:
        """Number of coefficients that are tossed."""
        few = size_of(self.few.part) if self.few else 0
        return sum(condition.count for condition in self.conditions) + few

    @property
    def compared(self) -> int:
        """Number of comparisons for each row."""
        found = sum(each.count for each in self.inequalities)
        if self.norm:
            found += 1 + (size_of(self.norm.part) if self.norm.kind == "l1" else 0)
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
        about = LOCAL_NS * PROJECTIONS * self.entries
        return Tossed(rho, await engine.offload(about, partial(self._signs, engine, stream)))

    def _signs(self, engine: Backend, stream: Stream) -> Elements:
        words = stream.fill(np.empty(2 * self.entries, np.uint64)).view(np.uint8)
        first, second = np.unpackbits(words).view(np.int8).reshape(2, self.entries, PROJECTIONS)
        return engine.field.encode(first - second)

    async def valid(self, x: SecretArray, tossed: Tossed) -> NDArray[np.bool_]:
        """Tell which rows are of this form; compute parties learn nothing else of them.

        Rounds: 2; with few possible values at most 6; with inequalities 3 and those of one
        comparison, with an L1 norm one and another comparison more; with active security one more,
        and but for conditions alone a proof. Bytes: of 3 products a row, and of a product and a
        comparison for each inequality, or of at most 7 products for each entry of few values.

        Args:
            x: what contributors shared, shape (rows, entries).
            tossed: given by `toss`.
        """
        engine = backend_of(x)
        about = LOCAL_NS * x.size * (1 if tossed.signs is None else 4)
        local = await engine.offload(about, partial(self._combined, x, tossed.rho))
        if self.few:
            rho = tossed.rho[-size_of(self.few.part) :]
            return await _of_few(self.few, x[:, self.few.part], local, rho)
        if not self.compared:
            return await alone(engine, _vanishing(local))
        asked = await engine.offload(about, partial(self._asked, x, tossed))
        errors, margins, signed, mask = await alone(engine, self._afresh(x, local, asked))
        less = await less_than_zero(concatenate([margins, signed], axis=1))
        negative = less[:, : margins.shape[1]].sum(axis=1)
        if self.norm and self.norm.kind == "l1":
            signs = less[:, margins.shape[1] :]
            norm = await dot(signed, 1 - 2 * signs)
            negative = negative + await less_than_zero(self.norm.at - norm)
        found = concatenate([errors[:, None], negative[:, None]], axis=1)
        return await alone(engine, _zero(found, mask))

    def _asked(self, x: SecretArray, tossed: Tossed) -> SecretArray:
        """Return numbers that may not be negative, and then those whose signs are needed."""
        parts = [each.margins(x, tossed) for each in self.inequalities]
        if self.norm and self.norm.kind == "l1":
            parts.append(x[:, self.norm.part])
        return concatenate(parts, axis=1)

    def _afresh(
        self, x: SecretArray, local: tuple[Inner, SecretArray], asked: SecretArray
    ) -> Operation[tuple[SecretArray, SecretArray, SecretArray, SecretArray]]:
        """Share afresh what is compared, from parties 0 to 2t alone.

        Returns:
            The errors of degree 2, shape (rows,); numbers that may not be negative, and numbers
            whose signs are needed, a row each; a mask, shape (rows, 2).
        """
        (inner, linear), norm, squares = local, self.norm, list[Inner]()
        if norm and norm.kind == "l2":
            squares.append(Inner(x[:, norm.part], x[:, norm.part]))
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


async def as_checked(x: SecretArray) -> SecretArray:
    """Return x as the shares of parties 0 to 2t say, where `Form.valid` looked at no others.

    Rounds: 1 with passive security among n > 2t + 1, else none: a proof looks at all shares.
    """
    engine = backend_of(x)
    if engine.n > 2 * engine.t + 1 and not engine.active:
        return await mul(x, engine.public(1))
    return x


async def _of_few(
    few: Few, x: SecretArray, local: tuple[Inner, SecretArray], rho: Elements
) -> NDArray[np.bool_]:
    """Tell for which rows all entries x are of few numbers, and z is zero, too."""
    (inner, linear), engine = local, backend_of(x)
    factors = (x - few.low, few.high - x)
    found, mask, y = await engine.round([inner, Random(engine, (len(x), 1)), Product(*factors)])
    left = [y - root for root in few.roots]
    while len(left) > 2:
        half = len(left) // 2
        joined = await mul(stack(left[:half]), stack(left[half : 2 * half]))
        left = [joined[i] for i in range(half)] + left[2 * half :]
    errors = found - linear + await dot(left[0] * rho, left[1])
    return await alone(engine, _zero(errors[:, None], mask))


def _vanishing(local: tuple[Inner, SecretArray]) -> Operation[NDArray[np.bool_]]:
    """Tell for which rows an inner product minus a linear part is zero."""
    inner, linear = local
    found, mask = yield [inner, Random(linear.engine, (len(linear), 1))]
    (opened,) = yield [Masked((found - linear)[..., None], mask)]
    zero: NDArray[np.bool_] = opened == 0
    return zero


def _zero(errors: SecretArray, mask: SecretArray) -> Operation[NDArray[np.bool_]]:
    """Tell which rows have zeros only, as `interactive.all_zero` does, with a mask at hand."""
    (opened,) = yield [Unreduced(errors, mask)]
    found: NDArray[np.bool_] = opened == 0
    return found
