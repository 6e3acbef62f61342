"""Release of a table's figures: those that keep the rules, and tell of no other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ostraka.engine.array import SecretArray
from ostraka.protocols.forms.grid import Grid
from ostraka.protocols.forms.suppression import Pattern, secondary, smallest_sums
from ostraka.protocols.interactive import all_zero

Broken = Callable[[SecretArray, bool], Awaitable[SecretArray]]
"""Rules: from figures, on the last axis, and whether they must be plausible, to rows of secret bits
of which a figure's are all 0 exactly if it keeps them."""

Kept = Callable[[Sequence[int], bool], bool]
"""Rules in the clear: whether the sum of these figures keeps them, and is plausible if that is
asked."""


async def figures_given(grid: Grid, y: SecretArray, broken: Broken) -> Pattern:
    """Decide which figures may be given; compute parties learn these, and which alone could.

    Args:
        y: figures on the last axis.
    """
    alone = (await all_zero((await broken(y, True)).T)).tolist()
    if not grid.totals:
        return tuple(alone)
    layout = grid.layout
    given = secondary(layout, alone)
    rest = smallest_sums(layout, given)
    columns = np.zeros((grid.figures, layout.sums_checked), np.int64)
    for column, those in enumerate(rest or ()):
        columns[list(those), column] = 1
    left = await broken(summed(y, columns), False)
    told = left * columns.any(axis=0).astype(np.int64)
    fine = await all_zero(told.reshape(1, -1))
    return given if rest is not None and fine[0] else _without_totals(grid, alone)


def given_openly(grid: Grid, kept: Kept) -> Pattern:
    """Decide in the clear which figures are given, as `figures_given` does."""
    alone = [kept([figure], True) for figure in range(grid.figures)]
    if not grid.totals:
        return tuple(alone)
    given = secondary(grid.layout, alone)
    rest = smallest_sums(grid.layout, given)
    fine = rest is not None and all(kept(those, False) for those in rest)
    return given if fine else _without_totals(grid, alone)


def _without_totals(grid: Grid, alone: Sequence[bool]) -> Pattern:
    """Decide without totals, where these would tell too much of the withheld figures in sum."""
    cells = [fine and f < grid.layout.cells for f, fine in enumerate(alone)]
    return secondary(grid.layout, alone, cells)


def summed(y: SecretArray, columns: NDArray[np.int64]) -> SecretArray:
    """Sum entries along the last axis: those that each column of a public 0/1 matrix names."""
    flat = y.reshape(-1, y.shape[-1]) @ columns
    return flat.reshape(*y.shape[:-1], columns.shape[1])
