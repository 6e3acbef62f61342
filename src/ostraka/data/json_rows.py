"""Rows in JSON: a list of objects, or an object on each line; numbers keep all their digits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from ostraka import strict_json
from ostraka.data.cells import Cell, cell_of
from ostraka.data.records import Records, is_needed, needed_columns, numbered
from ostraka.data.selection import Selection
from ostraka.errors import InputError
from ostraka.files import SAVE_AS, NotText, decode

_FORM = 'such as [{"Department": "HR", "Salary": 3800}, ...]'


def read(content: bytes, source: str, selection: Selection, *, lines: bool) -> Records:
    """Read objects as rows, counted from 1; a name that an object lacks is a blank cell.

    Args:
        lines: whether there is an object on each line.

    Raises:
        InputError: the bytes are no such JSON, or have a name twice in one object.
    """
    try:
        text = decode(content)
    except NotText as error:
        raise InputError(error.at(source), hint=SAVE_AS, data_left=False) from None
    objects = _of_lines(text, source) if lines else _parsed(text, source)
    if not isinstance(objects, list | Iterator):
        raise _no_rows(source)
    header, columns, count = _columns(objects, source, selection)
    needed = needed_columns(header, selection, source)
    kept = {i: columns[header[i]] for i in needed}
    return Records(source, header, kept, numbered(count), selection)


def _columns(
    objects: Iterable[Any], source: str, selection: Selection
) -> tuple[tuple[str, ...], dict[str, list[Cell]], int]:
    """Return all names in some objects, the values of those that are needed, and their number."""
    columns: dict[str, list[Cell]] = {}
    names: dict[str, bool] = {}
    count = 0
    for row in objects:
        if not isinstance(row, dict):
            raise _no_rows(source)
        if not row.keys() <= names.keys():
            for name in (name for name in row if name not in names):
                names[name] = is_needed(name, selection)
                if names[name]:
                    columns[name] = [None] * count
        for name, column in columns.items():
            column.append(cell_of(row.get(name)))
        count += 1
    return tuple(names), columns, count


def _no_rows(source: str) -> InputError:
    problem = f"{source} is not a list of objects, each with names and values"
    return InputError(problem, hint=_FORM, data_left=False)


def _of_lines(text: str, source: str) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _parsed(line, f"line {number} of {source}")


def _parsed(text: str, source: str) -> Any:
    try:
        return strict_json.parse(text, parse_float=Decimal)
    except strict_json.TwiceError as error:
        raise InputError(f"{source}: {error}", data_left=False) from None
    except InvalidOperation:
        problem = f"{source} has a number that is too large or too fine"
        raise InputError(problem, data_left=False) from None
    except (ValueError, RecursionError):
        raise InputError(f"{source} is not JSON", hint=_FORM, data_left=False) from None
