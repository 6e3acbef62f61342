"""Numbers that are found to be within the manifest's bounds before they count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.compare import less_than_zero
from ostraka.engine.context import Engine
from ostraka.engine.multiply import mul
from ostraka.manifest import DecimalType, FloatType, Manifest
from ostraka.protocols.interactive import InputOptions, Interactive, all_zero, refuse
from ostraka.protocols.order import pairs, ranks_from
from ostraka.protocols.protocol import Shares, Value
from ostraka.sharing.encoding import Codec, renderer
from ostraka.sharing.randomness import Words


class Ranked(NamedTuple):
    """Numbers, shape (contributors counted, `length`); their ranks as in `order.ranks`; and 1 for
    each that is below the floor."""

    x: SecretArray
    rank: SecretArray
    below: SecretArray


class Comparing(Interactive):
    """What protocols that compare the contributors' numbers have in common."""

    def _prepare(self, manifest: Manifest, options: InputOptions) -> None:
        self.options = options
        self.codec = Codec(manifest.input)
        self.length = self.codec.length
        if not manifest.input.type.numeric:
            refuse(f"input.type: {self.name} compares numbers, not {manifest.input.type}")
        if 2 * (self.codec.high - self.codec.low) + 2 * self.codec.magnitude > self.scheme.capacity:
            refuse(
                f"input.max: numbers from {manifest.input.min} to {manifest.input.max} are too far "
                f"apart to be compared in units of {self.codec.quantum}",
                hint="narrow the bounds, or use fewer digits",
            )

    def encode(self, raw: object) -> Words:
        return self.scheme.from_signed(self.codec.encode(raw))

    async def ranked(
        self, engine: Engine, x: SecretArray, shares: Shares, what: str, floor: int = 0
    ) -> Ranked:
        """The rows of x that are within the manifest's bounds, and everything compared at once.

        The rows are shared afresh, so that shares on no polynomial do no harm. Whose rows are out
        of bounds becomes known to the compute parties, how far does not. Rounds: 4 and one
        comparison.

        Args:
            floor: what every number is compared with.

        Raises:
            PeerViolation: a row is out of bounds, and the manifest says to stop then.
        """
        y = await mul(x, engine.public(1))
        k, (first, second) = len(y), pairs(len(y))
        low, high = y - self.codec.low, self.codec.high - y
        every = concatenate([low, high, y - floor, y[first] - y[second]])
        less = await less_than_zero(every)
        valid = await all_zero(concatenate([less[:k], less[k : 2 * k]], axis=1))
        self.turn_away(shares, valid, what)
        both = valid[first] & valid[second]
        rank = ranks_from(less[3 * k :][both], int(valid.sum()))
        return Ranked(y[valid], rank, less[2 * k : 3 * k][valid])

    def shown(self, parts: int = 1) -> Callable[[int], Value]:
        """From the sum of so many encoded numbers to their mean as people write it."""
        factor = self.codec.quantum / parts
        if isinstance(self.codec.kind, FloatType):
            return lambda total: total * factor.numerator / factor.denominator
        render: Callable[[int], Any] = renderer(
            factor, as_text=isinstance(self.codec.kind, DecimalType)
        )
        return render
