"""Figures as SVG: a bar for each cell, and its 95% interval; no script, and no style to refuse.

All is said by attributes, so that a strict content security policy lets it through. Text takes the
colour of the page that it stands in.
"""

from __future__ import annotations

import math
from html import escape
from typing import Final

from ostraka.presentation.figures import Cell, Figure, extent
from ostraka.presentation.textual import wide

WIDTH: Final = 720
ROW: Final = 26
LETTER: Final = 8
"""Width of a letter, about, in a font of 13 pixels."""

LONGEST: Final = 30
"""Letters of a label at most."""

BAR: Final = "#3b78b5"
INTERVAL: Final = "#b4561a"


def chart(figure: Figure) -> str:
    """Draw a figure that is `drawable`; return an `<svg>` element, `WIDTH` wide at most."""
    cells = figure.cells
    labels = min(LONGEST, max(wide(cell.label) for cell in cells)) * LETTER + 12
    values = max(wide(cell.words) for cell in cells) * LETTER + 16
    left, right = labels, WIDTH - values
    scale = _Scale(*extent(cells), left, right)
    height = ROW * len(cells) + 30
    rows = "".join(_row(cell, i, scale) for i, cell in enumerate(cells))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" font-family="system-ui, sans-serif" '
        f'font-size="13" fill="currentColor"><title>{escape(_title(figure))}</title>'
        f"{_axis(scale, ROW * len(cells))}{rows}</svg>"
    )


def _title(figure: Figure) -> str:
    unit = f" in {figure.unit}" if figure.unit else ""
    told = "; ".join(f"{cell.label}: {cell.words}" for cell in figure.cells)
    return f"{figure.name}{unit}: {told}"


class _Scale:
    """Places of values between two edges.

    Attributes:
        marks: round values between the least and the greatest, some five.
    """

    def __init__(self, low: float, high: float, left: float, right: float) -> None:
        step = _step((high - low) / 4)
        self._low, self._high = math.floor(low / step) * step, math.ceil(high / step) * step
        self._left, self.right = left, right
        count = round((self._high - self._low) / step)
        self.marks = [self._low + i * step for i in range(count + 1)]

    def __call__(self, value: float) -> float:
        part = (value - self._low) / (self._high - self._low)
        return round(self._left + part * (self.right - self._left), 1)


def _step(about: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, ... that is not less."""
    power = 10.0 ** math.floor(math.log10(about))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= about * 0.999)


def _axis(scale: _Scale, bottom: float) -> str:
    lines = "".join(
        f'<line x1="{scale(mark)}" x2="{scale(mark)}" y1="4" y2="{bottom + 4}" '
        f'stroke="currentColor" stroke-opacity="{0.7 if mark == 0 else 0.15}"/>'
        for mark in scale.marks
    )
    texts = "".join(
        f'<text x="{scale(mark)}" y="{bottom + 22}" text-anchor="middle" font-size="11" '
        f'fill-opacity="0.75">{mark:,.6g}</text>'
        for mark in scale.marks
    )
    return lines + texts


def _row(cell: Cell, number: int, scale: _Scale) -> str:
    top, middle = ROW * number + 8, ROW * number + 17
    label = cell.label if len(cell.label) <= LONGEST else cell.label[: LONGEST - 1] + "…"
    return (
        f'<text x="0" y="{middle + 4}">{escape(label)}</text>'
        f"{_bar(cell, top, scale)}{_interval(cell, middle, scale)}"
        f'<text x="{scale.right + 12:.1f}" y="{middle + 4}">'
        f"{escape(cell.words.replace('+-', '±'))}</text>"
    )


def _bar(cell: Cell, top: int, scale: _Scale) -> str:
    if cell.value is None:
        return ""
    start, end = sorted((scale(0.0), scale(cell.value)))
    width = max(end - start, 1)
    place = f'x="{start}" y="{top}" width="{width:.1f}" height="18"'
    return f'<rect {place} fill="{BAR}" fill-opacity="0.8"/>'


def _interval(cell: Cell, middle: int, scale: _Scale) -> str:
    if cell.value is None or not cell.error:
        return ""
    low, high = scale(cell.value - cell.error), scale(cell.value + cell.error)
    path = f"M{low} {middle - 5}v10M{high} {middle - 5}v10M{low} {middle}H{high}"
    return f'<path d="{path}" stroke="{INTERVAL}" stroke-width="2" fill="none"/>'
