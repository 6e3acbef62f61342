"""Noise in shares: several makers draw a share each, and the honest ones' shares are enough.

A *maker* adds its share of noise to a vector of which only the total is opened. A curious maker
can subtract its own share again, and a lost maker never added one; the noise of `honest` makers
stays in any case, and is all that epsilon relies on. So `honest` counts the honest makers among the
fewest whose shares may be in a total: a maker that is missing may be an honest one. The rest is
surplus: the noise of m makers has m / honest times the variance that a curator trusted by all
parties would need.

*Laplace*: each maker draws NB(1/h, a) - NB(1/h, a), h being `honest` and NB the negative
binomial law. Laws with the same a add up in their first parameter, so h shares together are
NB(1, a) - NB(1, a): the discrete Laplace law, exactly. a = e^(-epsilon / D) for a sensitivity D in
the L1 norm. [GX15] [HM25]

*Geometric*: h shares NB(1/h, a) are a geometric variable, which is noise for scores of which only
the largest is named: a = e^(-epsilon / (2 D)) where no score changes by more than D. [MS20]

*Gaussian*: a sum of discrete Gaussians is nearly a discrete Gaussian; what it tells beyond that is
bounded, and tiny from a standard deviation of 1 or 2 a share. It suits long vectors, since it goes
by the sensitivity in the L2 norm. [KLS21]
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from fractions import Fraction
from functools import lru_cache
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import Stream
from ostraka.inputs.encoding import Signed
from ostraka.noise.polya import Polya
from ostraka.noise.samplers import Halves, gaussian
from ostraka.noise.tables import Sampler
from ostraka.record.budget import EXACT, Spend, epsilon_of, rho_of

Floats = NDArray[np.float64]

SURE: Final = 0.95
"""Probability that an error printed with a result is not exceeded."""

Z95: Final = NormalDist().inv_cdf((1 + SURE) / 2)
"""Standard deviations on either side of the mean that hold 95% of a normal distribution."""

_KEPT: Final = Fraction(1, 1 << 20)
"""Part of delta that is kept for samples that are not quite from their law."""


INEXACT: Final = "delta is too small, or epsilon too large, for samples that are 2^-97 from exact"


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Bounds of the change to a vector of integers when one contributor's input is replaced.

    Numbers from low to high = low + width may come with their *spreads*, (x - low)(high - x), in a
    second half of the vector. Beside the numbers they cost no epsilon if their noise is wide
    enough: an x that moves by t width moves its spread by at most t (1 - t) width^2, and for t
    from 0 to 1

        t + t (1 - t) <= 1    and    t^2 + 11 t^2 (1 - t)^2 <= 1,

    so `width` times the numbers' scale will do for Laplace noise, and width^2 / 11 times their
    variance for Gaussian noise.

    Attributes:
        l1, l2_squared: the change in these norms, spreads left out.
        length: elements of the vector, spreads included.
        width: high - low; 0 if there are no spreads.
    """

    l1: int
    l2_squared: int
    length: int
    width: int = 0

    @property
    def widening(self) -> int:
        """Factor of the variance of Gaussian noise for spreads."""
        return max(1, -(-(self.width**2) // 11))


@dataclass(frozen=True, slots=True)
class Blur:
    """Moments of the noise in a total, for figures that are derived from the total.

    Attributes:
        variance: of the noise of an element.
        of_square: variance of the square of that noise.
        of_spread: variance of the noise of a spread; 0 if there are none.
        sure: deviations on either side that hold about 95% of the noise.
    """

    variance: float
    of_square: float
    of_spread: float
    sure: float


class NoiseShares(ABC):
    """Shares of noise that makers draw, by one law.

    Attributes:
        epsilon: what a total tells that holds the shares of `honest` makers, at most.
        honest: number of makers whose shares are enough: those certain to be honest and there.
        share: the law of one share.
    """

    share: Sampler

    def __init__(self, epsilon: Fraction, sensitivity: Sensitivity, honest: int) -> None:
        self.epsilon, self.sensitivity, self.honest = epsilon, sensitivity, honest

    def draw(self, stream: Stream) -> Signed:
        """Draw one maker's share for the whole vector. Consumes the stream."""
        return self.share.draw(stream, self.sensitivity.length)

    def spends(self, makers: int) -> Spend:
        """Return the spend of a total that holds the shares of `makers` honest makers; of none, or
        fewer, it is that of the exact total."""
        return self._tells(min(makers, self.honest)) if makers > 0 else EXACT

    @abstractmethod
    def _tells(self, makers: int) -> Spend:
        """Return the spend of a total, for at least one and at most `honest` makers."""

    @property
    def _slip(self) -> Fraction:
        """Distance of all that honest makers draw to their law; 0 for short vectors."""
        return self.honest * self.share.distance(self.sensitivity.length)

    @abstractmethod
    def within(self, makers: int, sure: float = SURE) -> int:
        """Return the error of one element: `makers` shares add up to at most so much, in absolute
        value, with probability `sure`."""


class LaplaceShares(NoiseShares):
    """Shares of discrete Laplace noise, for counts and votes: pure differential privacy."""

    def __init__(self, epsilon: Fraction, sensitivity: Sensitivity, honest: int) -> None:
        super().__init__(epsilon, sensitivity, honest)
        self.scale = sensitivity.l1 / epsilon
        self.share = Polya(self.scale, honest, sides=2)
        if width := sensitivity.width:
            self.share = Halves(self.share, Polya(self.scale * width, honest, sides=2))

    def _tells(self, makers: int) -> Spend:
        """Return the spend of `makers` shares.

        With fewer shares than `honest` the law is log-convex, so a change tells most if it is
        spread evenly over the elements; spreads are counted at the most they can tell.
        """
        if makers == self.honest:
            return Spend.pure(self.epsilon).slipping(self._slip)
        width, part = self.sensitivity.width, Fraction(makers, self.honest)
        d = self.sensitivity.length // (2 if width else 1)
        each, rest = divmod(self.sensitivity.l1, d)
        law = _Law(self.scale, part)
        found = (d - rest) * law.loss(each) + rest * law.loss(each + 1)
        if width:
            found += d * _Law(self.scale * width, part).loss(width**2 // 4)
        return Spend.pure(_up(found))

    def within(self, makers: int, sure: float = SURE) -> int:
        return laplace_within(self.scale, Fraction(makers, self.honest), sure)

    def blur(self, makers: int) -> Blur:
        """Return the moments of the noise of `makers` shares."""
        part = Fraction(makers, self.honest)
        return laplace_blur(self.scale, part, self.sensitivity.width, self.within(makers))


class GeometricShares(NoiseShares):
    """Shares of geometric noise for scores: the largest score with noise is named, and no number.

    With the noise of all other options given, the noise of one option decides whether it is named:
    it must exceed a bound that a neighbour's input moves by 2 D at most. Among equal scores any
    option may be named, as long as that choice does not depend on the scores.
    """

    def __init__(self, epsilon: Fraction, change: int, length: int, honest: int) -> None:
        super().__init__(epsilon, Sensitivity(length * change, length * change**2, length), honest)
        self.change = change
        self.scale = 2 * change / epsilon
        self.share = Polya(self.scale, honest, sides=1)

    def _tells(self, makers: int) -> Spend:
        if makers == self.honest:
            return Spend.pure(self.epsilon).slipping(self._slip)
        law = _Law(self.scale, Fraction(makers, self.honest))
        return Spend.pure(_up(law.exceeds(2 * self.change)))

    def within(self, makers: int, sure: float = SURE) -> int:
        """Return how far below the best the named score is, at most, with probability `sure`."""
        others = max(1, self.sensitivity.length - 1)
        both = 1 - 2 * (1 - sure) / others
        return laplace_within(self.scale, Fraction(makers, self.honest), both)


class GaussianShares(NoiseShares):
    """Shares of discrete Gaussian noise, for long vectors: concentrated differential privacy."""

    def __init__(
        self, epsilon: Fraction, delta: Fraction, sensitivity: Sensitivity, honest: int
    ) -> None:
        super().__init__(epsilon, sensitivity, honest)
        self.delta = delta
        self.variance = self._least(rho_of(epsilon, delta * (1 - _KEPT)))
        self.share = gaussian(self.variance)
        if sensitivity.width:
            self.share = Halves(self.share, gaussian(self.variance * sensitivity.widening))
        if Spend(epsilon).slipping(self._slip).delta > delta * _KEPT:
            raise ValueError(INEXACT)

    def _least(self, rho: Fraction) -> Fraction:
        """Return the least variance of a share that keeps to rho: a multiple of 2^-10."""
        if not rho:
            raise ValueError("epsilon is too small for so small a delta")
        low, high = (1 << 10) if self.honest > 1 else 1, 1 << 10
        while self._rho(Fraction(high, 1 << 10), self.honest) > rho:
            low, high = high, 2 * high
        while low < high:
            middle = (low + high) // 2
            enough = self._rho(Fraction(middle, 1 << 10), self.honest) <= rho
            low, high = (low, middle) if enough else (middle + 1, high)
        return Fraction(high, 1 << 10)

    def _rho(self, variance: Fraction, makers: int) -> Fraction:
        """Return rho of m makers' shares: (D / sqrt(m variance) + tau sqrt(d))^2 / 2.

        This is theorem 1 of [KLS21] without rounding. Spreads count among the d elements; their
        tau is smaller than the others', since their variance is larger."""
        v = float(variance)
        steps = range(1, min(makers, 1000))
        tau = 10 * sum(math.exp(-2 * math.pi**2 * v * k / (k + 1)) for k in steps)
        tau += 10 * max(0, makers - 1000) * math.exp(-2 * math.pi**2 * v * 0.999)
        drift = math.sqrt(self.sensitivity.l2_squared / (makers * v))
        return _up((drift + tau * math.sqrt(self.sensitivity.length)) ** 2 / 2)

    def _tells(self, makers: int) -> Spend:
        rho = self._rho(self.variance, makers)
        return Spend(epsilon_of(rho, self.delta * (1 - _KEPT)), self.delta, rho, self._slip)

    def within(self, makers: int, sure: float = SURE) -> int:
        sigma = math.sqrt(makers * self.variance)
        return math.ceil(NormalDist().inv_cdf((1 + sure) / 2) * sigma)

    def blur(self, makers: int) -> Blur:
        """Return the moments of the noise of `makers` shares."""
        return gaussian_blur(self.variance, makers, self.sensitivity)


# --- the law of a total --------------------------------------------------------------------------


class _Law:
    """The laws NB(b, a), b < 1, and the difference of two, by the terms of their series.

    The terms are u_k = C(k + b - 1, k) a^k. Beyond k = 10^4 they are smooth, and sums are taken as
    integrals."""

    def __init__(self, scale: Fraction, shape: Fraction) -> None:
        self.scale, self.b = float(scale), float(shape)
        k = np.arange(1, _NEAR + 1)
        self._near = np.concatenate([[0.0], np.cumsum(np.log((k + (self.b - 1)) / k))])
        edges = np.geomspace(_NEAR, max(40 * self.scale, 2 * _NEAR), 20_000) - 0.5
        self._k = np.concatenate([k - 1.0, (edges[1:] + edges[:-1]) / 2])
        self._each = np.concatenate([np.ones(_NEAR), np.diff(edges)])

    def _u(self, shift: int = 0) -> Floats:
        """Return u_(k + shift) a^(-shift): the factor left out would make it vanish."""
        k, b = self._k + shift, self.b
        far = np.maximum(k, 1)
        far = (b - 1) * np.log(far) + b * (b - 1) / (2 * far) - math.lgamma(b)
        near = self._near[np.minimum(k, _NEAR).astype(int)]
        found: Floats = np.exp(np.where(k <= _NEAR, near, far) - self._k / self.scale)
        return found

    def loss(self, shift: int) -> float:
        """Return the most that a shift of the difference changes the log of a probability: at 0."""
        u = self._u() * self._each
        return shift / self.scale + math.log(u @ self._u()) - math.log(u @ self._u(shift))

    def exceeds(self, least: int) -> float:
        """Return -log P(NB >= least)."""
        all_of_it, beyond = (self._u(shift) @ self._each for shift in (0, least))
        return least / self.scale + math.log(all_of_it) - math.log(beyond)


_NEAR: Final = 10_000
_HALF: Final = 1 << 17
"""Values on either side of 0 for which a law is computed."""


@lru_cache(maxsize=64)
def laplace_within(scale: Fraction, shape: Fraction, sure: float = SURE) -> int:
    """Return the bound that Laplace shares keep to in absolute value with probability `sure`.

    The law is the difference of two NB(shape, e^(-1/scale)); it is computed from its
    characteristic function, and the bound is right to three digits."""
    deviation = math.sqrt(shape * _cumulants(scale)[0])
    if shape > 1000:  # as good as normal
        return math.ceil(NormalDist().inv_cdf((1 + sure) / 2) * deviation)
    # Laws of large scales differ by their unit alone.
    unit = max(1.0, deviation * 16 / _HALF)
    a, gap = math.exp(-unit / float(scale)), -math.expm1(-unit / float(scale))
    angle = np.linspace(0, math.pi, _HALF + 1)
    phi = (1 + 4 * a * np.sin(angle / 2) ** 2 / gap**2) ** -float(shape)
    p = np.fft.irfft(phi)[:_HALF]
    inside = 2 * np.cumsum(p) - p[0]
    return math.ceil(int(np.searchsorted(inside, sure)) * unit)


def laplace_blur(scale: Fraction, shape: Fraction, width: int, within: int) -> Blur:
    """Return the moments of the difference of two NB(shape, e^(-1/scale)), 95% of it `within`."""
    second, fourth = _cumulants(scale)
    variance = float(shape) * second
    beside = float(shape) * _cumulants(scale * width)[0] if width else 0.0
    sure = max(Z95, within / math.sqrt(variance)) if variance else Z95
    return Blur(variance, float(shape) * fourth + 2 * variance**2, beside, sure)


def _cumulants(scale: Fraction) -> tuple[float, float]:
    """Return the second and the fourth cumulant of the discrete Laplace law."""
    a, gap = math.exp(-1 / scale), -math.expm1(-1 / scale)
    second = 2 * a / gap**2
    return second, second * (1 + 4 * a + a * a) / gap**2


def gaussian_blur(variance: Fraction, makers: int, sensitivity: Sensitivity) -> Blur:
    """Return the moments of the sum of `makers` discrete Gaussians."""
    found = makers * _variance(float(variance))
    beside = float(makers * variance * sensitivity.widening) if sensitivity.width else 0.0
    return Blur(found, 2 * found**2, beside, Z95)


def _variance(parameter: float) -> float:
    """Return the variance of the discrete Gaussian law: its parameter, unless that is small."""
    if parameter > 10:
        return parameter
    square = np.arange(-40, 41) ** 2
    weights = np.exp(-square / (2 * parameter))
    return float(square @ weights / weights.sum())


def _up(value: float) -> Fraction:
    """Round a float up to twelve digits, beyond the error of some dozen roundings."""
    return Fraction(_CEILING.create_decimal_from_float(value * (1 + 1e-12)))


_CEILING: Final = Context(prec=12, rounding=ROUND_CEILING)
