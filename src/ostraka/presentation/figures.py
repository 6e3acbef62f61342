"""Figures of a result, taken apart for drawing: cells with labels, values, errors and texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any, Final

from ostraka.values import MISSING, rounded

MOST_BARS: Final = 60
"""Cells up to which a figure is drawn as bars; a longer one is only told."""

TOTAL: Final = "total"
"""Name of the row and the column that a table adds up in."""


@dataclass(frozen=True)
class Cell:
    """Value at one place of a figure.

    Attributes:
        labels: its place: none for a lone value, one in a vector or histogram, two in a table.
        text: the value as a person reads it, with the digits that its error justifies.
        within: half of the 95% interval, likewise; "" for an exact value.
        value: the value for drawing; None where it is no number.
        error: the error for drawing, at least 0.
    """

    labels: tuple[str, ...]
    text: str
    within: str
    value: float | None
    error: float

    @property
    def label(self) -> str:
        """The labels in one text."""
        return ", ".join(self.labels)

    @property
    def words(self) -> str:
        """The value and its error in one text: "187 +- 4"."""
        return f"{self.text} +- {self.within}" if self.within else self.text


@dataclass(frozen=True)
class Figure:
    """Figure of a result, as JSON has it.

    Attributes:
        name, unit: its name, and the unit of its values; "" for none.
        value: a value, or a list or dictionary of values or of those.
        error95: half of the 95% interval's width, shaped like the value; None for an exact figure.
        exact: whether texts of numbers have all digits.
    """

    name: str
    unit: str
    value: Any
    error95: Any = None
    exact: bool = True

    @classmethod
    def of(cls, output: Mapping[str, Any]) -> Figure:
        """Return the figure of one entry of a result's "outputs"."""
        return cls(
            output["name"],
            output.get("unit", ""),
            output["value"],
            output.get("error95"),
            "exact" not in output,
        )

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, in the order of the result."""
        return tuple(self._cells(self.value, self.error95, ()))

    @property
    def alone(self) -> bool:
        """Whether it is one value, without a label."""
        return not isinstance(self.value, dict | list)

    @property
    def drawable(self) -> bool:
        """Whether its cells make bars: `MOST_BARS` at most, two or more of them numbers."""
        if self.alone or not 2 <= _leaves(self.value, MOST_BARS) <= MOST_BARS:
            return False
        numbers = [cell for cell in self.cells if cell.text != MISSING]
        return len(numbers) > 1 and all(cell.value is not None for cell in numbers)

    @property
    def grid(self) -> tuple[list[str], list[str]] | None:
        """Names of rows and columns, totals last, where the figure is a table; None elsewhere."""
        if self.alone or {len(cell.labels) for cell in self.cells} != {2}:
            return None
        rows = dict.fromkeys(cell.labels[0] for cell in self.cells)
        columns = dict.fromkeys(cell.labels[1] for cell in self.cells)
        return _totals_last(rows), _totals_last(columns)

    def _cells(self, value: Any, error: Any, labels: tuple[str, ...]) -> Iterator[Cell]:
        if not isinstance(value, dict | list):
            yield self._cell(value, error, labels)
            return
        for key, each in _items(value):
            yield from self._cells(each, _at(error, key), (*labels, _label(key)))

    def _cell(self, value: Any, error: Any, labels: tuple[str, ...]) -> Cell:
        text, within = rounded(value, error, exact=self.exact)
        return Cell(labels, text, within, _float(value), abs(_float(error) or 0.0))


def figures(outputs: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """Return the figures of a result's "outputs"."""
    return list(map(Figure.of, outputs))


def extent(cells: Sequence[Cell]) -> tuple[float, float]:
    """Return the least and the greatest value that a chart shows: all intervals, and zero."""
    ends = [0.0]
    for cell in cells:
        middle = cell.value or 0.0
        ends += [middle - cell.error, middle + cell.error]
    low, high = min(ends), max(ends)
    return (low, high) if high > low else (low, low + 1.0)


def _totals_last(names: Iterable[str]) -> list[str]:
    """Order names as they come; one that is withheld in the first row comes late otherwise."""
    return sorted(names, key=lambda name: name == TOTAL)


def _items(value: Any) -> Iterator[tuple[str | int, Any]]:
    yield from value.items() if isinstance(value, dict) else enumerate(value)


def _label(key: str | int) -> str:
    return key if isinstance(key, str) else str(key + 1)


def _at(error: Any, key: str | int) -> Any:
    """Return the error of one element; that of all where there is one for all."""
    if isinstance(error, dict):
        return error.get(key)
    if isinstance(error, list):
        return error[key] if isinstance(key, int) and key < len(error) else None
    return error


def _leaves(value: Any, most: int) -> int:
    """Count the values in a value, up to a little more than `most`."""
    if not isinstance(value, dict | list):
        return 1
    count = 0
    for each in value.values() if isinstance(value, dict) else value:
        count += _leaves(each, most)
        if count > most:
            break
    return count


def _float(value: Any) -> float | None:
    """Return a number for drawing; None where the value is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if isfinite(found) else None
