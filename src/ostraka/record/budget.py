"""Spends and budgets: epsilon, delta and rho of releases, exact, and how they add up.

Neighbours differ in one contributor's whole input, replaced by any other. Over several runs
epsilons add and deltas add [DR14]; under zero-concentrated privacy (zCDP) rhos add [BS16]. All
figures are fractions; a figure without an exact form, such as a logarithm, is rounded up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache

from ostraka.manifest import Local, Manifest

ZERO = Fraction(0)
GRID = 10**12
"""Grid for bounds that have to be rounded: they are rounded up to a multiple of 1 / GRID."""

DEFAULT_DELTA = Fraction(1, 10**9)
"""Delta of a budget that names none: enough for what samplers leave out, not for a Gaussian."""

_NINE = 1_000_000_000
"""Precision of `rho_of`: nine digits."""

_DIGITS = 60
_SLACK = Decimal("1e-40")
"""Bound of the error of some dozen operations on 60 digits; far below the grid."""


@dataclass(frozen=True, slots=True)
class Spend:
    """Bound of what one release tells of one contributor.

    Attributes:
        epsilon, delta: pure or approximate differential privacy; epsilon None: the release is
            exact, so nothing bounds what it tells.
        rho: the same release under zero-concentrated privacy; None when that is not known.
        slip: distance (total variation) of the samples to the law that rho is a statement about.
            Delta makes up for it already.
    """

    epsilon: Fraction | None
    delta: Fraction = ZERO
    rho: Fraction | None = None
    slip: Fraction = ZERO

    @classmethod
    def pure(cls, epsilon: Fraction) -> Spend:
        """Return a spend without delta: its rho is epsilon^2 / 2 [BS16, proposition 1.4]."""
        return cls(epsilon, ZERO, epsilon * epsilon / 2)

    def slipping(self, distance: Fraction) -> Spend:
        """Return this spend for samples at a distance from their law.

        Delta grows by (1 + e^epsilon) times the distance."""
        assert self.epsilon is not None
        delta = min(Fraction(1), self.delta + harm(self.epsilon) * distance)
        return Spend(self.epsilon, delta, self.rho, self.slip + distance)

    @property
    def concentrates(self) -> bool:
        """Whether rho is known and says more than the epsilon, as it does of a Gaussian."""
        return self.rho is not None and self.rho != (self.epsilon or ZERO) ** 2 / 2

    @property
    def exact(self) -> bool:
        """Whether the release is the answer itself, without noise."""
        return self.epsilon is None

    def to_json(self) -> dict[str, str]:
        """Return the figures as texts, decimal or p/q; `epsilon` is "inf" for an exact release."""
        if self.epsilon is None:
            return {"epsilon": "inf"}
        found = {"epsilon": text(self.epsilon), "delta": text(self.delta)}
        if self.rho is not None:
            found |= {"rho": text(self.rho), "slip": text(self.slip)}
        return found

    @classmethod
    def from_json(cls, value: Mapping[str, str]) -> Spend:
        """Read what `to_json` writes; raise ValueError or KeyError for anything else."""
        if value["epsilon"] == "inf":
            return EXACT
        names = ("epsilon", "delta", "rho", "slip") if "rho" in value else ("epsilon", "delta")
        parts = [Fraction(value[name]) for name in names]
        if min(parts) < 0:
            raise ValueError("a spend is not negative")
        return cls(*parts)


EXACT = Spend(None)


@dataclass(frozen=True, slots=True)
class Budget:
    """Bound of what all releases together may tell of one contributor."""

    epsilon: Fraction
    delta: Fraction = DEFAULT_DELTA


def text(value: Fraction) -> str:
    """Return a fraction as text: "0.25" where that is exact, "1/3" where it is not."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return str(value)
    with localcontext() as context:
        context.prec = len(str(value.numerator)) + 4 * len(str(value.denominator)) + 4
        return f"{(Decimal(value.numerator) / value.denominator).normalize():f}"


def short(value: Fraction) -> str:
    """Return a fraction for people: at most six digits, rounded up, tiny ones as 1e-6."""
    if value == 0:
        return "0"
    with localcontext() as context:
        context.prec, context.rounding = 6, ROUND_CEILING
        found = (Decimal(value.numerator) / value.denominator).normalize()
    return f"{found:f}" if found >= Decimal("0.001") else f"{found:e}".replace("e-0", "e-")


# --- composition ---------------------------------------------------------------------------------


def total(spends: Iterable[Spend]) -> Spend:
    """Add up spends by basic composition. One exact release makes the whole exact."""
    epsilon, delta, rho, slip = ZERO, ZERO, ZERO, ZERO
    known = True
    for spend in spends:
        if spend.epsilon is None:
            return EXACT
        epsilon += spend.epsilon
        delta += spend.delta
        known = known and spend.rho is not None
        rho += spend.rho or ZERO
        slip += spend.slip
    return Spend(epsilon, delta, rho, slip) if known else Spend(epsilon, delta)


def harm(epsilon: Fraction) -> int:
    """Return at least 1 + e^epsilon: how much delta grows for each unit of total variation."""
    # Any epsilon beyond 1000 makes delta larger than 1: no larger number is needed for that.
    return 1 + int(3 ** min(math.ceil(epsilon), 1000))


def epsilon_of(rho: Fraction, delta: Fraction) -> Fraction:
    """Return an epsilon such that rho-zCDP implies (epsilon, delta), rounded up to `GRID`.

    For every order a > 1, epsilon = a rho - ln(a delta) / (a - 1) + ln(1 - 1/a) is one [CKS20,
    proposition 12]. The best a is looked for in floats; its bound is then worked out in 60 digits
    and rounded up, so an a that is not quite the best costs accuracy and never truth.

    Raises:
        ValueError: delta is not between 0 and 1, both excluded, or rho is negative.
    """
    if not 0 < delta < 1 or rho < 0:
        raise ValueError("needs a delta between 0 and 1, and a rho that is not negative")
    if rho == 0:
        return ZERO
    order = Fraction(_best_order(float(rho), _log(delta)))
    return epsilon_at(order, order * rho, delta)


@lru_cache(maxsize=256)
def rho_of(epsilon: Fraction, delta: Fraction) -> Fraction:
    """Return the largest rho, to nine digits, such that rho-zCDP implies (epsilon, delta).

    It is 0 where epsilon is too small: what a rho implies is rounded up to `GRID`.
    """
    low, high = ZERO, epsilon
    least = min(epsilon, epsilon**2) * delta / 100
    while high - low > high / _NINE and high > least:
        middle = (low + high) / 2
        low, high = (low, middle) if epsilon_of(middle, delta) > epsilon else (middle, high)
    return low


def order_of(epsilon: Fraction, delta: Fraction) -> Fraction:
    """Return the order of Renyi divergence at which most rho fits into (epsilon, delta)."""
    return Fraction(_best_order(float(rho_of(epsilon, delta)), _log(delta)))


def _log(value: Fraction) -> float:
    return math.log(value.numerator) - math.log(value.denominator)


def _best_order(rho: float, log_delta: float) -> float:
    """Find the order a of the least bound, by ternary search over ln(a - 1): it has one minimum."""

    def bound(z: float) -> float:
        y = math.exp(z)  # a - 1
        return (1 + y) * rho + (-log_delta - math.log1p(y)) / y + z - math.log1p(y)

    low, high = -40.0, 40.0
    for _ in range(200):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, b) if bound(a) <= bound(b) else (a, high)
    return 1 + max(1e-9, math.exp((low + high) / 2))


def epsilon_at(order: Fraction, divergence: Fraction, delta: Fraction) -> Fraction:
    """Return the epsilon that a Renyi divergence of one order proves, rounded up to `GRID`."""
    with localcontext() as context:
        context.prec = _DIGITS
        a, r, d = map(_decimal, (order, divergence, delta))
        return max(ZERO, round_up(r - (d * a).ln() / (a - 1) + (1 - 1 / a).ln()))


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / value.denominator


def round_up(value: Decimal) -> Fraction:
    """Round a figure of 60 digits up to a multiple of `GRID`, beyond all its rounding errors."""
    slack = _SLACK * max(Decimal(1), abs(value))
    return Fraction(math.ceil(Fraction(value + slack) * GRID), GRID)


def log_up(value: Fraction) -> Fraction:
    """Return ln(value), rounded up to `GRID`."""
    with localcontext() as context:
        context.prec = _DIGITS
        return round_up(_decimal(value).ln())


# --- what a manifest costs -----------------------------------------------------------------------


def cost_of(manifest: Manifest) -> Spend:
    """Return what one run spends by its manifest: its `[privacy]`, or the exact answer.

    Epsilons of manifests are for a contributor's whole input, of any length.
    """
    noise = manifest.privacy.local or manifest.privacy.central
    if noise is None:
        return EXACT
    if isinstance(noise, Local) and noise.truth is not None:
        return Spend.pure(_of_truth(noise.truth, manifest) * manifest.input.length)
    assert noise.epsilon is not None
    epsilon = Fraction(noise.epsilon)
    if noise.delta is None:
        return Spend.pure(epsilon)
    return Spend(epsilon, Fraction(noise.delta))


def _of_truth(truth: Fraction, manifest: Manifest) -> Fraction:
    """Return the epsilon of one answer of randomized response, true with probability `truth`."""
    k = len(getattr(manifest.input.type, "options", "01"))
    return log_up(1 + k * truth / (1 - truth))
