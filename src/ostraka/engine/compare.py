"""Comparisons over the whole range, without slack and without preprocessing.

For x in (-p/2, p/2), x < 0 exactly when y = 2x mod p is odd [NO07]. Party 0 learns y plus masks
that t others know, so y is a sum modulo p of t + 1 numbers whose bits are easily shared
(`boolean.Boolean.operands`). Carry-save adders turn them into two, A + B = y mod p: the carry out
of 61 bits goes round to bit 0, as 2^61 = 1 mod p. Then y = A + B, or A + B - p if there is a carry
out of A + B + 1, and p is odd:

    LSB(y) = LSB(A) ^ LSB(B) ^ carry(A + B + 1).

A carry-save adder gives two times p only if it is given three, and two times zero only if given
three; of the operands one is never p and the others are never zero, so every case is exact.

Adversary: at most t < n / 2 parties, who learn nothing; passive, among three also active. All
parties must stay. With active security and more parties `masked` does the same over F_p.
Rounds for p = 2^61 - 1: 2 + C + 7 + 2 with t = 1, C carry-save layers (0 for t = 1, 1 for 2, 2 for
3, 3 for 4; active: 1 + 1 + 7 + 2) and ceil(log2(t + 1)) products instead of the last one. A batch
has the rounds of one. Bytes per comparison: n = 3: 27 to 43 per party, active 43 to 51; n = 5:
about 230.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import Words
from ostraka.engine import masked
from ostraka.engine.array import SecretArray
from ostraka.engine.bits import xor_all
from ostraka.engine.boolean import Bits, Boolean, Known, boolean, provable

Operand = SecretArray | int | NDArray[Any]
"""A secret, or public integers; at least one of two is secret."""


async def less_than_zero(x: SecretArray) -> SecretArray:
    """1 where x < 0, else 0; every x in the field's range."""
    engine = x.engine
    if not provable(engine):
        return await masked.negative(x)
    y = engine.field.rotate(np.ascontiguousarray(x.parts[0]).reshape(-1), 1)
    if not x.size:
        return x
    bits = boolean(engine, x.size)
    a, b, _ = await addends(bits, y)
    low = a[:, :1] ^ b[:, :1]
    odd = low ^ await _carry(bits, a, b)
    return (await to_field(bits, odd)).reshape(x.shape)


async def less_than(a: Operand, b: Operand) -> SecretArray:
    """1 where a < b, else 0, with broadcasting, as long as |a - b| <= (p - 1) / 2."""
    return await less_than_zero(_difference(a, b))


async def equal(a: Operand, b: Operand) -> SecretArray:
    """1 where a = b, else 0, with broadcasting; every a and b.

    a = b exactly when A + B = p, that is when A and B differ in every bit: ANDs in a tree. Rounds:
    as a comparison but one; about half its bytes.
    """
    difference = _difference(a, b)
    if not provable(difference.engine):
        return await masked.zero(difference)
    x = np.ascontiguousarray(difference.parts[0]).reshape(-1)
    if not len(x):
        return difference
    bits = boolean(difference.engine, len(x))
    first, second, _ = await addends(bits, x)
    opposite = first ^ second
    while (rows := opposite.shape[1]) > 1:
        half = rows // 2
        joined = await bits.both(opposite[:, :half], opposite[:, half : 2 * half])
        opposite = np.concatenate((joined, opposite[:, 2 * half :]), axis=1)
    return (await to_field(bits, opposite)).reshape(difference.shape)


def _difference(a: Operand, b: Operand) -> SecretArray:
    if isinstance(a, SecretArray):
        return a - b
    if isinstance(b, SecretArray):
        return -(b - a)
    raise TypeError("both are public: compare them without the engine")


async def to_field(bits: Boolean, planes: Bits) -> SecretArray:
    """Shared bits as field elements 0 and 1: shape (rows * count,)."""
    shares = await bits.to_field(planes)
    return await xor_all([bits.engine.array(share) for share in shares])


async def addends(bits: Boolean, y: Words) -> tuple[Bits, Bits, Known]:
    """Two numbers A, B of 61 shared bits with A + B = y mod p, neither both zero nor both p.

    Also gives those of the numbers summed up that this party knows: see `Boolean.operands`.
    """
    operands, known = await bits.operands(y)
    while len(operands) > 2:
        threes = len(operands) // 3
        a, b, c = (np.concatenate(operands[k : 3 * threes : 3], axis=1) for k in range(3))
        total, carry = await _carry_save(bits, a, b, c, threes)
        operands = total + carry + operands[3 * threes :]
    return operands[0], operands[1], known


async def _carry_save(
    bits: Boolean, a: Bits, b: Bits, c: Bits, count: int
) -> tuple[list[Bits], list[Bits]]:
    """a + b + c as two numbers, for `count` triples one after the other: one round.

    The majority of three bits is ((a ^ b) (a ^ c)) ^ a; it counts twice, 2^61 times being once.
    """
    ab, ac = a ^ b, a ^ c
    majority = a ^ await bits.both(ab, ac)
    totals = np.split(ab ^ c, count, axis=1)
    return totals, [np.roll(part, 1, axis=1) for part in np.split(majority, count, axis=1)]


async def _carry(bits: Boolean, a: Bits, b: Bits) -> Bits:
    """The carry out of A + B + 1: all bits together give one, or pass the 1 on."""
    gives, passes = (await merge(bits, await paired(bits, [(a, b)])))[0]
    return gives ^ passes


async def paired(bits: Boolean, sums: Sequence[tuple[Bits, Bits]]) -> list[Group]:
    """Bits of each A + B two by two, the highest alone if they are odd: two rounds.

    The lower bit's carry is c if none comes in and d if one does, and the upper bit's carry the
    majority of that and its own two bits: 3 ANDs a pair. (Bit by bit it takes 4 to get as far.)
    """
    a, b, x, y = (
        np.concatenate([numbers[k][:, start::2] for numbers in sums], axis=1)
        for start in (0, 1)
        for k in (0, 1)
    )
    ends = np.cumsum([(numbers[0].shape[1] + 1) // 2 for numbers in sums])
    pair = np.ones(a.shape[1], bool)
    pair[[end - 1 for end, numbers in zip(ends, sums, strict=True) if numbers[0].shape[1] % 2]] = 0
    gives, passes = await bits.both(a, b), a ^ b
    c, d = gives[:, pair], (gives ^ passes)[:, pair]
    into = np.concatenate((c, d), axis=1)
    upper = (np.concatenate((half, half), axis=1) ^ into for half in (x, y))
    without, given = np.split(into ^ await bits.both(*upper), 2, axis=1)
    gives = gives.copy()
    gives[:, pair], passes[:, pair] = without, without ^ given
    split = (np.split(rows, ends[:-1], axis=1) for rows in (gives, passes))
    return list(zip(*split, strict=True))


Group = tuple[Bits, Bits]
"""For each of several neighbouring bits of A + B: it gives a carry; it passes one on."""


async def merge(bits: Boolean, groups: list[Group]) -> list[Group]:
    """Each group as one wide bit: pairs of neighbours in a tree, all groups in the same rounds."""
    while any(gives.shape[1] > 1 for gives, _ in groups):
        halves = [(_slices(gives.shape[1]), gives, passes) for gives, passes in groups]
        left = [p[:, high] for (_, high), _, p in halves for _ in range(2)]
        right = [x[:, low] for (low, _), g, p in halves for x in (g, p)]
        both = await bits.both(np.concatenate(left, axis=1), np.concatenate(right, axis=1))
        ends = np.cumsum([2 * part.shape[1] for part in left[::2]])
        joined = np.split(both, ends[:-1], axis=1)
        groups = [_joined(g, p, new) for (_, g, p), new in zip(halves, joined, strict=True)]
    return groups


def _slices(rows: int) -> tuple[slice, slice]:
    """The lower and the upper of each pair of rows; the lowest row is left over if it is odd."""
    return slice(rows % 2, rows, 2), slice(rows % 2 + 1, rows, 2)


def _joined(gives: Bits, passes: Bits, both: Bits) -> Group:
    """`both` holds, pair by pair, (upper passes and lower gives), then (both pass)."""
    rows, pairs = gives.shape[1], both.shape[1] // 2
    upper = gives[:, _slices(rows)[1]] ^ both[:, :pairs]
    if rows % 2 == 0:
        return upper, both[:, pairs:]
    lowest = slice(1)
    return (
        np.concatenate((gives[:, lowest], upper), axis=1),
        np.concatenate((passes[:, lowest], both[:, pairs:]), axis=1),
    )
