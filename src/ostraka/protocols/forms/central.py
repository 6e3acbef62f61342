"""`[privacy] central`: noise added in shares by several parties; none ever sees the exact answer.

The manifest's `honest` is a part of *all* makers of noise. A maker that is missing may be an honest
one, so of m makers counted m - curious are certain to be honest, and noise is sized for the fewest
makers that a result may count.
"""

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
from ostraka.protocols.forms.epsilons import explain_large, refuse_small
from ostraka.protocols.options import refuse
from ostraka.protocols.protocol import Protocol
from ostraka.record.budget import Spend, short

AdditiveShares = LaplaceShares | GaussianShares
"""Noise for figures that are opened."""


def by_contributors(protocol: Protocol, sensitivity: Sensitivity) -> AdditiveShares | None:
    """Return the noise of which each contributor adds a share to its own vector.

    Raises:
        ManifestError: a result may count so few contributors that none of them must be honest.
    """
    central = protocol.manifest.privacy.central
    if central is None:
        return None
    n, least, curious = len(protocol.contributors), protocol.least_counted, curious_makers(protocol)
    if least <= curious:
        refuse(
            f"privacy.central.honest: {curious} of {n} contributors may tell the noise they added, "
            f"and a result may count {least}: all of them could be among those {curious}, and the "
            "noise would hide nothing",
            hint=f"set min_contributors to {curious + 1} or more in [policy], or honest to "
            f'"{n - least + 1}/{n}" or more',
        )
    return _shares(central, sensitivity, least - curious)


def curious_makers(protocol: Protocol) -> int:
    """Return how many contributors may tell the noise they added, by the manifest's `honest`."""
    central, n = protocol.manifest.privacy.central, len(protocol.contributors)
    return n - math.ceil(central.honest * n) if central else 0


def by_compute_parties(protocol: Protocol, sensitivity: Sensitivity) -> AdditiveShares | None:
    """Return the noise that compute parties deal; all but `threshold` of them are honest.

    All of them must stay, so the honest ones' shares are in every result.
    """
    central = protocol.manifest.privacy.central
    if central is None:
        return None
    noise = _shares(central, sensitivity, _dealers(protocol, central))
    _fits(protocol, noise)
    return noise


def _dealers(protocol: Protocol, central: Central) -> int:
    """Return how many compute parties are certain to be honest."""
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
    """Refuse noise that is too large for shared numbers."""
    most, room = 8 * len(protocol.scheme.compute) * noise.share.bound, protocol.scheme.capacity
    if most > room:
        refuse_small(protocol.manifest, most, room)


def on_scores(protocol: Protocol, change: int, scores: int) -> GeometricShares:
    """Return the noise for scores of which the largest alone is named.

    Args:
        change: the most that another input changes a score.
        scores: how many there are.
    """
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
    """Return the noise for counts of votes.

    Args:
        weights: how often each contributor's vote counts.
        counts: how many counts there are.
        changed: the most of them that another input of one contributor changes.
    """
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
        refuse(f"privacy.central: {problem}", hint="raise delta, or choose another epsilon")


def noised(output: Output, noise: NoiseShares | None, makers: int) -> Output:
    """Return the output with its error, as the noise of so many makers is in it."""
    return output.within(noise.within(makers)) if noise else output


# --- in words ------------------------------------------------------------------------------------


def explain_noise(
    noise: NoiseShares,
    who: str,
    makers: int,
    least: int,
    curious: int,
    quantum: Fraction = Fraction(1),
    unit: str = "",
) -> list[str]:
    """Say what the noise hides, in the worst case that the manifest admits, and what it costs.

    Args:
        who: adds noise, in the plural.
        makers: how many of them there are.
        least: the fewest that a result may count.
        curious: how many of them may tell the noise they added.
        quantum, unit: what a shared 1 stands for.
    """

    def shown(size: float) -> str:
        return f"{size * float(quantum):.6g} {unit}".strip()

    h, s = noise.honest, noise.sensitivity
    kind, norm = "Laplace", f"{shown(s.l1)} in the L1 norm"
    if isinstance(noise, GaussianShares):
        kind, norm = "Gaussian", f"{shown(math.sqrt(s.l2_squared))} in the L2 norm"
    return [
        f"Noise: {who} each add a share of discrete {kind} noise, so no party ever sees the exact "
        "answer. What one contributor's input changes in the result is bounded by "
        f"{_promise(noise.spends(least - curious))}; in the sums it may change up to {norm}.",
        _against(noise, makers, least, curious),
        f"With probability 95% a sum is within {shown(noise.within(makers))}; noise added by one "
        f"party that all the others trust would need {shown(noise.within(h))}.",
    ]


def _promise(spend: Spend) -> str:
    """Return epsilon, and delta where there is one, as text."""
    assert spend.epsilon is not None
    delta = f", delta = {short(spend.delta)}" if spend.concentrates else ""
    return f"epsilon = {short(spend.epsilon)}{delta}"


def _against(noise: NoiseShares, makers: int, least: int, curious: int) -> str:
    """Say against how many makers who pool what they know a promise holds, and why."""
    h = noise.honest
    if curious == 0 and makers > 1:
        return (
            f"WARNING: all {makers} are taken for honest. A party that adds noise knows its own "
            "share, and can take it off: that holds against parties that add none. A lower honest "
            "in [privacy] makes noise for the others alone."
        )
    text = (
        "A party that adds noise knows its own share, so that holds against up to "
        f"{curious} of the {makers} who pool what they know; the noise of {h} is enough."
    )
    if least < makers:
        text += (
            f" That is the worst case: a result may count {least}, with all those {curious} among "
            f"them, and {h} others."
        )
    if h > 1:
        fewer = noise.spends(h // 2).epsilon
        assert fewer is not None
        most = "at most " * bool(noise.sensitivity.width)
        text += f" With the noise of {h // 2} alone, epsilon would be {most}{float(fewer):.3g}."
    return text


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
    lines = explain_noise(noise, "the compute parties", n, n, n - noise.honest)
    lines.append(explain_dealers(protocol, str(noise.share.bound), "a count"))
    return lines + explain_large(noise.epsilon, protocol.manifest.input.length)
