"""Sentences of `ostraka check` on a round of a study: what it tells, and what all rounds tell."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

from ostraka.manifest import Privacy
from ostraka.manifest.study_round import StudyRound
from ostraka.protocols.protocol import Protocol
from ostraka.record.accountant import epsilon
from ostraka.record.budget import Budget, Spend, short

LARGE: Final = 10
"""Epsilon of all rounds together beyond which they hide next to nothing."""

FEW: Final = 30
"""Contributors of a round below which an exact aggregate tells much of each."""

DROWNED: Final = 4
"""Noise drowns a round if its norm is so many times that of the longest update, in the mean."""


def explain(protocol: Protocol) -> list[str]:
    """Say which round this is, what it tells, what all rounds tell together, and what remains.

    Empty for a session that is no round.
    """
    manifest, of = protocol.manifest, protocol.manifest.round
    if of is None:
        return []
    spend = protocol.spends_at_worst()
    noise = _without_noise(protocol, of) if spend.exact else _with_noise(protocol, of, spend)
    return [
        f"Round {of.number} of {of.of} of the study {of.study[7:23]}, from the model "
        f"{of.model[7:23]}: this manifest follows from the two, so a party that has agreed to the "
        "study has agreed to it.",
        *noise,
        _what_remains(manifest.privacy),
    ]


def together(of: StudyRound, spend: Spend) -> Fraction | None:
    """Return the epsilon, at the delta of one round, of all rounds that a contributor can be in.

    Under zero-concentrated privacy rhos add up, also where a round depends on earlier ones.
    None where no epsilon bounds it: rounds are exact, or have no delta.
    """
    if spend.epsilon is None or not spend.delta:
        return None
    return epsilon([spend] * of.each, Budget(spend.epsilon, spend.delta), "zcdp")


def _with_noise(protocol: Protocol, of: StudyRound, spend: Spend) -> list[str]:
    """Say what all rounds tell, and whether noise leaves something of one round's aggregate."""
    found = together(of, spend)
    bound = "no epsilon" if found is None else f"epsilon = {short(found)}"
    lines = [
        f"All rounds: one contributor is in at most {of.each} of {of.of}. What all of their "
        f"aggregates, and so the finished model, tell of all its updates is bounded by {bound}, "
        f"delta = {short(spend.delta)} (rhos of the rounds add up). It also holds for a "
        "contributor that leaves, and for all that is computed from the model later.",
        *_drowned(protocol),
    ]
    if found is not None and found > LARGE:
        lines.append(
            f"WARNING: many rounds: epsilon = {short(found)} for all of them hides next to "
            "nothing. Take fewer rounds, more noise, or more contributors of whom each is in fewer "
            "rounds (cohort in [study])."
        )
    return lines


def _drowned(protocol: Protocol) -> list[str]:
    """Warn where the noise in the mean is much longer than the longest update."""
    clip = protocol.manifest.privacy.clip
    each = protocol.spread_of_noise()
    if clip is None or clip.at is None or not each:
        return []
    schema, n = protocol.manifest.input, protocol.least_counted
    times = each * math.sqrt(schema.length) / n / float(clip.at)
    text = (
        f"With {n} contributors the noise in the mean of {schema.length} numbers is about "
        f"{times:.2g} times as long as the longest update"
    )
    if times <= DROWNED:
        return [text + "."]
    return [
        f"WARNING: few contributors: {text[0].lower()}{text[1:]}: it drowns what they learn. Twice "
        "the contributors halve it; a smaller model, fewer rounds or a larger epsilon help, too."
    ]


def _without_noise(protocol: Protocol, of: StudyRound) -> list[str]:
    n, least = len(protocol.contributors), protocol.least_counted
    lines = [
        "WARNING: no noise: each round tells the exact sum of the updates, and all but one "
        f"contributor who compare notes learn the last one's. {of.of} rounds tell more than one: "
        "from updates of one device over several rounds its training data can be rebuilt. epsilon "
        "and delta in [study] add noise that no party knows."
    ]
    if least < FEW:
        lines.append(
            f"WARNING: few contributors: a round may count {least} of {n}; an exact sum of so few "
            "updates can be told apart by what each of them is known to have."
        )
    return lines


def _what_remains(privacy: Privacy) -> str:
    text = "What remains: a contributor can send an update that is valid and made to mislead"
    if privacy.clip is not None:
        text += (
            f"; compute parties prove that its norm is at most {privacy.clip.at:f}, and no more "
            "than that"
        )
    return f"{text}. That it took part in a round is not hidden from the other parties."
