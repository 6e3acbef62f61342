"""Mechanisms of local noise: each contributor randomizes its own input before it shares it.

A mechanism knows what a randomized vector tells any reader of its contributor (`spend`), and how
wide the error of a sum of them is. Neighbours are any two inputs of one contributor; that the
contributor took part is not hidden.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from fractions import Fraction
from functools import cached_property
from typing import Final

from ostraka.arithmetic.randomness import Stream
from ostraka.inputs.encoding import Signed
from ostraka.noise.samplers import FEW, Exact, Halves, Sampler, gaussian, laplace
from ostraka.noise.shares import (
    INEXACT,
    Z95,
    Blur,
    Sensitivity,
    gaussian_blur,
    laplace_blur,
    laplace_within,
)
from ostraka.noise.tables import PRECISION, AliasTable, exp_minus
from ostraka.record.budget import Spend, log_up, rho_of

_GRID: Final = 1 << 10
"""Grid of variances: they are rounded up to a multiple of 2^-10."""

_KEPT: Final = Fraction(1, 1 << 20)
"""Part of delta that is kept for samples that are not quite exact."""

_MANY: Final = 100
_WIDE: Final = 10**8
"""Bounds above which a sum of Laplace noise is as good as normal: more than `_MANY` contributors,
and contributors times scale squared above `_WIDE`. A narrower sum has steps that show."""


class Mechanism(ABC):
    """Noise for one contributor's vector.

    Attributes:
        spend: the most that a randomized vector tells of its contributor.
        headroom: the most that noise moves an element, but for a probability below 2^-100.
    """

    spend: Spend
    headroom: int

    @abstractmethod
    def randomize(self, x: Signed, stream: Stream) -> Signed:
        """Return the vector with noise, as a new vector. Consumes the stream."""

    @abstractmethod
    def blur(self, n: int) -> Blur:
        """Return the noise in a sum of n randomized vectors."""


class AdditiveNoise(Mechanism):
    """Independent noise on every element: a sum of randomized vectors is unbiased as it is.

    Attributes:
        sampler: the distribution of the noise.
    """

    sampler: Sampler

    def __init__(self, sampler: Sampler, spend: Spend, sensitivity: Sensitivity) -> None:
        self.sampler, self.headroom, self.sensitivity = sampler, sampler.bound, sensitivity
        self.spend = spend.slipping(sampler.distance(sensitivity.length))

    def randomize(self, x: Signed, stream: Stream) -> Signed:
        return x + self.sampler.draw(stream, len(x))

    @abstractmethod
    def error95(self, n: int) -> int:
        """Return the error of each element of a sum of n vectors, not exceeded 95 times in 100."""


class DiscreteLaplace(AdditiveNoise):
    """Noise of scale D / epsilon, D being the sensitivity in the L1 norm. [DMNS06] [CKS20]"""

    def __init__(self, epsilon: Fraction, sensitivity: Sensitivity) -> None:
        self.scale = sensitivity.l1 / epsilon
        sampler: Sampler = laplace(self.scale)
        if width := sensitivity.width:
            sampler = Halves(sampler, laplace(self.scale * width))
        super().__init__(sampler, Spend.pure(epsilon), sensitivity)

    def error95(self, n: int) -> int:
        if n <= _MANY or n * self.scale**2 <= _WIDE:
            return laplace_within(self.scale, Fraction(n))
        q = math.exp(-1 / self.scale)
        return math.ceil(Z95 * math.sqrt(2 * q * n) / -math.expm1(-1 / self.scale))

    def blur(self, n: int) -> Blur:
        return laplace_blur(self.scale, Fraction(n), self.sensitivity.width, self.error95(n))


class DiscreteGaussian(AdditiveNoise):
    """Noise of variance D^2 / (2 rho), D being the sensitivity in the L2 norm, and rho the largest
    that implies (epsilon, delta). [CKS20]"""

    def __init__(self, epsilon: Fraction, delta: Fraction, sensitivity: Sensitivity) -> None:
        rho = rho_of(epsilon, delta * (1 - _KEPT))
        if not rho:
            raise ValueError("epsilon is too small for so small a delta")
        self.variance = Fraction(math.ceil(sensitivity.l2_squared / (2 * rho) * _GRID), _GRID)
        spend = Spend(epsilon, delta * (1 - _KEPT), rho)
        sampler: Sampler = gaussian(self.variance)
        if sensitivity.width:
            sampler = Halves(sampler, gaussian(self.variance * sensitivity.widening))
        super().__init__(sampler, spend, sensitivity)
        if self.spend.delta > delta:
            raise ValueError(INEXACT)
        self.spend = Spend(epsilon, delta, rho, self.spend.slip)

    def error95(self, n: int) -> int:
        return math.ceil(Z95 * math.sqrt(n * self.variance))

    def blur(self, n: int) -> Blur:
        return gaussian_blur(self.variance, n, self.sensitivity)


class RandomizedResponse(Mechanism):
    """Answers that are true with probability `truth`, and otherwise any of k at random. [Warner65]

    With k = 2 and truth = 1/2 these are the two coins: heads, the truth; tails, the answer of a
    second coin. Every contributor can deny its answer; epsilon = ln 3.

    Args:
        k: possible answers, 0 to k - 1.
        truth: probability that one answer is true.
        length: answers of one contributor; their epsilons add up.
        epsilon: bound for all answers of one contributor; found from `truth` when None.
    """

    headroom = 0

    def __init__(
        self, k: int, truth: Fraction, length: int = 1, epsilon: Fraction | None = None
    ) -> None:
        if not 0 < truth < 1:
            raise ValueError("the probability of the truth is above 0 and below 1")
        self.k, self.truth = k, truth
        self.other = (1 - truth) / k
        self.spend = Spend.pure(epsilon or length * log_up(1 + truth / self.other))

    @classmethod
    def of_epsilon(cls, k: int, epsilon: Fraction, length: int = 1) -> RandomizedResponse:
        """Return the mechanism of most truth under epsilon, rounded down to a multiple of 2^-64."""
        odds = Fraction(1 << PRECISION, exp_minus(epsilon / length) + 1) - 1
        truth = Fraction(int(odds / (odds + k) * (1 << 64)), 1 << 64)
        return cls(k, truth, length, epsilon)

    @cached_property
    def _shift(self) -> AliasTable:
        """Distribution of the number that is added to an answer, modulo k."""
        other = self.other / self.truth
        a, b = other.numerator, other.denominator
        return AliasTable([a + b] + [a] * (self.k - 1))

    def randomize(self, x: Signed, stream: Stream) -> Signed:
        if len(x) >= FEW:
            return (x + self._shift.draw(stream, len(x))) % self.k
        exact, told = Exact(stream), x.copy()
        for i in range(len(told)):
            if not exact.bernoulli(self.truth):
                told[i] = exact.below(self.k)
        return told

    def estimate(self, said: int, n: int) -> Fraction:
        """Estimate how many of n contributors hold an answer that `said` of them gave: unbiased."""
        return (said - n * self.other) / self.truth

    def error95(self, said: int, n: int) -> float:
        """Return the error of `estimate`, not exceeded 95 times in 100 as n grows.

        Whether a contributor gives the answer has one variance among those who hold it, and
        another among the rest; for two answers the two are equal.
        """
        mine, others = self.truth + self.other, self.other
        meant = min(max(self.estimate(said, n), Fraction(0)), Fraction(n))
        variance = meant * mine * (1 - mine) + (n - meant) * others * (1 - others)
        return Z95 * math.sqrt(variance) / float(self.truth)

    def blur(self, n: int) -> Blur:
        """Return the noise in a sum of n answers; for k = 2, where it does not depend on them."""
        mine = self.truth + self.other
        variance = float(n * mine * (1 - mine) / self.truth**2)
        return Blur(variance, 2 * variance**2, 0.0, Z95)
