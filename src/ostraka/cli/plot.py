"""Pictures, drawn by matplotlib, which comes with `ostraka[plot]`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostraka.errors import UsageError

if TYPE_CHECKING:
    from ostraka.protocols.advice import Advice


def blank(width: float, height: float) -> Any:
    """Return an empty figure of this size in inches; UsageError when matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("a plot needs matplotlib", hint="pip install 'ostraka[plot]'") from None
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Any, path: Path) -> None:
    """Write an SVG or PNG; UsageError when the file has another ending or cannot be written."""
    if path.suffix not in (".svg", ".png"):
        raise UsageError(f"{path} must end in .svg or .png")
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def errors(path: Path, advice: Advice) -> None:
    """Draw the error of an answer against epsilon, beside the range the answer may lie in."""
    figure = blank(7, 4.5)
    panel = figure.subplots()
    for label, marker in (("local", "s"), ("central", "o")):
        points = [(float(row.epsilon), getattr(row, label)) for row in advice.rows]
        there = [(epsilon, error) for epsilon, error in points if error is not None]
        if there:
            panel.plot(*zip(*there, strict=True), marker=marker, label=f"{label} noise")
    panel.axhline(advice.reach.span, color="tab:gray", linestyle=":", label="range of the answer")
    panel.set(xscale="log", yscale="log", xlabel="epsilon")
    panel.set_xticks([float(r.epsilon) for r in advice.rows], [str(r.epsilon) for r in advice.rows])
    panel.minorticks_off()
    panel.set_ylabel(
        "half of the 95% interval" + f" ({advice.reach.unit})" * bool(advice.reach.unit)
    )
    panel.set_title(f"What noise does to the {advice.figure}")
    panel.legend()
    save(figure, path)
