"""Noise on secrets: every compute party deals a share of it, and nobody knows the sum.

t parties that are curious know their own shares of the noise; the others' are enough
(`privacy.shares`, honest = n - t). No secret is multiplied, so it costs one round.

Adversary: at most t parties. Passive; with `Engine.audit` active: each share is proven to be within
the bound of what is drawn, which takes a comparison and an opening more. A party that lies can
still deal the largest there is, and so move each element by that much, unnoticed; without an audit,
by anything. It learns no more for it: what others dealt still hides the inputs.
"""

from __future__ import annotations

import numpy as np

from ostraka.engine.array import SecretArray, stack
from ostraka.engine.compare import less_than_zero
from ostraka.engine.deal import deal
from ostraka.engine.reveal import reveal
from ostraka.errors import PeerViolation
from ostraka.noise.shares import NoiseShares


async def add_noise(x: SecretArray, noise: NoiseShares) -> SecretArray:
    """x and the sum of everybody's noise: n - t - 1 elements from each party for each element of x,
    which are as many as the noise's sensitivity says.

    Raises:
        PeerViolation: with active security, somebody dealt what no noise is.
    """
    engine = x.engine
    own = engine.field.encode(noise.draw(engine.stream(engine.me, "noise")))
    everybody, proven = range(engine.n), engine.audit is not None
    dealt = await deal(engine, everybody, x.size, own.__getitem__, total=not proven)
    shares = stack([engine.array(share) for share in dealt])
    if proven:
        await _check(shares, noise.share.bound)
    return x + shares.sum(axis=0).reshape(x.shape)


async def _check(shares: SecretArray, bound: int) -> None:
    """Of each party how many are beyond the bound: that is 0 of whoever is honest."""
    beyond = await less_than_zero(stack([shares + bound, bound - shares]))
    counts = await reveal(beyond.sum(axis=(0, 2)))
    assert counts is not None
    for party in np.flatnonzero(counts):
        name = shares.engine.names[party]
        raise PeerViolation(f"{name} dealt noise that is larger than any", peer=name)
