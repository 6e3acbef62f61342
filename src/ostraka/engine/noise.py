"""Noise on secrets: every compute party deals a share of it, and no t parties know the sum.

t parties that are curious know their own shares of the noise; the others' are enough
(`noise.shares`, honest = n - t). No secret is multiplied, so it costs one round.

Adversary: at most t parties. Passive; with active security each share is proven to be within
the bound of what is drawn, which takes a comparison and an opening more. A party that lies can
still deal the largest there is, and so move each element by that much, unnoticed; with passive
security, by anything. It learns no more for it: what the others dealt still hides the inputs.
"""

from __future__ import annotations

import numpy as np

from ostraka.engine.array import SecretArray, stack
from ostraka.engine.backend import backend_of
from ostraka.engine.compare import less_than_zero
from ostraka.engine.reveal import reveal
from ostraka.errors import PeerViolation
from ostraka.inputs.encoding import Signed
from ostraka.noise.shares import NoiseShares


async def add_noise(x: SecretArray, noise: NoiseShares, drawn: Signed | None = None) -> SecretArray:
    """Add every compute party's share of the noise to x; noise and result stay secret.

    One round, in which each party sends n - t - 1 elements for each element over Shamir shares;
    with active security a comparison, an opening and a proof more.

    Args:
        x: as many elements as the noise was made for.
        drawn: this party's share of the noise. It should be drawn before peers wait for it, since
            the time it takes depends on it; None: it is drawn now.

    Raises:
        PeerViolation: with active security, a party dealt a number that its noise cannot be.
    """
    engine = backend_of(x)
    own = engine.ring.encode(noise.draw(engine.own("noise")) if drawn is None else drawn)
    dealt = await engine.deal(range(engine.n), own, (x.size,), total=not engine.active)
    if engine.active:
        await _check(stack(dealt), noise.share.bound)
    return x + stack(dealt).sum(axis=0).reshape(x.shape)


async def _check(shares: SecretArray, bound: int) -> None:
    """Open for each party how many of its numbers are beyond the bound: 0 of an honest party's."""
    beyond = await less_than_zero(stack([shares + bound, bound - shares]))
    counts = await reveal(beyond.sum(axis=(0, 2)))
    assert counts is not None
    for party in np.flatnonzero(counts):
        name = backend_of(shares).names[int(party)]
        raise PeerViolation(f"{name} dealt noise beyond its bound", peer=name)
