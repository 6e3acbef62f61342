"""Options of `run` that say what of a table becomes the input, and how sure the caller is of it."""

from __future__ import annotations

from typing import Annotated

import typer

ValueOption = Annotated[
    list[str] | None, typer.Option("--value", metavar="COLUMN", help="The column of the values.")
]
GroupOption = Annotated[
    list[str] | None,
    typer.Option(
        "--group",
        metavar="COLUMN",
        help="The column of the groups; twice for rows and columns of the manifest.",
    ),
]
WeightOption = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="The column of how often a row counts.")
]
HeadsOption = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help="Rows are sums already: the column of how many heads each is of."
    ),
]
SheetOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Sheet of a workbook, or table of a database.")
]
WhereOption = Annotated[
    str | None,
    typer.Option(metavar="SQL", help="Which rows count, such as \"Year = '2026'\"."),
]
QueryOption = Annotated[
    str | None,
    typer.Option(metavar="SQL", help="A SELECT whose result is the table; a file is called data."),
]
DecimalOption = Annotated[
    str | None, typer.Option(metavar="SIGN", help="The sign before decimals: , or a point.")
]
ThousandsOption = Annotated[
    str | None,
    typer.Option(metavar="SIGN", help="The sign between thousands: . , ' or a space."),
]
SumOption = Annotated[bool, typer.Option("--sum", help="Add all rows up to one number.")]
SkipEmptyOption = Annotated[
    bool, typer.Option("--skip-empty", help="Leave rows with a blank cell out.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Print what would be sent, and contact no party.")
]
YesOption = Annotated[
    bool, typer.Option("--yes", help="Send what the preview shows, without being asked.")
]
