"""Workbooks: titles, sheets, stored results; what only looks blank is told apart.

The XML of a sheet is read by data/workbook_xml.py.
"""

from __future__ import annotations

import datetime
import re
import zipfile

import openpyxl
import pytest

from ostraka.data import workbook_xml
from ostraka.errors import InputError, UsageError

HEADER = ["Name", "Department", "Salary"]


@pytest.fixture
def book(tmp_path):
    def write(*rows, other=None, name="x.xlsx"):
        made = openpyxl.Workbook()
        sheet = made.active
        sheet.title = "Payroll"
        for row in rows:
            sheet.append(row)
        if other:
            made.create_sheet(other)
        made.save(tmp_path / name)
        return made

    return write


def rewrite(where, change):
    """Make y.xlsx of x.xlsx with other parts."""
    old, new = zipfile.ZipFile(where / "x.xlsx"), zipfile.ZipFile(where / "y.xlsx", "w")
    with old, new:
        for part in old.namelist():
            new.writestr(part, change(part, old.read(part)))


def test_a_payroll_with_titles_and_empty_rows(read, encoded, book):
    book([], ["Payroll 2026"], [], HEADER, ["Ann", "HR", 3800.5], ["Ben", "IT", "1,000"],
         ["Cleo", "HR", 7], [], [None, None, None])  # fmt: skip
    found = read("cells", "x.xlsx", None, value="Salary", group="Department", thousands=",")
    assert encoded("cells", found) == [380750, 100000, 0, 2, 1, 0]


def test_the_sheet_is_named_where_there_are_several(read, encoded, book):
    book(["v"], [5], other="Notes")
    assert encoded("sum", read("sum", "x.xlsx", None, value="v", sheet="Payroll")) == [500]
    with pytest.raises(UsageError, match="2 sheets, and none is named") as error:
        read("sum", "x.xlsx", None, value="v")
    assert error.value.hint == '--sheet NAME, one of "Payroll", "Notes"'
    with pytest.raises(InputError, match='no sheet "payrol"; did you mean "Payroll"'):
        read("sum", "x.xlsx", None, value="v", sheet="payrol")


def test_errors_and_formulas_are_no_blanks(read, book):
    book(
        HEADER, ["Ann", "HR", "=1+1"], ["Ben", "IT", "#N/A"], ["Cleo", "HR", None],
        ["Dan", "HR", 2.0**53], ["Eve", "HR", datetime.date(2026, 1, 2)], ["F", "=A1", 1],
    )  # fmt: skip
    found = read("cells", "x.xlsx", None, value="Salary", group="Department", skip_empty=True)
    assert [(f.rows, f.problem[:24]) for f in found.preview.wrong] == [
        ([7], "has a formula whose resu"),
        ([2], "has a formula whose resu"),
        ([3], "has an error of the spre"),
        ([5], "is a number beyond 2^53,"),
        ([6], "is not a number in plain"),
    ]
    assert [f.rows for f in found.preview.left_out] == [[4]]


def test_stored_results_of_formulas_count(read, encoded, book, tmp_path):
    book(["v"], ["=1+1"])
    result = re.compile(rb"<v ?/>")
    rewrite(tmp_path, lambda _, content: result.sub(b"<v>2</v>", content))
    assert encoded("sum", read("sum", "y.xlsx", None, value="v")) == [200]


def test_a_filled_template_that_was_saved_as_a_workbook(read, encoded, protocols, book):
    from ostraka.data.selection import MARK

    stamp = MARK + protocols["vector"].manifest.digest.hex()[:16]
    book([stamp], ["element", "value"], [1, 5], [2, 6], [3, 7])
    assert encoded("vector", read("vector", "x.xlsx", None)) == [5, 6, 7]


def test_what_is_no_workbook(read, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(InputError, match="cannot be read as XLSX"):
        read("sum", "x.xlsx", None, value="v")
    with pytest.raises(InputError, match="not as XLSX has it"):
        workbook_xml.hidden_cells(str(tmp_path / "x.xlsx"), "S")


def test_a_cell_in_the_last_corner_is_refused_before_it_takes_all_memory(read, tmp_path):
    made = openpyxl.Workbook()
    made.active["A1"], made.active["A2"], made.active["XFD1048576"] = "v", 5, 1
    made.save(tmp_path / "x.xlsx")
    with pytest.raises(InputError, match="reaches to cell XFD1048576"):
        read("sum", "x.xlsx", None, value="v")


def test_document_types_are_refused(book, tmp_path):
    book(["v"], ["=1+1"])
    doctype = b'<!DOCTYPE a [<!ENTITY b "c">]>'
    rewrite(tmp_path, lambda part, content: doctype * ("sheet1" in part) + content)
    with pytest.raises(InputError, match="not as XLSX has it"):
        workbook_xml.hidden_cells(str(tmp_path / "y.xlsx"), "Payroll")
