"""Rows of an audit's lists: labels and predictions of 0 or 1, and groups by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from ostraka.inputs.encoding import Signed, refuse
from ostraka.protocols.forms.identifiers import ListRows
from ostraka.text import same

BITS: Final = {"0": 0, "1": 1, "no": 0, "yes": 1, "false": 0, "true": 1}
"""Ways to write a label or a prediction, in any case."""


def outcomes_of(rows: ListRows) -> Signed:
    """Return 2 * label + prediction of each row, or the prediction where there are no labels.

    Raises:
        InputError: one is neither 0 nor 1.
    """
    names = ("label", "prediction")[-len(rows.columns) :]
    found = np.zeros(len(rows.ids), np.int64)
    for name, column in zip(names, rows.columns, strict=True):
        said = f"the {name} of {{}} is neither 0 nor 1"
        found = 2 * found + _numbered(rows, column, BITS, said)
    return found


def groups_of(rows: ListRows, attributes: Sequence[Sequence[str]]) -> Signed:
    """Return the number of each row's group: of all pairs, where there are two attributes.

    Raises:
        InputError: a row names no group.
    """
    found = np.zeros(len(rows.ids), np.int64)
    for names, column in zip(attributes, rows.columns, strict=True):
        numbers = {same(name): i for i, name in enumerate(names)}
        said = f"the group of {{}} is none of {', '.join(names)}"
        found = len(names) * found + _numbered(rows, column, numbers, said)
    return found


def _numbered(
    rows: ListRows, column: Sequence[object], numbers: Mapping[str, int], said: str
) -> Signed:
    """Return the number that each value of a column stands for.

    Values are looked up once each: a column has few different ones.
    """
    known: dict[object, int] = {}
    values = column.tolist() if hasattr(column, "tolist") else column
    for i, key in enumerate(values):
        if (type(key), key) not in known:
            text = str(int(key)) if isinstance(key, bool) else str(key)
            number = numbers.get(same(text)) if isinstance(key, str | int) else None
            if number is None:
                refuse(said.format(rows.place(i)))
            known[type(key), key] = number
    return np.array([known[type(v), v] for v in values], np.int64)
