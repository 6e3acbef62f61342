"""Below the integers: bits of a secret, halving without rounding errors, whole division.

Everything rests on x mod p = A + B + w, the sum taken over 61 bits, where w = 1 if A + B >= p
(`compare` says where A and B come from): a prefix adder gives the carries [Sklansky60].

Adversary: at most t < n / 2 parties, who learn nothing; passive, or active with `Engine.audit`:
then, but among three parties, by way of `masked`. A batch has the rounds of one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ostraka.arithmetic.randomness import Words
from ostraka.engine import masked
from ostraka.engine.array import SecretArray, stack
from ostraka.engine.boolean import Bits, Boolean, boolean, provable
from ostraka.engine.compare import Operand, addends, less_than, merge, paired, to_field
from ostraka.engine.multiply import dot, mul

MAGNITUDE = 59
"""Values that are truncated or divided lie within +-2^59."""


async def decompose(x: SecretArray, k: int) -> SecretArray:
    """The k lowest bits of x mod p, lowest first, on a new last axis; of x itself if x >= 0.

    Rounds: a comparison's and one more. About 100 bytes (n = 3) and k + 1 products per element.
    """
    if not 1 <= k <= x.engine.field.bits:
        raise ValueError(f"an element has bits 1 to {x.engine.field.bits}, not {k}")
    if not x.size:
        return x.engine.public(np.zeros((*x.shape, k), np.int64))
    if not provable(x.engine):
        return await masked.decompose(x, k)
    bits = boolean(x.engine, x.size)
    a, b, _ = await addends(bits, _flat(x))
    gives, passes = await _prefixes(bits, a, b)
    wrap = gives[:, -1:] ^ passes[:, -1:]
    around = await bits.both(passes[:, : k - 1], np.repeat(wrap, k - 1, axis=1)) if k > 1 else wrap
    carries = np.concatenate((wrap, gives[:, : k - 1] ^ around[:, : k - 1]), axis=1)
    found = await to_field(bits, a[:, :k] ^ b[:, :k] ^ carries)
    return found.reshape(k, *x.shape).transpose(*range(1, x.ndim + 1), 0)


async def truncate(x: SecretArray, k: int) -> SecretArray:
    """The floor of x / 2^k, exactly, for -2^59 <= x < 2^59 and 0 <= k <= 59.

    With t = 1, party 0 knows A and party 1 knows B, so they deal A >> k and B >> k; missing are the
    carry into bit k, and 2^(61 - k) if the sum wrapped around: three rounds more than a comparison
    and a third more bytes. Otherwise by `decompose`, whose cost grows with k.
    """
    if not 0 <= k <= MAGNITUDE or x.engine.field.bits != 61:
        raise ValueError(f"x / 2^k is for k from 0 to {MAGNITUDE}")
    if not x.size or not k:
        return x
    positive = x.ravel() + (1 << MAGNITUDE)
    if not provable(x.engine):
        quotient = await masked.halved(positive, k)
    elif x.engine.t == 1:
        quotient = await _shifted(positive, k)
    else:
        low = await decompose(positive, k) @ (1 << np.arange(k))
        quotient = (positive - low) * pow(2, -k, x.engine.field.p)
    return quotient.reshape(x.shape) - (1 << (MAGNITUDE - k))


async def _shifted(x: SecretArray, k: int) -> SecretArray:
    """The floor of x / 2^k for a vector x >= 0 and t = 1.

    Where x mod p is the sum of three numbers, bit 0 of B is whether their sum wrapped around
    before A + B did, and bit k of B counts once: it carries what A and B have lost of bits below k.
    """
    engine = x.engine
    bits = boolean(engine, x.size)
    a, b, known = await addends(bits, _flat(x))
    upper = engine.array(await bits.shared({i: v >> np.uint64(k) for i, v in known.items()}))
    parts = [(a[:, part], b[:, part]) for part in (slice(k), slice(k, None))]
    (low, through_low), (high, through_high) = await merge(bits, await paired(bits, parts))
    wrap = high ^ await bits.both(through_high, low ^ through_low)
    carry = low ^ await bits.both(through_low, wrap)
    rows = (wrap, carry) if bits.summands == 2 else (wrap, carry, b[:, :1], b[:, k : k + 1])
    weights = [-(1 << (61 - k)), 1] * (len(rows) // 2)
    return upper + await _weighed(bits, np.concatenate(rows, axis=1), weights)


async def _weighed(bits: Boolean, planes: Bits, weights: Sequence[int]) -> SecretArray:
    """The sum of weights_i * planes_i over F_p, for t = 1: one product for all planes.

    Each bit is the XOR of two over F_p, a ^ b = a + b - 2 a b.
    """
    shares = [bits.engine.array(share) for share in await bits.to_field(planes)]
    a, b = (share.reshape(len(weights), -1) for share in shares)
    first, second = (stack([v[i] * w for i, w in enumerate(weights)]) for v in (a, b))
    return (first + second).sum(axis=0) - 2 * await dot(first, b, axis=0)


async def divide(a: SecretArray, b: Operand, k: int) -> SecretArray:
    """The floor of a / b, exactly, for a >= 0, b >= 1, a / b < 2^k and b 2^k <= 2^59.

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


async def _prefixes(bits: Boolean, a: Bits, b: Bits) -> tuple[Bits, Bits]:
    """For every i, whether bits 0 to i of A + B give a carry, and whether they pass one on."""
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


def _flat(x: SecretArray) -> Words:
    return np.ascontiguousarray(x.parts[0]).reshape(-1)
