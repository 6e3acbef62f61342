"""Inputs that a manifest asks contributors for: one `[input]`, or several `[[input]]` by name."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictInt

from ostraka import limits
from ostraka.manifest.fields import (
    DecimalType,
    InputName,
    InputType,
    Names,
    Number,
    Problem,
    Section,
    Type,
    Unit,
    suggest,
)
from ostraka.names import PartyId


class InputSchema(Section):
    """Input that a manifest asks for: the form of the values that each of its contributors gives.

    Attributes:
        name: distinguishes it where a manifest has several inputs.
        of: the contributors that give it; by default all.
        type: what one value is.
        length: how many values each contributor gives.
        min, max: exact, inclusive, in the input's own unit; numbers need both.
        unit: what the values count, for people: "USD".
        outside: values out of bounds are refused, or moved to the bound.
    """

    name: InputName | None = None
    of: Names | None = None
    type: Type
    length: Annotated[StrictInt, Field(ge=1, le=limits.VECTOR)] = 1
    min: Number = None
    max: Number = None
    unit: Unit = ""
    outside: Literal["reject", "clip"] = "reject"


LATER = ("name", "of", "outside")
"""Keys that the canonical bytes leave out at their defaults, so that older digests stand."""


def _one_or_several(value: object) -> object:
    """Return a lone table as a tuple of one; several as they are."""
    if not isinstance(value, dict | list | tuple) or value == []:
        raise ValueError("must be a table, or several as [[input]]")
    return (value,) if isinstance(value, dict) else value


Inputs = Annotated[
    tuple[InputSchema, ...], BeforeValidator(_one_or_several), Field(max_length=limits.PARTIES)
]


def written_out(inputs: Sequence[dict[str, Any]]) -> dict[str, Any] | list[dict[str, Any]]:
    """Return the dumped inputs as TOML has them: one as a table, several as a list of tables."""
    return inputs[0] if len(inputs) == 1 else list(inputs)


def by_contributor(
    inputs: Sequence[InputSchema], contributors: Sequence[PartyId]
) -> dict[PartyId, InputSchema]:
    """Return the input that each contributor gives, in the order of `contributors`."""
    if len(inputs) == 1:
        return dict.fromkeys(contributors, inputs[0])
    found = {name: schema for schema in inputs for name in schema.of or contributors}
    return {name: found[name] for name in contributors}


# --- rules that span several fields ------------------------------------------------------------


def problems(
    inputs: Sequence[InputSchema], parties: Sequence[PartyId], contributors: Sequence[PartyId]
) -> Iterator[Problem]:
    """Yield contradictions in inputs, and contributors that would not give exactly one input."""
    for i, schema in enumerate(inputs):
        yield from _bounds(i, schema)
    if len(inputs) > 1:
        yield from _labels(inputs)
    yield from _givers(inputs, parties, contributors)


def problems_of_places(inputs: Sequence[InputSchema]) -> Iterator[Problem]:
    """Yield contradictions in the input of a collection, which all its places give."""
    if len(inputs) > 1:
        yield ("input",), "a collection asks all contributors for the same input: use one [input]"
        return
    yield from _bounds(0, inputs[0])
    if inputs[0].of is not None:
        yield ("input", 0, "of"), "has no meaning in a collection: all contributors give it"


def _bounds(i: int, schema: InputSchema) -> Iterator[Problem]:
    for field, bound in (("min", schema.min), ("max", schema.max)):
        path = ("input", i, field)
        if schema.type.numeric and bound is None:
            yield path, f"is missing: {schema.type} needs both min and max"
        elif bound is not None and not schema.type.numeric:
            yield path, f"has no meaning for {schema.type.kind}"
        elif bound is not None and not _representable(bound, schema.type):
            yield path, f"is not a value of {schema.type}"
    if schema.min is not None and schema.max is not None and schema.min > schema.max:
        yield ("input", i, "min"), "is above max"
    if schema.outside == "clip" and not schema.type.numeric:
        yield ("input", i, "outside"), f"has no meaning for {schema.type.kind}"


def _representable(bound: Decimal, kind: InputType) -> bool:
    places = {"int": 0, "decimal": kind.places if isinstance(kind, DecimalType) else 0}
    if kind.kind not in places:
        return True
    scaled = Fraction(bound) * int(10 ** places[kind.kind])
    return scaled.denominator == 1


def _labels(inputs: Sequence[InputSchema]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for i, schema in enumerate(inputs):
        if schema.name is None:
            yield ("input", i, "name"), "is missing: each of several inputs needs one"
        elif (first := seen.setdefault(schema.name, i)) != i:
            yield ("input", i, "name"), f"is also that of input[{first}]; each needs its own"


def _givers(
    inputs: Sequence[InputSchema], parties: Sequence[PartyId], contributors: Sequence[PartyId]
) -> Iterator[Problem]:
    """Yield contributors that give no input or several, and parties named in `of` wrongly."""
    seen: dict[PartyId, int] = {}
    roles = {**dict.fromkeys(parties, False), **dict.fromkeys(contributors, True)}
    for i, schema in enumerate(inputs):
        for k, name in enumerate(contributors if schema.of is None else schema.of):
            place = ("input", i, "of") if schema.of is None else ("input", i, "of", k)
            if not roles.get(name):
                yield place, _no_contributor(name, roles)
            elif seen.setdefault(name, i) != i:
                yield place, f"{name} gives input[{seen[name]}] already; each gives exactly one"
    without = [name for name in contributors if name not in seen]
    if without:
        yield ("input",), f"asks {without[0]} for none: every contributor gives exactly one"


def _no_contributor(name: str, roles: Mapping[PartyId, bool]) -> str:
    if name in roles:
        return f"{name} is not a contributor"
    return f"{name} is not a party" + suggest(name, roles)
