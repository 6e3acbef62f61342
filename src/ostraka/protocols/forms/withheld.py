"""Sentences about figures that disclosure rules withhold, for `ostraka check` and for results."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from ostraka.manifest import Dominance, Policy
from ostraka.protocols.sentences import listed


def why_withheld(titles: Sequence[str], given: Sequence[bool], policy: Policy) -> str:
    """Say in one sentence why some figures are not given; "" when all are."""
    missing = [title for title, known in zip(titles, given, strict=True) if not known]
    if not missing:
        return ""
    rules = ", ".join(policy.inside)
    if len(given) == 1:
        return f"The figure is withheld: it does not keep all rules of the policy ({rules})."
    which = f"{len(missing)} of {len(given)} cells and totals are withheld ({_some(missing)})"
    return (
        f"{which}: they do not keep all rules of the policy ({rules}), or would tell of one that "
        "does not."
    )


def _some(titles: list[str]) -> str:
    shown = titles[:6] + [f"{len(titles) - 6} others"] * (len(titles) > 6)
    return listed(shown)


def explain_rules(policy: Policy, unit: str, *, cells: int, signed: bool) -> list[str]:
    """Say which rules a sum must keep to be given, and what these rules leave open.

    Args:
        unit: the unit of the sums; "" for none.
        cells: number of sums, totals left out.
        signed: whether a contribution may be below zero.
    """
    rule, found = policy.dominance or Dominance(), []
    if rule.largest is not None:
        found.append(f"no contributor makes up more than {_percent(rule.largest)} of it")
    if rule.p is not None:
        found.append(
            f"without its two largest contributions it is at least {_percent(rule.p)} of the "
            "largest: no contributor can work out another's contribution more closely than that"
        )
    if rule.n is not None and rule.k is not None:
        found.append(f"its {rule.n} largest contributions are at most {_percent(rule.k)} of it")
    if policy.min_cell > 1:
        found.append(f"at least {policy.min_cell} contributors have something in it")
    if policy.plausible:
        low, high = policy.plausible.min, policy.plausible.max
        within = [f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None)
        found.append(f"it is {' and '.join(within)} {unit}".rstrip())
    if not found:
        return [
            "WARNING: [policy] has no rule for what is given: a cell with one contributor in it is "
            "that contributor's number. Say min_cell, or dominance."
        ]
    each = "the sum" if cells == 1 else "a cell or total"
    lines = [f"The rules: {each} is given if {'; and '.join(found)}."]
    if policy.min_cell == 2 and rule.p is None:
        lines.append(
            "WARNING: of two contributors in a cell each learns the other's number, by subtracting "
            "its own: min_cell = 3, or p in dominance, would withhold such a cell."
        )
    if policy.min_cell > 2:
        lines.append(
            f"A cell with {policy.min_cell} contributors in it is given, and {policy.min_cell - 1} "
            "of those who compare notes learn the last one's number, by subtracting theirs."
        )
    if policy.min_cell == 1 and not signed:
        lines.append("A sum of 0 tells that every contributor has 0: min_cell would withhold it.")
    return lines


def _percent(share: Fraction) -> str:
    return f"{100 * share}%" if (100 * share).denominator == 1 else str(share)


def explain_pattern(*, totals: bool) -> list[str]:
    """Say what the pattern of withheld figures tells, and how subtraction is prevented."""
    lines = [
        "The pattern of withheld figures is itself public: recipients learn which figures are "
        "missing, not which rule they break nor by how much; a missing figure is never a 0. "
        "Compute parties learn, of each figure, whether it keeps the rules by itself."
    ]
    if totals:
        lines.append(
            "Subtraction: where a withheld figure would follow from the totals and cells given, "
            "more figures are withheld, chosen without looking at the numbers. Sums of withheld "
            "figures that still follow must keep the rules, too; if one does not, no totals are "
            "given."
        )
    return lines
