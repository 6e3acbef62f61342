"""Sums and what follows from sums: mean, count, variance, histogram."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from fractions import Fraction
from typing import ClassVar, Final

import numpy as np

from ostraka.arithmetic.randomness import Draw, Stream, Words
from ostraka.delivery.party import Party
from ostraka.inputs.encoding import Codec, Signed
from ostraka.inputs.rendering import renderer
from ostraka.inputs.row_forms import RowForm, WeightedForm
from ostraka.manifest import BoolType, ChoiceType, DecimalType, FloatType, Manifest
from ostraka.names import PartyId
from ostraka.noise.clipping import sensitivity
from ostraka.noise.shares import Sensitivity
from ostraka.outcome import Output, Value
from ostraka.protocols.bench_case import SUM_CASES
from ostraka.protocols.forms.central import (
    AdditiveShares,
    by_contributors,
    curious_makers,
    explain_noise,
    noised,
)
from ostraka.protocols.forms.epsilons import explain_large, refuse_small
from ostraka.protocols.forms.figures import Statistic, SumOptions
from ostraka.protocols.forms.local_noise import clipping_of, local_noise
from ostraka.protocols.forms.units import explain_unit
from ostraka.protocols.forms.variance import NoisedVariance
from ostraka.protocols.forms.weighted import Weighted
from ostraka.protocols.noised_range import KNOWN_INPUTS, KNOWN_VOTES, LARGE_INPUT, NoisedRange
from ostraka.protocols.options import read_options, refuse
from ostraka.protocols.protocol import Protocol
from ostraka.protocols.sentences import explain_linear
from ostraka.protocols.shares import Shares
from ostraka.record.budget import Spend

EXPAND_NS: Final = 6
"""Nanoseconds to read an element of a share from its seed and to add it, about."""


class SecureSum(Protocol):
    """Sum of the contributors' vectors, elementwise. [BGW88]

    Contributors: d numbers each (`[input] length`), within the manifest's bounds; they add their
    squares when a variance is asked for, or with noise (x - min)(max - x), and share one 0/1 vector
    for each option of a choice.
    Recipients learn: the sums asked for (mean: the sum; variance: the sums of x and of what
    was added) and who was counted. No other party learns anything.
    Rounds: additive 1, or 2 where a contributor does not compute, and one more from 4096 elements
    with several recipients; shamir 4. Bytes: `cost()`.
    Tolerates: additive n - 1 curious compute parties and no loss; shamir t curious ones, and the
    loss of n - t - 1 of them once all contributors have shared. With active security t compute
    parties of n >= 2t + 1, and contributors, that do what they like, and no loss: all n shares must
    be of one sum, which the n - t honest ones determine.
    With local noise each contributor shares a report of its vector instead (`local_noise`); with
    central noise it adds a share of the noise to its vector. [GX15] [KLS21]
    """

    name = "secure-sum"
    bench_cases = SUM_CASES
    options_model = SumOptions
    securities: ClassVar[tuple[str, ...]] = ("passive", "active")
    noises = frozenset({"local", "central"})

    def __init__(self, manifest: Manifest) -> None:
        self.options = read_options(SumOptions, manifest)
        super().__init__(manifest)
        self.statistics = self.options.asked
        self.codec = Codec(manifest.input)
        self.weighted = self._weighted(self.options)
        self.clipping = clipping_of(manifest, self.codec)
        self.terms = self._terms()
        self._check()
        self.opened = self.weighted.opened if self.weighted else self._width() * len(self.terms)
        self.lengths = dict.fromkeys(self.contributors, self.opened)
        apart = sensitivity(self.codec, self.clipping, spreads="spread" in self.terms)
        self.local = local_noise(manifest, self.codec, apart)
        self.noise = self._joint_noise(apart)
        self._check_overflow()

    # --- the figure ---------------------------------------------------------------------------

    def encode(self, me: PartyId, raw: object) -> Words:
        if self.weighted:
            return self.scheme.from_signed(self.weighted.rows.encode(raw))
        x = self._whole(raw)
        parts = [self._term(term, x) for term in self.terms]
        return self.scheme.from_signed(parts[0] if len(parts) == 1 else np.concatenate(parts))

    def _whole(self, raw: object) -> Signed:
        """Encode an input as whole numbers, and shorten it to what `[privacy] clip` allows."""
        x = self.codec.encode(raw)
        return self.clipping(x) if self.clipping else x

    def _term(self, term: str, x: Signed) -> Signed:
        """Compute what one contributor adds to the sum of a term."""
        if term == "1":
            return np.ones(1, np.int64)
        if term == "x^2":
            return x * x
        if term == "spread":
            return (x - self.codec.low) * (self.codec.high - x)
        if not self.options_count:
            return x
        one_hot: Signed = (x[:, None] == np.arange(self.options_count)).astype(np.int64)
        return one_hot.ravel()

    def input_in_words(self, me: PartyId) -> str:
        return self.weighted.input_in_words() if self.weighted else super().input_in_words(me)

    def row_form(self, me: PartyId) -> RowForm:
        if self.weighted:
            return WeightedForm(self.codec.schema, self.weighted.most)
        return super().row_form(me)

    def with_noise(self, x: Words, me: PartyId, draw: Draw) -> Words:
        x = self._reported(x, draw)
        if self.noise:
            noise = self.noise.draw(Stream(draw.seed(), "central noise"))
            self.scheme.add(x, self.scheme.from_signed(noise))
        return x

    def _reported(self, x: Words, draw: Draw) -> Words:
        """Return what a contributor says of x with its local noise, if there is any."""
        if not self.local:
            return x
        return self.scheme.from_signed(self.local.report(self.scheme.to_signed(x), draw))

    async def compute(self, party: Party, shares: Shares) -> Words:
        summed = len(shares.parcels) * self.opened
        return await party.exchange.offload(EXPAND_NS * summed, shares.total)

    def combine(self, opened: Words, counted: Sequence[PartyId]) -> tuple[Output, ...]:
        if self.weighted:
            signed = self.scheme.to_signed(opened)
            return self.weighted.outputs(signed, self.statistics, len(counted))
        columns = self.scheme.to_signed(opened).reshape(len(self.terms), -1)
        sums = dict(zip(self.terms, columns, strict=True))
        n = len(counted)
        figures = (self._output(statistic, sums, n) for statistic in self.statistics)
        return tuple(f if f.name == "count" else self._with_error(f, n) for f in figures)

    def of_one_element(self) -> SecureSum:
        if self.weighted:
            return self
        one = copy(self)
        one.codec = Codec(self.manifest.input.model_copy(update={"length": 1}))
        one.opened = one._width() * len(self.terms)
        return one

    # --- results ------------------------------------------------------------------------------

    def _with_error(self, figure: Output, n: int) -> Output:
        if self.local:
            return self.local.estimate(figure, n)
        makers = self._makers(n)
        if figure.name == "variance" and self.noise:
            return NoisedVariance(self.codec, n, self.noise.blur(makers)).of(figure)
        return noised(figure, self.noise, makers)

    def _makers(self, n: int) -> int:
        """Count the parties whose joint noise is in a result over n contributors."""
        return n

    def _joint_noise(self, apart: Sensitivity) -> AdditiveShares | None:
        """Return the noise that `[privacy] central` asks for: each contributor adds a share."""
        return by_contributors(self, apart)

    def _output(self, statistic: Statistic, sums: Mapping[str, Signed], n: int) -> Output:
        q, unit, scalar = self.codec.quantum, self.manifest.input.unit, self.codec.length == 1
        if statistic == "count":
            return Output("count", "", (np.array([n]),), None, scalar=True)
        if statistic == "histogram":
            bins = sums["x"].reshape(self.codec.length, self.options_count)
            return Output("histogram", "", (bins,), self._bins, scalar)
        if statistic == "variance":
            finish = self._renderer(q * q / (n * (n - 1)))
            parts = tuple(sums.values())
            square = unit and f"{unit}^2"
            return Output("variance", square, parts, lambda s, s2: finish(n * s2 - s * s), scalar)
        divisor = n if statistic == "mean" else 1
        whole = q == 1 and statistic == "sum" and not isinstance(self.codec.kind, DecimalType)
        render = None if whole else self._renderer(q / divisor)
        wide = whole and self.codec.wide(len(self.contributors))
        return Output(statistic, unit, (sums["x"],), render, scalar, wide=wide)

    def _renderer(self, factor: Fraction) -> Callable[[int], Value]:
        """Render numbers that may have a fraction: as text, or as floats where inputs are."""
        if isinstance(self.codec.kind, FloatType):
            return lambda total: total * factor.numerator / factor.denominator
        return renderer(factor, as_text=True)

    def _bins(self, counts: list[int]) -> dict[str, int]:
        assert isinstance(self.codec.kind, ChoiceType)
        return dict(zip(self.codec.kind.options, counts, strict=True))

    # --- before anything runs -----------------------------------------------------------------

    def _weighted(self, options: SumOptions) -> Weighted | None:
        if options.weights:
            return Weighted.of(self.manifest, self.statistics, options.max_weight, self._renderer)
        if options.max_weight is not None:
            refuse('outputs.max_weight: goes with weights = "own"')
        return None

    @property
    def options_count(self) -> int:
        kind = self.codec.kind
        return len(kind.options) if isinstance(kind, ChoiceType) else 0

    def _terms(self) -> tuple[str, ...]:
        """List the terms whose sums the statistics follow from, "1" standing for no input.

        `forms.variance` says why a variance with noise takes the spreads, and of bits nothing.
        """
        if set(self.statistics) == {"count"}:
            return ("1",)
        if "variance" not in self.statistics:
            return ("x",)
        if not self._noisy:
            return ("x", "x^2")
        return ("x", "spread") if self.codec.high - self.codec.low > 1 else ("x",)

    @property
    def _noisy(self) -> bool:
        return bool(self.manifest.privacy.local or self.manifest.privacy.central)

    def _width(self) -> int:
        """Count the elements of one term."""
        if self.terms == ("1",):
            return 1
        return self.codec.length * max(1, self.options_count)

    def spends(self, counted: Sequence[PartyId]) -> Spend:
        if self.local:
            return self.local.mechanism.spend
        if self.noise:
            return self.noise.spends(len(counted) - curious_makers(self))
        return super().spends(counted)

    @property
    def truth_told(self) -> Fraction | None:
        return self.local.truth if self.local else None

    def figures_asked(self) -> tuple[str, ...]:
        return self.statistics

    def spread_of_noise(self) -> float:
        if self.noise is None:
            return 0.0
        makers = self._makers(self.least_counted)
        return self.noise.within(makers, 0.6827) * float(self.codec.quantum)

    def noised_range(self, figure: str) -> NoisedRange | None:
        if self.weighted:
            return None
        n, numeric, unit = len(self.contributors), self.codec.kind.numeric, self.manifest.input.unit
        low, high = (float(b * self.codec.quantum) for b in (self.codec.low, self.codec.high))
        exact = KNOWN_INPUTS if numeric else KNOWN_VOTES
        if numeric and low >= 0:
            exact += LARGE_INPUT
        if (clip := self.manifest.privacy.clip) is not None:
            assert clip.at is not None
            low, high = max(low, -float(clip.at)), min(high, float(clip.at))
        width = high - low if numeric else 1.0
        if figure == "variance":  # half of them at each end is the most
            width, pairs = high - low, (n // 2) * (n - n // 2)
            span = width**2 * pairs / (n * (n - 1))
            return NoisedRange(unit and f"{unit}^2", span, width**2 / self.least_counted, exact)
        if figure == "mean":
            return NoisedRange(unit, width, width / self.least_counted, exact)
        return NoisedRange(unit, width * n, width, exact)

    def _check(self) -> None:
        choice = isinstance(self.codec.kind, ChoiceType)
        for statistic in self.statistics:
            if statistic != "count" and choice != (statistic == "histogram"):
                wanted = "histogram or count" if choice else "sum, mean, count or variance"
                refuse(f"{statistic!r} has no meaning for {self.codec.kind}: ask for {wanted}")
        if "variance" in self.statistics and self.manifest.policy.min_contributors < 2:
            refuse("a variance needs min_contributors of at least 2 in [policy]")
        if self._noisy and self.terms == ("1",):
            refuse(
                "outputs.statistics: a count of contributors is known anyway and takes no noise: "
                "leave [privacy] out, or ask for another figure too"
            )
        if self.clipping and "variance" in self.statistics:
            refuse(
                "privacy.clip: shortened vectors have another variance: leave it out, or ask for "
                "sum and mean alone"
            )

    def _check_overflow(self) -> None:
        """Refuse bounds and noise with which a sum could wrap around."""
        n, capacity = len(self.contributors), self.scheme.capacity
        largest = 1 if self.options_count else self.codec.magnitude
        scaled = f"{largest} in units of {self.codec.quantum}"
        reach, of = largest, f"values up to {scaled}"
        if self.weighted:
            reach, of = self.weighted.largest, f"{of} times weights up to {self.weighted.most}"
        if "x^2" in self.terms:
            reach, of = largest**2, f"squares of {of}"
        if "spread" in self.terms:
            spread = (self.codec.high - self.codec.low) ** 2 // 4
            reach, of = max(largest, spread), f"(x - min)(max - x) of {of}"
        noise = self._makers(n) * self.noise.share.bound if self.noise else 0
        noise += n * self.local.mechanism.headroom if self.local else 0
        if n * reach <= capacity < n * reach + noise:
            refuse_small(self.manifest, noise, capacity - n * reach)
        if n * reach + noise > capacity:
            refuse(
                f"a sum of {n} {of} can reach {n * reach}, and {self.scheme.name} sharing holds at "
                f"most {capacity}: lower max (or raise min), or use fewer digits"
            )

    def plaintext(self, inputs: Mapping[PartyId, object]) -> dict[str, Value]:
        if self.weighted:
            return self.weighted.plaintext(inputs, self.statistics)
        rows = [self._whole(inputs[c]).tolist() for c in inputs]
        columns = list(zip(*rows, strict=True))
        found: dict[str, Value] = {}
        for statistic in self.statistics:
            values = [self._textbook(statistic, column) for column in columns]
            single = statistic == "count" or self.codec.length == 1
            found[statistic] = values[0] if single else values
        return found

    def _textbook(self, statistic: Statistic, column: Sequence[int]) -> Value:
        if statistic == "count":
            return len(column)
        if statistic == "histogram":
            seen = Counter(column)
            return self._bins([seen[i] for i in range(self.options_count)])
        values = [x * self.codec.quantum for x in column]
        if statistic == "sum":
            render = renderer(self.codec.quantum, as_text=isinstance(self.codec.kind, DecimalType))
            exact = isinstance(self.codec.kind, FloatType)
            return self._renderer(Fraction(sum(values)))(1) if exact else render(sum(column))
        return self._renderer(Fraction(getattr(statistics, statistic)(values)))(1)

    def explain(self) -> list[str]:
        n, unit = len(self.contributors), self.manifest.input.unit
        of_inputs = self.terms != ("1",) and not self._noisy
        what = "the " + " and the ".join(self._opened_in_words())
        lines = self._explain_parties(what, of_inputs=of_inputs)
        if of_inputs and isinstance(self.codec.kind, BoolType | ChoiceType):
            lines.append("A unanimous answer shows in the counts, and with it every input.")
        if self.noise:
            lines += self._explain_noise(self.noise)
            lines += explain_large(self.noise.epsilon, self.codec.length)
        clip = self.manifest.privacy.clip
        if clip:
            lines.append(
                f"Clipping: inputs longer than {clip.at:f} in the {clip.norm.upper()} norm are "
                "shortened to that before anything else, so a result leaves out what exceeds it."
            )
        if self.local:
            lines += self.local.explain(n, unit)
        lines += self._explain_unit()
        if "variance" in self.statistics and (maker := self.noise or self.local):
            lines.append(NoisedVariance(self.codec, n, maker.blur(self._makers(n))).explain(unit))
        return lines

    def _explain_parties(self, what: str, *, of_inputs: bool) -> list[str]:
        return explain_linear(self, what, of_inputs=of_inputs)

    def _explain_noise(self, noise: AdditiveShares) -> list[str]:
        n, least, curious = len(self.contributors), self.least_counted, curious_makers(self)
        quantum, unit = self.codec.quantum, self.manifest.input.unit
        return explain_noise(noise, "contributors", n, least, curious, quantum, unit)

    def _explain_unit(self) -> list[str]:
        if self.weighted:
            return self.weighted.explain()
        return explain_unit(self.statistics, instead=not self._noisy)

    def _opened_in_words(self) -> list[str]:
        if self.weighted:
            return ["sum of value times weight", "sum of the weights"]
        if self.terms == ("1",):
            return ["number of contributors"]
        if self.options_count:
            return ["count of every option"]
        named = {"x": "sum", "x^2": "sum of squares", "spread": "sum of (x - min)(max - x)"}
        return [named[term] for term in self.terms]
