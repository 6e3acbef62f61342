"""`[privacy] central`: noise that several add in shares, so nobody ever sees the exact answer."""

from __future__ import annotations

import math
from collections.abc import Collection
from fractions import Fraction

from ostraka.manifest import Central
from ostraka.noise.shares import (
    GaussianShares,
    GeometricShares,
    LaplaceShares,
    NoiseShares,
    Sensitivity,
)
from ostraka.outcome import Output
from ostraka.protocols.options import refuse
from ostraka.protocols.protocol import Protocol
from ostraka.record.budget import short

AdditiveShares = LaplaceShares | GaussianShares
"""Noise for figures that are opened."""


def by_contributors(protocol: Protocol, sensitivity: Sensitivity) -> AdditiveShares | None:
    """Noise that each contributor adds to its own vector before it shares it.

    The honest part of them is always counted: otherwise min_contributors stops the run.
    """
    central = protocol.manifest.privacy.central
    if central is None:
        return None
    n, least = len(protocol.contributors), protocol.manifest.policy.min_contributors
    honest = math.ceil(central.honest * n)
    if least < honest:
        refuse(
            f"privacy.central.honest: the noise of {honest} of {n} contributors must be there, "
            f"and a result over {least} is allowed",
            hint=f"set min_contributors to {honest} or more in [policy], or lower honest",
        )
    return _shares(central, sensitivity, honest)


def by_compute_parties(protocol: Protocol, sensitivity: Sensitivity) -> NoiseShares | None:
    """Noise that compute parties deal; all but `threshold` of them are honest."""
    central = protocol.manifest.privacy.central
    if central is None:
        return None
    noise = _shares(central, sensitivity, _dealers(protocol, central))
    _fits(protocol, noise)
    return noise


def _dealers(protocol: Protocol, central: Central) -> int:
    """Compute parties that are honest for certain."""
    n = len(protocol.scheme.compute)
    honest = n - protocol.scheme.colluders
    if central.honest * n > honest:
        refuse(
            f"privacy.central.honest: the compute parties add the noise, and the threshold allows "
            f"that {protocol.scheme.colluders} of {n} are not honest",
            hint=f'set honest = "{honest}/{n}" at most, or leave it out',
        )
    return honest


def _fits(protocol: Protocol, noise: NoiseShares) -> None:
    if 8 * len(protocol.scheme.compute) * noise.share.bound > protocol.scheme.capacity:
        refuse("privacy.central.epsilon: takes more noise than a shared number can hold")


def on_scores(protocol: Protocol, change: int, scores: int) -> GeometricShares:
    """Noise for so many scores, of which another input changes each by so much at most, and of
    which the largest alone is named."""
    central = protocol.manifest.privacy.central
    if central is None or central.mechanism != "exponential":
        refuse(
            f"privacy.central: {protocol.name} needs exponential noise",
            hint='set central = { mechanism = "exponential", epsilon = 1.0 } in [privacy]',
        )
    assert central.epsilon is not None
    noise = GeometricShares(Fraction(central.epsilon), change, scores, _dealers(protocol, central))
    _fits(protocol, noise)
    return noise


def on_counts(
    protocol: Protocol, weights: Collection[int], counts: int, changed: int
) -> NoiseShares | None:
    """Noise for so many counts of votes with these weights, of which another contributor's input
    changes so many at most."""
    w = max(weights)
    return by_compute_parties(protocol, Sensitivity(w * changed, w * w * changed, counts))


def _shares(central: Central, sensitivity: Sensitivity, honest: int) -> AdditiveShares:
    assert central.epsilon is not None
    epsilon = Fraction(central.epsilon)
    if central.mechanism == "exponential":
        refuse(
            "privacy.central.mechanism: exponential noise is for scores of which one is chosen",
            hint='use protocol = "private-choice", or mechanism = "discrete-laplace"',
        )
    if central.mechanism == "discrete-laplace":
        return LaplaceShares(epsilon, sensitivity, honest)
    assert central.delta is not None
    try:
        return GaussianShares(epsilon, Fraction(central.delta), sensitivity, honest)
    except ValueError as problem:
        refuse(f"privacy.central.delta: {problem}")


def noised(output: Output, noise: NoiseShares | None, makers: int) -> Output:
    """With its error, as so many makers' noise is in it."""
    return output.within(noise.within(makers)) if noise else output


# --- in words ------------------------------------------------------------------------------------


def explain_noise(
    noise: NoiseShares,
    who: str,
    makers: int,
    least: int,
    quantum: Fraction = Fraction(1),
    unit: str = "",
) -> list[str]:
    """What hides whom, from how many.

    Args:
        who: adds noise, in the plural.
        makers, least: how many of them there are, and how many must be counted.
        quantum, unit: what a shared 1 stands for.
    """

    def shown(size: float) -> str:
        return f"{size * float(quantum):.6g} {unit}".strip()

    h, spend, s = noise.honest, noise.spends(noise.honest), noise.sensitivity
    assert spend.epsilon is not None
    promise = f"epsilon = {short(spend.epsilon)}"
    kind, norm = "Laplace", f"{shown(s.l1)} in the L1 norm"
    if isinstance(noise, GaussianShares):
        promise += f", delta = {short(spend.delta)}"
        kind, norm = "Gaussian", f"{shown(math.sqrt(s.l2_squared))} in the L2 norm"
    against = f"up to {makers - h}"
    if least < makers:
        against += f", or {least - h} if only {least} are counted,"
    lines = [
        f"Noise: {who} each add a share of discrete {kind} noise, so nobody ever sees the exact "
        f"answer. What one contributor's input changes in the result is bounded by {promise}; in "
        f"the sums it may change up to {norm}.",
        f"The noise of {h} of the {makers} is enough for that. Whoever adds noise knows its own "
        f"share, so it holds against {against} of them who pool what they know.",
        f"With probability 95% a sum is within {shown(noise.within(makers))}; noise added by "
        f"somebody whom all trust would need {shown(noise.within(h))}.",
    ]
    if h > 1:
        fewer = noise.spends(h // 2).epsilon
        assert fewer is not None
        most = "at most " * bool(s.width)
        lines[1] += f" With the noise of {h // 2} alone, epsilon would be {most}{float(fewer):.3g}."
    return lines


def explain_dealers(protocol: Protocol, most: str, of: str) -> str:
    """Say what a compute party that lies can do with noise of at most `most`, to `of`."""
    if protocol.manifest.sharing.security == "passive":
        return (
            "A compute party that does not follow the protocol can also deal any noise it likes, "
            "and so make the result wrong, unnoticed; it learns no more for that."
        )
    return (
        "Noise is the exception to what is proven below: that it was drawn as agreed cannot be, "
        "only that a share of it is no larger than noise can be. A compute party that lies can "
        f"move {of} by up to {most} with it, unnoticed; it learns no more for that."
    )


def explain_dealt_noise(protocol: Protocol, noise: NoiseShares) -> list[str]:
    """Say what hides whom where compute parties add noise to counts, and what a liar can do."""
    n = len(protocol.scheme.compute)
    lines = explain_noise(noise, "the compute parties", n, n)
    return [*lines, explain_dealers(protocol, str(noise.share.bound), "a count")]
