"""What a party's ledger refuses: budgets that are spent, and rosters that tell of a few.

A budget bounds what all runs over a data source tell of one contributor. Against exact answers over
almost the same people a budget is no use, and `check_roster` looks at who was counted instead: the
differencing attack. It takes each answer for the sum of its contributors' inputs; answers that are
no sums tell less of their differences, and noise is not taken into account.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import NamedTuple, Protocol

from ostraka.errors import RefusedByLedger
from ostraka.names import PartyId
from ostraka.record import accountant, differencing
from ostraka.record.budget import UNSAID, Budget, Spend, short


class Person(NamedTuple):
    """A contributor: the key says who it is, whatever name an organiser gives it; a vote may count
    for more than 1."""

    name: PartyId
    key: str
    weight: int = 1


Roster = tuple[Person, ...]


class Limits(Protocol):
    """How much the contributors of different runs may differ, as in `[policy]`."""

    @property
    def same_roster_only(self) -> bool:
        """Not at all."""

    @property
    def min_difference(self) -> int:
        """By so many at least, alone and in combination."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a party allows for one of its data sources: a `[[budget]]` of its own NAME.toml.

    Attributes:
        source: what the party calls its data.
        series: patterns such as "raises-*"; every run whose series matches one counts, however the
            organiser writes it (case does not matter).
        budget: what all those runs together may tell of our input; None: no limit.
        accountant: how they are added up.
        same_roster_only, min_difference: as in `[policy]`, over all those runs.
    """

    source: str
    series: tuple[str, ...]
    budget: Budget | None = None
    accountant: accountant.Way = "basic"
    same_roster_only: bool = False
    min_difference: int = 1

    def covers(self, series: str) -> bool:
        """Whether a run of that series counts."""
        return any(fnmatchcase(series.casefold(), pattern.casefold()) for pattern in self.series)

    def __str__(self) -> str:
        return f"{self.source} ({', '.join(self.series)})"


def check_budget(rule: Rule, spends: Sequence[Spend], cost: Spend) -> None:
    """Refuse a run that, after what was spent, costs more than is left."""
    if rule.budget is None:
        return
    if cost.epsilon is None:
        raise RefusedByLedger(
            f"this run gives the exact answer, and {rule} has a budget of epsilon "
            f"{short(rule.budget.epsilon)}: without noise nothing bounds what it tells",
            hint="agree on noise in [privacy] of the manifest, or change your own budget",
            data_left=False,
        )
    after = accountant.epsilon([*spends, cost], rule.budget.delta, rule.accountant)
    if after is not None and after <= rule.budget.epsilon:
        return
    raise RefusedByLedger(
        f"the budget of {rule} is epsilon {_pair(rule.budget.epsilon, rule.budget.delta)}, "
        f"{_before(spends, rule)}, and this run costs {_pair(cost.epsilon, cost.delta)}",
        hint="agree on a smaller epsilon, or change your own budget; see: ostraka ledger show",
        data_left=False,
    )


def _before(spends: Sequence[Spend], rule: Rule) -> str:
    assert rule.budget is not None
    if any(spend.exact for spend in spends):
        return "an exact answer was given before, which no budget bounds"
    before = accountant.epsilon(spends, rule.budget.delta, rule.accountant)
    if before is None:
        return f"its delta of {short(rule.budget.delta)} is spent"
    return f"{short(before)} of it is spent"


def _pair(epsilon: Fraction, delta: Fraction) -> str:
    return short(epsilon) + (f" at delta {short(delta)}" if delta > UNSAID else "")


def check_roster(limits: Limits, counted: Roster, earlier: Collection[Roster], name: str) -> None:
    """Refuse a run whose contributors, with those of earlier runs, would tell of a few of them.

    As long as everybody's weight is the same each time, it does not matter which; two answers over
    the same people with one of them weighing more are that one's vote.
    """
    fewer_than = limits.min_difference
    if not limits.same_roster_only and fewer_than <= 1:
        return
    names = {person.key: person.name for roster in (*earlier, counted) for person in roster}
    weights = {(person.key, person.weight) for roster in earlier for person in roster}
    known = {key for key, _ in weights}
    changed = {p.key for p in counted if p.key in known and (p.key, p.weight) not in weights}
    if changed:
        who = _listed(changed, names)
        raise _refused(f"{name} has counted {who} with another weight: the difference would tell")
    asked, *past = (frozenset(p.key for p in roster) for roster in (counted, *earlier))
    if asked in past:
        return
    if limits.same_roster_only and past:
        other = min(past, key=lambda roster: len(roster ^ asked))
        against = _against(asked, other, names)
        raise _refused(f"{name} is for the same contributors each time; this run is {against}")
    try:
        group = differencing.isolated([*past, asked], fewer_than)
    except differencing.TooMany:
        raise _refused(
            f"{name} has had so many different sets of contributors that it cannot be ruled out "
            f"that they tell of fewer than {fewer_than} together"
        ) from None
    if group:
        raise _refused(
            f"with the earlier runs of {name}, this one would tell of {_listed(group, names)} "
            f"alone, fewer than {fewer_than} contributors"
        )


def _refused(message: str) -> RefusedByLedger:
    hint = "run it with the same contributors as before, or agree on noise and a budget instead"
    return RefusedByLedger(message, hint=hint, data_left=False)


def _against(asked: frozenset[str], other: frozenset[str], names: Mapping[str, PartyId]) -> str:
    parts = (("without", other - asked), ("with", asked - other))
    return " and ".join(f"{word} {_listed(who, names)}" for word, who in parts if who)


def _listed(keys: Collection[str], names: Mapping[str, PartyId]) -> str:
    who = sorted(names[key] for key in keys)
    return ", ".join(who[:8]) + (f" and {len(who) - 8} more" if len(who) > 8 else "")
