"""Differencing: whether the rosters of several answers together isolate a few contributors.

Each answer over a set of contributors is taken for the sum of their inputs. From several answers
every linear combination of them follows, so what is known is the row space of the matrix of 0s and
1s that has a row for each set. It isolates a group if some vector of that space is nothing
outside the group: {a, b, c} + {d, e} - {a, b, c, d} is nothing outside {e}.

The search is exhaustive, by this lemma: bring the rows to reduced echelon form; a vector of the
space is the combination of those rows in whose pivot columns it is not zero. So a group of g has at
most g pivots, and what remains is to combine that few rows such that few other columns survive. It
takes time that grows as the rank to the power of the group's size (groups of one and two: as its
square); `TooMany` is raised before a group could be missed. Contributors of the same sets share a
column.

Arithmetic is in F_p, p = 2^61 - 1. No determinant of 36 rows of 0s and 1s reaches p (Hadamard), so
up to that rank the answer is the one over the fractions; above, rosters would have to be made for a
determinant to be a multiple of p.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import combinations

from ostraka.arithmetic.field import P61

Group = frozenset[str]
Row = dict[int, int]
"""Sparse row: column -> entry, without zeros."""

WORK = 5_000_000
"""Entries that are looked at before `TooMany`: a few seconds of work."""

_P = P61.p


class TooMany(Exception):
    """Rosters that differ in too many ways to look at all their combinations."""


class _Work:
    """Count of entries looked at, up to `WORK`."""

    def __init__(self) -> None:
        self.done = 0

    def did(self, entries: int) -> None:
        """Count entries; raise TooMany above `WORK`."""
        self.done += entries
        if self.done > WORK:
            raise TooMany


def isolated(sets: Iterable[Collection[str]], fewer_than: int) -> Group | None:
    """Find a group of 1 to `fewer_than` - 1 contributors that a combination of answers isolates.

    Args:
        sets: the contributors of each answer.

    Returns:
        One such group, or None if there is none.

    Raises:
        TooMany: the search would take more than a few seconds.
    """
    if fewer_than < 2:
        return None
    people, rosters = _classes(sets)
    work = _Work()
    rows = _reduced(rosters, work)
    found = _Search(rows, [len(group) for group in people], fewer_than - 1, work).find()
    return None if found is None else Group().union(*(people[column] for column in found))


def _classes(sets: Iterable[Collection[str]]) -> tuple[list[Group], list[list[int]]]:
    """Return groups of people who are always together, and each set as a list of groups.

    Each group is one column of the matrix.
    """
    distinct = sorted({frozenset(s) for s in sets}, key=sorted)
    within: dict[str, list[int]] = {}
    for number, roster in enumerate(distinct):
        for person in roster:
            within.setdefault(person, []).append(number)
    columns: dict[tuple[int, ...], list[str]] = {}
    for person in sorted(within):
        columns.setdefault(tuple(within[person]), []).append(person)
    rosters: list[list[int]] = [[] for _ in distinct]
    for column, numbers in enumerate(columns):
        for number in numbers:
            rosters[number].append(column)
    return [frozenset(group) for group in columns.values()], rosters


def _reduced(rosters: Sequence[Sequence[int]], work: _Work) -> dict[int, Row]:
    """Return the reduced echelon form: pivot column -> its row, which is 1 there."""
    rows: dict[int, Row] = {}
    for roster in rosters:
        row = dict.fromkeys(roster, 1)
        for pivot in [column for column in row if column in rows]:
            work.did(len(rows[pivot]))
            _add(row, rows[pivot], -row[pivot])
        if not row:
            continue
        pivot = min(row)
        inverse = pow(row[pivot], -1, _P)
        row = {column: entry * inverse % _P for column, entry in row.items()}
        for other in rows.values():
            if pivot in other:
                work.did(len(row))
                _add(other, row, -other[pivot])
        rows[pivot] = row
    return rows


def _add(row: Row, other: Row, factor: int) -> None:
    """Add factor * other to a row, in place."""
    for column, entry in other.items():
        if value := (row.get(column, 0) + factor * entry) % _P:
            row[column] = value
        else:
            row.pop(column, None)


class _Search:
    """A search for vectors of the row space that are zero but for at most `most` people.

    Args:
        weights: how many people each column stands for.
    """

    def __init__(
        self, rows: dict[int, Row], weights: Sequence[int], most: int, work: _Work
    ) -> None:
        self.weights, self.most, self.work = weights, most, work
        # Of the pivots' columns, a combination has only those of its own rows.
        self.tails = {p: {c: v for c, v in row.items() if c != p} for p, row in rows.items()}

    def find(self) -> list[int] | None:
        """Return the columns of such a vector, or None."""
        light = [p for p in self.tails if self.weights[p] <= self.most]
        for size in range(1, min(self.most, len(light)) + 1):
            if size == self.most == 2:
                return self._parallel(light)
            for pivots in combinations(light, size):
                left = self.most - sum(self.weights[p] for p in pivots)
                found = self._lightest([self.tails[p] for p in pivots], left) if left >= 0 else None
                if found is not None:
                    return [*pivots, *found]
        return None

    def _parallel(self, light: Iterable[int]) -> list[int] | None:
        """Find two people, each a pivot, whose rows are multiples of each other elsewhere."""
        seen: dict[tuple[tuple[int, int], ...], int] = {}
        for pivot in (p for p in light if self.weights[p] == 1):
            tail = self.tails[pivot]
            scale = pow(tail[min(tail)], -1, _P)
            key = tuple(sorted((column, entry * scale % _P) for column, entry in tail.items()))
            if key in seen:
                return [seen[key], pivot]
            seen[key] = pivot
        return None

    def _lightest(self, rows: list[Row], left: int) -> list[int] | None:
        """Find a combination of rows that is zero but for at most `left` people: its columns.

        Either the heaviest column vanishes, which fixes one coefficient, or it counts.
        """
        self.work.did(sum(map(len, rows)) + 1)
        support = set().union(*rows)
        if sum(self.weights[c] for c in support) <= left:
            return list(support)
        if len(rows) == 1:
            return None
        column = max(support, key=self.weights.__getitem__)
        found = self._lightest(_without(rows, column), left)
        weight = self.weights[column]
        if found is not None or weight > left:
            return found
        rest = [{c: v for c, v in row.items() if c != column} for row in rows]
        found = self._lightest(rest, left - weight)
        return None if found is None else [column, *found]


def _without(rows: Sequence[Row], column: int) -> list[Row]:
    """Return the combinations that are zero in a column: one row fewer."""
    first = next(row for row in rows if column in row)
    inverse = pow(first[column], -1, _P)
    found = []
    for row in rows:
        if row is not first:
            combined = dict(row)
            if column in row:
                _add(combined, first, -row[column] * inverse)
            found.append(combined)
    return found
