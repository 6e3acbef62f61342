"""Identifiers of rows: read from an owner's list, brought into one form, and hashed."""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from ostraka.arithmetic.randomness import Words
from ostraka.engine.matching import WORDS
from ostraka.inputs.encoding import Place, refuse
from ostraka.inputs.lines import Lines
from ostraka.text import line

Form = Literal["exact", "folded", "email", "phone"]
"""Forms of an identifier: as it is written; in any case; an e-mail address; a telephone number."""

LONGEST: Final = 256
"""Characters of an identifier."""

_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_BETWEEN: Final = re.compile(r"[\s()./-]")


class ListRows(NamedTuple):
    """Rows of an owner's list.

    Attributes:
        ids: an identifier each, as written.
        columns: of further values, as written, as long as `ids`.
        place: what messages call row i.
    """

    ids: Sequence[str]
    columns: Sequence[Sequence[object]]
    place: Place


def read_rows(raw: object, columns: int) -> ListRows:
    """Read a list of identifiers, or of identifiers with so many values each.

    Args:
        raw: lines of text (`id` or `id,value,...`, as CSV has them), a list of identifiers or of
            rows, an object of values by identifier, or as many sequences as a tuple.
        columns: values of each row.

    Raises:
        InputError: it is none of these; the text repeats no identifier.
    """
    if isinstance(raw, str):
        raw = Lines(raw)
    if isinstance(raw, Lines):
        return _of_lines(raw, columns)
    if isinstance(raw, Mapping):
        values = [[each] for each in raw.values()] if columns == 1 else list(raw.values())
        return _checked(list(raw), _transposed(values, columns, 0), _row)
    if isinstance(raw, tuple) and len(raw) == 1 + columns and columns:
        return _checked(list(raw[0]), list(raw[1:]), _row)
    if not isinstance(raw, Sequence | np.ndarray):
        refuse("there is no list of identifiers" if raw is None else "the input is not a list")
    if not columns:
        return _checked(list(raw), [], _row)
    ids, *others = _transposed(list(raw), 1 + columns, 1)
    return _checked(ids, others, _row)


def _of_lines(lines: Lines, columns: int) -> ListRows:
    rows = list(csv.reader(lines))
    for i, row in enumerate(rows):
        if len(row) != 1 + columns:
            refuse(f"{lines.place(i)} has {len(row)} columns; each line has {_form(columns)}")
    ids, *others = _transposed(rows, 1 + columns, 1)
    return ListRows(ids, [list(map(str.strip, column)) for column in others], lines.place)


def _form(columns: int) -> str:
    if not columns:
        return "one identifier"
    values = "a value" if columns == 1 else f"{columns} values"
    return f"an identifier and {values}, with a comma between"


def _transposed(rows: list[Any], width: int, ids: int) -> list[list[Any]]:
    """Return the columns of rows of one width; `ids` of them are identifiers."""
    for i, row in enumerate(rows):
        if not isinstance(row, Sequence) or isinstance(row, str) or len(row) != width:
            what = "is no pair of an identifier and a value" if width == 2 else ""
            refuse(f"{_row(i)} {what or f'has not {_form(width - ids)}'}")
    return list(map(list, zip(*rows, strict=True))) if rows else [[] for _ in range(width)]


def _checked(ids: list[Any], columns: Sequence[Sequence[object]], place: Place) -> ListRows:
    if any(len(column) != len(ids) for column in columns):
        refuse("there must be one value for each identifier")
    for i, each in enumerate(ids):
        if isinstance(each, bool) or not isinstance(each, str | int | np.integer):
            refuse(f"the identifier of {place(i)} is neither text nor a whole number")
    return ListRows([str(each) for each in ids], columns, place)


def _row(i: int) -> str:
    return f"row {i + 1}"


def hashed(rows: ListRows, form: Form, words: int = WORDS) -> Words:
    """Return what identifies each row: so many words, up to 4, of the SHA-256 of its identifier.

    Raises:
        InputError: an identifier is not of this form, or occurs twice.
    """
    bring = _FORMS[form]
    seen: dict[str, int] = {}
    for i, written in enumerate(rows.ids):
        try:
            plain = bring(_plain(written))
        except ValueError as problem:
            refuse(f"the identifier of {rows.place(i)} {problem}")
        if (first := seen.setdefault(plain, i)) != i:
            refuse(f"{rows.place(first)} and {rows.place(i)} have the same identifier")
    head = b"ostraka join row\0" + form.encode() + b"\0"
    return words_of((hashlib.sha256(head + each.encode()).digest() for each in seen), words)


def words_of(digests: Iterable[bytes], words: int = WORDS) -> Words:
    """Return the first words of each digest, one after another."""
    size = 8 * words
    return np.frombuffer(b"".join(digest[:size] for digest in digests), np.uint64).copy()


def _plain(written: str) -> str:
    """Return an identifier in NFC, without blanks around it; ValueError if it is not one line."""
    found = written.strip()
    if not found.isascii():
        found = unicodedata.normalize("NFC", found)
    if not found:
        raise ValueError("is missing")
    return found if found.isascii() and found.isprintable() and len(found) <= LONGEST else line(
        found, LONGEST
    )  # fmt: skip


def _folded(plain: str) -> str:
    return unicodedata.normalize("NFC", plain.casefold())


def _email(plain: str) -> str:
    name, at, host = plain.rpartition("@")
    if not (name and at and "." in host) or any(map(str.isspace, plain)):
        raise ValueError("is not an e-mail address")
    return _folded(plain)


def _phone(plain: str) -> str:
    found = _BETWEEN.sub("", plain)
    if not _PHONE.fullmatch(found):
        raise ValueError("is not a telephone number such as +49 30 1234567, country first")
    return found


_FORMS: Final[dict[Form, Callable[[str], str]]] = {
    "exact": str,
    "folded": _folded,
    "email": _email,
    "phone": _phone,
}
