"""Composition of releases: the smallest epsilon that a way of adding them up proves.

basic   epsilons add, deltas add; exact
zcdp    rhos add [BS16]; rounded up
rdp     Renyi privacy at many orders [Mir17], by dp-accounting
pld     privacy loss distributions [KJH20], by dp-accounting

Each gives the basic figure where that is smaller. The last two come with `ostraka[accounting]`;
they take a release for the worst mechanism that fits its `Spend`, so their proof holds for every
mechanism.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, get_args

from ostraka.errors import UsageError
from ostraka.record.budget import ZERO, Spend, epsilon_of, harm, total

if TYPE_CHECKING:
    from types import ModuleType

Way = Literal["basic", "zcdp", "rdp", "pld"]
WAYS: tuple[Way, ...] = get_args(Way)

GRID = 10**9
"""Grid for floats of dp-accounting: they are rounded up to a multiple of 1/GRID."""

PLD_STEP = 1e-4
"""Grid for privacy losses: they are rounded up to a multiple of it."""


def epsilon(spends: Sequence[Spend], delta: Fraction, way: Way) -> Fraction | None:
    """Return the smallest epsilon proven, for which all releases are (epsilon, delta)-private.

    Returns:
        The epsilon of all releases together; None when there is none, because one release was
        exact or their own deltas exceed `delta`.

    Raises:
        UsageError: dp-accounting is not installed.
    """
    together = total(spends)
    if together.epsilon is None:
        return None
    found = [together.epsilon] if together.delta <= delta else []
    if way == "pld":
        found += _by_pld(spends, delta)
    elif way != "basic":
        found += _by_rho(spends, delta, way)
    return min(found, default=None)


def _by_rho(spends: Sequence[Spend], delta: Fraction, way: Way) -> list[Fraction]:
    """Return epsilons with some releases composed by rho, and the others by basic composition.

    Two choices are tried: all releases whose rho is known, and only those that concentrate."""
    unknown = [s for s in spends if s.rho is None]
    pure = [s for s in spends if s.rho is not None and not s.concentrates]
    gaussian = [s for s in spends if s.concentrates]
    found = []
    for chosen, rest in ((pure + gaussian, unknown), (gaussian, unknown + pure)):
        if chosen:
            found += _together(chosen, total(rest), delta, way)
    return found


def _together(chosen: Sequence[Spend], rest: Spend, delta: Fraction, way: Way) -> list[Fraction]:
    """Return the epsilon of `chosen` by rho plus that of `rest`, or nothing if delta is too small.

    A part of delta is kept for slips; how much they need depends on the epsilon that results."""
    assert rest.epsilon is not None
    slip = sum((s.slip for s in chosen), ZERO)
    left = delta - rest.delta
    for kept in (ZERO,) if not slip else (left / 1024, left / 2):
        if not 0 < left - kept < 1:
            continue
        own = left - kept
        proven = epsilon_of(_rho(chosen), own) if way == "zcdp" else _renyi(chosen, own)
        if harm(rest.epsilon + proven) * slip <= kept:
            return [rest.epsilon + proven]
    return []


def _rho(spends: Iterable[Spend]) -> Fraction:
    """Return the sum of the rhos that are known."""
    return sum((s.rho for s in spends if s.rho is not None), ZERO)


# --- through dp-accounting -----------------------------------------------------------------------


def _dp_accounting() -> tuple[ModuleType, ModuleType, ModuleType]:
    """Import dp-accounting, which takes a second, when it is needed and not before."""
    try:
        import dp_accounting
        from dp_accounting import pld, rdp
    except ImportError:
        raise UsageError(
            "accounting by Renyi privacy or privacy loss distributions needs dp-accounting",
            hint="pip install 'ostraka[accounting]', or set the budget's accountant to \"zcdp\"",
            data_left=False,
        ) from None
    return dp_accounting, rdp, pld


def _renyi(spends: Sequence[Spend], delta: Fraction) -> Fraction:
    """Return the epsilon by Renyi privacy.

    Pure releases are taken for randomized response between two answers, the worst mechanism of
    their epsilon; the others for zCDP."""
    events, rdp, _ = _dp_accounting()
    accountant = rdp.RdpAccountant(neighboring_relation=events.NeighboringRelation.REPLACE_ONE)
    pure = Counter(s.epsilon for s in spends if not s.concentrates)
    for each, count in pure.items():
        if each:
            noise = 2 / (1 + math.exp(each))
            accountant.compose(events.RandomizedResponseDpEvent(noise, 2), count)
    rest = _rho(s for s in spends if s.concentrates)
    if rest:
        accountant.compose(events.ZCDpEvent(float(rest)))
    return _up(accountant.get_epsilon(float(delta)))


def _by_pld(spends: Sequence[Spend], delta: Fraction) -> list[Fraction]:
    """Return the epsilon by privacy loss distributions, of the worst mechanism for each spend."""
    _, _, pld = _dp_accounting()
    distribution: Any = pld.privacy_loss_distribution.identity(
        value_discretization_interval=PLD_STEP
    )
    for (each, own), count in Counter((s.epsilon, s.delta) for s in spends).items():
        parameters = pld.common.DifferentialPrivacyParameters(float(each or 0), float(own))
        one = pld.privacy_loss_distribution.from_privacy_parameters(parameters, PLD_STEP)
        distribution = distribution.compose(one.self_compose(count))
    found = float(distribution.get_epsilon_for_delta(float(delta)))
    return [_up(found)] if math.isfinite(found) else []


def _up(value: float) -> Fraction:
    """Round up to a multiple of 1/GRID."""
    return Fraction(math.ceil(Fraction(value) * GRID), GRID)
