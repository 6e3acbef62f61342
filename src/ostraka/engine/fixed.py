"""Fixed-point numbers that carry their scale and their bounds: exact, or refused.

A `Fixed` holds whole units of 2^-bits, and the most that any of them can be in magnitude: public,
from the manifest and the operations since. A product is cut back (`digits.truncate`, a floor)
only where the next operation would pass the range of the ring; where even that does not do, the
operation raises before anything is sent. So no digit is ever wrong within the declared bounds.

Inputs must be found to be within their bounds elsewhere: bounds are of honest values.

Adversary: that of `multiply` and `digits`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ostraka.engine.array import SecretArray
from ostraka.engine.backend import backend_of
from ostraka.engine.digits import magnitude, truncate
from ostraka.engine.multiply import matmul, mul


class OutOfRange(OverflowError):
    """A result could pass the range of the ring, even if all that may be cut is cut before."""


@dataclass(frozen=True)
class Fixed:
    """Secret numbers, as whole units of 2^-bits.

    Attributes:
        units: secret integers.
        bits: binary digits after the point.
        bound: the largest magnitude of a unit; below 2^59 for elements of 61 bits.
    """

    units: SecretArray
    bits: int
    bound: int

    def __post_init__(self) -> None:
        if self.bits < 0 or self.bound < 0:
            raise ValueError("digits after the point and bounds are not negative")
        if self.bound >= self.most:
            raise OutOfRange(f"a number of up to {self.bound} units does not fit {self.most}")

    @property
    def most(self) -> int:
        """Bound that no unit reaches: truncation is exact below it."""
        return 1 << magnitude(backend_of(self.units))

    def __add__(self, other: Fixed) -> Fixed:
        a, b = self.as_fine_as(other), other.as_fine_as(self)
        return Fixed(a.units + b.units, a.bits, a.bound + b.bound)

    def __sub__(self, other: Fixed) -> Fixed:
        return self + -other

    def __neg__(self) -> Fixed:
        return Fixed(-self.units, self.bits, self.bound)

    def as_fine_as(self, other: Fixed) -> Fixed:
        """Return the same numbers with at least as many digits as `other`: free."""
        more = max(0, other.bits - self.bits)
        if not more:
            return self
        finer = Fixed(self.units, self.bits + more, self.bound << more)
        return Fixed(self.units * (1 << more), finer.bits, finer.bound)

    async def rounded(self, bits: int) -> Fixed:
        """Return the floor to so many digits after the point; as it is if there are no more."""
        cut = self.bits - bits
        if cut <= 0:
            return self
        return Fixed(await truncate(self.units, cut), bits, -(-self.bound >> cut))


async def times(a: Fixed, b: Fixed, *, bits: int) -> Fixed:
    """Return a * b, elementwise with broadcasting: exact, or factors cut to `bits` digits first.

    One round where the exact product fits. Where it does not, factors with more than `bits` digits
    are cut, which takes a truncation each.

    Raises:
        OutOfRange: not even then.
    """
    a, b = await _fitting(a, b, 1, bits)
    return Fixed(await mul(a.units, b.units), a.bits + b.bits, a.bound * b.bound)


async def matrix_product(a: Fixed, b: Fixed, *, bits: int) -> Fixed:
    """Return a @ b, as `times` multiplies: nothing is cut between a product and its sum."""
    terms = a.units.shape[-1]
    a, b = await _fitting(a, b, terms, bits)
    return Fixed(await matmul(a.units, b.units), a.bits + b.bits, terms * a.bound * b.bound)


async def _fitting(a: Fixed, b: Fixed, terms: int, bits: int) -> tuple[Fixed, Fixed]:
    """Return the factors, the one with more digits cut first, so that sums of products fit."""
    most = a.most
    if terms * max(1, a.bound) * max(1, b.bound) < most:
        return a, b
    cut = [_cut_bound(v, bits) for v in (a, b)]
    if terms * max(1, cut[0]) * max(1, cut[1]) >= most:
        raise OutOfRange(
            f"{terms} products of up to {cut[0]} and {cut[1]} units do not fit {most}: use fewer "
            "digits, or narrower bounds"
        )
    first_alone = terms * max(1, cut[0]) * max(1, b.bound) < most
    second_alone = terms * max(1, a.bound) * max(1, cut[1]) < most
    if first_alone and (a.bits >= b.bits or not second_alone):
        return await a.rounded(bits), b
    if second_alone:
        return a, await b.rounded(bits)
    return await a.rounded(bits), await b.rounded(bits)


def _cut_bound(a: Fixed, bits: int) -> int:
    return a.bound if a.bits <= bits else -(-a.bound >> (a.bits - bits))
