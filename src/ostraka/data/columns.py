"""Columns of records, read as values; all that is wrong with them is found, not only the first."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from ostraka.data.cells import Cell, Unusable, is_blank, text_of
from ostraka.data.notation import Notation
from ostraka.data.preview import BLANK, Finding, Preview
from ostraka.data.records import Records
from ostraka.inputs.encoding import Codec, Signed
from ostraka.inputs.lines import ColumnLines
from ostraka.text import same, spelled


class Reading:
    """Columns of records as they are read; the preview notes what is wrong.

    Rows with a blank cell in a column that is selected are taken out first. They are wrong, unless
    the selection says that they are left out.

    Attributes:
        records: without these rows.
    """

    def __init__(self, records: Records) -> None:
        self.preview = Preview(records.source, len(records), records.read)
        self._notation = records.selection.notation
        self._found: dict[tuple[str, str], Finding] = {}
        self.records = self._without_blank(records)

    def _without_blank(self, records: Records) -> Records:
        selection, keep = records.selection, np.ones(len(records), bool)
        for name in selection.named:
            blank = [i for i, cell in enumerate(records.column(name)) if is_blank(cell)]
            if blank:
                keep[blank] = False
                finding = Finding(name, BLANK, rows=[records.rows[i] for i in blank])
                preview = self.preview
                (preview.left_out if selection.skip_empty else preview.wrong).append(finding)
        return records if keep.all() else records.only(np.flatnonzero(keep).tolist())

    def __len__(self) -> int:
        return len(self.records)

    # --- values -------------------------------------------------------------------------------

    def encoded(self, name: str, codec: Codec) -> tuple[ColumnLines, Signed]:
        """Return a column as a line for each row, and its values, encoded; 0 where one is wrong."""
        numeric, records = codec.kind.numeric, self.records
        texts, noted = self._texts(name, self._notation if numeric else Notation())
        lines = ColumnLines(texts, records.source, name, records.rows)
        found, wrongs = codec.findings(lines)
        for wrong in wrongs:
            if wrong.at not in noted:
                text, problem = lines[wrong.at], str(wrong)
                if numeric and not self._notation.stated:
                    problem = self._notation.advice(text, problem)
                self._note(name, problem, wrong.at, text)
        return lines, found

    def _texts(self, name: str, notation: Notation) -> tuple[Sequence[str], set[int]]:
        """Return a column as texts, numbers in plain digits; and which rows were noted as wrong."""
        cells, noted = self.records.column(name), set[int]()
        if not notation.stated and (plain := _plain(cells)) is not None:
            return plain, noted
        texts = []
        for i, cell in enumerate(cells):
            try:
                texts.append(_text(cell, notation))
            except ValueError as problem:
                self._note(name, str(problem), i, cell if type(cell) is str else "")
                noted.add(i)
                texts.append("")
        return texts, noted

    def places_in(self, name: str, groups: Sequence[str]) -> NDArray[np.intp]:
        """Return which of the groups each row belongs to; 0 where it belongs to none."""
        known = {spelled(group): k for k, group in enumerate(groups)}
        seen: dict[Cell, int] = {}
        found = np.zeros(len(self), np.intp)
        for i, cell in enumerate(self.records.column(name)):
            k = seen.get(cell, -1)
            if k < 0:
                text = text_of(cell)
                k = known.get(spelled(text), -1)
                if k < 0:
                    problem = (
                        cell.problem if isinstance(cell, Unusable) else _no_group(text, groups)
                    )
                    self._note(name, problem, i, text)
                    continue
                seen[cell] = k
            found[i] = k
        return found

    def require_order(self, name: str) -> None:
        """Note rows of a template that were moved: a column numbers them from 1."""
        for i, cell in enumerate(self.records.column(name)):
            if text_of(cell).strip() != str(i + 1):
                self._note(name, "does not count from 1: rows were moved or taken out", i)
                return

    def _note(self, column: str, problem: str, i: int, text: str = "") -> None:
        finding = self._found.get((column, problem))
        if finding is None:
            finding = self._found[column, problem] = Finding(column, problem, text)
            self.preview.wrong.append(finding)
        finding.rows.append(self.records.rows[i])


def _plain(cells: Sequence[Cell]) -> list[str] | None:
    """Return the cells if all are text of one line; else None."""
    found = [cell for cell in cells if type(cell) is str and cell.isprintable()]
    return found if len(found) == len(cells) else None


def _text(cell: Cell, notation: Notation) -> str:
    """Return a cell as one line of text; ValueError says why there is none."""
    if isinstance(cell, Unusable):
        raise ValueError(cell.problem)
    text = text_of(cell)
    if "\n" in text or "\r" in text:
        raise ValueError("has several lines")
    return notation.plain(text) if notation.stated and type(cell) is str else text


def _no_group(text: str, groups: Sequence[str]) -> str:
    like = [group for group in groups if same(group) == same(text)]
    if like:
        return f"is the group {like[0]} in other capitals: write it as in the manifest"
    return f"is none of the manifest's groups: {', '.join(groups)}"


def exact(total: int, codec: Codec) -> int | Decimal:
    """Return the number that is a whole number of the codec's smallest units."""
    d = codec.quantum.denominator
    if d == 1:
        return total
    k = d.bit_length() - 1 if d & (d - 1) == 0 else len(str(d)) - 1
    return Decimal(f"{total * (10**k // d)}e-{k}")
