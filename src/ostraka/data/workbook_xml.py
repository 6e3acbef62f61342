"""Cells of a sheet that only look blank, found in its XML: errors, formulas without a result."""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NoReturn
from xml.parsers import expat

from ostraka import limits
from ostraka.errors import InputError

_ERROR: Final = "has an error of the spreadsheet in it: correct it there"
_NO_RESULT: Final = (
    "has a formula whose result is not stored: open the file in a spreadsheet program, and save it"
)
_PIECE: Final = 1 << 20
_REACH: Final = re.compile(rb'<(?:\w+:)?dimension\b[^>]*\bref="(?:[A-Z0-9]+:)?([A-Z]+[0-9]+)"')
_RELATION: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def require_bounded(path: str, sheet: str) -> None:
    """Check that a sheet says to reach no further than memory does; some do not say.

    Raises:
        InputError: it reaches further, or the file is not as XLSX has it.
    """
    with _opened(path) as archive, archive.open(_part_of(archive, sheet)) as file:
        found = _REACH.search(file.read(_PIECE))
    if found is None:
        return
    last = _place(found[1].decode())
    if last is not None and last[0] * (last[1] + 1) > limits.TABLE_CELLS:
        raise InputError(
            f"{path}: the sheet reaches to cell {found[1].decode()}",
            hint="delete what stands far away from the table",
            data_left=False,
        )


@contextmanager
def _opened(path: str) -> Iterator[zipfile.ZipFile]:
    """Open a workbook's archive; say of what is not found in it that it is no workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, KeyError, expat.ExpatError, NotImplementedError):
        raise InputError(f"{path} is not as XLSX has it", data_left=False) from None


def hidden_cells(path: str, sheet: str) -> dict[tuple[int, int], str]:
    """Return what is wrong with cells that look blank, by row from 1 and column from 0.

    Raises:
        InputError: the file is not as XLSX has it.
    """
    with _opened(path) as archive:
        found = _Sheet()
        _parse(archive, _part_of(archive, sheet), found.start, found.end, found.text)
        return found.hidden


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the name of the part of an archive that holds a sheet."""
    ids: dict[str, str] = {}
    targets: dict[str, str] = {}

    def of_book(name: str, values: dict[str, str]) -> None:
        if name.endswith("sheet"):
            key = next((v for k, v in values.items() if k.endswith(":id") or k == "id"), "")
            ids[values.get("name", "")] = key

    def of_relations(name: str, values: dict[str, str]) -> None:
        if name.endswith("Relationship"):
            targets[values["Id"]] = values["Target"]

    _parse(archive, "xl/workbook.xml", of_book)
    _parse(archive, "xl/_rels/workbook.xml.rels", of_relations)
    return posixpath.normpath(posixpath.join("/xl", targets[ids[sheet]])).lstrip("/")


class _Sheet:
    """Cells of a sheet's XML, as its elements come in."""

    def __init__(self) -> None:
        self.hidden: dict[tuple[int, int], str] = {}
        self._at, self._inside = "", ""
        self._error = self._formula = self._value = False

    def start(self, name: str, values: dict[str, str]) -> None:
        """Begin an element."""
        self._inside = name.rpartition(":")[2]
        if self._inside == "c":
            self._at, self._error = values.get("r", ""), values.get("t") == "e"
            self._formula = self._value = False
        elif self._inside == "f":
            self._formula = True

    def text(self, _: str) -> None:
        """Take text of an element."""
        self._value = self._value or self._inside in ("v", "t")

    def end(self, name: str) -> None:
        """End an element."""
        self._inside = ""
        if name.rpartition(":")[2] != "c":
            return
        if self._error:
            self._note(_ERROR)
        elif self._formula and not self._value:
            self._note(_NO_RESULT)

    def _note(self, problem: str) -> None:
        if (place := _place(self._at)) is not None:
            self.hidden[place] = problem


def _place(cell: str) -> tuple[int, int] | None:
    """Return the row of a cell such as B12, from 1, and its column, from 0; None for no cell."""
    found = re.fullmatch(r"([A-Z]{1,3})([0-9]{1,7})", cell)
    if found is None:
        return None
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(found[2]), column - 1


def _parse(
    archive: zipfile.ZipFile,
    part: str,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    with archive.open(part) as file:
        while piece := file.read(_PIECE):
            parser.Parse(piece, False)
    parser.Parse(b"", True)


def _refuse_doctype(*_: object) -> NoReturn:
    raise expat.ExpatError("XLSX has no document types, which could define endless entities")
