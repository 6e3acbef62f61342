"""Layers of a model in whole numbers: places, ranges and errors of what they compute.

Numbers are counted in units: of the query's type q, of the weights' type w. What enters layer i,
from 0, is counted in q * w^i, and so is a bias once it is multiplied by 1 / (q * w^(i - 1)): a
public whole number, as both units are 1 by a whole number. Nothing is rounded on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ostraka.engine.array import SecretArray
from ostraka.engine.compare import less_than_zero
from ostraka.engine.multiply import matmul, mul
from ostraka.inputs.encoding import Codec, Signed
from ostraka.manifest import DecimalType, FloatType
from ostraka.models import flattened


@dataclass(frozen=True)
class Numbers:
    """Range of encoded numbers, and the value of an encoded 1.

    Attributes:
        unit: 1 by a whole number.
        magnitude: the largest absolute value of an encoded number.
        rounding: the most by which reading a number changes its value.
    """

    unit: Fraction
    magnitude: int
    rounding: Fraction

    @classmethod
    def of(cls, codec: Codec) -> Numbers:
        """Return those of an input."""
        rounds = isinstance(codec.kind, FloatType)
        return cls(codec.quantum, codec.magnitude, codec.quantum / 2 * rounds)


@dataclass(frozen=True)
class Layers:
    """A model's layers, with ReLU between them.

    Attributes:
        sizes: inputs of the first layer, then outputs of each.
        query, weight: numbers of a query, and of weights and biases.
        kind: linear, logistic or mlp.
    """

    sizes: Sequence[int]
    query: Numbers
    weight: Numbers
    kind: str = "mlp"

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum((a + 1) * b for a, b in self._pairs())

    def _pairs(self) -> Iterator[tuple[int, int]]:
        return zip(self.sizes[:-1], self.sizes[1:], strict=True)

    def parts(self, model: Any) -> Iterator[tuple[Any, Any]]:
        """Yield each layer of a vector of parameters: its weights as a matrix of shape (inputs,
        outputs), its biases in the unit of the layer's products."""
        start, lift = 0, self.query.unit.denominator
        for a, b in self._pairs():
            end = start + a * b
            yield model[start:end].reshape(a, b), model[end : end + b] * lift
            start, lift = end + b, lift * self.weight.unit.denominator

    @property
    def shape(self) -> str:
        """The part of the model that the manifest tells all parties."""
        return f"{list(self.sizes)}"

    def comparisons(self, batch: int) -> int:
        """Return how many comparisons so many queries take, those for labels apart."""
        return batch * sum(self.sizes[1:-1])

    def products(self, batch: int) -> int:
        """Return how many products so many queries take, terms of sums included."""
        return batch * self.parameters

    def encode(self, raw: object, codec: Codec) -> Signed:
        """Write the numbers of a model, rounded: a model file's, or a list of them."""
        if isinstance(raw, dict):
            raw = flattened(raw, self.kind, self.sizes)
        return codec.encode(raw, lambda i: f"weight {i + 1}")

    async def evaluate(self, queries: SecretArray, model: SecretArray) -> SecretArray:
        """Compute the encoded scores: shape (batch, outputs).

        Rounds: one for each layer, and for each hidden one a comparison and one more.
        """
        found = queries
        for i, (weights, biases) in enumerate(self.parts(model)):
            if i:
                found = await mul(1 - await less_than_zero(found), found)
            found = await matmul(found, weights)
            found = found + biases.broadcast_to(found.shape)
        return found

    @property
    def unit(self) -> Fraction:
        """Value of an encoded 1 in a score."""
        return self.query.unit * self.weight.unit ** (len(self.sizes) - 1)

    def reaches(self) -> list[int]:
        """Return the largest absolute value of what each layer computes, encoded, before ReLU."""
        reach, lift, most = self.query.magnitude, self.query.unit.denominator, self.weight.magnitude
        found = []
        for a, _ in self._pairs():
            reach = a * reach * most + most * lift
            lift *= self.weight.unit.denominator
            found.append(reach)
        return found

    def fits(self, capacity: int, compared: int) -> bool:
        """Return whether nothing can exceed `capacity`, scores times `compared` included."""
        *hidden, last = self.reaches()
        return max([*hidden, compared * last]) <= capacity

    def error(self) -> Fraction:
        """Return the most by which a score may differ from that of the model before rounding, for
        the query before rounding: as far as if all roundings added up."""
        reach = self.query.magnitude * self.query.unit
        error, bound = self.query.rounding, self.weight.magnitude * self.weight.unit
        for a, _ in self._pairs():
            error = a * (reach * self.weight.rounding + error * bound) + self.weight.rounding
            reach = (a * reach + 1) * bound
        return error

    def scores(self, queries: Signed, model: Signed) -> NDArray[np.int64]:
        """Compute the encoded scores in the clear.

        Args:
            queries: shape (batch, inputs).

        Returns:
            Shape (batch, outputs).
        """
        found = queries
        for i, (weights, biases) in enumerate(self.parts(model)):
            found = (np.maximum(found, 0) if i else found) @ weights + biases
        return found


Shape = TypeVar("Shape", bound=Any)


def narrower(
    layers: Shape, codec: Codec, fits: Callable[[Shape], bool]
) -> FloatType | DecimalType | None:
    """Return the finest type of weights, coarser than the manifest's, that fits; None for none."""
    digits = {FloatType: ("bits", 2), DecimalType: ("places", 10)}.get(type(codec.kind))
    if digits is None:
        return None
    key, base = digits
    bound = codec.magnitude * codec.quantum
    for count in range(getattr(codec.kind, key) - 1, 0, -1):
        unit = Fraction(1, base**count)
        if fits(replace(layers, weight=Numbers(unit, ceil(bound / unit), unit / 2))):
            return FloatType(count) if key == "bits" else DecimalType(count)
    return None
