"""A sharing of zero among 2t + 1 parties, without a message: [CDI05]

Pairs of parties have streams in common; one of a pair adds what it reads, the other subtracts it.
Whatever t parties know, those that are left stay connected by streams, so their parts are uniform
but for the sum.
"""

from __future__ import annotations

from ostraka.arithmetic.randomness import Words
from ostraka.engine.context import Engine


def with_zero(engine: Engine, x: Words) -> Words:
    """x, which is overwritten, plus our part of zero. For parties 0 to 2t alone."""
    for party in _neighbours(engine) if len(x) else ():
        word = engine.uniform(party, "zero", len(x))
        x = (engine.field.add if engine.me < party else engine.field.subtract)(x, word, out=x)
    return x


def _neighbours(engine: Engine) -> list[int]:
    """The (t + 2) // 2 next on either side: such a circle stays in one piece without any t."""
    k, near = 2 * engine.t + 1, (engine.t + 2) // 2
    return [j for j in range(k) if 0 < min((j - engine.me) % k, (engine.me - j) % k) <= near]
