"""Sentences of `check` on results that count fewer contributors than all: the worst case."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from ostraka.names import PartyId
from ostraka.protocols.protocol import Protocol


def explain_fewest(protocol: Protocol, learned: str) -> list[str]:
    """Say how few contributors who compare notes are enough where some may be missing.

    Args:
        learned: what they learn of the last one's input.
    """
    k, least = len(protocol.contributors), protocol.least_counted
    if least >= k:
        return []
    few = f"A result may count as few as {least} of the {k} contributors: then "
    if least == 1:
        return [f"WARNING: {few}that one's input is all it is made of."]
    who = "one of those counted" if least == 2 else f"{least - 1} of those counted"
    warning = "WARNING: " * (least == 2)
    return [f"{warning}{few}{who} can learn {learned}."]


def explain_coalition(protocol: Protocol) -> list[str]:
    """Say what voters who compare notes learn of the last one's vote."""
    k = len(protocol.contributors)
    if k <= 2:
        return [
            f"WARNING: {k} voter{'s' * (k > 1)}: a voter who knows its own vote and the outcome "
            "can often tell the other's."
        ]
    return [
        f"The answer itself: {k - 1} of you who compare notes know all votes but one, and learn "
        "the last one whenever it decided. Fewer learn as much as the outcome says about the "
        "votes of all others together, and what each of those is if only one way of voting fits.",
        *explain_fewest(protocol, "the last one's vote whenever it decided"),
    ]


def explain_fewest_votes(
    weights: Mapping[PartyId, int],
    least: int,
    needed: Callable[[int], int | None],
    *,
    abstain: bool,
) -> list[str]:
    """Say what an outcome may tell where no more than `least` voters are counted.

    Args:
        weights: how often each voter's vote counts.
        needed: from the weight of all voters counted to the votes that pass when none abstains;
            None for a winner.
        abstain: whether voters may.
    """
    if least >= len(weights):
        return []
    found = []
    for name, weight in weights.items():
        total = weight + _lightest([w for n, w in weights.items() if n != name], least - 1)
        if _decides(weight, total, needed(total), abstain=abstain):
            found.append(f"the outcome may be {name}'s vote alone")
            break
    edges = [_edges(weights.values(), w, least, needed) for w in set(weights.values())]
    if any(all_for for all_for, _ in edges):
        found.append("one that passes may tell that every voter counted voted for it")
    if any(none_for for _, none_for in edges):
        found.append("one that does not may tell that no voter counted voted for it")
    if not found:
        return []
    return [f"WARNING: a result may count as few as {least} voters: {'; '.join(found)}."]


def _lightest(weights: Collection[int], count: int) -> int:
    return sum(sorted(weights)[:count])


def _decides(weight: int, total: int, needed: int | None, *, abstain: bool) -> bool:
    """Return whether the outcome is the vote of this weight, among votes of this total."""
    if needed is None:
        return 2 * weight > total
    return total - weight < needed <= weight and not abstain


def _edges(
    weights: Collection[int], lightest: int, least: int, needed: Callable[[int], int | None]
) -> tuple[bool, bool]:
    """Return whether all counted, or none of them, must have voted for what passes, or does not.

    The lightest of those counted has a given weight; of such sets that of the least total tells
    most, as what is needed grows no faster than the total.
    """
    heavier = sorted(w for w in weights if w >= lightest)[:least]
    total = sum(heavier)
    votes = needed(total)
    if len(heavier) < least or votes is None:
        return False, False
    return votes > total - lightest, votes <= lightest
