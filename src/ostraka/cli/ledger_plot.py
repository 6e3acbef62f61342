"""Plot of the spending of a ledger's budgets over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostraka.cli.plot import blank, save

if TYPE_CHECKING:
    from ostraka.record.ledger import Ledger


POINTS = 200
"""Number of steps that a panel shows at most: to work out a step, all before it are added up."""

PANELS = 8
"""Number of panels at most; budgets come first, then series without one."""


def draw(path: Path, own: Ledger, standings: Sequence[dict[str, Any]]) -> None:
    """Draw the epsilon spent or held over time, at most `PANELS` panels for budgets and series.

    Args:
        path: the file to write, an SVG or PNG.
        standings: as `record.standings` lists them.

    Raises:
        UsageError: matplotlib is missing, or the file's ending or place is not valid.
    """
    shown = standings[:PANELS]
    rows = max(1, len(shown))
    figure = blank(8, 1 + 2.4 * rows)
    panels = figure.subplots(rows, 1, squeeze=False, sharex=True)[:, 0]
    figure.suptitle(f"What {own.party}'s runs have told, or may have told, of a contributor")
    for panel, standing in zip(panels, shown, strict=False):
        _panel(panel, standing)
    panels[-1].tick_params(axis="x", rotation=20)
    if times := [datetime.fromisoformat(r.at) for each in shown for r in each["runs"]]:
        # Of a single moment matplotlib would show years.
        margin = max(timedelta(hours=1), (max(times) - min(times)) / 20)
        panels[-1].set_xlim(min(times) - margin, max(times) + margin)
    save(figure, path)


def _panel(panel: Any, standing: dict[str, Any]) -> None:
    from ostraka.record.standings import history

    rule, runs = standing["rule"], standing["runs"]
    steps = history(standing, POINTS)
    points = [(datetime.fromisoformat(at), float(epsilon)) for at, epsilon in steps]
    if points:
        points.insert(0, (points[0][0], 0.0))
        style = {
            "where": "post",
            "marker": "o",
            "markevery": slice(1, None),
            "label": "spent or held",
        }
        panel.step(*zip(*points, strict=True), **style)
    if standing["limit"] is not None:
        panel.axhline(float(standing["limit"]), color="tab:red", linestyle="--", label="budget")
    exact = [datetime.fromisoformat(r.at) for r in runs if r.cost.exact]
    for i, at in enumerate(exact):
        panel.axvline(at, color="tab:gray", linestyle=":", label="" if i else "exact answer")
    panel.set_title(f"{rule.source} ({', '.join(rule.series)})" if rule.source else rule.series[0])
    panel.set_ylabel("epsilon")
    panel.set_ylim(bottom=0)
    panel.legend(loc="upper left", bbox_to_anchor=(1, 1))
