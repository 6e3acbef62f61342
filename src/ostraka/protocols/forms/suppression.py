"""Secondary suppression: figures withheld so that no withheld figure follows from the given ones.

A table with its totals is a circulation: the grand total flows to the rows, through the cells to
the columns, and back. Every figure is an edge. The totals tell of the withheld figures only that as
much flows into each node as out of it. So a withheld figure follows from the given ones exactly if
it is on no circle of withheld figures: if its edge is a bridge. [Gusfield88]

Pure: this module sees which figures are given, which is public, and never the numbers in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

SOURCE: Final = 0
SINK: Final = 1

Edge = tuple[int, int]
Pattern = tuple[bool, ...]
"""Disclosure of a table's figures: for each, in the order of `Layout`, whether it is given."""


@dataclass(frozen=True)
class Layout:
    """Figures of a table, in order: cells, totals of rows, totals of columns, grand total.

    Cells come row by row. A table has totals of rows and columns if it has several of both, and a
    grand total if it has several cells.
    """

    rows: int = 1
    columns: int = 1

    @property
    def cells(self) -> int:
        """Number of cells; they come first among the figures."""
        return self.rows * self.columns

    @property
    def flat(self) -> bool:
        """Whether there is one total only, or none."""
        return 1 in (self.rows, self.columns)

    @cached_property
    def sums(self) -> NDArray[np.int64]:
        """Cells that add up to each figure, shape (figures, cells): 1 for such a cell, else 0."""
        cells = np.eye(self.cells, dtype=np.int64)
        grand = np.ones((int(self.cells > 1), self.cells), np.int64)
        if self.flat:
            return np.concatenate([cells, grand])
        table = cells.reshape(self.cells, self.rows, self.columns)
        return np.concatenate([cells, table.sum(axis=2).T, table.sum(axis=1).T, grand])

    @property
    def figures(self) -> int:
        """Number of figures, totals included."""
        totals = 0 if self.flat else self.rows + self.columns
        return self.cells + totals + (self.cells > 1)

    @property
    def sums_checked(self) -> int:
        """Maximum number of sums of withheld figures that can be checked against the rules."""
        return int(self.cells > 1) if self.flat else self.cells

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Edges of the circulation, one for each figure, from node to node."""
        if self.flat:
            return (*[(SOURCE, SINK)] * self.cells, (SINK, SOURCE))[: self.figures]
        row = range(2, 2 + self.rows)
        column = range(2 + self.rows, 2 + self.rows + self.columns)
        cells = [(r, c) for r in row for c in column]
        return *cells, *((SOURCE, r) for r in row), *((c, SINK) for c in column), (SINK, SOURCE)


def secondary(layout: Layout, fine: Sequence[bool], among: Sequence[bool] = ()) -> Pattern:
    """Choose which of the figures that may be given are given, so that none withheld follows.

    Each figure that would follow gets a circle which withholds the fewest cells, a total counting
    as those in it; then each figure that proves needless is given after all. With one total at most
    one figure more is withheld, which is the least possible; with rows and columns it may be more
    than the least.

    Args:
        fine: for each figure whether it may be given.
        among: for each figure whether it is given at most; by default as `fine`. A figure that is
            fine and left out here may follow.
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
    """List the withheld figures that follow from the given ones, ascending."""
    if layout.cells == 1:
        return []
    return sorted(_bridges(layout.edges, [f for f, known in enumerate(given) if not known]))


def smallest_sums(layout: Layout, given: Sequence[bool]) -> list[tuple[int, ...]] | None:
    """List the smallest sums of withheld figures that follow from the given ones.

    The flow out of a set of nodes into which no withheld figure leads is known: a directed cut.
    Every sum of withheld figures that follows, with any weights above zero, is made up of directed
    cuts, as its weights are differences of potentials; and these are made up of the smallest cuts,
    which leave both sides in one piece.

    Returns:
        Each sum as the figures in it; None if there are more than `layout.sums_checked`.
    """
    hidden = [f for f, known in enumerate(given) if not known]
    found: list[tuple[int, ...]] = []
    for piece in _pieces(layout.edges, hidden):
        found.extend(map(piece.out_of, islice(_cuts(piece), layout.sums_checked + 1)))
    return found if len(found) <= layout.sums_checked else None


@dataclass(frozen=True)
class _Piece:
    """A connected part of a directed graph; sets of its nodes are bits.

    Attributes:
        nodes: all of them.
        edges: figure, bit of the node it leaves, bit of the node it enters.
    """

    nodes: int
    edges: tuple[tuple[int, int, int], ...]

    @cached_property
    def after(self) -> dict[int, int]:
        """Nodes that the edges of each node enter."""
        return _joined((a, b) for _, a, b in self.edges)

    @cached_property
    def before(self) -> dict[int, int]:
        """Nodes that the edges into each node leave."""
        return _joined((b, a) for _, a, b in self.edges)

    @cached_property
    def beside(self) -> dict[int, int]:
        """Neighbours of each node, along edges of either direction."""
        return _joined([*self.after.items(), *self.before.items()])

    def together(self, some: int, within: int) -> bool:
        """Whether some nodes are connected to each other by edges within others."""
        return _reached(some & -some, self.beside, within) & some == some

    def out_of(self, inside: int) -> tuple[int, ...]:
        """Return the figures whose edges leave a set of nodes."""
        return tuple(f for f, a, b in self.edges if a & inside and not b & inside)


def _joined(ways: Iterable[tuple[int, int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for a, b in ways:
        found[a] = found.get(a, 0) | b
    return found


def _reached(start: int, ways: Mapping[int, int], within: int = -1) -> int:
    """Return the nodes that can be reached from `start`, itself included, within others."""
    found = news = start
    while news:
        v = news & -news
        step = ways.get(v, 0) & within & ~found
        found |= step
        news = (news ^ v) | step
    return found


def _pieces(edges: Sequence[Edge], some: Sequence[int]) -> Iterator[_Piece]:
    rest = [(f, 1 << edges[f][0], 1 << edges[f][1]) for f in some]
    while rest:
        nodes = _reached(rest[0][1], _Piece(-1, tuple(rest)).beside)
        yield _Piece(nodes, tuple(edge for edge in rest if edge[1] & nodes))
        rest = [edge for edge in rest if not edge[1] & nodes]


def _cuts(piece: _Piece) -> Iterator[int]:
    """Yield every set of nodes into which no edge leads and which leaves both sides in one piece.

    One by one, each node is put inside with all before it, or outside with all behind it.
    """
    bits = [1 << i for i in range(piece.nodes.bit_length()) if piece.nodes >> i & 1]
    above = {v: _reached(v, piece.before) for v in bits}
    below = {v: _reached(v, piece.after) for v in bits}
    undecided = [(0, 0)]
    while undecided:
        inside, outside = undecided.pop()
        rest = piece.nodes & ~(inside | outside)
        if not (piece.together(inside, inside | rest) and piece.together(outside, outside | rest)):
            continue
        if rest:
            v = rest & -rest
            undecided += [(inside | above[v], outside), (inside, outside | below[v])]
        elif inside and outside:
            yield inside


def _bridges(edges: Sequence[Edge], some: Sequence[int]) -> Iterator[int]:
    """Find the edges, of some, that are on no circle of them, by depth-first search. [Tarjan74]"""
    neighbours = _neighbours(edges, some)
    order: dict[int, int] = {}
    for root in neighbours:
        if root not in order:
            yield from _bridges_below(neighbours, root, order)


def _bridges_below(
    neighbours: dict[int, list[tuple[int, int]]], root: int, order: dict[int, int]
) -> Iterator[int]:
    """Search from one root: a bridge leads down to a node from which no other edge leads back up.

    Args:
        order: when each node was reached, over all roots; the search adds to it.
    """
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
    """Find a cheapest circle of figures through one of them. [Dijkstra59]

    A figure withheld already costs nothing; of equally cheap circles, the earlier figures win.

    Returns:
        The figures of the circle without `figure` itself.

    Raises:
        ValueError: the figure is on no circle.
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
    raise ValueError("a figure that is on no circle")


def _neighbours(edges: Sequence[Edge], some: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
    found: dict[int, list[tuple[int, int]]] = {}
    for edge in some:
        a, b = edges[edge]
        found.setdefault(a, []).append((edge, b))
        found.setdefault(b, []).append((edge, a))
    return found
