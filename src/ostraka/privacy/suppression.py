"""Which figures of a table to withhold beside those that must be, so that none of them follows.

A table with its totals is a circulation: the grand total flows to the rows, through the cells to
the columns, and back. Every figure is an edge, and what is known of the withheld ones is that as
much flows into each node as out of it. So a withheld figure follows from the given ones exactly if
it is on no circle of withheld figures: if its edge is a bridge. [Gusfield88]

Pure: everything here is about which figures are given, which everybody may know, and not about
what is in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from typing import Final

import numpy as np
from numpy.typing import NDArray

SOURCE: Final = 0
SINK: Final = 1

Edge = tuple[int, int]
Pattern = tuple[bool, ...]
"""For each figure whether it is given."""


@dataclass(frozen=True)
class Layout:
    """The figures of a table: its cells row by row, the total of each row and of each column if it
    has several of both, and the grand total if it has several cells."""

    rows: int = 1
    columns: int = 1

    @property
    def cells(self) -> int:
        """How many cells there are; they come first among the figures."""
        return self.rows * self.columns

    @property
    def flat(self) -> bool:
        """Whether there is one total only, or none."""
        return 1 in (self.rows, self.columns)

    @cached_property
    def sums(self) -> NDArray[np.int64]:
        """Shape (figures, cells): 1 for each cell that is in a figure."""
        cells = np.eye(self.cells, dtype=np.int64)
        grand = np.ones((int(self.cells > 1), self.cells), np.int64)
        if self.flat:
            return np.concatenate([cells, grand])
        table = cells.reshape(self.cells, self.rows, self.columns)
        return np.concatenate([cells, table.sum(axis=2).T, table.sum(axis=1).T, grand])

    @property
    def figures(self) -> int:
        """How many figures there are."""
        return len(self.sums)

    @cached_property
    def relations(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """Every total, and the figures that add up to it."""
        n, last = self.cells, self.figures - 1
        cell = np.arange(n).reshape(self.rows, self.columns)
        if self.flat:
            return ((last, tuple(range(n))),) if n > 1 else ()
        rows = [(n + i, tuple(line.tolist())) for i, line in enumerate(cell)]
        columns = [(n + self.rows + i, tuple(line.tolist())) for i, line in enumerate(cell.T)]
        return *rows, *columns, (last, _wholes(rows)), (last, _wholes(columns))

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Each figure as an edge from node to node."""
        if self.flat:
            return (*[(SOURCE, SINK)] * self.cells, (SINK, SOURCE))[: self.figures]
        row = range(2, 2 + self.rows)
        column = range(2 + self.rows, 2 + self.rows + self.columns)
        cells = [(r, c) for r in row for c in column]
        return *cells, *((SOURCE, r) for r in row), *((c, SINK) for c in column), (SINK, SOURCE)


def _wholes(relations: Sequence[tuple[int, tuple[int, ...]]]) -> tuple[int, ...]:
    return tuple(whole for whole, _ in relations)


def secondary(layout: Layout, fine: Sequence[bool], among: Sequence[bool] = ()) -> Pattern:
    """Some of the figures that may be given, so that none that is withheld follows.

    Each figure that would follow gets a circle which withholds the fewest cells, a total counting
    as those in it; then each figure that proves needless is given after all. With one total at most
    one figure more is withheld, which is the least possible; with rows and columns it may be more
    than the least.

    Args:
        fine: which may be given.
        among: what is given at most, by default everything fine. What is fine and not among these
            may follow.
    """
    most, cost = among or fine, layout.sums.sum(axis=1).tolist()
    found, harmless = list(most), {f for f, ok in enumerate(fine) if ok and not most[f]}
    while follows := [f for f in determined(layout, found) if f not in harmless]:
        for figure in circle(layout, found, cost, follows[0]):
            found[figure] = False
    hidden = [f for f, known in enumerate(found) if most[f] and not known]
    for figure in sorted(hidden, key=cost.__getitem__, reverse=True):
        found[figure] = True
        found[figure] = harmless.issuperset(determined(layout, found))
    return tuple(found)


def determined(layout: Layout, given: Sequence[bool]) -> list[int]:
    """The withheld figures that follow from the given ones."""
    if layout.cells == 1:
        return []
    return sorted(_bridges(layout.edges, [f for f, known in enumerate(given) if not known]))


def left_over(layout: Layout, given: Sequence[bool]) -> Iterator[tuple[int, ...]]:
    """For each relation the figures whose sum follows from what is given; none: nothing does.

    A total minus the given figures in it is the sum of the withheld ones.
    """
    for whole, parts in layout.relations:
        yield tuple(f for f in parts if not given[f]) if given[whole] else ()


def _bridges(edges: Sequence[Edge], some: Sequence[int]) -> Iterator[int]:
    """Those of some edges that are on no circle of them, by depth-first search. [Tarjan74]"""
    neighbours = _neighbours(edges, some)
    order: dict[int, int] = {}
    for root in neighbours:
        if root not in order:
            yield from _bridges_below(neighbours, root, order)


def _bridges_below(
    neighbours: dict[int, list[tuple[int, int]]], root: int, order: dict[int, int]
) -> Iterator[int]:
    """`order`: when each node was reached, over all roots. A bridge is an edge down to a node from
    which nothing leads back up but itself."""
    lowest = {root: len(order)}
    order[root] = len(order)
    path = [(root, -1, iter(neighbours[root]))]
    while path:
        node, came_by, rest = path[-1]
        for edge, other in rest:
            if other not in order:
                order[other] = lowest[other] = len(order)
                path.append((other, edge, iter(neighbours[other])))
                break
            if edge != came_by:
                lowest[node] = min(lowest[node], order[other])
        else:
            path.pop()
            if path:
                above = path[-1][0]
                lowest[above] = min(lowest[above], lowest[node])
                if lowest[node] > order[above]:
                    yield came_by


def circle(
    layout: Layout, given: Sequence[bool], cost: Sequence[int], figure: int
) -> tuple[int, ...]:
    """The figures of a cheapest circle through one of them, without itself. [Dijkstra59]

    What is withheld already costs nothing; of equals, the earlier figures.
    """
    edges = layout.edges
    start, end = edges[figure]
    others = [f for f in range(layout.figures) if f != figure]
    neighbours = _neighbours(edges, others)
    done: set[int] = set()
    queue: list[tuple[int, tuple[int, ...], int]] = [(0, (), start)]
    while queue:
        spent, path, node = heappop(queue)
        if node == end:
            return path
        if node not in done:
            done.add(node)
            for edge, other in neighbours[node]:
                heappush(queue, (spent + cost[edge] * given[edge], (*path, edge), other))
    raise ValueError("a figure of no relation")


def _neighbours(edges: Sequence[Edge], some: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
    found: dict[int, list[tuple[int, int]]] = {}
    for edge in some:
        a, b = edges[edge]
        found.setdefault(a, []).append((edge, b))
        found.setdefault(b, []).append((edge, a))
    return found
