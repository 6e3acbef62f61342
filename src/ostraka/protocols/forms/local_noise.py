"""Noise that each contributor adds to its own vector before it shares it, as the manifest asks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from ostraka.arithmetic.randomness import Draw, Stream
from ostraka.inputs.encoding import Codec, Signed
from ostraka.manifest import ChoiceType, Local, Manifest
from ostraka.noise.clipping import Clipping
from ostraka.noise.mechanisms import (
    AdditiveNoise,
    DiscreteGaussian,
    DiscreteLaplace,
    Mechanism,
    RandomizedResponse,
)
from ostraka.noise.shares import Blur, Sensitivity
from ostraka.outcome import Output, Value
from ostraka.protocols.forms.epsilons import explain_large, odds
from ostraka.protocols.forms.variance import NoisedVariance, to_its_error
from ostraka.protocols.options import refuse
from ostraka.record.budget import short


def clipping_of(manifest: Manifest, codec: Codec) -> Clipping | None:
    """Return the clipping that `[privacy] clip` asks for.

    Raises:
        ManifestError: inputs have no length to cut.
    """
    clip = manifest.privacy.clip
    if clip is None:
        return None
    if not codec.kind.numeric:
        refuse(f"privacy.clip: {codec.kind} has no length; leave it out")
    clipping = Clipping.of(clip, codec)
    if clipping.at == 0:
        refuse("privacy.clip: at is below one unit of the input: nothing would be left")
    return clipping


def local_noise(manifest: Manifest, codec: Codec, apart: Sensitivity) -> LocalNoise | None:
    """Return the noise that `[privacy] local` asks for."""
    local = manifest.privacy.local
    return LocalNoise(local, codec, apart) if local else None


class LocalNoise:
    """Noise of a contributor in its own vector, and estimates from the sum of such vectors.

    Raises:
        ManifestError: the mechanism has no meaning for this input.
    """

    mechanism: Mechanism

    def __init__(self, local: Local, codec: Codec, apart: Sensitivity) -> None:
        self.codec = codec
        self.options = codec.kind.options if isinstance(codec.kind, ChoiceType) else ()
        if local.mechanism == "randomized-response":
            self.mechanism = self._response(local)
        else:
            self.mechanism = _additive(local, apart)

    @property
    def responds(self) -> bool:
        """Whether a report is of the form of an input, and not a number with noise in it."""
        return isinstance(self.mechanism, RandomizedResponse)

    @property
    def truth(self) -> Fraction | None:
        """Probability that a report is the answer; None where it is a number with noise in it."""
        return self.mechanism.truth if isinstance(self.mechanism, RandomizedResponse) else None

    def _response(self, local: Local) -> Mechanism:
        k, d = len(self.options) or 2, self.codec.length
        if self.codec.kind.numeric:
            refuse(
                f"privacy.local: randomized-response is for bool and choice, not {self.codec.kind}:"
                " say discrete-laplace"
            )
        if local.truth is not None:
            return RandomizedResponse(k, local.truth, d)
        assert local.epsilon is not None
        try:
            return RandomizedResponse.of_epsilon(k, Fraction(local.epsilon), d)
        except ValueError:
            refuse(
                "privacy.local: so small an epsilon leaves no truth at all", hint="raise epsilon"
            )

    # --- contributor --------------------------------------------------------------------------

    def report(self, vector: Signed, draw: Draw) -> Signed:
        """Return the vector with noise; of a choice, `vector` is a 1 among 0s."""
        stream = Stream(draw.seed(), "local noise")
        if not (self.options and isinstance(self.mechanism, RandomizedResponse)):
            return self.mechanism.randomize(vector, stream)
        k = len(self.options)
        told = self.mechanism.randomize(vector.reshape(-1, k).argmax(1), stream)
        one_hot: Signed = (told[:, None] == np.arange(k)).astype(np.int64)
        return one_hot.ravel()

    # --- recipient ----------------------------------------------------------------------------

    def estimate(self, figure: Output, n: int) -> Output:
        """Return a figure over n reports without bias, and with its error."""
        if figure.name == "variance":
            return self._variance(figure, n)
        if isinstance(self.mechanism, RandomizedResponse):
            divisor = n if figure.name == "mean" else 1
            return _Responses(self.mechanism, self.options, n, divisor).estimate(figure)
        assert isinstance(self.mechanism, AdditiveNoise)
        return figure.within(self.mechanism.error95(n))

    def _variance(self, figure: Output, n: int) -> Output:
        if isinstance(self.mechanism, RandomizedResponse):
            said = figure.parts[0].tolist()
            meant = {s: self.mechanism.estimate(s, n) for s in set(said)}
            figure = replace(figure, parts=(np.array([meant[s] for s in said], object),))
        return NoisedVariance(self.codec, n, self.blur(n)).of(figure)

    def blur(self, n: int) -> Blur:
        """Return the noise in the sum of n reports."""
        return self.mechanism.blur(n)

    # --- before anything runs -----------------------------------------------------------------

    def explain(self, n: int, unit: str) -> list[str]:
        """Say what the noise of n contributors hides, and what it costs."""
        tells = self.mechanism.spend
        assert tells.epsilon is not None
        delta = f" (but for a chance of delta = {short(tells.delta)})" if tells.delta else ""
        return [
            f"Local noise: {self._how(unit)}, in the contributor's own process, before anything "
            "is shared. A reader of such a report, all compute parties together included, learns "
            f"little from it: epsilon = {short(tells.epsilon)}, that is, no report is more than "
            f"{odds(tells.epsilon)} times as likely for one input as for another{delta}. That a "
            "contributor took part is not hidden.",
            f"Error: over {n} contributors, {self._error(n, unit)}, 95 times in 100. A session "
            "that asks the same again adds its epsilon to this one's.",
            *explain_large(tells.epsilon, self.codec.length),
        ]

    def _how(self, unit: str) -> str:
        mechanism = self.mechanism
        if isinstance(mechanism, RandomizedResponse):
            what = "each answer" if self.codec.length > 1 else "the answer"
            return (
                f"{what} is true with probability {float(mechanism.truth):.3g}, and otherwise "
                f"one of the {mechanism.k} at random (randomized response)"
            )
        what = (
            f"every one of {self.codec.length} numbers" if self.codec.length > 1 else "the number"
        )
        if self.options:
            what = "the 0 or 1 of every option"
        if isinstance(mechanism, DiscreteLaplace):
            return (
                f"{what} gets discrete Laplace noise of scale {self._shown(mechanism.scale, unit)}"
            )
        assert isinstance(mechanism, DiscreteGaussian)
        deviation = Fraction(math.sqrt(mechanism.variance))
        return f"{what} gets discrete Gaussian noise, deviation {self._shown(deviation, unit)}"

    def _error(self, n: int, unit: str) -> str:
        if isinstance(self.mechanism, RandomizedResponse):
            half = self.mechanism.error95(n // 2, n)
            return f"a count is within {half:.3g} of the truth"
        assert isinstance(self.mechanism, AdditiveNoise)
        width = Fraction(self.mechanism.error95(n))
        return f"a sum is within {self._shown(width, unit)} of the truth"

    def _shown(self, encoded: Fraction, unit: str) -> str:
        return f"{float(encoded * self.codec.quantum):.3g} {unit}".strip()


def _additive(local: Local, apart: Sensitivity) -> Mechanism:
    assert local.epsilon is not None
    epsilon = Fraction(local.epsilon)
    if local.mechanism == "discrete-laplace":
        return DiscreteLaplace(epsilon, apart)
    assert local.delta is not None
    try:
        return DiscreteGaussian(epsilon, Fraction(local.delta), apart)
    except ValueError as problem:
        refuse(f"privacy.local: {problem}", hint="raise delta, or choose another epsilon")


class _Responses:
    """Counts of what n contributors said, back to what they meant. A count is one of n + 1, so
    what a long vector needs is worked out once for each."""

    def __init__(
        self, mechanism: RandomizedResponse, options: Sequence[str], n: int, divisor: int
    ) -> None:
        self.mechanism, self.options = mechanism, options
        self.n, self.divisor = n, divisor
        self._figures = cache(self._both)

    def estimate(self, output: Output) -> Output:
        errors = [self._of(1, counts) for counts in output.parts[0].tolist()]
        return replace(
            output,
            render=lambda counts: self._of(0, counts),
            error95=errors[0] if output.scalar else errors,
        )

    def _of(self, which: int, counts: Any) -> Value:
        """Return figures of one count, or of one for each option."""
        if not self.options:
            return self._figures(counts)[which]
        cells = [self._figures(count)[which] for count in counts]
        return dict(zip(self.options, cells, strict=True))

    def _both(self, said: int) -> tuple[Value, Value]:
        """Return the estimate and its error, to three figures of the error."""
        meant = float(self.mechanism.estimate(said, self.n) / self.divisor)
        return to_its_error(meant, self.mechanism.error95(said, self.n) / self.divisor)
