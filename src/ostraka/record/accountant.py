"""Composition of releases under a budget: privacy filters, and how much of a budget they have used.

An organiser may choose a run by the results of earlier runs, its epsilon included. So a budget is
kept by a *privacy filter*, a rule for stopping that holds under such adaptive choice, and a way of
adding up that has no theorem of that kind is no way here:

basic   epsilons add, deltas add; exact [RRUV16]
zcdp    rhos add, and deltas of releases without a rho of their own; rounded up [WRRW23]
rdp     Renyi divergences add, at one order that follows from the budget alone [FZ21] [Lec21]

The last two pass a run that their own filter or the basic one passes. Filters that are alternatives
share delta between them, in parts that are fixed beforehand: what passes at the end has passed one
of them all along, so the deltas of all of them add up to that of the budget. Decision 0018 has the
argument, and says why privacy loss distributions are not among the ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal, get_args

from ostraka.record.budget import (
    ZERO,
    Budget,
    Spend,
    epsilon_at,
    epsilon_of,
    harm,
    order_of,
    round_up,
    total,
)

Way = Literal["basic", "zcdp", "rdp"]
WAYS: tuple[Way, ...] = get_args(Way)

MAIN: Final = 1 - Fraction(1, 1 << 20)
"""Part of delta for the conversion from rho or a Renyi divergence to epsilon. It is the part that
Gaussian noise uses itself, so a single release may spend a whole budget."""

REST: Final = Fraction(1, 1 << 21)
"""Part of delta for slips, and for releases whose rho is not known."""

BASIC: Final = Fraction(1, 1 << 21)
"""Part of delta for basic composition as an alternative: enough for what samplers leave out."""

_FAR: Final = 1000
"""Bound of order times epsilon beyond which a Renyi divergence is taken for epsilon itself."""


def epsilon(spends: Sequence[Spend], budget: Budget | None, way: Way) -> Fraction | None:
    """Return how much of a budget's epsilon some releases have used: more than it, if too much.

    Args:
        spends: of the releases; each may have been chosen by the results of those before it.
        budget: None: the epsilon of basic composition, with any delta.
        way: the filter.

    Returns:
        At most the budget's epsilon where the filter passes the releases; None when no epsilon
        would do, because one release was exact or their deltas exceed the filter's part of delta.
    """
    together = total(spends)
    if budget is None or together.epsilon is None:
        return together.epsilon
    share = budget.delta if way == "basic" else budget.delta * BASIC
    found = [together.epsilon] if together.delta <= share else []
    if way != "basic" and budget.delta > 0 and _rest(spends, budget) <= budget.delta * REST:
        found.append(_by_rho(spends, budget) if way == "zcdp" else _by_order(spends, budget))
    return min(found, default=None)


def _rest(spends: Sequence[Spend], budget: Budget) -> Fraction:
    """Return the delta of releases whose rho is not known, and what the others' slips add."""
    unknown = sum((s.delta for s in spends if s.rho is None), ZERO)
    slip = sum((s.slip for s in spends if s.rho is not None), ZERO)
    return unknown + harm(budget.epsilon) * slip


def _by_rho(spends: Sequence[Spend], budget: Budget) -> Fraction:
    """Return the epsilon of the sum of rhos: every order at once, so none has to be chosen."""
    return epsilon_of(sum(map(_rho, spends), ZERO), budget.delta * MAIN)


def _rho(spend: Spend) -> Fraction:
    """Return rho; where it is not known that of the worst release of this epsilon and delta."""
    assert spend.epsilon is not None
    return spend.epsilon**2 / 2 if spend.rho is None else spend.rho


def _by_order(spends: Sequence[Spend], budget: Budget) -> Fraction:
    """Return the epsilon of the sum of Renyi divergences at the budget's order."""
    delta = budget.delta * MAIN
    order = order_of(budget.epsilon, delta)
    divergence = sum((_divergence(spend, order) for spend in spends), ZERO)
    return epsilon_at(order, divergence, delta) if divergence else ZERO


def _divergence(spend: Spend, order: Fraction) -> Fraction:
    """Return the most that a release can have: that of a Gaussian for its rho, and for its epsilon
    that of randomized response between two answers, the worst mechanism of that epsilon [KOV15]."""
    assert spend.epsilon is not None
    if spend.concentrates and spend.rho is not None:
        return order * spend.rho
    return _of_response(spend.epsilon, order)


@lru_cache(maxsize=1024)
def _of_response(each: Fraction, order: Fraction) -> Fraction:
    """Return the divergence of order a: ln((e^(a e) + e^((1 - a) e)) / (1 + e^e)) / (a - 1)."""
    if order * each > _FAR:
        return each
    with localcontext() as context:
        context.prec = 60
        a, e = (Decimal(x.numerator) / x.denominator for x in (order, each))
        odds = ((a * e).exp() + ((1 - a) * e).exp()) / (1 + e.exp())
        return min(each, round_up(odds.ln() / (a - 1)))
