"""Rules of a ledger: it refuses runs over a spent budget, and rosters that tell of a few.

A budget bounds what all runs over a data source tell of one contributor. Against
differencing, exact answers over almost the same contributors, a budget is of no use: `check_roster`
compares the rosters instead. It takes each answer for the sum of its contributors' inputs; answers
that are not sums tell less of their differences, and noise is not taken into account.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Protocol

from ostraka.errors import RefusedByLedger
from ostraka.names import PartyId
from ostraka.record import accountant, differencing
from ostraka.record.budget import DEFAULT_DELTA, Budget, Spend, short
from ostraka.text import fits, quoted


class Person(NamedTuple):
    """A contributor, known by its key under any name an organiser gives it, and the weight of its
    vote."""

    name: PartyId
    key: str
    weight: int = 1


Roster = tuple[Person, ...]


class Limits(Protocol):
    """Bounds of how much the rosters of different runs may differ, as in `[policy]`."""

    @property
    def same_roster_only(self) -> bool:
        """Whether rosters may not differ at all."""

    @property
    def min_difference(self) -> int:
        """Number of contributors by which rosters differ at least, alone and in combination."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A party's own rule for one of its data sources: a `[[budget]]` of its NAME.toml.

    Attributes:
        source: the party's own name for its data.
        series: patterns such as "raises-*"; every run whose series fits one counts
            (`text.fits`: neither case nor look-alikes matter).
        budget: bound of what all those runs together tell of this party's input; None: no limit.
        accountant: the filter that adds up their spends.
        same_roster_only, min_difference: as in `[policy]`, over all those runs.
        most_runs: the number of those runs that this party's input may be in, exact answers or not;
            None: no limit.
    """

    source: str
    series: tuple[str, ...]
    budget: Budget | None = None
    accountant: accountant.Way = "basic"
    same_roster_only: bool = False
    min_difference: int = 1
    most_runs: int | None = None

    def covers(self, series: str) -> bool:
        """Return whether runs of a series count under this rule."""
        return any(fits(pattern, series) for pattern in self.series)

    def __str__(self) -> str:
        return f"{self.source} ({', '.join(self.series)})"


def uncovered(rules: Sequence[Rule], series: str, earlier: Collection[str]) -> list[str]:
    """Return warnings of what may be misspelled: a rule that covers no run, a run without a rule.

    Args:
        series: of the run at hand.
        earlier: the series of all runs in the ledger.
    """
    found = [
        f"your rule for {rule} covers no run so far, nor this one: is its series spelled as in "
        "the manifests?"
        for rule in rules
        if not any(map(rule.covers, (series, *earlier)))
    ]
    if rules and not any(rule.covers(series) for rule in rules):
        found.append(f"no rule of yours covers the series {quoted(series)}: nothing limits it")
    return found


class Earlier(Protocol):
    """Run that counts under a rule, as the ledger has it."""

    @property
    def id(self) -> str:
        """Number of its reservation."""

    @property
    def state(self) -> str:
        """State of the run: "committed" is spent, "held" may have told nothing."""

    @property
    def cost(self) -> Spend:
        """Cost that counts."""


def check_budget(rule: Rule, earlier: Sequence[Earlier], cost: Spend) -> None:
    """Raise RefusedByLedger if a run costs more than earlier runs have left of a budget."""
    if rule.budget is None:
        return
    if cost.epsilon is None:
        raise RefusedByLedger(
            f"this run gives the exact answer, and {rule} has a budget of epsilon "
            f"{short(rule.budget.epsilon)}: without noise nothing bounds what it tells",
            hint="agree on noise in [privacy] of the manifest, or change your own budget",
            data_left=False,
        )
    spends = [run.cost for run in earlier]
    after = accountant.epsilon([*spends, cost], rule.budget, rule.accountant)
    if after is not None and after <= rule.budget.epsilon:
        return
    raise RefusedByLedger(
        f"the budget of {rule} is epsilon {_pair(rule.budget.epsilon, rule.budget.delta)}, "
        f"{_before(earlier, rule)}, and this run costs {_pair(cost.epsilon, cost.delta)}",
        hint=f"agree on a smaller epsilon, or change your own budget; {advice(earlier)}",
        data_left=False,
    )


def check_count(rule: Rule, earlier: Sequence[Earlier]) -> None:
    """Raise RefusedByLedger if earlier runs are as many as a rule allows."""
    if rule.most_runs is None or len(earlier) < rule.most_runs:
        return
    raise RefusedByLedger(
        f"{rule} allows most_runs = {rule.most_runs}, and {len(earlier)} are {_kinds(earlier)}",
        hint=f"change your own rule; {advice(earlier)}",
        data_left=False,
    )


def advice(earlier: Sequence[Earlier]) -> str:
    """Return where to look, and how to give back what a run holds, for a hint."""
    held = [run.id for run in earlier if run.state == "held"]
    if not held:
        return "see: ostraka ledger show"
    return f"if you know that {held[0][:8]} told nothing: ostraka ledger release {held[0][:8]}"


def _before(earlier: Sequence[Earlier], rule: Rule) -> str:
    """Return how much of a rule's budget was used before, and by which kind of run."""
    assert rule.budget is not None
    if any(run.cost.exact for run in earlier if run.state == "committed"):
        return "an exact answer was given before, which no budget bounds"
    if exact := [run.id[:8] for run in earlier if run.cost.exact]:
        return f"{', '.join(exact)} may have given an exact answer, which no budget bounds"
    before = accountant.epsilon([run.cost for run in earlier], rule.budget, rule.accountant)
    used = (
        f"its delta of {short(rule.budget.delta)}" if before is None else f"{short(before)} of it"
    )
    return f"{used} is {_kinds(earlier)}"


def _kinds(earlier: Sequence[Earlier]) -> str:
    """Return "spent or held (ec0b2c64)": the ways in which runs use a budget."""
    held = [run.id[:8] for run in earlier if run.state == "held"]
    going_on = [run.id[:8] for run in earlier if run.state in ("reserved", "sharing")]
    spent = len(earlier) - len(held) - len(going_on)
    kinds = ["spent"] if spent or not earlier else []
    kinds += [f"held ({', '.join(held)})"] if held else []
    kinds += [f"reserved by a run that is going on ({', '.join(going_on)})"] if going_on else []
    return " or ".join(kinds)


def _pair(epsilon: Fraction, delta: Fraction) -> str:
    """Return epsilon, and delta where it is above the default, for a person."""
    return short(epsilon) + (f" at delta {short(delta)}" if delta > DEFAULT_DELTA else "")


def check_roster(limits: Limits, counted: Roster, earlier: Collection[Roster], name: str) -> None:
    """Raise RefusedByLedger if a run and earlier ones together would isolate a few contributors.

    Weights do not matter as long as each contributor has the same weight every time; two answers
    over the same contributors, one of them with another weight, tell that one's vote.
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
        raise too_many(name, limits) from None
    if group:
        raise _refused(
            f"with the earlier runs of {name}, this one would tell of {_listed(group, names)} "
            f"alone, fewer than {fewer_than} contributors"
        )


def too_many(name: str, limits: Limits) -> RefusedByLedger:
    """Return the error for more sets of contributors than can be checked against each other."""
    return RefusedByLedger(
        f"{name} has had so many different sets of contributors, or may have had, that it cannot "
        f"be ruled out that they tell of fewer than {limits.min_difference} together",
        hint="agree that all contributors are counted (min_contributors in [policy]), or on noise "
        "and a budget instead",
        data_left=False,
    )


def _refused(message: str) -> RefusedByLedger:
    """Return the error for a roster that would tell too much."""
    hint = "run it with the same contributors as before, or agree on noise and a budget instead"
    return RefusedByLedger(message, hint=hint, data_left=False)


def _against(asked: frozenset[str], other: frozenset[str], names: Mapping[str, PartyId]) -> str:
    """Return how a roster differs from an earlier one, for a person."""
    parts = (("without", other - asked), ("with", asked - other))
    return " and ".join(f"{word} {_listed(who, names)}" for word, who in parts if who)


def _listed(keys: Collection[str], names: Mapping[str, PartyId]) -> str:
    """Return the names of up to eight contributors, and how many more there are."""
    who = sorted(names[key] for key in keys)
    return ", ".join(who[:8]) + (f" and {len(who) - 8} more" if len(who) > 8 else "")
