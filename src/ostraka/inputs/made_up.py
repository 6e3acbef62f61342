"""Inputs of a rehearsal: drawn at random within what a manifest allows, and nothing of a person."""

from __future__ import annotations

import secrets
from fractions import Fraction

from ostraka.errors import InputError, UsageError
from ostraka.inputs.encoding import Codec
from ostraka.inputs.row_forms import CellForm, RowForm, WeightedForm
from ostraka.manifest import ChoiceType, DecimalType, FloatType, IdType, InputSchema


def require_none(raw: object) -> None:
    """Check that a party of a rehearsal was given no input.

    Raises:
        InputError: an input was given.
    """
    if raw is not None:
        raise InputError(
            "this is a rehearsal, which takes no input: each program makes its own up",
            hint="leave the input out",
            data_left=False,
        )


def made_up(form: RowForm) -> object:
    """Return an input, as a person would give it: every value is drawn uniformly and for itself.

    Raises:
        UsageError: no input of that form can be made up.
    """
    if isinstance(form.schema.type, IdType):
        raise UsageError(
            "a list of identifiers cannot be made up: it would have nothing in common with others",
            hint="rehearse with --inputs: ostraka simulate",
            data_left=False,
        )
    if isinstance(form, WeightedForm):
        return [[*_values(form.schema, form.schema.length), 1 + secrets.randbelow(form.most)]]
    if isinstance(form, CellForm):
        return _cells(form)
    values = _values(form.schema, form.least)
    return values if form.schema.length > 1 else values[0]


def _cells(form: CellForm) -> list[object]:
    count = max(1, len(form.rows)) * max(1, len(form.columns))
    sums = _values(form.schema, count)
    return [[x, 1] for x in sums] if form.heads else sums


def _values(schema: InputSchema, count: int) -> list[object]:
    codec = Codec(schema)
    return [_value(codec) for _ in range(count)]


def _value(codec: Codec) -> object:
    step = codec.low + secrets.randbelow(codec.high - codec.low + 1)
    match codec.kind:
        case ChoiceType(options=options):
            return options[step]
        case DecimalType(places=places):
            sign, digits = "-" * (step < 0), f"{abs(step):0{places + 1}d}"
            return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"
        case FloatType(bits=bits):
            return float(Fraction(step, 2**bits))
    return step if codec.kind.numeric else bool(step)
