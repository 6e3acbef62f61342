"""Secret bits as field elements 0 and 1.

Adversary: at most t < n / 2 parties, passive, or active with `Engine.audit`.
"""

from __future__ import annotations

import numpy as np

from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.context import Engine
from ostraka.engine.deal import deal
from ostraka.engine.multiply import mul


async def random_bits(engine: Engine, shape: tuple[int, ...]) -> SecretArray:
    """Uniform secret bits, unknown to any t parties.

    Parties 0 to t each deal bits and all are XORed: 1 + ceil(log2(t + 1)) rounds, n - t - 1
    elements from each dealer and t products for each bit. With active security, whoever deals
    something else is found out before anything is revealed, as b b = b is proven too.
    """
    engine.need_products()
    length, local = int(np.prod(shape, dtype=np.int64)), None
    if engine.me <= engine.t:
        own = engine.random_words(engine.me, "random bits", ((length + 63) // 64,))
        bits = np.unpackbits(own.view(np.uint8), count=length).astype(np.uint64)
        local = bits.__getitem__
    dealt = await deal(engine, range(engine.t + 1), length, local, total=False)
    if engine.audit:
        for share in dealt:
            engine.audit.products(share, share, share)
    return (await xor_all([engine.array(share) for share in dealt])).reshape(shape)


async def xor_all(bits: list[SecretArray]) -> SecretArray:
    """The XOR of arrays of zeros and ones, all of one shape: ceil(log2) rounds of products."""
    while len(bits) > 1:
        half = len(bits) // 2
        a, b = concatenate(bits[:half]), concatenate(bits[half : 2 * half])
        joined = a + b - 2 * await mul(a, b)
        size = len(bits[0])
        bits = [joined[k * size : (k + 1) * size] for k in range(half)] + bits[2 * half :]
    return bits[0]
