"""Comparisons on field elements alone, for active security: every step is a product or an opening.

r is a joint random number whose bits are shared. Everybody learns c = y + r mod p, which is
uniform; then y = c - r, or c - r + p if c < r, and both questions are about a public and a shared
number, bit by bit [NO07]:

    LSB(y) = LSB(c) ^ LSB(r) ^ (c < r),        y = 0 exactly when c and r have the same bits.

x < 0 is LSB(2x). r is one of 2^61 numbers, so it is p, which stands for 0, with probability 2^-61;
then the answer may be wrong. c is opened like everything else: after the bits of r are proven to
be bits and all that y came from is proven right (`audit`), so its mask is uniform.

Adversary: active, at most t < n / 2 parties. Much dearer than `compare`: 89 + 61 t products, and
61 (t + 1) dealt bits, for each element. All parties must stay.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ostraka.engine.array import SecretArray, concatenate, stack
from ostraka.engine.bits import random_bits
from ostraka.engine.multiply import mul
from ostraka.engine.reveal import open_elements

BATCH = 1 << 14
"""Elements compared at a time: bounds memory, at the price of rounds for each batch."""

PublicBits = NDArray[np.int64]


async def negative(x: SecretArray) -> SecretArray:
    """1 where x < 0, else 0; every x in the field's range."""
    found = [await _odd(2 * part) for part in _batches(x)]
    return concatenate(found).reshape(x.shape) if found else x


async def zero(x: SecretArray) -> SecretArray:
    """1 where x = 0, else 0."""
    found = [await _zero(part) for part in _batches(x)]
    return concatenate(found).reshape(x.shape) if found else x


def _batches(x: SecretArray) -> list[SecretArray]:
    flat = x.ravel()
    return [flat[i : i + BATCH] for i in range(0, len(flat), BATCH)]


async def _odd(y: SecretArray) -> SecretArray:
    c, r = await _opened(y)
    low = _differ(c[0], r[0])
    below = await _below(c, r)
    return low + below - 2 * await mul(low, below)


async def _zero(y: SecretArray) -> SecretArray:
    c, r = await _opened(y)
    same = 1 - _differ(c, r)
    while (rows := len(same)) > 1:
        half = rows // 2
        joined = await mul(same[:half], same[half : 2 * half])
        same = concatenate([joined, same[2 * half :]])
    return same[0]


async def _opened(y: SecretArray) -> tuple[PublicBits, SecretArray]:
    """The bits of y + r and of r, lowest first: shape (bits, count). One opening."""
    width = y.engine.field.bits
    r = await random_bits(y.engine, (width, len(y)))
    powers = np.array([1 << i for i in range(width)])
    masked = await open_elements(y + (r.T @ powers))
    assert masked is not None
    bits = masked >> np.arange(width, dtype=np.uint64)[:, None] & np.uint64(1)
    return bits.astype(np.int64), r


def _differ(c: PublicBits, r: SecretArray) -> SecretArray:
    """c XOR r: free, as c is public."""
    return r * (1 - 2 * c) + c


async def _below(c: PublicBits, r: SecretArray) -> SecretArray:
    """Whether c < r: neighbours are merged in a tree, 6 rounds for 61 bits.

    For each group of neighbouring bits: c is less there; both are the same there. In pairs of
    bits all of that is linear in the two bits of r and their product.
    """
    odd = len(c) % 2
    c0, c1, r0, r1 = c[odd::2], c[odd + 1 :: 2], r[odd::2], r[odd + 1 :: 2]
    q = await mul(r0, r1)
    s0, s1 = 1 - 2 * c0, 1 - 2 * c1
    # same1 = (1 - c1) - s1 r1, less0 = (1 - c0) r0, and so on
    less = r1 * (1 - c1) + (r0 * (1 - c1) - q * s1) * (1 - c0)
    same = q * (s0 * s1) - r0 * (s0 * (1 - c1)) - r1 * (s1 * (1 - c0)) + (1 - c0) * (1 - c1)
    if odd:
        less = concatenate([r[:1] * (1 - c[:1]), less])
        same = concatenate([1 - _differ(c[:1], r[:1]), same])
    while (groups := len(less)) > 1:
        rest = groups % 2
        low, high = slice(rest, None, 2), slice(rest + 1, None, 2)
        lower = stack([less[low], same[low]])
        both = await mul(same[high][None], lower)
        less = concatenate([less[:rest], less[high] + both[0]])
        same = concatenate([same[:rest], both[1]])
    return less[0]
