"""Cells of a table in one contributor's input, by name or row by row; errors name the cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ostraka.errors import InputError
from ostraka.inputs.encoding import Codec, Signed
from ostraka.inputs.encoding import refuse as refuse_input
from ostraka.inputs.lines import Lines
from ostraka.manifest import suggest
from ostraka.protocols.sentences import listed
from ostraka.text import quoted, same, spelled


@dataclass(frozen=True)
class Cells:
    """Cells of a table by its groups, row by row.

    Attributes:
        rows, columns: names of the groups; without rows there is one cell.
    """

    rows: Sequence[str]
    columns: Sequence[str]

    @property
    def _count(self) -> int:
        return max(1, len(self.rows)) * max(1, len(self.columns))

    def encode(self, raw: object, codec: Codec) -> Signed:
        """Encode a number for each cell: a list, lines, or an object by names."""
        if isinstance(raw, Lines):
            return codec.encode(raw)
        return codec.encode(self._in_order(raw) if isinstance(raw, dict) else raw, self._title)

    def encode_pairs(self, raw: object, codec: Codec, heads: Codec) -> tuple[Signed, Signed]:
        """Encode the sum in each cell, and of how many heads it is: two vectors.

        Raises:
            InputError: also where there is a sum of no heads. A pair that may be swapped is said.
        """
        pairs = self._in_order(raw) if isinstance(raw, dict) else raw
        sums, counts = _columns(pairs, self._count)
        try:
            x = codec.encode(sums, lambda i: f"the sum of {self._title(i)}")
            of = heads.encode(counts, lambda i: f"the number of heads of {self._title(i)}")
        except InputError as error:
            for total, count in zip(sums, counts, strict=True):
                straight = codec.reads(total) and heads.reads(count)
                if not straight and codec.reads(count) and heads.reads(total):
                    refuse_input(f"{error.message}; is the pair swapped? write [sum, heads]")
            raise
        for i in np.flatnonzero((of == 0) & (x != 0)).tolist():
            refuse_input(f"{self._title(i)} has a sum of no heads")
        return x, of

    def _title(self, i: int) -> str:
        """Return the name of cell i for a message."""
        if not self.rows:
            return "the input"
        if not self.columns:
            return f"cell {self.rows[i]}"
        row, column = divmod(i, len(self.columns))
        return f"cell {self.rows[row]}/{self.columns[column]}"

    def _in_order(self, raw: object) -> list[Any]:
        """List the cells row by row, of {row: cell} or {row: {column: cell}}."""
        rows = _named(raw, self.rows)
        if not self.columns:
            return rows
        return [
            cell
            for name, row in zip(self.rows, rows, strict=True)
            for cell in _named(row, self.columns, f"{name}: ")
        ]


def _named(raw: object, names: Sequence[str], of: str = "") -> list[Any]:
    """List the entries of an object in the order of groups; names are equal as the eye reads."""
    wanted = f"{of}the input must have an entry for each of {listed(names)}, and no other"
    if not isinstance(raw, dict) or not names:
        refuse_input(wanted)
    found = {spelled(str(key)): entry for key, entry in raw.items()}
    known = {spelled(name): name for name in names}
    for key in (str(key) for key in raw if spelled(str(key)) not in known):
        like = [name for name in names if same(name) == same(key)]
        more = f": write {quoted(like[0])}" if like else suggest(key, names)
        refuse_input(f"{wanted}; {quoted(key)} is none of them{more}")
    if missing := [name for form, name in known.items() if form not in found]:
        refuse_input(f"{wanted}; {quoted(missing[0])} is missing")
    if len(found) != len(raw):
        refuse_input(f"{wanted}; it has one twice")
    return [found[form] for form in known]


def _columns(raw: object, cells: int) -> tuple[list[Any], list[Any]]:
    """Separate sums and heads of [[sum, heads], ...], one pair for each cell; or of one pair."""
    found = raw.tolist() if isinstance(raw, np.ndarray) else raw
    if cells == 1 and isinstance(found, list | tuple) and len(found) == 2 and (
        not isinstance(found[0], list | tuple)
    ):  # fmt: skip
        found = [found]
    if not isinstance(found, list | tuple) or not all(
        isinstance(pair, list | tuple) and len(pair) == 2 for pair in found
    ):
        refuse_input("the input must be a pair for each cell: [[sum, heads], ...]")
    return [pair[0] for pair in found], [pair[1] for pair in found]
