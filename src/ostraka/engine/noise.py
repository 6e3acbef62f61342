"""Noise on secrets: every compute party deals a share of it, and nobody knows the sum.

t parties that are curious know their own shares of the noise; the others' are enough
(`privacy.shares`, honest = n - t). No secret is multiplied, so it costs one round.

Adversary: passive, at most t parties. One that lies, even with `Engine.audit`, can deal any noise
it likes, however large, and so move the result unnoticed: what others dealt still hides the inputs.
"""

from __future__ import annotations

from ostraka.engine.array import SecretArray
from ostraka.engine.deal import deal
from ostraka.privacy.shares import NoiseShares


async def add_noise(x: SecretArray, noise: NoiseShares) -> SecretArray:
    """x and the sum of everybody's noise: one round, n - t - 1 elements from each party for each
    element of x, which are as many as the noise's sensitivity says."""
    engine = x.engine
    drawn = noise.draw(engine.stream(engine.me, "noise"))
    own = engine.field.encode(drawn)
    dealt = await deal(engine, range(engine.n), x.size, own.__getitem__, total=True)
    return x + engine.array(dealt[0].reshape(x.shape))
