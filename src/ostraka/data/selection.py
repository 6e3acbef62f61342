"""Selection: what of a table becomes an input, as the options of a command say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ostraka.data.notation import Notation
from ostraka.errors import InputError, UsageError
from ostraka.manifest import suggest
from ostraka.text import quoted, same, spelled

MARK: Final = "# ostraka template "
"""Begins the first cell of a template; the digest of its manifest follows."""

SHOWN: Final = 30
"""Names that a message lists."""


@dataclass(frozen=True)
class Selection:
    """Columns and rows of a table.

    Attributes:
        values: columns of the values: one, but for rows of several values.
        groups: columns of the groups: of rows, then of columns.
        weight: column that says how often a row counts; None: once.
        heads: column that says of how many heads a row is the sum; None: every row is one head.
        sheet: sheet of a workbook, or table of a database.
        where: SQL condition on rows.
        query: SQL query that makes the table from one that is called `data`.
        add_up: whether all rows are added up to one number.
        skip_empty: whether rows with a blank cell are left out, instead of refused.
        order: column that numbers the rows from 1, as in a template; None: there is none.
    """

    values: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    weight: str | None = None
    heads: str | None = None
    sheet: str | None = None
    where: str | None = None
    query: str | None = None
    add_up: bool = False
    skip_empty: bool = False
    order: str | None = None
    notation: Notation = field(default_factory=Notation)

    def __post_init__(self) -> None:
        if self.where is not None and self.query is not None:
            _refuse("--where and --query do not go together", "write the condition into the query")
        if self.query is not None and not self.values:
            _refuse("--query needs --value", "--value COLUMN, a column of the query's result")
        if self.weight and self.heads:
            _refuse("--weight and --heads do not go together", "rows are values, or sums of heads")

    @property
    def given(self) -> bool:
        """Whether anything is selected, so that the input is a table."""
        return self != Selection()

    @property
    def named(self) -> tuple[str, ...]:
        """Names of all columns that are selected."""
        lone = tuple(name for name in (self.weight, self.heads, self.order) if name)
        return (*self.values, *self.groups, *lone)

    @property
    def sql(self) -> str:
        """The SQL that is run on the rows, "" for none."""
        return self.query or self.where or ""


def has_all(header: Sequence[str], names: Sequence[str]) -> bool:
    """Return whether a row of names has all of some."""
    known = {spelled(name) for name in header}
    return all(spelled(name) in known for name in names)


def position(header: Sequence[str], name: str, source: str) -> int:
    """Return which column has a name; names are equal as the eye reads.

    Raises:
        InputError: none has it, or several have.
    """
    found = [i for i, each in enumerate(header) if spelled(each) == spelled(name)]
    if len(found) == 1:
        return found[0]
    if found:
        places = " and ".join(str(i + 1) for i in found[:2])
        problem = f"{source} has several columns {quoted(name)}: column {places}"
        raise InputError(problem, hint="give them different names", data_left=False)
    like = [each for each in header if same(each) == same(name)]
    near = f"; did you mean {quoted(like[0])}?" if like else suggest(name, header)
    raise InputError(
        f"{source} has no column {quoted(name)}{near}",
        hint=f"its columns: {listed(header)}",
        data_left=False,
    )


def listed(names: Sequence[str]) -> str:
    """List names for a message, in quotes."""
    shown = ", ".join(quoted(name) for name in names[:SHOWN] if name.strip())
    return (shown or "none has a name") + ", ..." * (len(names) > SHOWN)


def _refuse(problem: str, hint: str) -> None:
    raise UsageError(problem, hint=hint, data_left=False)
