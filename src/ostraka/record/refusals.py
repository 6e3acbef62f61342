"""Refusals of a ledger: a run is checked against all earlier ones that may have told something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from ostraka.errors import RefusedByLedger
from ostraka.record.budget import Spend
from ostraka.record.rules import (
    Limits,
    Roster,
    Rule,
    advice,
    check_budget,
    check_count,
    check_roster,
    too_many,
)
from ostraka.record.runs import MOST, Record, Run, possible_rosters, possible_worlds
from ostraka.text import resembling


def check(
    run: Run,
    counted: Roster,
    cost: Spend,
    earlier: Sequence[Record],
    rules: Sequence[Rule],
    ours: str,
) -> None:
    """Check a run under the rules of its series, and under those of the party that cover it.

    Args:
        counted: the contributors that it may count.
        cost: the most that it tells of one contributor.
        earlier: the runs that may have told something, without this one.
        rules: the party's own rules that cover the run.
        ours: fingerprint of the party's key, as manifests write it.

    Raises:
        RefusedByLedger: a rule or a budget forbids it.
    """
    series = resembling(run.series)
    same = [r for r in earlier if resembling(r.run.series) == series]
    limits = _strictest([run, *(r.run for r in same)])
    _check_rosters(limits, run, counted, same, f"series {run.series}", ours)
    for rule in rules:
        covered = [r for r in earlier if rule.covers(r.run.series)]
        _check_rosters(rule, run, counted, covered, str(rule), ours)
        if run.contributes:
            ours_in = [r for r in covered if r.run.contributes]
            check_count(rule, ours_in)
            check_budget(rule, ours_in, cost)


def _check_rosters(
    limits: Limits, run: Run, counted: Roster, earlier: Sequence[Record], name: str, ours: str
) -> None:
    """Check all contributors that a run may count against all that earlier ones may have."""
    if not (limits.same_roster_only or limits.min_difference > 1):
        return
    asked, worlds = possible_rosters(run, counted, ours), possible_worlds(earlier, ours)
    if not earlier:
        asked = asked[:1]  # of one answer alone, how few it counts is all there is
    if len(asked) * len(worlds) > MOST:
        raise too_many(name, limits)
    try:
        for world, roster in product(worlds, asked):
            check_roster(limits, roster, world, name)
    except RefusedByLedger as error:
        error.hint += f"; {advice(earlier)}"
        raise


def _strictest(runs: Sequence[Run]) -> Run:
    """Return the first run under the strictest limits of all: a promise once made is kept."""
    return replace(
        runs[0],
        same_roster_only=any(run.same_roster_only for run in runs),
        min_difference=max(run.min_difference for run in runs),
    )
