"""Delimited text, CSV and TSV, read strictly: every record has as many cells as there are names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Final

from ostraka.data.records import Records, gather
from ostraka.data.selection import MARK, Selection, has_all
from ostraka.data.template import Template
from ostraka.errors import InputError
from ostraka.files import NotText, decode

_SIGNS: Final = (",", ";", "\t")
_AS_UTF8: Final = 'save it as UTF-8: spreadsheets call that "CSV UTF-8"'


def read(content: bytes, source: str, selection: Selection, template: Template) -> Records:
    """Read records of delimited text.

    The separator is the one of comma, semicolon and tab at which the row of names splits into the
    names that are selected. A row is a record, as in a spreadsheet: a line break in quotes belongs
    to its cell.

    Raises:
        InputError: the bytes are no such text; names the row, and repeats no cell.
    """
    text = _text(content, source)
    sign = _separator(text, source, selection, template)
    return gather(_rows(text, sign, source), source, selection, template)


def _text(content: bytes, source: str) -> str:
    try:
        text = decode(content)
    except NotText as error:
        raise InputError(error.at(source), hint=_AS_UTF8, data_left=False) from None
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        problem = f"line {row} of {source} has a NUL character in it: it is not a text file"
        raise InputError(problem, hint=_AS_UTF8, data_left=False)
    return text


def _separator(text: str, source: str, selection: Selection, template: Template) -> str:
    """Return the sign between cells; a comma where several would do, or none."""
    names = selection.named
    if _is_stamped(text):
        names = names or template.selection.named
    elif selection.query is not None:
        names = ()
    head = text[:65536]
    fitting = [
        sign for sign in _SIGNS if any(has_all(row, names) for row in _first(head, sign)) and names
    ]
    if len(fitting) == 1:
        return fitting[0]
    counts = {sign: head.partition("\n")[0].count(sign) for sign in _SIGNS}
    present = [sign for sign in _SIGNS if counts[sign]]
    if fitting or len(present) <= 1:
        return present[0] if len(present) == 1 else ","
    problem = (
        f"{source}: the separator of its first row is not clear: it has several of , ; and tab"
    )
    raise InputError(
        problem, hint="name the columns as they are written there, or save it with one separator",
        data_left=False,
    )  # fmt: skip


def _is_stamped(text: str) -> bool:
    return text.lstrip('"').startswith(MARK)


def _first(head: str, sign: str) -> Iterator[Sequence[str]]:
    """Yield the first records of a text, as far as they can be read."""
    try:
        for row, _ in zip(csv.reader(io.StringIO(head, ""), delimiter=sign), range(30)):  # noqa: B905
            yield row
    except csv.Error:
        return


def _rows(text: str, sign: str, source: str) -> Iterator[Sequence[str]]:
    reader = csv.reader(_lines(text), delimiter=sign, strict=True)
    count = 0
    try:
        for row in reader:
            count += 1
            yield row
    except csv.Error as error:
        raise InputError(
            f"row {count + 1} of {source} is not as CSV has it: {_in_words(str(error))}",
            hint='a cell with quotes or a separator in it is in quotes, "", doubled inside',
            data_left=False,
        ) from None


def _lines(text: str) -> Iterator[str]:
    """Yield lines with their ends, as `csv` wants them: only CR and LF end one."""
    return (found[0] for found in re.finditer(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text))


def _in_words(problem: str) -> str:
    if "field larger" in problem:
        return f"a cell has more than {csv.field_size_limit()} characters"
    if "unexpected end" in problem:
        return "its file ends inside quotes"
    return "something follows a closing quote" if "expected after" in problem else problem
