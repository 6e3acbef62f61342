"""What a contributor does to its own input before anything is shared, and what a sum of so many
reports says then.

A mechanism knows what a report tells (`spend`), whoever reads it, and how wide the result is.
Neighbours are any two inputs of one contributor; that it took part is not hidden.
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
    Z95,
    Blur,
    Sensitivity,
    gaussian_blur,
    laplace_blur,
    laplace_within,
    rho_of,
)
from ostraka.noise.tables import PRECISION, Table, exp_minus
from ostraka.record.budget import Spend, log_up

_GRID: Final = 1 << 10
"""Variances are rounded up to a multiple of 2^-10."""

_KEPT: Final = Fraction(1, 1 << 20)
"""The part of delta that is kept for samples that are not quite exact."""

_MANY: Final = 100
_WIDE: Final = 10**8
"""Laplace noise of more than so many contributors adds up to something as good as normal, if
contributors times scale squared is above this: a narrower sum has steps that show."""


class Mechanism(ABC):
    """Noise for one contributor's vector.

    Attributes:
        spend: what a report tells of its contributor at most.
        headroom: how far a report may be from what it reports, but for a probability below 2^-100
            for each element.
    """

    spend: Spend
    headroom: int

    @abstractmethod
    def randomize(self, x: Signed, stream: Stream) -> Signed:
        """The report: a new vector. Consumes the stream."""

    @abstractmethod
    def blur(self, n: int) -> Blur:
        """The noise in what n reports say of a sum."""


class Additive(Mechanism):
    """Independent noise on every element; the sum of reports is an unbiased estimate as it is.

    Attributes:
        sampler: what the noise of an element is drawn from.
    """

    sampler: Sampler

    def __init__(self, sampler: Sampler, spend: Spend, sensitivity: Sensitivity) -> None:
        self.sampler, self.headroom, self.sensitivity = sampler, sampler.bound, sensitivity
        self.spend = spend.slipping(sampler.distance(sensitivity.length))

    def randomize(self, x: Signed, stream: Stream) -> Signed:
        return x + self.sampler.draw(stream, len(x))

    @abstractmethod
    def error95(self, n: int) -> int:
        """The sum of n reports is within this of the sum of what they report, 95 times in 100;
        for each element."""


class DiscreteLaplace(Additive):
    """Scale D / epsilon, D being how far apart two inputs are at most in the L1 norm.
    [DMNS06] [CKS20]"""

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


class DiscreteGaussian(Additive):
    """Variance D^2 / (2 rho), D being how far apart two inputs are at most in the L2 norm, and rho
    the largest that implies (epsilon, delta). [CKS20]"""

    def __init__(self, epsilon: Fraction, delta: Fraction, sensitivity: Sensitivity) -> None:
        rho = rho_of(epsilon, delta * (1 - _KEPT))
        self.variance = Fraction(math.ceil(sensitivity.l2_squared / (2 * rho) * _GRID), _GRID)
        spend = Spend(epsilon, delta * (1 - _KEPT), rho)
        sampler: Sampler = gaussian(self.variance)
        if sensitivity.width:
            sampler = Halves(sampler, gaussian(self.variance * sensitivity.widening))
        super().__init__(sampler, spend, sensitivity)
        if self.spend.delta > delta:
            raise ValueError("delta is too small for samples that are 2^-97 from exact")
        self.spend = Spend(epsilon, delta, rho, self.spend.slip)

    def error95(self, n: int) -> int:
        return math.ceil(Z95 * math.sqrt(n * self.variance))

    def blur(self, n: int) -> Blur:
        return gaussian_blur(self.variance, n, self.sensitivity)


class RandomizedResponse(Mechanism):
    """Each answer is true with probability `truth`, otherwise any of the k answers at random.
    [Warner65]

    With k = 2 and truth = 1/2 these are the two coins: heads, the truth; tails, what a second coin
    says. Everybody can deny what it answered; epsilon = ln 3.

    Args:
        k: possible answers, 0 to k - 1.
        truth: of one answer.
        length: answers of one contributor; what they tell adds up.
        epsilon: bounds all of them; found from `truth` when None.
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
        """The most truth that epsilon allows for so many answers, down to a multiple of 2^-64."""
        odds = Fraction(1 << PRECISION, exp_minus(epsilon / length) + 1) - 1
        truth = Fraction(int(odds / (odds + k) * (1 << 64)), 1 << 64)
        return cls(k, truth, length, epsilon)

    @cached_property
    def _shift(self) -> Table:
        """What is added to an answer, modulo k."""
        other = self.other / self.truth
        a, b = other.numerator, other.denominator
        return Table([a + b] + [a] * (self.k - 1))

    def randomize(self, x: Signed, stream: Stream) -> Signed:
        if len(x) >= FEW:
            return (x + self._shift.draw(stream, len(x))) % self.k
        exact, told = Exact(stream), x.copy()
        for i in range(len(told)):
            if not exact.bernoulli(self.truth):
                told[i] = exact.below(self.k)
        return told

    def estimate(self, said: int, n: int) -> Fraction:
        """How many of n contributors mean an answer that `said` of them gave: unbiased."""
        return (said - n * self.other) / self.truth

    def error95(self, said: int, n: int) -> float:
        """The estimate is within this of the true count, 95 times in 100, as n grows.

        The chance that somebody gives the answer has one variance among those who mean it and one
        among those who do not; for two answers they are the same.
        """
        mine, others = self.truth + self.other, self.other
        meant = min(max(self.estimate(said, n), Fraction(0)), Fraction(n))
        variance = meant * mine * (1 - mine) + (n - meant) * others * (1 - others)
        return Z95 * math.sqrt(variance) / float(self.truth)

    def blur(self, n: int) -> Blur:
        """Of two answers the variance is the same whatever is true."""
        mine = self.truth + self.other
        variance = float(n * mine * (1 - mine) / self.truth**2)
        return Blur(variance, 2 * variance**2, 0.0, Z95)
