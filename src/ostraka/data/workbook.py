"""Workbooks (XLSX), read by calamine: stored results of formulas, as they were last saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ostraka.data.cells import Unusable, cell_of, is_blank
from ostraka.data.extras import need
from ostraka.data.records import Records, gather
from ostraka.data.selection import Selection, listed
from ostraka.data.template import Template
from ostraka.data.workbook_xml import hidden_cells, require_bounded
from ostraka.errors import InputError, UsageError
from ostraka.manifest import suggest
from ostraka.text import quoted, spelled


def read(path: str, selection: Selection, template: Template) -> Records:
    """Read the rows of a sheet, with their numbers as the spreadsheet shows them.

    Cells with an error or with a formula whose result is not stored look blank to calamine; they
    are told apart, so that no row is left out for them.

    Raises:
        UsageError: calamine is missing, or there are several sheets and none is named.
        InputError: the file cannot be read, or lacks a sheet or a column.
    """
    calamine = need("python_calamine", "XLSX")
    try:
        book = calamine.CalamineWorkbook.from_path(path)
        name = _sheet(book.sheet_names, selection.sheet, path)
        require_bounded(path, name)
        sheet = book.get_sheet_by_name(name)
        source = path if len(book.sheet_names) == 1 else f"{path}, sheet {quoted(name)}"
        records = gather(_rows(sheet), source, selection, template, convert=cell_of)
    except (calamine.CalamineError, OSError) as error:
        problem = f"{path} cannot be read as XLSX: {type(error).__name__}"
        hint = "save it again as .xlsx, or as CSV"
        raise InputError(problem, hint=hint, data_left=False) from None
    if any(is_blank(cell) for column in records.columns.values() for cell in column):
        _tell_apart(records, hidden_cells(path, name))
    return records


def _sheet(names: list[str], wanted: str | None, path: str) -> str:
    """Return the sheet that is named, or the only one."""
    if wanted is None:
        if len(names) == 1:
            return names[0]
        problem = f"{path} has {len(names)} sheets, and none is named"
        raise UsageError(problem, hint=f"--sheet NAME, one of {listed(names)}", data_left=False)
    for name in names:
        if spelled(name) == spelled(wanted):
            return name
    problem = f"{path} has no sheet {quoted(wanted)}{suggest(wanted, names)}"
    raise InputError(problem, hint=f"its sheets: {listed(names)}", data_left=False)


def _rows(sheet: Any) -> Iterator[list[Any]]:
    """Yield the rows from the sheet's first, each of as many cells as the widest."""
    if sheet.start is None:
        return
    top, left = sheet.start
    width = left + sheet.width
    for _ in range(top):
        yield [""] * width
    before = [""] * left
    for row in sheet.iter_rows():
        yield before + row


def _tell_apart(records: Records, hidden: dict[tuple[int, int], str]) -> None:
    """Replace blank cells that are not blank in the file."""
    if not hidden:
        return
    for i, column in records.columns.items():
        for k, cell in enumerate(column):
            if is_blank(cell) and (problem := hidden.get((records.rows[k], i))):
                column[k] = Unusable(problem)
