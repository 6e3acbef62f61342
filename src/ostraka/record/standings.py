"""Standings of a ledger: what each budget has spent, holds and has left, now and over time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ostraka.record import accountant
from ostraka.record.budget import text, total
from ostraka.record.ledger import Ledger
from ostraka.record.rules import Rule
from ostraka.record.runs import UNSETTLED, Record


def standings(own: Ledger) -> list[dict[str, Any]]:
    """List each budget, and each series that no budget covers: spent, held and left, exact.

    The entry "spent" is None where no bound is known: an exact answer was given. So is "held",
    which counts as well, where one may have been given by a run that is held or is going on.
    """
    covered = [_standing(rule, own.spent(rule)) for rule in own.rules]
    free = [r for r in own.counting() if not any(rule.covers(r.run.series) for rule in own.rules)]
    for series in dict.fromkeys(r.run.series for r in free if r.run.contributes):
        runs = [r for r in free if r.run.series == series and r.run.contributes]
        covered.append(_standing(Rule(source="", series=(series,)), runs))
    return covered


def _standing(rule: Rule, runs: Sequence[Record]) -> dict[str, Any]:
    spends = [r.cost for r in runs]
    certain = [r.cost for r in runs if r.state not in UNSETTLED]
    budget = rule.budget
    delta = budget.delta if budget else total(spends).delta
    used, spent = (accountant.epsilon(s, budget, rule.accountant) for s in (spends, certain))
    limit = budget.epsilon if budget else None
    left = None if limit is None else max(Fraction(0), limit - used) if used is not None else 0
    return {
        "rule": rule,
        "runs": runs,
        "spent": spent,
        "held": Fraction(0) if spent is None else None if used is None else used - spent,
        "left": left,
        "limit": limit,
        "delta": delta,
    }


def as_json(own: Ledger) -> dict[str, Any]:
    """Return what `ledger --json` prints: exact figures as text, "inf" without a bound."""
    return {
        "party": own.party,
        "entries": len(own.chain.entries),
        "head": own.chain.head,
        "budgets": [_standing_json(s) for s in standings(own)],
        "runs": [_run_json(record) for record in own.runs.values()],
    }


def _standing_json(standing: dict[str, Any]) -> dict[str, Any]:
    rule: Rule = standing["rule"]
    found: dict[str, Any] = {"source": rule.source} if rule.source else {}
    found["series"] = list(rule.series)
    found["runs"] = len(standing["runs"])
    for kind in ("spent", "held"):
        found[kind] = "inf" if standing[kind] is None else text(standing[kind])
    if standing["limit"] is not None:
        found["epsilon"] = text(standing["limit"])
        found["left"] = text(Fraction(standing["left"]))
        found["accountant"] = rule.accountant
    if rule.most_runs is not None:
        found["most_runs"] = rule.most_runs
    if standing["delta"]:
        found["delta"] = text(standing["delta"])
    return found


def _run_json(record: Record) -> dict[str, Any]:
    run = record.run
    found: dict[str, Any] = {
        "id": record.id,
        "at": record.at,
        "state": record.state.value,
        "title": run.title,
        "series": run.series,
        "protocol": run.protocol,
        "manifest_sha256": run.manifest,
        "contributes": run.contributes,
        "cost": record.cost.to_json(),
        "counted": [person.name for person in record.counted],
    }
    if record.session:
        found["session"] = record.session
    if record.outputs:
        found |= {"status": record.status, "outputs": list(record.outputs)}
    if record.why:
        found["why"] = record.why
    return found


def history(standing: dict[str, Any], most: int) -> list[tuple[str, Fraction]]:
    """List how much of a budget was spent or held after each run that has a bound.

    Args:
        standing: one that `standings` lists.
        most: number of steps at most, the last among them; to work out a step, all before it are
            added up.

    Returns:
        The time of each run, ISO 8601, and the epsilon then; exact answers and steps without a
        bound are not in it.
    """
    rule = standing["rule"]
    bounded = [r for r in standing["runs"] if not r.cost.exact]
    spends = [r.cost for r in bounded]
    count = min(len(bounded), most)
    steps = [(i + 1) * len(bounded) // count for i in range(count)]
    return [
        (bounded[n - 1].at, epsilon)
        for n in steps
        if (epsilon := accountant.epsilon(spends[:n], rule.budget, rule.accountant)) is not None
    ]
