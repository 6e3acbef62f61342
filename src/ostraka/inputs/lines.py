"""Sequences of values: lines of a text, kept as bytes so that they need no objects, and lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from ostraka.inputs.digits import Bytes, Decimals, Integers, read
from ostraka.text import quoted

CHUNK: Final = 1 << 16
"""Lines or elements that are worked on at a time: some milliseconds, so that a thread that encodes
an input holds up no other for longer."""

_PIECE: Final = 1 << 20
"""Bytes that are looked through at a time."""


class Lines(Sequence[str]):
    """Lines of a text, in order, without their ends.

    Args:
        text: without an end of the last line.
        source: what messages call the file; "" for a list of values that was made one text.
        first: number of the first line in the file.
    """

    def __init__(self, text: str, source: str = "", first: int = 1) -> None:
        content = b"".join(
            text[i : i + _PIECE].encode("utf-8", "surrogatepass")
            for i in range(0, len(text), _PIECE)
        )
        if b"\r" in content:
            content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self.source, self.first = source, first
        self._text = content
        self._content: Bytes = np.frombuffer(content or b"\0", np.uint8)
        breaks = np.concatenate([np.empty(0, np.int64), *self._breaks()])
        self._starts: Integers = np.concatenate([[0], breaks + 1])
        self._ends: Integers = np.concatenate([breaks, [len(content)]])

    @classmethod
    def of(cls, values: Sequence[object]) -> Lines | None:
        """Return one line for each value, as `str` writes it; None where one has several lines."""
        parts = ["\n".join(map(str, values[part])) for part in chunks(len(values))]
        found = cls("\n".join(parts))
        return found if len(found) == len(values) else None

    def _breaks(self) -> Iterator[Integers]:
        for start in range(0, len(self._text), _PIECE):
            piece = self._content[start : start + _PIECE]
            yield np.flatnonzero(piece == ord("\n")) + start

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, key: int) -> str: ...
    @overload
    def __getitem__(self, key: slice) -> list[str]: ...
    def __getitem__(self, key: int | slice) -> str | list[str]:
        if isinstance(key, int):
            return self._between(self._starts[key], self._ends[key])
        starts, ends = self._starts[key], self._ends[key]
        return self._between(starts[0], ends[-1]).split("\n") if len(starts) else []

    def _between(self, start: int, end: int) -> str:
        return self._text[start:end].decode("utf-8", "surrogatepass")

    def place(self, i: int) -> str:
        """Return what a message calls element i: "line 3 of x.txt", or "value 3"."""
        if not self.source:
            return f"value {i + 1}"
        return f"line {self.first + i} of {self.source}"

    def decimals(self, part: slice) -> Decimals:
        """Read the numbers in some of the lines; see `digits.read`."""
        return read(self._content, self._starts[part], self._ends[part])


class ColumnLines(Lines):
    """Column of a table, a line for each row; messages call an element by its row and column.

    Args:
        texts: of the cells; none has several lines.
        source: what messages call the table.
        rows: the number of each row, as the table's own program counts them.
    """

    def __init__(self, texts: Sequence[str], source: str, column: str, rows: Sequence[int]) -> None:
        super().__init__("\n".join(texts), source)
        self.column, self.rows = column, rows

    def place(self, i: int) -> str:
        """Return what a message calls element i: 'row 14 of x.csv, column "Salary",'."""
        return f"row {self.rows[i]} of {self.source}, column {quoted(self.column)},"


def chunks(length: int) -> Iterable[slice]:
    """Return slices of at most `CHUNK` that cover `length` elements."""
    return (slice(i, min(i + CHUNK, length)) for i in range(0, length, CHUNK))


def kinds_of(values: Sequence[object]) -> set[type]:
    """Return the types of values."""
    return {kind for part in chunks(len(values)) for kind in set(map(type, values[part]))}


def array_of(values: Sequence[object], dtype: type[np.generic] | None) -> NDArray[Any] | None:
    """Return a numeric array of values, or None where they do not fit."""
    if dtype is None:
        return None
    array = np.empty(len(values), dtype)
    try:
        for part in chunks(len(values)):
            array[part] = values[part]
    except OverflowError:
        return None
    return array
