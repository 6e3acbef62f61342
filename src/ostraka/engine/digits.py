"""Below the integers: bits of a secret, halving without rounding errors, whole division.

Modulo p = 2^bits - 1, x = A + B + w as a sum over `bits` bits, where w = 1 if A + B >= p (`compare`
says where A and B come from); in Z_2^bits the carry w falls away. A prefix adder gives the carries.
[Sklansky60]

Adversary: at most t < n / 2 parties, who learn nothing; passive, or active: then, but among three
parties, by way of `masked`. A batch has the rounds of one: see `batches`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ostraka.engine import masked
from ostraka.engine.array import SecretArray
from ostraka.engine.backend import Backend, backend_of, wraps
from ostraka.engine.batches import batched, compared_at_once
from ostraka.engine.circuit import (
    Bits,
    Circuit,
    Cut,
    addends,
    carry_with,
    full_add,
    merge,
    paired,
    prefixes,
)
from ostraka.engine.compare import Operand, less_than, to_ring
from ostraka.engine.multiply import mul

SPARE: Final = 2
"""Bits of an element above those of values that are truncated or divided."""


def magnitude(engine: Backend) -> int:
    """Return m where values that are truncated or divided lie within +-2^m: 59 for 61 bits."""
    return engine.ring.bits - SPARE


async def decompose(x: SecretArray, k: int) -> SecretArray:
    """Return the k lowest bits of x modulo the ring's order, as secrets on a new last axis.

    The lowest bit comes first; they are those of x itself if x >= 0. Rounds: a comparison's and one
    more. About 100 bytes (n = 3) and k + 1 products per element.
    """
    engine = backend_of(x)
    if not 1 <= k <= engine.ring.bits:
        raise ValueError(f"an element has bits 1 to {engine.ring.bits}, not {k}")
    if not x.size:
        return engine.public(np.zeros((*x.shape, k), np.int64))
    found = await batched(
        x, max(1, 4 * compared_at_once(engine) // k), lambda part: _decomposed(part, k)
    )
    return found.reshape(k, *x.shape).transpose(*range(1, x.ndim + 1), 0)


async def _decomposed(x: SecretArray, k: int) -> SecretArray:
    """Return the k lowest bits of a vector: shape (k, length)."""
    engine = backend_of(x)
    bits = engine.bits(x.size)
    if bits is None:
        return await masked.decompose(x, k)
    a, b, _ = await addends(bits, x, wrap=wraps(engine))
    gives, passes = await prefixes(bits, a, b)
    wrap = gives[:, -1:] ^ passes[:, -1:] if wraps(engine) else np.zeros_like(gives[:, -1:])
    into = gives[:, : k - 1]
    if wraps(engine) and k > 1:
        into = into ^ await bits.both(passes[:, : k - 1], np.repeat(wrap, k - 1, axis=1))
    carries = np.concatenate((wrap, into), axis=1)
    return (await to_ring(bits, a[:, :k] ^ b[:, :k] ^ carries)).reshape(k, -1)


async def truncate(x: SecretArray, k: int) -> SecretArray:
    """Return the floor of x / 2^k, secret and exact, for -2^59 <= x < 2^59 and 0 <= k <= 59.

    (59 is `magnitude` for elements of 61 bits.) With t <= 2 parties know numbers that add up to x,
    and deal them shifted; missing are the carry into bit k, of some 3 k ANDs, and a multiple of
    2^(61 - k) if the sum wrapped around, of one AND for two numbers and three for three. Rounds:
    those of a comparison; n = 3: 26 + k / 2 bytes a party and element at most. Otherwise by
    `decompose`, whose cost grows with k too, or in Z_2^bits, where 2 has no inverse, with bits - k.
    """
    engine = backend_of(x)
    most = magnitude(engine)
    if not 0 <= k <= most:
        raise ValueError(f"x / 2^k is for k from 0 to {most}")
    if not x.size or not k:
        return x
    return await batched(x, compared_at_once(engine), lambda part: _truncated(part, k))


async def _truncated(x: SecretArray, k: int) -> SecretArray:
    """Return the floor of x / 2^k for a vector, 0 < k."""
    engine = backend_of(x)
    most, bits = magnitude(engine), engine.bits(x.size)
    positive = x + (1 << most)
    if not wraps(engine):
        high = (await decompose(positive, most + 1))[:, k:]
        quotient = high @ np.array([1 << i for i in range(most + 1 - k)])
    elif bits is None:
        quotient = await masked.halved(positive, k)
    elif bits.shifts:
        quotient = await _shifted(bits, positive, k)
    else:
        low = await decompose(positive, k) @ np.array([1 << i for i in range(k)])
        quotient = (positive - low) * pow(2, -k, engine.field.p)
    return quotient - (1 << (most - k))


async def _shifted(bits: Circuit, x: SecretArray, k: int) -> SecretArray:
    """Return the floor of x / 2^k for a vector x from 0 to (p - 1) / 2, from shifted operands.

    If A + B = x + w p, then A + B + w = x + w 2^bits: the floor is that of A / 2^k and B / 2^k and
    a carry out of the lowest k bits of A, B and w, less w 2^(bits - k). Only these bits are shared,
    and of the others the highest that tell w. Where w = 0, A and B are at most x, below 2^(bits -
    1); where w = 1, one of them is not: w is the OR of their highest bits. See `_three`.
    """
    operands, known = await bits.operands(x, Cut(k, bits.summands - 1))
    if bits.summands == 2:
        low, top = [v[:, :k] for v in operands], [v[:, k:] for v in operands]
        done: list[Bits] = []
    else:
        low, top, done = await _three(bits, operands, k)
    if bits.sparing:
        wrap = await bits.both(top[0], top[1]) ^ top[0] ^ top[1]
        carry = await carry_with(bits, low[0], low[1], wrap)
    else:
        sums = [(low[0], low[1]), (top[0], top[1])]
        (gives, passes), (all_of, one_of) = await merge(bits, await paired(bits, sums))
        wrap = all_of ^ one_of
        carry = gives ^ await bits.both(passes, wrap)
    rows = np.concatenate([wrap, carry, *done], axis=1)
    weights = [-(1 << (x.engine.ring.bits - k)), 1] * (rows.shape[1] // 2)
    return await bits.shifted(known, k, rows, weights)


async def _three(
    bits: Circuit, operands: Sequence[Bits], k: int
) -> tuple[list[Bits], list[Bits], list[Bits]]:
    """Reduce three operands, their lowest k bits and their highest two, to two numbers of k bits.

    They add up to x + w p with w from 0 to 2, as not all are p. In units of 2^(bits - 2) their sum
    is from 4 w - 2^(1 - bits) to less than 4 w + 2, and their highest two bits add up to between 4
    w - 2 and 4 w + 1, so w is the floor of (that + 2) / 4. With m the majority of the lower of
    these bits, v that of the higher ones and u their XOR, w = v + (u or m).

    Returns:
        Two numbers, of which the second has v as a carry into bit 0; u and m; and bits that are
        done: v, which counts as a wrap, and the carry that the three numbers gave into bit k.
    """
    a, b, c = operands
    total, majority = await full_add(bits, a, b, c)
    m, v, u = majority[:, k : k + 1], majority[:, k + 1 :], total[:, k + 1 :]
    into = np.concatenate((v, majority[:, : k - 1]), axis=1)
    return [total[:, :k], into], [u, m], [v, majority[:, k - 1 : k]]


async def divide(a: SecretArray, b: Operand, k: int) -> SecretArray:
    """Return the floor of a / b, secret and exact; a >= 0, b >= 1, a / b < 2^k, b 2^k <= 2^59.

    Long division: k times the rounds of a comparison and a product. b is secret or public.
    """
    divisor = b if isinstance(b, SecretArray) else np.asarray(b)
    remainder = a.broadcast_to(np.broadcast_shapes(a.shape, divisor.shape))
    quotient = remainder * 0
    for i in reversed(range(k)):
        step = divisor * (1 << i)
        fits = 1 - await less_than(remainder, step)
        quotient = quotient + fits * (1 << i)
        taken = await mul(fits, step) if isinstance(step, SecretArray) else fits * step
        remainder = remainder - taken
    return quotient
