"""Tables as pandas has them; pandas is imported when one is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ostraka.errors import UsageError
from ostraka.presentation.figures import figures

if TYPE_CHECKING:
    import pandas

COLUMNS = ["output", "row", "column", "value", "error95", "unit"]


def frame(rows: Iterable[Sequence[Any]], columns: list[str]) -> pandas.DataFrame:
    """Return rows as a DataFrame; UsageError where pandas is not installed."""
    try:
        import pandas
    except ImportError:
        raise UsageError("a DataFrame needs pandas", hint="pip install pandas") from None
    return pandas.DataFrame(list(rows), columns=columns)


def frame_of(outputs: Sequence[Mapping[str, Any]]) -> pandas.DataFrame:
    """Return a row for each value of a result's "outputs": see `Outcome.to_frame`."""
    rows = []
    for figure in figures(outputs):
        for cell in figure.cells:
            row, column = (*cell.labels, "", "")[:2]
            value = _number(cell.raw)
            rows.append((figure.name, row, column, value, _number(cell.raw_error), figure.unit))
    return frame(rows, COLUMNS)


def _number(value: Any) -> Any:
    """Return text of a number as a number, and any other value as it is."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    return str(value)
