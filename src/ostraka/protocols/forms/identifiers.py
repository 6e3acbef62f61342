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
        values: a value each, as written; None where the list has none.
        place: what messages call row i.
    """

    ids: Sequence[str]
    values: Sequence[object] | None
    place: Place


def read_rows(raw: object, *, valued: bool) -> ListRows:
    """Read a list of identifiers, or of identifiers with a value each.

    Args:
        raw: lines of text (`id` or `id,value`, as CSV has them), a list of identifiers or of pairs,
            an object of values by identifier, or two sequences as a tuple.
        valued: whether each row has a value.

    Raises:
        InputError: it is none of these; the text repeats no identifier.
    """
    if isinstance(raw, str):
        raw = Lines(raw)
    if isinstance(raw, Lines):
        return _of_lines(raw, valued)
    if isinstance(raw, Mapping):
        return _checked(list(raw), list(raw.values()), _row, valued)
    if isinstance(raw, tuple) and len(raw) == 2 and valued:
        return _checked(list(raw[0]), list(raw[1]), _row, valued)
    if not isinstance(raw, Sequence | np.ndarray):
        refuse("there is no list of identifiers" if raw is None else "the input is not a list")
    if not valued:
        return _checked(list(raw), None, _row, valued)
    for i, pair in enumerate(raw):
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            refuse(f"{_row(i)} is no pair of an identifier and a value")
    return _checked([pair[0] for pair in raw], [pair[1] for pair in raw], _row, valued)


def _of_lines(lines: Lines, valued: bool) -> ListRows:
    wanted = 2 if valued else 1
    rows = list(csv.reader(lines))
    for i, row in enumerate(rows):
        if len(row) != wanted:
            form = "an identifier and a value, with a comma between" if valued else "one identifier"
            refuse(f"{lines.place(i)} has {len(row)} columns; each line has {form}")
    ids = [row[0] for row in rows]
    return ListRows(ids, [row[1].strip() for row in rows] if valued else None, lines.place)


def _checked(ids: list[Any], values: list[Any] | None, place: Place, valued: bool) -> ListRows:
    if valued and (values is None or len(values) != len(ids)):
        refuse("there must be one value for each identifier")
    for i, each in enumerate(ids):
        if isinstance(each, bool) or not isinstance(each, str | int | np.integer):
            refuse(f"the identifier of {place(i)} is neither text nor a whole number")
    return ListRows([str(each) for each in ids], values if valued else None, place)


def _row(i: int) -> str:
    return f"row {i + 1}"


def hashed(rows: ListRows, form: Form) -> Words:
    """Return what identifies each row: `WORDS` words of the SHA-256 of its identifier.

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
    return words_of(hashlib.sha256(head + each.encode()).digest() for each in seen)


def words_of(digests: Iterable[bytes]) -> Words:
    """Return the first `WORDS` words of each digest, one after another."""
    size = 8 * WORDS
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
