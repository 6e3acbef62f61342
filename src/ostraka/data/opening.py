"""Opening of a table: what kind of file it is, and the reader for it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ostraka import limits
from ostraka.data.selection import MARK, Selection
from ostraka.errors import InputError, UsageError
from ostraka.inputs.reading import NPY, ZIP, unreadable

if TYPE_CHECKING:
    from ostraka.data.records import Records
    from ostraka.data.template import Template

URLS: Final = ("postgresql://", "postgres://")
_LINES: Final = (".jsonl", ".ndjson")
_HEAD: Final = 64
_WORKBOOKS: Final = (".xlsx", ".xlsm")
_KINDS: Final = {b"PAR1": "parquet", b"SQLite format 3\0": "sqlite"}
"""Files that are tables, by how they begin."""


def is_table(source: str | None, selection: Selection) -> bool:
    """Return whether an input is a table: a column of it is named, or its file can be nothing else.

    Any other input is read as it always was: JSON, .npy, or a value on each line.
    """
    if source is None:
        return False
    return selection.given or (source != "-" and _is_only_a_table(source))


def _is_only_a_table(source: str) -> bool:
    path = Path(source)
    if source.startswith(URLS):
        return True
    return path.is_file() and (_kind(path) != "" or _is_stamped(_head(path)))


def _kind(path: Path) -> str:
    """Return which of the files it is that are tables and nothing else; "" for any other."""
    if not path.is_file():  # what is read of a pipe is gone
        return ""
    head = _head(path)
    for start, kind in _KINDS.items():
        if head.startswith(start):
            return kind
    return "workbook" if head.startswith(ZIP) and path.suffix.lower() in _WORKBOOKS else ""


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise unreadable(str(path), error) from None


def _is_stamped(head: bytes) -> bool:
    return (
        MARK.encode() in head
        or MARK.encode("utf-16-le") in head
        or MARK.encode("utf-16-be") in head
    )


def open_table(source: str, selection: Selection, template: Template) -> Records:
    """Read the rows of a table, and those of its columns that are needed.

    Args:
        source: a file, or "-" for standard input.

    Raises:
        UsageError: a library is missing, or an option does not go with the kind of file.
        InputError: the table cannot be read.
    """
    from ostraka.data import databases, sql

    if source.startswith(URLS):
        return databases.read_postgresql(source, selection)
    kind = "" if source == "-" else _kind(Path(source))
    if kind == "sqlite":
        return databases.read_sqlite(source, selection)
    return sql.select(_of_file(kind, source, selection, template))


def _of_file(kind: str, source: str, selection: Selection, template: Template) -> Records:
    if kind == "parquet":
        from ostraka.data import parquet

        return parquet.read(source, selection)
    if kind == "workbook":
        from ostraka.data import workbook

        return workbook.read(source, selection, template)
    if selection.sheet is not None:
        problem = f"--sheet: {source} is no workbook and no database"
        raise UsageError(problem, hint="leave it out", data_left=False)
    from ostraka.data import delimited, json_rows

    content, name = _content(source)
    if content.startswith(NPY):
        raise UsageError(f"{name} is an array without columns", hint="leave --value out",
                         data_left=False)  # fmt: skip
    suffix = Path(source).suffix.lower()
    if suffix in _LINES or content[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{"):
        return json_rows.read(content, name, selection, lines=suffix in _LINES)
    return delimited.read(content, name, selection, template)


def _content(source: str) -> tuple[bytes, str]:
    if source == "-":
        name = "standard input"
        if sys.stdin is None:
            raise InputError("standard input is closed", hint="--input FILE", data_left=False)
        content = sys.stdin.buffer.read(limits.TABLE_BYTES + 1)
    else:
        name = source
        try:
            with Path(source).open("rb") as file:
                content = file.read(limits.TABLE_BYTES + 1)
        except OSError as error:
            raise unreadable(source, error) from None
    if len(content) > limits.TABLE_BYTES:
        raise InputError(f"{name} is larger than {limits.TABLE_BYTES} bytes", data_left=False)
    return content, name
