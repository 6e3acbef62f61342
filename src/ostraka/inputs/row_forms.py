"""Forms of input that rows of a table are turned into; every protocol says which one it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ostraka.inputs.lines import Lines
from ostraka.manifest import InputSchema


@dataclass(frozen=True)
class ColumnForm:
    """Column of a table: an element for each row, in the order of the rows.

    Attributes:
        schema: of one contributor's input.
        least, most: the number of rows.
    """

    schema: InputSchema
    least: int
    most: int


@dataclass(frozen=True)
class CellForm:
    """Cells of a table by groups: each is the sum over the rows of its group.

    Attributes:
        schema: of one contributor's input; its bounds are those of a cell.
        rows, columns: names of the groups; without any there is one cell.
        counts: of the heads that each cell is the sum of; None where cells come without.
    """

    schema: InputSchema
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: InputSchema | None

    @property
    def heads(self) -> bool:
        """Whether each cell comes with the number of heads that it is the sum of."""
        return self.counts is not None

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The names of rows and of columns, as far as there are any."""
        return tuple(names for names in (self.rows, self.columns) if names)


@dataclass(frozen=True)
class WeightedForm:
    """Rows of values, each with the weight that it counts with.

    Attributes:
        schema: of one row's values, `schema.length` of them.
        most: the largest sum of the weights.
    """

    schema: InputSchema
    most: int


RowForm = ColumnForm | CellForm | WeightedForm


@dataclass(frozen=True)
class WeightedColumns:
    """Rows of a table for `WeightedForm`, kept as columns: fast where there are many rows.

    Attributes:
        values: a column for each value of a row, all of one length.
        weights: None: every row counts once.
    """

    values: Sequence[Lines]
    weights: Lines | None
