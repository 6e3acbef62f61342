"""Figures as lines of text: aligned values, tables, and bars with their errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final
from unicodedata import east_asian_width

from ostraka.presentation.figures import Cell, Figure, extent
from ostraka.values import MISSING, in_words

LEAST_BAR: Final = 12
"""Columns below which bars are left out."""

WIDEST_BAR: Final = 60


@dataclass(frozen=True)
class Signs:
    """Signs that charts are drawn with.

    Attributes:
        bar, line: of a bar, and of the interval around its end.
        left, end, right: ends of the interval, and the value in it.
        zero: where bars begin, where some go left.
        cut: the end of a text that was cut.
    """

    bar: str
    line: str
    left: str
    end: str
    right: str
    zero: str
    cut: str

    @property
    def legend(self) -> str:
        """Meaning of the signs of a bar, in a line."""
        interval = f"{self.left}{self.line}{self.end}{self.line}{self.right}"
        return f"{interval} the value, and the interval that holds the exact one 95 times in 100"


UNICODE: Final = Signs("━", "─", "├", "●", "┤", "│", "…")
ASCII: Final = Signs("=", "-", "|", "o", "|", ":", "~")


def draw(
    figures: Sequence[Figure], width: int, letters: Signs = UNICODE, *, more: str = ""
) -> list[str]:
    """Draw figures: lone values a line each, tables and histograms below their names.

    Args:
        width: columns that a line may have; lone values and texts are not cut to it.
        letters: what bars are drawn with.
        more: added behind a vector that is cut short: says where to find all of it.
    """
    lines: list[str] = []
    for alone, some in groupby(figures, lambda figure: not figure.drawable):
        if alone:
            lines += _values(list(some), more)
        else:
            for figure in some:
                lines += _chart(figure, width, letters)
    return lines


def wide(text: str) -> int:
    """Return the columns that a text takes on a terminal."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _pad(text: str, width: int, *, right: bool = False) -> str:
    space = " " * (width - wide(text))
    return space + text if right else text + space


def _cut(text: str, width: int, letters: Signs) -> str:
    if wide(text) <= width:
        return text
    while wide(text) > width - 1:
        text = text[:-1]
    return text + letters.cut


def _values(figures: list[Figure], more: str) -> list[str]:
    """Write "sum   12686 USD", one line for each figure."""
    name = max(wide(figure.name) for figure in figures)
    return [
        f"{_pad(figure.name, name)}  {_value(figure, more)}{_unit(figure)}" for figure in figures
    ]


def _value(figure: Figure, more: str) -> str:
    if figure.alone:
        return figure.cells[0].words
    return in_words(figure.value, figure.error95, more)


def _unit(figure: Figure) -> str:
    return f" {figure.unit}" if figure.unit else ""


def _chart(figure: Figure, width: int, letters: Signs) -> list[str]:
    head = f"{figure.name} ({figure.unit})" if figure.unit else figure.name
    table = _table(figure, width, letters)
    return [head, *(table if table is not None else _bars(figure.cells, width, letters))]


def _table(figure: Figure, width: int, letters: Signs) -> list[str] | None:
    """Draw rows and columns; None where the figure has none, or the lines would be too wide."""
    if (named := figure.grid) is None:
        return None
    rows, columns = named
    cells = {cell.labels: cell.words for cell in figure.cells}
    body = [[row, *(cells.get((row, c), MISSING) for c in columns)] for row in rows]
    whole = [["", *columns], *body]
    sizes = [max(wide(line[i]) for line in whole) for i in range(len(columns) + 1)]
    if 2 + sum(sizes) + 2 * len(columns) > width:
        return None
    lines = ["  " + "  ".join(_aligned(line, sizes)) for line in whole]
    rule = "  " + "  ".join(letters.line * size for size in sizes)
    return [lines[0].rstrip(), rule, *(line.rstrip() for line in lines[1:])]


def _aligned(line: list[str], sizes: list[int]) -> list[str]:
    pairs = zip(line, sizes, strict=True)
    return [_pad(text, size, right=i > 0) for i, (text, size) in enumerate(pairs)]


def _bars(cells: Sequence[Cell], width: int, letters: Signs) -> list[str]:
    """Write each cell's label and value, and draw its bar where there is room for one."""
    values = [_spaced(cell, cells) for cell in cells]
    value = max(map(wide, values))
    spare = width - value - 4
    label = min(max(wide(cell.label) for cell in cells), spare, max(24, spare - LEAST_BAR - 2))
    room = min(width - label - value - 6, WIDEST_BAR)
    low, high = extent(cells)
    lines = []
    for cell, text in zip(cells, values, strict=True):
        start = (
            f"  {_pad(_cut(cell.label, label, letters), label)}  {_pad(text, value, right=True)}"
        )
        bar = _bar(cell, low, high, room, letters) if room >= LEAST_BAR else ""
        lines.append(f"{start}  {bar}".rstrip())
    return lines


def _spaced(cell: Cell, cells: Sequence[Cell]) -> str:
    """Write a value and its error so that the errors of all lines stand below one another."""
    most = max(len(each.within) for each in cells)
    return f"{cell.text} +- {cell.within:>{most}}" if cell.within else cell.text


def _bar(cell: Cell, low: float, high: float, room: int, letters: Signs) -> str:
    """Draw a bar from zero to the value, and the interval around the value."""

    def column(value: float) -> int:
        return min(room - 1, max(0, round((value - low) / (high - low) * (room - 1))))

    if cell.value is None:
        return ""
    middle = cell.value
    zero, end = column(0.0), column(middle)
    first, last = column(middle - cell.error), column(middle + cell.error)
    signs = [" "] * room
    signs[first : last + 1] = letters.line * (last + 1 - first)
    least, most = min(zero, end), max(zero, end)
    signs[least : most + 1] = letters.bar * (most + 1 - least)
    if cell.error:
        signs[first], signs[last], signs[end] = letters.left, letters.right, letters.end
    if low < 0 or middle == 0:
        signs[zero] = letters.zero if zero != end or not cell.error else letters.end
    return "".join(signs).rstrip()
