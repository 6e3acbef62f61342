"""Units of statistics: what counts once in a mean, a median or a vote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

AVERAGES: Final = ("mean", "variance", "histogram", "median")
"""Statistics that look like those of people where a contributor is a company; also quantiles."""


def explain_unit(figures: Iterable[str], *, instead: bool = True) -> list[str]:
    """Say for `check` that each contributor counts once; nothing where no figure depends on it.

    Args:
        figures: names of the statistics.
        instead: whether weights in `[outputs]` of this protocol would make it a mean over people.
    """
    concerned = [f for f in figures if f in AVERAGES or f.startswith("quantile")]
    if not concerned:
        return []
    text = (
        "Unit: each party that contributes counts once, large or small. Where it stands for "
        f"several people, such as a company for its staff, the {' and the '.join(concerned)} "
    )
    verb = "is" if len(concerned) == 1 else "are"
    text += f"{verb} over companies, not over people"
    if instead and "mean" in concerned:
        text += (
            '. For a mean over people set weights = "own" and max_weight in [outputs]: each '
            "company then gives its number of people too"
        )
    return [text + "."]


def product_unit(one: str = "", other: str = "") -> str:
    """Return the unit of a product of values in two units: "EUR^2", "EUR*h", "" for none."""
    if one and one == other:
        return f"{one}^2"
    return "*".join(filter(None, (one, other)))
