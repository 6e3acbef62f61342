"""Secret bits as elements 0 and 1.

Adversary: at most t < n / 2 parties, passive or active.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.backend import Backend
from ostraka.engine.multiply import mul


async def random_bits(engine: Backend, shape: tuple[int, ...]) -> SecretArray:
    """Draw uniform secret bits, unknown to any t parties.

    Parties 0 to t each deal bits and all are XORed: 1 + ceil(log2(t + 1)) rounds; over Shamir
    shares n - t - 1 elements from each dealer and t products for each bit. With active security
    b b = b is proven of each dealt bit before the next opening, so other elements stop the run.
    """
    length, own = prod(shape), None
    if engine.me <= engine.t:
        words = engine.own("random bits").fill(np.empty((length + 63) // 64, np.uint64))
        own = np.unpackbits(words.view(np.uint8), count=length).astype(np.uint64)
    dealt = await engine.deal(range(engine.t + 1), own, (length,), total=False)
    for bits in dealt:
        engine.claim(bits, bits, bits)
    return (await xor_all(dealt)).reshape(shape)


async def xor_all(bits: list[SecretArray]) -> SecretArray:
    """Return the XOR of arrays of zeros and ones of one shape: ceil(log2) rounds of products."""
    while len(bits) > 1:
        half = len(bits) // 2
        a, b = concatenate(bits[:half]), concatenate(bits[half : 2 * half])
        joined = a + b - 2 * await mul(a, b)
        size = len(bits[0])
        bits = [joined[k * size : (k + 1) * size] for k in range(half)] + bits[2 * half :]
    return bits[0]
