"""Additive sharing of zero among parties 0 to 2t, without a message, from streams of pairs.

[CDI05] makes sharings of zero from streams that sets of parties hold in common; here pairs do: one
of a pair adds what it reads, the other subtracts it. Without any t parties, the others stay
connected by streams that those t do not know. So to those t the others' parts are uniform but for
their sum.
"""

from __future__ import annotations

from ostraka.arithmetic.randomness import Words
from ostraka.engine.shamir.context import Context


def with_zero(engine: Context, x: Words) -> Words:
    """Add this party's part of zero to x, which is overwritten. Only parties 0 to 2t call it."""
    for party in _neighbours(engine) if len(x) else ():
        drawn = engine.uniform(party, "zero", len(x))
        x = (engine.field.add if engine.me < party else engine.field.subtract)(x, drawn, out=x)
    return x


def _neighbours(engine: Context) -> list[int]:
    """Return the (t + 2) // 2 next on either side: such a circle stays whole without any t."""
    k, near = 2 * engine.t + 1, (engine.t + 2) // 2
    return [j for j in range(k) if 0 < min((j - engine.me) % k, (engine.me - j) % k) <= near]
