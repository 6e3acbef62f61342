"""Bits of secrets, and the adders made of them.

A `Circuit` is a backend's way to share bits: XOR is free, AND costs a round. The adders work on any
of them: numbers that add up to a secret become two by carry-save layers, and trees give the carries
of their sum. Where p = 2^bits - 1 a carry out of the top goes round to bit 0, as 2^bits = 1 mod p;
in Z_2^bits it falls away.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ostraka.arithmetic.planes import Planes
from ostraka.arithmetic.randomness import Words
from ostraka.engine.array import SecretArray

BLOCK_BITS: Final = 15
"""Bits of a block of `carry_with`, at least: a carry over 61 bits takes 107 ANDs and 18 rounds."""

Bits = Planes
"""Shape (parts, rows, words): this party's shares of `rows` planes; `^` is XOR of secrets."""


@dataclass(frozen=True)
class Cut:
    """Bits of an operand that are shared: its `low` lowest, then its `high` highest."""

    low: int
    high: int = 0

    @property
    def rows(self) -> int:
        """Number of bits."""
        return self.low + self.high

    def pack(self, numbers: Words, bits: int) -> Words:
        """Return these bits of numbers of so many `bits` as numbers of `rows` bits."""
        if self.rows >= bits:
            return numbers
        low = numbers & np.uint64((1 << self.low) - 1)
        return low | numbers >> np.uint64(bits - self.high) << np.uint64(self.low)


class Circuit(ABC):
    """Sharing of the bits of `count` elements: a backend's way to compute XOR and AND.

    Attributes:
        count: number of elements; each plane has a bit of every one.
        summands: number of operands that `operands` gives.
        shifts: whether `shifted` works; then `operands` gives two numbers or three.
        sparing: whether fewer ANDs are worth more rounds.
    """

    count: int
    summands: int
    shifts: bool = False
    sparing: bool = False

    @abstractmethod
    async def both(self, a: Bits, b: Bits) -> Bits:
        """Return shares of a AND b: one round. The result must not change afterwards."""

    @abstractmethod
    async def operands(self, x: SecretArray, cut: Cut | None = None) -> tuple[list[Bits], Any]:
        """Share the bits of numbers of `ring.bits` bits that add up to a vector x in its ring.

        Where p = 2^bits - 1, one of several is never p and the others are never zero.

        Args:
            cut: which bits to share; all by default.

        Returns:
            The operands, and what `shifted` needs.
        """

    @abstractmethod
    async def to_ring(self, bits: Bits) -> list[SecretArray]:
        """Return secret vectors (rows * count,) of 0 and 1 in the ring, whose XOR the bits are."""

    async def shifted(
        self, known: Any, k: int, planes: Bits, weights: Sequence[int]
    ) -> SecretArray:
        """Return the secret sum of all operands, each shifted right by k bits, and of each plane
        times its weight.

        Args:
            known: given by `operands`.
        """
        raise NotImplementedError


async def addends(bits: Circuit, x: SecretArray, *, wrap: bool) -> tuple[Bits, Bits, Any]:
    """Share two numbers A, B with A + B = x in its ring; modulo p neither both zero nor both p.

    Args:
        wrap: whether a carry out of the top counts once, or falls away.

    Returns:
        A, B and what `Circuit.shifted` needs.
    """
    operands, known = await bits.operands(x)
    while len(operands) > 2:
        threes = len(operands) // 3
        a, b, c = (np.concatenate(operands[k : 3 * threes : 3], axis=1) for k in range(3))
        total, carry = await _carry_save(bits, a, b, c, threes, wrap)
        operands = total + carry + operands[3 * threes :]
    return operands[0], operands[1], known


async def _carry_save(
    bits: Circuit, a: Bits, b: Bits, c: Bits, count: int, wrap: bool
) -> tuple[list[Bits], list[Bits]]:
    """Turn a + b + c into two numbers, for `count` triples one after the other: one round."""
    total, majority = await full_add(bits, a, b, c)
    totals = np.split(total, count, axis=1)
    carries = [np.roll(part, 1, axis=1) for part in np.split(majority, count, axis=1)]
    if not wrap:
        for carry in carries:
            carry[:, 0] = 0
    return totals, carries


async def full_add(bits: Circuit, a: Bits, b: Bits, c: Bits) -> tuple[Bits, Bits]:
    """Add three bits, row by row: return their XOR and their majority, which counts twice.

    One AND for a row: the majority is ((a ^ b) (a ^ c)) ^ a.
    """
    ab, ac = a ^ b, a ^ c
    return ab ^ c, a ^ await bits.both(ab, ac)


async def carry_out(bits: Circuit, a: Bits, b: Bits) -> tuple[Bits, Bits]:
    """Return secret bits: whether A + B gives a carry, and whether all bits pass one on."""
    return (await merge(bits, await paired(bits, [(a, b)])))[0]


async def carry_with(bits: Circuit, a: Bits, b: Bits, into: Bits | None = None) -> Bits:
    """Return secret bits: whether A + B + 1 gives a carry, or A + B + `into`.

    By blocks of bits, one after the other in each and all blocks at once: with the carry that comes
    in where it is known, else with and without one, until the block below has told. For k bits in
    blocks of which the lowest has s, fewer than 2 k - s ANDs where a tree takes 5 k / 2, and s plus
    the number of blocks less one rounds. [Bedrij62]
    """
    sizes = _block_sizes(a.shape[1])
    starts = np.cumsum([0, *sizes]).tolist()
    carries = [[] if into is None else [into], *([] for _ in sizes[1:])]
    for i in range(sizes[0] + len(sizes) - 1):
        rows = [(j, start + i) for j, start in enumerate(starts[:-1]) if i < sizes[j]]
        pairs = [pair for j, k in rows for pair in _into_bit(a, b, k, carries[j])]
        if i >= sizes[0]:
            without, given = carries[i - sizes[0] + 1]
            pairs.append((without ^ given, carries[0][0]))
        left, right = (np.concatenate(side, axis=1) for side in zip(*pairs, strict=True))
        both = iter(np.split(await bits.both(left, right), len(pairs), axis=1))
        for j, k in rows:
            carries[j] = _out_of_bit(a, b, k, carries[j], both, known=j == 0)
        if i >= sizes[0]:
            carries[0] = [without ^ next(both)]
    return carries[0][0]


def _block_sizes(bits: int) -> list[int]:
    """Divide `bits` by blocks, lowest first: s, then at most s, s + 1, ...: each is done when the
    block below has told."""
    count = max(1, bits // BLOCK_BITS)
    lowest = -(-(bits - (count - 1) * (count - 2) // 2) // count)
    sizes = [lowest, *range(lowest, lowest + count - 1)]
    sizes[-1] -= sum(sizes) - bits
    return sizes


def _into_bit(a: Bits, b: Bits, k: int, carries: list[Bits]) -> list[tuple[Bits, Bits]]:
    """Return the ANDs for the carries out of bit k, given those into it; none are given at the
    lowest bit of a block."""
    x, y = a[:, k : k + 1], b[:, k : k + 1]
    return [(x ^ c, y ^ c) for c in carries] or [(x, y)]


def _out_of_bit(
    a: Bits, b: Bits, k: int, carries: list[Bits], both: Iterator[Bits], *, known: bool
) -> list[Bits]:
    """Return the carries out of bit k; at the lowest bit of a block that with 1 is `known` to come
    in, or those without and with one."""
    if carries:
        return [c ^ next(both) for c in carries]
    without = next(both)
    given = without ^ a[:, k : k + 1] ^ b[:, k : k + 1]
    return [given] if known else [without, given]


async def paired(bits: Circuit, sums: Sequence[tuple[Bits, Bits]]) -> list[Group]:
    """Join bits of each A + B two by two, the highest alone if they are odd: two rounds.

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
"""Two bits for each of several neighbouring bits of A + B: it gives a carry; it passes one on."""


async def merge(bits: Circuit, groups: list[Group]) -> list[Group]:
    """Join each group to one wide bit: neighbours in a tree, all groups in the same rounds."""
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
    """Slice the lower and the upper of each pair of rows; an odd lowest row is left over."""
    return slice(rows % 2, rows, 2), slice(rows % 2 + 1, rows, 2)


def _joined(gives: Bits, passes: Bits, both: Bits) -> Group:
    """Join groups; `both` holds, pair by pair, (upper passes and lower gives), then (both pass)."""
    rows, pairs = gives.shape[1], both.shape[1] // 2
    upper = gives[:, _slices(rows)[1]] ^ both[:, :pairs]
    if rows % 2 == 0:
        return upper, both[:, pairs:]
    lowest = slice(1)
    return (
        np.concatenate((gives[:, lowest], upper), axis=1),
        np.concatenate((passes[:, lowest], both[:, pairs:]), axis=1),
    )


async def prefixes(bits: Circuit, a: Bits, b: Bits) -> tuple[Bits, Bits]:
    """Return secret bits for every i: bits 0 to i of A + B give a carry; they pass one on.

    A prefix tree: 1 + ceil(log2 k) rounds for k bits. [Sklansky60]
    """
    gives, passes = await bits.both(a, b), a ^ b
    rows, distance = np.arange(a.shape[1]), 1
    while distance < len(rows):
        high = rows[rows // distance % 2 == 1]
        low = high // distance * distance - 1
        left = np.concatenate((passes[:, high], passes[:, high]), axis=1)
        right = np.concatenate((gives[:, low], passes[:, low]), axis=1)
        both = await bits.both(left, right)
        gives, passes = gives.copy(), passes.copy()
        gives[:, high] ^= both[:, : len(high)]
        passes[:, high] = both[:, len(high) :]
        distance *= 2
    return gives, passes
