"""Comparisons over the whole range, without slack and without preprocessing.

For x in (-p/2, p/2), x < 0 exactly when y = 2x mod p is odd [NO07]. `Circuit.operands` gives
numbers that add up to y modulo p, and carry-save adders turn them into two, A + B = y mod p: the
carry out of 61 bits goes round to bit 0, as 2^61 = 1 mod p. Then y = A + B, or A + B - p if there
is a carry out of A + B + 1, and p is odd:

    LSB(y) = LSB(A) ^ LSB(B) ^ carry(A + B + 1).

A carry-save adder gives two times p only if it is given three, and two times zero only if given
three; of the operands one is never p and the others are never zero, so every case is exact. In
Z_2^bits the sign is the top bit of A + B = x.

Adversary: at most t < n / 2 parties, who learn nothing; passive, among three also active. All
parties must stay. Where a backend has no circuits, with active security and more parties, `masked`
does the same with products. Rounds over Shamir shares for p = 2^61 - 1: 2 + C + 7 + 2 with t = 1, C
carry-save layers (0 for t = 1, 1 for 2, 2 for 3, 3 for 4; active: 1 + 1 + 7 + 2) and
ceil(log2(t + 1)) products instead of the last one. Many elements have the rounds of one, but where
ANDs are proven 2^15 and more have 18 in place of 7, and a third fewer ANDs. More than 2^18 / t are
done in batches. Bytes per comparison: n = 3: 27 to 43 per party, active 38 to 51; n = 5: about 230.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostraka.engine import masked
from ostraka.engine.array import SecretArray
from ostraka.engine.backend import backend_of, wraps
from ostraka.engine.batches import batched, compared_at_once
from ostraka.engine.bits import xor_all
from ostraka.engine.circuit import Bits, Circuit, addends, carry_out, carry_with

Operand = SecretArray | int | NDArray[Any]
"""A secret, or public integers; at least one of two is secret."""


async def less_than_zero(x: SecretArray) -> SecretArray:
    """Return secret bits of x's shape: 1 where x < 0, else 0; for every x in the ring's range."""
    return await batched(x, compared_at_once(backend_of(x)), _negative)


async def _negative(x: SecretArray) -> SecretArray:
    """Return bits as `less_than_zero` does, for a vector."""
    engine = backend_of(x)
    bits = engine.bits(x.size)
    if bits is None:
        return await masked.negative(x)
    if wraps(engine):
        a, b, _ = await addends(bits, x + x, wrap=True)
        sign = a[:, :1] ^ b[:, :1] ^ await _carry(bits, a, b)
    else:
        a, b, _ = await addends(bits, x, wrap=False)
        gives, _ = await carry_out(bits, a[:, :-1], b[:, :-1])
        sign = a[:, -1:] ^ b[:, -1:] ^ gives
    return await to_ring(bits, sign)


async def _carry(bits: Circuit, a: Bits, b: Bits) -> Bits:
    """Return secret bits: whether A + B + 1 gives a carry."""
    if bits.sparing:
        return await carry_with(bits, a, b)
    gives, passes = await carry_out(bits, a, b)
    return gives ^ passes


async def less_than(a: Operand, b: Operand) -> SecretArray:
    """Return secret bits: 1 where a < b, else 0, with broadcasting; for |a - b| <= (p - 1) / 2.

    In Z_2^bits a - b must be within the signed range.
    """
    return await less_than_zero(_difference(a, b))


async def equal(a: Operand, b: Operand) -> SecretArray:
    """Return secret bits: 1 where a = b, else 0, with broadcasting; for every a and b.

    For A + B = a - b modulo p, or a - b - 1 modulo 2^bits, a = b exactly when A and B differ in
    every bit: ANDs in a tree. Rounds: as a comparison but one; about half its bytes.
    """
    difference = _difference(a, b)
    return await batched(difference, compared_at_once(backend_of(difference)), _zero)


async def _zero(x: SecretArray) -> SecretArray:
    """Return secret bits: 1 where x = 0, else 0, for a vector."""
    engine = backend_of(x)
    bits = engine.bits(x.size)
    if bits is None:
        return await masked.zero(x)
    first, second, _ = await addends(bits, x if wraps(engine) else x - 1, wrap=wraps(engine))
    opposite = first ^ second
    while (rows := opposite.shape[1]) > 1:
        half = rows // 2
        joined = await bits.both(opposite[:, :half], opposite[:, half : 2 * half])
        opposite = np.concatenate((joined, opposite[:, 2 * half :]), axis=1)
    return await to_ring(bits, opposite)


def _difference(a: Operand, b: Operand) -> SecretArray:
    if isinstance(a, SecretArray):
        return a - b
    if isinstance(b, SecretArray):
        return -(b - a)
    raise TypeError("both are public: compare them without the engine")


async def to_ring(bits: Circuit, planes: Bits) -> SecretArray:
    """Turn shared bits into elements 0 and 1: shape (rows * count,)."""
    return await xor_all(await bits.to_ring(planes))
