"""Weighted means: contributors bring the weights that their values count with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import Final

import numpy as np

from ostraka.inputs.encoding import Codec, Signed
from ostraka.inputs.reading import describe
from ostraka.inputs.rows import Rows
from ostraka.manifest import DecimalType, Manifest
from ostraka.names import PartyId
from ostraka.outcome import Output, Value
from ostraka.protocols.options import refuse
from ostraka.values import EXACT_JSON

Finish = Callable[[Fraction], Callable[[int], Value]]

OFFERED: Final = ("sum", "mean", "count")
"""Statistics of weighted rows."""

_FALSE: Final = "the weights add up to no positive number: a contributor gave a false one"


class Weighted:
    """Sum of value times weight, the sum of weights, and their ratio.

    A contributor shares length + 1 elements: its rows' sums of value times weight, and the sum of
    their weights, from 1 to `most`. Recipients learn both sums over all contributors, not only
    their ratio.

    Args:
        codec: of one row's values.
        most: the largest sum of one contributor's weights.
        finish: makes the function that turns an integer, in units of a fraction, into its value.
    """

    def __init__(self, codec: Codec, most: int, finish: Finish) -> None:
        self.codec, self.most, self._finish = codec, most, finish
        self.rows = Rows(codec, most)
        self.opened = codec.length + 1

    @classmethod
    def of(
        cls, manifest: Manifest, asked: Collection[str], most: int | None, finish: Finish
    ) -> Weighted:
        """Read what the manifest asks for.

        Raises:
            ManifestError: what goes with no weights of a contributor's own is asked for.
        """
        if not manifest.input.type.numeric:
            refuse(f"outputs.weights: goes with numbers, not with {manifest.input.type}")
        for name in asked:
            if name not in OFFERED:
                refuse(f"outputs.weights: goes with {', '.join(OFFERED)}, not with {name!r}")
        if most is None:
            refuse(
                "outputs.max_weight: is missing: the largest weight that a contributor may have, "
                "such as 100000"
            )
        if manifest.privacy.local or manifest.privacy.central or manifest.privacy.clip:
            refuse(
                "privacy: noise and clipping do not go with weights: noise would have to hide a "
                f"contributor of weight {most}, and so most of the answer",
                hint="leave [privacy] out, or leave weights out of [outputs]",
            )
        return cls(Codec(manifest.input), most, finish)

    def input_in_words(self) -> str:
        """Say what a contributor types in: "VALUE;WEIGHT, VALUE: int from 0 to 9, ..."."""
        return (
            f"VALUE;WEIGHT, VALUE: {describe(self.codec.schema)}, WEIGHT: a whole number up to "
            f"{self.most}, 1 where it is left out"
        )

    @property
    def largest(self) -> int:
        """Largest absolute value of an element that one contributor shares."""
        return max(self.codec.magnitude, 1) * self.most

    def outputs(self, opened: Signed, asked: Collection[str], n: int) -> tuple[Output, ...]:
        """Make the figures asked for, and the sum of weights.

        Args:
            opened: shape (length + 1,).
            n: the contributors counted.
        """
        sums, weight = opened[:-1], int(opened[-1])
        q, unit, scalar = self.codec.quantum, self.codec.schema.unit, self.codec.length == 1
        wide = n * self.most > EXACT_JSON
        whole = self._whole
        made = {
            "sum": Output(
                "sum",
                unit,
                (sums,),
                None if whole else self._finish(q),
                scalar,
                wide=whole and self.codec.wide(n * self.most),
            ),
            "count": Output("count", "", (np.array([n]),), None, scalar=True),
            "mean": Output("mean", unit, (), None, scalar, withheld=_FALSE)
            if weight <= 0
            else Output("mean", unit, (sums,), self._finish(q / weight), scalar),
        }
        total = Output("weight", "", (np.array([weight]),), None, scalar=True, wide=wide)
        return (*(made[name] for name in asked), total)

    @property
    def _whole(self) -> bool:
        """Whether the manifest makes every sum a whole number."""
        return self.codec.quantum == 1 and not isinstance(self.codec.kind, DecimalType)

    def plaintext(
        self, inputs: Mapping[PartyId, object], asked: Collection[str]
    ) -> dict[str, Value]:
        """Compute the figures by the textbook, from the raw inputs in the clear: for tests."""
        parts = [list(map(int, self.rows.encode(raw))) for raw in inputs.values()]
        *sums, weight = (sum(column) for column in zip(*parts, strict=True))
        found: dict[str, Value] = {}
        for name in asked:
            by = weight if name == "mean" else 1
            each: list[Value] = [self._finish(s * self.codec.quantum / by)(1) for s in sums]
            if name == "sum" and self._whole:
                each = sums
            found[name] = each[0] if self.codec.length == 1 else each
            if name == "count":
                found[name] = len(parts)
        return {**found, "weight": weight}

    def explain(self) -> list[str]:
        """Say what a contributor gives, what counts how often, and what else becomes known."""
        several = f"{self.codec.length} values" if self.codec.length > 1 else "a value"
        return [
            "Unit: each unit of weight counts once, so that a mean is over what weights count, "
            f"such as people, and not over contributors. A contributor gives {several} and a "
            "weight (55.2;300), or a row of these on each line, or a line for each person without "
            "a weight; it adds them up before it shares anything. Its weights are whole numbers "
            f"and add up to 1 to {self.most}.",
            "Recipients learn both sums, not only their ratio. All contributors but one, comparing "
            "notes, learn the last one's weight as well as its mean; and a contributor with most "
            "of the weight has a mean close to the answer.",
        ]
