"""Comparisons by products and openings alone, where a backend has no circuits.

r is a joint random number whose bits are shared. Every party learns c = y + r, which is uniform; in
F_p with p = 2^bits - 1, y = c - r, or c - r + p if c < r, and both questions are about a public and
a shared number, bit by bit [NO07]:

    LSB(y) = LSB(c) ^ LSB(r) ^ (c < r),        y = 0 exactly when c and r have the same bits.

x < 0 is LSB(2x). r is one of 2^bits numbers, so it is p, which stands for 0, with probability
2^-bits; then a zero is not recognised. Signs are right for every r. In Z_2^bits, y = c - r always,
and x < 0 is its top bit.

c is opened by `Backend.open`, like a result: after the bits of r are proven to be bits and all that
y came from is proven right, so its mask is uniform.

Adversary: active, at most t < n / 2 parties, who learn nothing. All parties must stay. Much dearer
than `compare` over Shamir shares: 89 + 61 t products, and 61 (t + 1) dealt bits, for each element.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ostraka.engine.array import SecretArray, concatenate, stack
from ostraka.engine.backend import backend_of, wraps
from ostraka.engine.batches import batched
from ostraka.engine.bits import random_bits
from ostraka.engine.multiply import mul

BATCH = 1 << 14
"""Elements compared at a time: bounds memory, at the price of rounds for each batch."""

PublicBits = NDArray[np.int64]


async def negative(x: SecretArray) -> SecretArray:
    """Return secret bits: 1 where x < 0, else 0; for every x in the ring's range."""
    if wraps(backend_of(x)):
        return await batched(x, BATCH, lambda part: _odd(2 * part))
    return await batched(x, BATCH, _top)


async def zero(x: SecretArray) -> SecretArray:
    """Return secret bits: 1 where x = 0, else 0."""
    return await batched(x, BATCH, _zero)


async def decompose(x: SecretArray, k: int) -> SecretArray:
    """Return the k lowest bits of x, lowest first, on a new first axis."""
    return await batched(x, BATCH, lambda part: _bits(part, k))


async def halved(x: SecretArray, k: int) -> SecretArray:
    """Return the floor of x / 2^k for x from 0 to p - 1."""
    return await batched(x, BATCH, lambda part: _halved(part, k))


async def _odd(y: SecretArray) -> SecretArray:
    c, r = await _opened(y)
    low = _differ(c[0], r[0])
    ((below, _),) = await _compared(c, r, len(c))
    return low + below - 2 * await mul(low, below)


async def _top(y: SecretArray) -> SecretArray:
    """Return the top bit of c - r in Z_2^bits: that of c XOR r, and what the bits below borrow."""
    c, r = await _opened(y)
    high = _differ(c[-1], r[-1])
    borrow, _ = (await _compared(c[:-1], r[:-1], len(c) - 1))[0]
    return high + borrow - 2 * await mul(high, borrow)


async def _zero(y: SecretArray) -> SecretArray:
    c, r = await _opened(y)
    same = 1 - _differ(c, r)
    while (rows := len(same)) > 1:
        half = rows // 2
        joined = await mul(same[:half], same[half : 2 * half])
        same = concatenate([joined, same[2 * half :]])
    return same[0]


async def _halved(y: SecretArray, k: int) -> SecretArray:
    """Halve y = c - r - w modulo 2^61, w = 1 if c < r: its low bits, which may borrow, fall away.

    9 rounds and an opening.
    """
    field = backend_of(y).field
    c, r = await _opened(y)
    (less, same), (above, above_same) = await _compared(c, r, k)
    w = above + await mul(above_same, less)
    borrow = less + await mul(same, w)
    powers = np.array([1 << i for i in range(k)])
    low = (powers @ c[:k]) - (r[:k].T @ powers) - w + borrow * (1 << k)
    return (y - low) * pow(2, -k, field.p)


async def _bits(y: SecretArray, k: int) -> SecretArray:
    """Return the bits of y = c - r - w; in Z_2^bits, w = 0.

    Bit i is c_i - r_i less what is borrowed from it, and more what it borrows.

    A prefix tree gives for every i whether the bits below borrow, and pass on w. [Sklansky60]
    """
    c, r = await _opened(y)
    less, same = r * (1 - c), 1 - _differ(c, r)
    rows, distance = np.arange(len(c)), 1
    while distance < len(rows):
        high = rows[rows // distance % 2 == 1]
        low = high // distance * distance - 1
        both = await mul(same[high][None], stack([less[low], same[low]]))
        order = np.argsort(np.concatenate([np.delete(rows, high), high]))
        kept = np.delete(rows, high)
        less = concatenate([less[kept], less[high] + both[0]])[order]
        same = concatenate([same[kept], both[1]])[order]
        distance *= 2
    if wraps(backend_of(y)):
        w = less[-1:]
        borrow = concatenate([w, less[:k] + await mul(same[:k], w)])
    else:
        borrow = concatenate([less[:1] * 0, less[:k]])
    return r[:k] * -1 + c[:k] - borrow[:k] + 2 * borrow[1:]


async def _opened(y: SecretArray) -> tuple[PublicBits, SecretArray]:
    """Return the bits of y + r and of r, lowest first: shape (bits, count). One opening."""
    engine = backend_of(y)
    width = engine.ring.bits
    r = await random_bits(engine, (width, len(y)))
    powers = np.array([1 << i for i in range(width)], np.uint64)
    masked = await engine.open(y + (r.T @ powers))
    assert masked is not None
    bits = masked >> np.arange(width, dtype=np.uint64)[:, None] & np.uint64(1)
    return bits.astype(np.int64), r


def _differ(c: PublicBits, r: SecretArray) -> SecretArray:
    """Return c XOR r: free, as c is public."""
    return r * (1 - 2 * c) + c


Group = tuple[SecretArray, SecretArray]
"""Two secret bits for neighbouring bits: c is less than r there; c equals r there."""


async def _compared(c: PublicBits, r: SecretArray, cut: int) -> list[Group]:
    """Join the bits below `cut`, and those from there on, if there are any, to one group each.

    Neighbours are merged in trees, 6 rounds for 61 bits. In pairs of bits all is linear in the two
    bits of r and their product.
    """
    parts = [part for part in (slice(cut), slice(cut, len(c))) if len(c[part])]
    pairs = [(c[part][len(c[part]) % 2 :], r[part][len(c[part]) % 2 :]) for part in parts]
    products = await mul(*(concatenate([r[k::2] for _, r in pairs]) for k in range(2)))
    groups, at = [], 0
    for part, (public, secret) in zip(parts, pairs, strict=True):
        size = len(public) // 2
        group = _paired(public, secret, products[at : at + size])
        at += size
        if len(c[part]) % 2:
            first_c, first_r = c[part][:1], r[part][:1]
            single = first_r * (1 - first_c), 1 - _differ(first_c, first_r)
            group = concatenate([single[0], group[0]]), concatenate([single[1], group[1]])
        groups.append(group)
    while any(len(less) > 1 for less, _ in groups):
        groups = await _merged(groups)
    return [(less[0], same[0]) for less, same in groups]


def _paired(c: PublicBits, r: SecretArray, q: SecretArray) -> Group:
    """Compare bits in pairs, given the products q of the two bits of r: free."""
    (c0, c1), (r0, r1) = (c[::2], c[1::2]), (r[::2], r[1::2])
    s0, s1 = 1 - 2 * c0, 1 - 2 * c1
    # same1 = (1 - c1) - s1 r1, less0 = (1 - c0) r0, and so on
    less = r1 * (1 - c1) + (r0 * (1 - c1) - q * s1) * (1 - c0)
    same = q * (s0 * s1) - r0 * (s0 * (1 - c1)) - r1 * (s1 * (1 - c0)) + (1 - c0) * (1 - c1)
    return less, same


async def _merged(groups: list[Group]) -> list[Group]:
    """Merge each pair of neighbours into one: one round of products for all groups together."""
    rests = [len(less) % 2 for less, _ in groups]
    pairs = [(less[rest:], same[rest:]) for rest, (less, same) in zip(rests, groups, strict=True)]
    upper = concatenate([same[1::2] for _, same in pairs])
    lower = concatenate([stack([less[::2], same[::2]]) for less, same in pairs], axis=1)
    both, found, at = await mul(upper[None], lower), list[Group](), 0
    for rest, (less, same) in zip(rests, groups, strict=True):
        size = len(less) // 2
        gives, passes = less[rest + 1 :: 2] + both[0, at : at + size], both[1, at : at + size]
        found.append((concatenate([less[:rest], gives]), concatenate([same[:rest], passes])))
        at += size
    return found
