"""Form of an input on a party's page, and the reading of what was filled in."""

from __future__ import annotations

from typing import Any, Final

from ostraka.errors import InputError
from ostraka.inputs.reading import parse_input
from ostraka.inputs.row_forms import CellForm, ColumnForm, RowForm
from ostraka.manifest import BoolType, ChoiceType, InputSchema
from ostraka.names import PartyId
from ostraka.protocols.protocol import Protocol

MOST_VALUES: Final = 256
MOST_CELLS: Final = 100
"""Values and cells that a form asks for; of more a file is asked for."""

SHOWN: Final = 12
"""Values that a preview repeats."""

Form = dict[str, Any]


def form_of(protocol: Protocol, me: PartyId) -> Form | None:
    """Return the form of the input of `me`; None where it has none.

    Returns:
        "kind": "choice" with its "options"; "number"; "lines" with "least" and "most" of them;
        "cells" with names of "rows" and "columns", and "heads"; or "file" where only a file will
        do. Numbers have "min", "max", "unit" and whether they are "whole". "table" says how many
        columns of values and groups a file may have, and whether weights and heads.
    """
    if not protocol.manifest.asks(me):
        return None
    schema, form = protocol.manifest.input_of(me), protocol.row_form(me)
    return _fields(schema, form) | {"table": _table(form)}


def _table(form: RowForm) -> Form:
    if isinstance(form, ColumnForm):
        return {"values": 1, "groups": 0, "weight": False, "heads": False}
    if isinstance(form, CellForm):
        return {"values": 1, "groups": len(form.groups), "weight": True, "heads": form.heads}
    return {"values": form.schema.length, "groups": 0, "weight": True, "heads": False}


def _fields(schema: InputSchema, form: RowForm) -> Form:
    if isinstance(form, CellForm):
        return _cells(form)
    if not isinstance(form, ColumnForm) or form.most > MOST_VALUES:
        return {"kind": "file"}
    if form.most > 1:
        return {"kind": "lines", "least": form.least, "most": form.most, **_bounds(schema)}
    if isinstance(schema.type, BoolType | ChoiceType):
        return {"kind": "choice", "options": _options(schema)}
    return {"kind": "number" if schema.type.numeric else "lines", "least": 1, "most": 1,
            **_bounds(schema)}  # fmt: skip


def _cells(form: CellForm) -> Form:
    cells = max(1, len(form.rows)) * max(1, len(form.columns))
    if cells > MOST_CELLS:
        return {"kind": "file"}
    return {
        "kind": "cells",
        "rows": list(form.rows),
        "columns": list(form.columns),
        "heads": form.heads,
        **_bounds(form.schema),
    }


def _options(schema: InputSchema) -> list[str]:
    return list(schema.type.options) if isinstance(schema.type, ChoiceType) else ["yes", "no"]


def _bounds(schema: InputSchema) -> Form:
    numeric = schema.type.numeric
    return {
        "min": str(schema.min) if numeric else "",
        "max": str(schema.max) if numeric else "",
        "unit": schema.unit,
        "whole": schema.type.kind == "int",
    }


def read_answer(protocol: Protocol, me: PartyId, answer: object) -> tuple[Any, list[str]]:
    """Read what was filled in, and check that the manifest asks for it.

    Args:
        answer: the number of an option, text with a value on each line, or a list with a text, or
            a list of a sum and a number of heads, for each cell.

    Returns:
        What the protocol encodes, and lines that say it again.

    Raises:
        InputError: it is not what the manifest asks for.
    """
    form = form_of(protocol, me) or {"kind": "none"}
    schema = protocol.manifest.input_of(me)
    raw, lines = _READ[form["kind"]](form, schema, answer)
    protocol.encode(me, raw)
    return raw, lines


def _read_choice(form: Form, schema: InputSchema, answer: object) -> tuple[Any, list[str]]:
    options = form["options"]
    if not isinstance(answer, int) or isinstance(answer, bool) or not 0 <= answer < len(options):
        raise InputError("choose one of the answers", data_left=False)
    shown = options[answer]
    return (answer == 0 if isinstance(schema.type, BoolType) else shown), [shown]


def _read_lines(form: Form, schema: InputSchema, answer: object) -> tuple[Any, list[str]]:
    if not isinstance(answer, str):
        raise InputError("your answer is no text", data_left=False)
    raw = parse_input(answer.encode(), schema, "your answer")
    found = [line.strip() for line in answer.splitlines() if line.strip()]
    unit = f" {schema.unit}" if schema.unit else ""
    more = f", ... ({len(found)} values)" if len(found) > SHOWN else ""
    return raw, [", ".join(found[:SHOWN]) + more + unit]


def _read_cells(form: Form, schema: InputSchema, answer: object) -> tuple[Any, list[str]]:
    names = _cell_names(form)
    if not isinstance(answer, list) or len(answer) != len(names):
        raise InputError(f"{len(names)} cells are asked for", data_left=False)
    lines, unit = [], f" {schema.unit}" if schema.unit else ""
    for name, cell in zip(names, answer, strict=True):
        parts = cell if form["heads"] else [cell]
        if not isinstance(parts, list) or len(parts) != 1 + form["heads"]:
            raise InputError(f"{name} has another number of fields", data_left=False)
        if not all(isinstance(part, str) and part.strip() for part in parts):
            problem = f"{name} is not filled in"
            raise InputError(problem, hint="fill in 0 where there is none", data_left=False)
        heads = f", heads: {parts[1]}" if form["heads"] else ""
        lines.append(f"{name}: {parts[0]}{unit}{heads}")
    return answer, lines


def _cell_names(form: Form) -> list[str]:
    rows, columns = form["rows"] or [""], form["columns"] or [""]
    return [" / ".join(filter(None, (row, column))) or "all" for row in rows for column in columns]


def _read_none(form: Form, schema: InputSchema, answer: object) -> tuple[Any, list[str]]:
    raise InputError("this input is given as a file", data_left=False)


_READ: Final = {
    "choice": _read_choice,
    "number": _read_lines,
    "lines": _read_lines,
    "cells": _read_cells,
    "file": _read_none,
    "none": _read_none,
}
