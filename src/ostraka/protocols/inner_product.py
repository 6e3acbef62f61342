"""Inner products of two owners' vectors, without showing either vector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any, Final, Literal

import numpy as np
from pydantic import StrictBool

from ostraka.arithmetic.randomness import Words
from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.backend import FREE_NS, Backend, backend_of
from ostraka.engine.compare import less_than_zero
from ostraka.engine.multiply import dot, mul
from ostraka.inputs.encoding import Codec
from ostraka.inputs.rendering import renderer
from ostraka.manifest import ChoiceType, DecimalType, FloatType, Manifest
from ostraka.names import PartyId
from ostraka.outcome import Output, Value
from ostraka.protocols.bench_case import BenchCase, numbers
from ostraka.protocols.forms.units import product_unit
from ostraka.protocols.interactive import COMPARISONS, Interactive, all_zero, apart
from ostraka.protocols.options import InputOptions, read_options, refuse
from ostraka.protocols.sentences import IF_INVALID, explain_interactive, listed, names
from ostraka.protocols.shares import Shares
from ostraka.values import EXACT_JSON

BENCH: Final = {
    "inner-product": BenchCase(
        lambda size: {"input": {"type": "int", "length": size, "min": 0, "max": 1_000_000}},
        numbers,
        lambda _, size: (np.array([numbers(0, size) @ numbers(1, size)]),),
        owners=2,
    )
}


class InnerProductOptions(InputOptions):
    """`[outputs]` of an inner product.

    Attributes:
        checked: whether the compute parties find every element to be within its bounds, without
            seeing it.
        invalid: without one of the vectors there is no result: the run stops.
    """

    invalid: Literal["abort"] = "abort"
    checked: StrictBool = True


class InnerProduct(Interactive):
    """Inner product <x, y> of two owners' vectors. [BGW88] [GRR98]

    Contributors: two owners, d numbers or bools each; each owner has its own type, bounds and unit.
    Recipients learn: the inner product, exactly: decimals of k and l places have one of k + l.
    Compute parties learn which owner's elements are out of bounds. No party learns more.
    Rounds: 3 where bounds are not checked: one to share, one that brings the degree of the sum of
    products back to t, one to open; with the check 3 more and one comparison; the proof of active
    security adds some, with the length. Bytes: an owner sends 8 d to each of n - t compute parties
    and 32 to each of the t others; between compute parties one element travels, for any d, besides
    what the check and the proof send. `cost()` is exact.
    Tolerates: t curious compute parties of n >= 2t + 1, who must all stay; the owners may be among
    them. With active security t that lie can only stop the run.
    """

    name = "inner-product"
    between = "the vectors of two"
    bench_cases = BENCH
    opened = 1
    options_model = InnerProductOptions
    options: InnerProductOptions

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self.options = read_options(InnerProductOptions, manifest)
        self._require_two_owners()
        schemas = [manifest.input_of(owner) for owner in self.contributors]
        self.codecs = [Codec(schema) for schema in schemas]
        self.units = [schema.unit for schema in schemas]
        self.size = self.codecs[0].length
        self._require_numbers_of_one_length()
        self._require_no_overflow()
        self._require_few_checks()

    # --- the figure -----------------------------------------------------------------------------

    async def evaluate(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        if self.options.checked:
            x = await self._checked(x, shares)
        one, other = apart(x, shares).values()
        return (await dot(one, other)).reshape(1)

    async def _checked(self, x: SecretArray, shares: Shares) -> SecretArray:
        """Share both vectors afresh, and stop unless all of their elements are within bounds."""
        y = await mul(x, x.engine.public(1))
        low, high = (np.array(bounds)[:, None] for bounds in zip(*self._bounds, strict=True))
        asked = await backend_of(y).offload(
            4 * FREE_NS * y.size, lambda: concatenate([y - low, -(y - high)], axis=1)
        )
        less = await less_than_zero(asked)
        await self.reject_invalid(shares, await all_zero(less), "a vector within its bounds")
        return y

    def combine(self, opened: Words, counted: Sequence[PartyId]) -> tuple[Output, ...]:
        part = self.scheme.to_signed(opened)
        return (
            Output(
                self.name,
                self._unit,
                (part,),
                self._shown,
                scalar=True,
                wide=self._reach > EXACT_JSON,
            ),
        )

    @property
    def _shown(self) -> Any:
        """Renderer of an encoded inner product as people write the number."""
        factor = prod((codec.quantum for codec in self.codecs), start=Fraction(1))
        if any(isinstance(codec.kind, FloatType) for codec in self.codecs):
            return lambda total: total * factor.numerator / factor.denominator
        decimal = any(isinstance(codec.kind, DecimalType) for codec in self.codecs)
        return renderer(factor, as_text=decimal)

    @property
    def _unit(self) -> str:
        return product_unit(*self.units)

    @property
    def _reach(self) -> int:
        """The largest absolute value of the encoded inner product."""
        return self.size * prod(codec.magnitude for codec in self.codecs)

    @property
    def _bounds(self) -> list[tuple[int, int]]:
        return [(codec.low, codec.high) for codec in self.codecs]

    # --- before anything runs -------------------------------------------------------------------

    def _require_two_owners(self) -> None:
        owners = len(self.contributors)
        if owners != 2:
            refuse(f"party: an inner product is of two contributors' vectors, not of {owners}")
        if self.manifest.policy.min_contributors != 2:
            refuse("policy.min_contributors: both vectors are needed: leave it out, or say 2")

    def _require_numbers_of_one_length(self) -> None:
        lengths = list(self.lengths.values())
        if lengths[0] != lengths[1]:
            refuse(
                "input.length: both vectors must be equally long, and "
                + " and ".join(f"{c}'s has {k} elements" for c, k in self.lengths.items())
            )
        for codec in self.codecs:
            if isinstance(codec.kind, ChoiceType):
                refuse(f"input.type: {self.name} multiplies numbers or bools, not {codec.kind}")

    def _require_no_overflow(self) -> None:
        """Refuse bounds with which an inner product, or a comparison, could wrap around."""
        capacity, less = self.scheme.capacity, "narrow the bounds, or use fewer digits"
        for owner, codec in zip(self.contributors, self.codecs, strict=True):
            if 2 * (codec.high - codec.low) + 2 * codec.magnitude > capacity:
                refuse(f"input.max: {owner}'s numbers are too large or too far apart", hint=less)
        largest = self._reach
        if largest > capacity:
            unit = prod((codec.quantum for codec in self.codecs), start=Fraction(1))
            refuse(
                f"input.max: an inner product of {self.size} elements can reach {largest} in units "
                f"of {unit}, and {self.scheme.name} sharing holds at most {capacity}",
                hint=less,
            )

    def _require_few_checks(self) -> None:
        most = self.most_of(COMPARISONS)
        if self.options.checked and 4 * self.size > most:
            refuse(
                f"input.length: checking {self.size} elements of both vectors against their bounds "
                f"takes too long; at most {most // 4} are checked",
                hint="shorten the vectors, or say checked = false in [outputs], if the owners "
                "trust each other's programs",
            )

    def plaintext(self, inputs: Mapping[PartyId, object]) -> dict[str, Value]:
        pairs = zip(self.contributors, self.codecs, strict=True)
        x, y = (codec.encode(inputs[owner]).tolist() for owner, codec in pairs)
        return {self.name: self._shown(sum(a * b for a, b in zip(x, y, strict=True)))}

    # --- in words -------------------------------------------------------------------------------

    def explain(self) -> list[str]:
        vectors = " and ".join(f"{owner}'s" for owner in self.contributors)
        answer = [*self._questions(), self._again(), self._checks_in_words()]
        return explain_interactive(self, f"the inner product of {vectors} vectors", answer)

    def _questions(self) -> Iterator[str]:
        """Say what an owner can ask with its vector, and which recipients get the answer."""
        for me, other in ((0, 1), (1, 0)):
            owner, whose = self.contributors[me], self.contributors[other]
            if owner in self.recipients:
                yield f"WARNING: {owner} learns the result and chooses its vector: " + (
                    self._readable(me, other, whose)
                )
        outside = [name for name in self.recipients if name not in self.contributors]
        if outside:
            one = len(outside) == 1
            yield (
                f"The answer itself: {names(outside)} learn{'s' * one} one number that depends on "
                "both vectors. An owner who is told it, and chose its own vector for that, reads "
                "single elements of the other's from it."
            )

    def _readable(self, me: int, other: int, whose: str) -> str:
        (low, high), codec = self._bounds[me], self.codecs[me]
        if self.size == 1:
            return f"divided by its own number, it is {whose}'s."
        if not low <= 0 <= high or not codec.magnitude:
            return f"it decides how much each of {whose}'s elements counts in the result."
        text = f"a vector that is 0 but in one place reads that element of {whose}'s"
        if (count := self._packed(me, other)) > 1:
            text += f", and its bounds leave room to read {count} of them at once"
        return text + "."

    def _packed(self, me: int, other: int) -> int:
        """Count the elements that weights 1, B, B^2, ... keep apart, each of B values."""
        (low, high), weight, count = self._bounds[other], 1, 0
        while weight <= self.codecs[me].magnitude and count < self.size:
            weight, count = weight * (high - low + 1), count + 1
            if high == low:
                return 1
        return count

    def _again(self) -> str:
        times = f"{self.size} of them tell" if self.size > 1 else "one tells"
        return (
            "Repeated sessions: each answers one more such question, and no more than "
            f"{times} an owner who learns the results the whole vector of the other. Rules about "
            "whose inputs differ (same_roster_only, min_difference) do not refuse that; a budget "
            "in a party's ledger does, as the answer is exact."
        )

    def _checks_in_words(self) -> str:
        if not self.options.checked:
            return (
                "WARNING: elements are not checked against their bounds (checked = false). An "
                "owner whose program does not follow the protocol can share larger numbers, and "
                "so read many elements of the other's vector from one answer, unnoticed."
            )
        each = listed(
            [self._range(c, m) for c, m in zip(self.contributors, self.codecs, strict=True)]
        )
        return (
            f"Inputs are checked before they count, without being seen: {each}. Anything else is "
            f"found, its value hidden: {IF_INVALID['abort']}."
        )

    @staticmethod
    def _range(owner: str, codec: Codec) -> str:
        if not codec.kind.numeric:
            return f"{owner}'s elements are true or false"
        return f"{owner}'s elements are from {codec.schema.min} to {codec.schema.max}"
