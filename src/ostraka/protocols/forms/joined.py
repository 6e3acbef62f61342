"""Figures over the rows that lists have in common: names, units, and values from what is opened.

Opened are the number of rows, a sum of each list with values, and any sum of the products of two
lists' values, each times a public scale: where
there is noise, the scales make one row change all figures alike, so that one noise suits them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Literal

from ostraka.inputs.encoding import Codec, Signed
from ostraka.inputs.rendering import renderer
from ostraka.manifest import DecimalType, FloatType
from ostraka.noise.shares import NoiseShares, Sensitivity
from ostraka.outcome import Output, Value
from ostraka.protocols.forms.central import noised
from ostraka.protocols.forms.units import product_unit
from ostraka.values import EXACT_JSON

Figure = Literal["size", "sum", "mean", "dot"]

Pair = tuple[Codec, Codec]
"""Codecs of two owners' values, which are multiplied row by row."""


@dataclass(frozen=True)
class JoinedFigures:
    """Figures that a join is asked for.

    Attributes:
        asked: in order.
        codecs: of each column that is summed up, by name.
        alone: whether there is no other column, so that a figure needs no column's name.
        scales: for the number of rows, then each of `codecs`.
        rows: the most rows of a list.
        pair: of the two owners whose values are multiplied, if that is asked.
    """

    asked: Sequence[Figure]
    codecs: Mapping[str, Codec]
    alone: bool
    scales: Sequence[int]
    rows: int
    pair: Pair | None = None

    @classmethod
    def of(
        cls,
        asked: Sequence[Figure],
        codecs: Mapping[str, Codec],
        rows: int,
        *,
        alone: bool,
        noise: bool,
        pair: Pair | None = None,
    ) -> JoinedFigures:
        """Return the figures, scaled for noise if there is any."""
        reach = _reach(codecs, pair)
        scales = [max(reach) // each if noise else 1 for each in reach]
        return cls(asked, codecs, alone, scales, rows, pair)

    @property
    def opened(self) -> int:
        """Number of integers that figures follow from."""
        return len(self.scales)

    @property
    def sensitivity(self) -> Sensitivity:
        """Bound of the change to the opened integers by one row of a list, with its value."""
        pairs = zip(self.scales, _reach(self.codecs, self.pair), strict=True)
        change = [scale * each for scale, each in pairs]
        return Sensitivity(sum(change), sum(each * each for each in change), self.opened)

    def named(self) -> Iterator[tuple[str, str]]:
        """Yield the name and the unit of each figure."""
        for figure in self.asked:
            if figure == "size":
                yield figure, "rows"
            elif figure == "dot":
                yield figure, self._unit
            else:
                yield from ((self._name(figure, o), c.schema.unit) for o, c in self.codecs.items())

    def _name(self, figure: Figure, owner: str) -> str:
        return figure if self.alone else f"{figure} {owner}"

    def outputs(self, numbers: Signed, noise: NoiseShares | None, makers: int) -> Iterator[Output]:
        """Yield each figure from the opened integers; noise of so many makers is in them."""
        for figure in self.asked:
            if figure == "size":
                render = partial(_nearest, self.scales[0])
                yield noised(
                    Output(figure, "rows", (numbers[:1],), render, scalar=True), noise, makers
                )
                continue
            if figure == "dot" and self.pair:
                yield noised(self._dot(self.pair, numbers[-1:]), noise, makers)
                continue
            for i, (owner, codec) in enumerate(self.codecs.items(), start=1):
                name, total = self._name(figure, owner), numbers[i : i + 1]
                if figure == "sum":
                    yield noised(self._sum(name, codec, self.scales[i], total), noise, makers)
                else:
                    scale = Fraction(self.scales[0], self.scales[i])
                    yield _mean_of(name, codec, scale, (total, numbers[:1]), noise is not None)

    def _sum(self, name: str, codec: Codec, scale: int, total: Signed) -> Output:
        render, wide = partial(_sum, _shown(codec), scale), codec.wide(self.rows)
        return Output(name, codec.schema.unit, (total,), render, scalar=True, wide=wide)

    @property
    def _unit(self) -> str:
        return product_unit(*(codec.schema.unit for codec in self.pair or ()))

    def _dot(self, pair: Pair, total: Signed) -> Output:
        """Return the sum of products."""
        quantum = pair[0].quantum * pair[1].quantum
        kinds = [codec.kind for codec in pair]
        if any(isinstance(kind, FloatType) for kind in kinds):
            shown: Callable[[int], Value] = partial(_as_float, quantum)
        else:
            decimal = any(isinstance(kind, DecimalType) for kind in kinds)
            shown = renderer(quantum, as_text=decimal)
        most = self.rows * pair[0].magnitude * pair[1].magnitude
        render = partial(_sum, shown, self.scales[-1])
        return Output("dot", self._unit, (total,), render, scalar=True, wide=most > EXACT_JSON)

    def withheld(self, why: str) -> tuple[Output, ...]:
        """Return each figure without its value."""
        return tuple(
            Output(name, unit, (), None, scalar=True, withheld=why) for name, unit in self.named()
        )


def _reach(codecs: Mapping[str, Codec], pair: Pair | None) -> list[int]:
    """Return what one row may change in the number of rows, each sum, and that of products."""
    products = [(pair[0].magnitude * pair[1].magnitude) or 1] if pair else []
    return [1, *(codec.magnitude or 1 for codec in codecs.values()), *products]


def _mean_of(
    name: str, codec: Codec, scale: Fraction, parts: tuple[Signed, Signed], blurred: bool
) -> Output:
    unit = codec.schema.unit
    if parts[1][0] <= 0:
        why = "no row is in all lists, so there is no mean"
        return Output(name, unit, (), None, scalar=True, withheld=why)
    return Output(name, unit, parts, partial(_mean, codec, scale), scalar=True, noised=blurred)


def _nearest(scale: int, number: int) -> int:
    return number if scale == 1 else round(Fraction(number, scale))


def _shown(codec: Codec) -> Callable[[int], Value]:
    if isinstance(codec.kind, FloatType):
        return lambda total: total * codec.quantum.numerator / codec.quantum.denominator
    return renderer(codec.quantum, as_text=isinstance(codec.kind, DecimalType))


def _as_float(quantum: Fraction, total: int) -> float:
    return float(total * quantum)


def _sum(shown: Callable[[int], Value], scale: int, total: int) -> Value:
    return shown(_nearest(scale, total))


def _mean(codec: Codec, scale: Fraction, total: int, size: int) -> Value:
    if isinstance(codec.kind, FloatType):
        return float(total * scale * codec.quantum / size)
    return renderer(scale * codec.quantum / size, as_text=True)(total)
