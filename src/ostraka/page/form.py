"""Form of a page: what a person fills in, and the vector that each answer stands for.

The page cannot run a protocol's encoding, so it is found out here: of a choice the vector of every
option, of a number the polynomials of at most second degree that the elements of the vector are, of
a table that all sums come first and then all heads. A protocol whose encoding is none of
these has no page.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, Final

from ostraka.errors import InputError
from ostraka.inputs.encoding import Codec
from ostraka.inputs.row_forms import CellForm
from ostraka.manifest import BoolType, ChoiceType, DecimalType, FloatType, InputSchema
from ostraka.names import place_name
from ostraka.protocols.protocol import Protocol

MOST_VALUES: Final = 256
"""Numbers that a form asks for."""

_PROBES: Final = 13


class NoForm(ValueError):
    """Collection that a page cannot ask for; the text says why."""


def form_of(protocol: Protocol) -> dict[str, Any]:
    """Return the form, as JSON that `report.js` reads.

    Raises:
        NoForm: this collection's reports are written by the command line alone.
    """
    manifest = protocol.manifest
    schema = manifest.input
    truth = protocol.truth_told
    if manifest.privacy.local is not None and truth is None:
        raise NoForm("its contributors add noise to numbers, which is drawn by the program alone")
    if isinstance(schema.type, BoolType | ChoiceType):
        return _choice(protocol, schema.type, schema.length) | _response(truth)
    rows = protocol.row_form(place_name(1))
    if isinstance(rows, CellForm) and rows.counts:
        return _cells(protocol, rows, Codec(rows.counts))
    return _numbers(protocol, schema)


def _response(truth: Any) -> dict[str, Any]:
    return {} if truth is None else {"truth": [str(truth.numerator), str(truth.denominator)]}


def _choice(protocol: Protocol, kind: BoolType | ChoiceType, length: int) -> dict[str, Any]:
    if length != 1:
        raise NoForm("it asks for several answers at once")
    answers: Sequence[object]
    if isinstance(kind, BoolType):
        options, answers = ["yes", "no"], [True, False]
    else:
        options = list(kind.options)
        answers = options
    rows = [_encoded(protocol, answer) for answer in answers]
    return {"kind": "choice", "options": options, "rows": [[str(x) for x in row] for row in rows]}


def _encoded(protocol: Protocol, answer: object) -> list[int]:
    scheme = protocol.scheme
    found: list[int] = scheme.to_signed(protocol.encode(place_name(1), answer)).tolist()
    return found


def _numbers(protocol: Protocol, schema: InputSchema) -> dict[str, Any]:
    if schema.length > MOST_VALUES:
        raise NoForm(f"it asks for {schema.length} numbers")
    codec = Codec(schema)
    terms = _terms(protocol, codec)
    return {
        "kind": "numbers",
        "count": schema.length,
        **_number(codec, schema),
        "terms": [[str(c) for c in term] for term in terms],
    }


def _number(codec: Codec, schema: InputSchema) -> dict[str, Any]:
    """Return what the page reads one number by."""
    return {
        "type": schema.type.kind,
        "unit": str(codec.quantum.denominator),
        "low": str(codec.low),
        "high": str(codec.high),
        "min": str(schema.min),
        "max": str(schema.max),
        "clips": schema.outside == "clip",
        "of": schema.unit,
    }


def _cells(protocol: Protocol, rows: CellForm, heads: Codec) -> dict[str, Any]:
    """Return the form of a table: of each cell a sum, and of how many heads it is."""
    schema, codec = rows.schema, Codec(rows.schema)
    if schema.length > MOST_VALUES:
        raise NoForm(f"it asks for {schema.length} cells")
    for k in range(1, _PROBES):
        parts = [(k * (i + 1)) % _PROBES for i in range(schema.length)]
        sums = [codec.low + (codec.high - codec.low) * part // _PROBES for part in parts]
        counts = [1 + (heads.high - 1) * part // _PROBES for part in parts]
        raw = [[_written(codec, x), count] for x, count in zip(sums, counts, strict=True)]
        if _encoded(protocol, raw) != [*sums, *counts]:
            raise NoForm("its cells are encoded in another way")
    return {
        "kind": "cells",
        "count": schema.length,
        "names": ["/".join(each) for each in product(*rows.groups)],
        "sum": _number(codec, schema),
        "heads": _number(heads, heads.schema),
    }


def _terms(protocol: Protocol, codec: Codec) -> list[tuple[int, int, int]]:
    """Return a, b, c for each part of the vector: element i of the part is a + b x_i + c x_i^2.

    Raises:
        NoForm: the vector is of another kind.
    """
    count = codec.length
    near = [min(codec.low + i, codec.high) for i in range(3)]
    rows = [_at(protocol, codec, [x] * count) for x in near]
    if len(rows[0]) % count or near[2] - near[0] != 2:
        raise NoForm("its bounds are too narrow, or its numbers are put together")
    terms = []
    for start in range(0, len(rows[0]), count):
        y = [row[start] for row in rows]
        c, odd = divmod(y[2] - 2 * y[1] + y[0], 2)
        b = y[1] - y[0] - c * (2 * near[0] + 1)
        terms.append((y[0] - b * near[0] - c * near[0] ** 2, b, c))
        if odd:
            raise NoForm("its numbers are encoded in another way")
    _prove(protocol, codec, terms)
    return terms


def _at(protocol: Protocol, codec: Codec, steps: Sequence[int]) -> list[int]:
    """Return the vector of numbers that are given in the input's smallest steps."""
    raw = [_written(codec, x) for x in steps]
    try:
        return _encoded(protocol, raw if codec.length > 1 else raw[0])
    except InputError as error:
        raise NoForm(f"its numbers are asked for in another form ({error.message})") from None


def _written(codec: Codec, steps: int) -> object:
    """Return the number of so many of the input's smallest steps, as a contributor gives it."""
    if isinstance(codec.kind, DecimalType):
        return _decimal(steps, codec.kind.places)
    return float(steps * codec.quantum) if isinstance(codec.kind, FloatType) else steps


def _decimal(steps: int, places: int) -> str:
    digits = f"{abs(steps):0{places + 1}d}"
    sign = "-" if steps < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def _prove(protocol: Protocol, codec: Codec, terms: Sequence[tuple[int, int, int]]) -> None:
    """Compare the polynomials with the encoding at both ends and at other numbers.

    An encoding that is no polynomial of second degree is noticed by these.
    """
    span, count = codec.high - codec.low, codec.length
    for k in range(_PROBES):
        parts = (
            ((k * (i + 1)) % _PROBES for i in range(count)) if k % 2 else (k for _ in range(count))
        )
        steps = [codec.low + span * part // (_PROBES - 1) for part in parts]
        wanted = [a + b * x + c * x * x for a, b, c in terms for x in steps]
        if _at(protocol, codec, steps) != wanted:
            raise NoForm("its numbers are encoded in another way")
