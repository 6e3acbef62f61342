"""Inputs from files, standard input and prompts, read exactly; the encoding checks them later."""

from __future__ import annotations

import sys
from decimal import Decimal, InvalidOperation
from json import JSONDecodeError
from pathlib import Path
from typing import Any, BinaryIO

from ostraka import limits, strict_json
from ostraka.errors import InputError
from ostraka.files import SAVE_AS, NotText, decode, missing_hint
from ostraka.inputs.lines import Lines
from ostraka.manifest import InputSchema, Manifest, suggest
from ostraka.names import place_name

NPY = b"\x93NUMPY"
_FAR = "is too large or too fine"
ZIP = b"PK\x03\x04"

_ONCE = "leave one of the two: which of them would count is not said"


def read_input(
    source: str | None, schema: InputSchema, name: str, wanted: str | None = None
) -> Any:
    """Read one contributor's input: int, Decimal, bool, str, lists or dicts of these, lines, or an
    array.

    Args:
        source: a file, "-" for standard input, or None to ask on the terminal without echo.
        schema: the contributor's own, `Manifest.input_of`. Its bounds are checked later, by the
            encoding.
        name: the contributor's, for the prompt.
        wanted: what the prompt asks for, in place of what the schema says alone.

    Raises:
        InputError: the input is blank or cannot be read. The message never repeats the input.
    """
    if source is None:
        return _ask(schema, name, wanted or describe(schema))
    if source == "-":
        source = "standard input"
        if sys.stdin is None:
            raise InputError("standard input is closed", hint="--input FILE", data_left=False)
        return parse_input(_whole(sys.stdin.buffer, schema, source), schema, source)
    path = Path(source)
    try:
        with path.open("rb") as file:
            if path.suffix == ".npy":
                return _array(file, schema, source)
            return parse_input(_whole(file, schema, source), schema, source)
    except OSError as error:
        raise unreadable(source, error) from None


def unreadable(source: str, error: OSError) -> InputError:
    """Return the error for a file of inputs that cannot be opened."""
    hint = missing_hint(Path(source))
    if hint and not Path(source).suffix:
        hint = f"{hint}; --input takes a file, or - for standard input, and never the input itself"
    return InputError(f"cannot read {source}: {error.strerror}", hint=hint, data_left=False)


def _whole(file: BinaryIO, schema: InputSchema, source: str) -> bytes:
    """Read a file to its end; InputError where it is longer than any input of this schema."""
    most = limits.INPUT + limits.INPUT_VALUE * schema.length
    content = file.read(most + 1)
    if len(content) > most:
        some = "a value" if schema.length == 1 else f"{schema.length} values"
        message = f"{source} is larger than {most} bytes, and the manifest asks for {some}"
        raise InputError(message, data_left=False)
    return content


def askable(schema: InputSchema) -> bool:
    """Return whether a person can be asked for this input: one value, at a terminal."""
    return schema.length == 1 and sys.stdin is not None and sys.stdin.isatty()


def _ask(schema: InputSchema, name: str, wanted: str) -> Any:
    if not askable(schema):
        why = f"it is {schema.length} values long" if schema.length > 1 else "this is no terminal"
        message = f"{name}'s input is needed, and cannot be asked for: {why}"
        raise InputError(message, hint="--input FILE, or --input - for standard input",
                         data_left=False)  # fmt: skip
    from getpass import getpass

    try:
        text = getpass(f"{name}'s input, {wanted}, not shown: ")
    except EOFError:
        text = ""
    return parse_input(text.encode(), schema, "your answer")


def describe(schema: InputSchema) -> str:
    """Describe the input that a schema asks for: "decimal(2) from 0 to 1000000 USD"."""
    bounds = f" from {schema.min} to {schema.max}" if schema.type.numeric else ""
    several = f", {schema.length} values" if schema.length > 1 else ""
    unit = f" {schema.unit}" if schema.unit else ""
    moved = ", moved to the bound if outside" if schema.outside == "clip" else ""
    return f"{schema.type}{bounds}{unit}{several}{moved}"


def describe_all(manifest: Manifest) -> list[str]:
    """Describe each input of a manifest, with its contributors where there are several inputs."""
    if len(manifest.inputs) == 1:
        return [describe(manifest.inputs[0])]
    return [
        f"{schema.name} of {', '.join(schema.of or manifest.contributors)}: {describe(schema)}"
        for schema in manifest.inputs
    ]


def parse_input(content: bytes, schema: InputSchema, source: str) -> Any:
    """Read an input from bytes: JSON (a value, a list, or values by name), .npy, or plain text.

    Plain text has a value on each line. Several stay `Lines`, which the encoding reads exactly.

    Args:
        source: what error messages call the place that the bytes come from.

    Raises:
        InputError: the bytes are blank, or in none of these forms.
    """
    if content.startswith(NPY):
        from io import BytesIO

        return _array(BytesIO(content), schema, source)
    if content.startswith(ZIP):
        hint = "an .npz holds several arrays: save one of them as .npy"
        raise InputError(f"{source} is an archive, not an input", hint=hint, data_left=False)
    try:
        whole = decode(content)
    except NotText as error:
        raise InputError(error.at(source), hint=SAVE_AS, data_left=False) from None
    text = whole.strip()
    if not text:
        hint = f"expected: {describe(schema)}"
        raise InputError(f"{source} is blank", hint=hint, data_left=False)
    first = 1 + whole[: whole.index(text[0])].count("\n")
    lines = Lines(text, source, first)
    if text[0] in "[{" or (text[0] == '"' and len(lines) == 1):
        return _json(text, source, first, named=schema.length > 1)
    return lines if len(lines) > 1 else text


def _json(text: str, source: str, first: int, *, named: bool) -> Any:
    """Read JSON that begins in line `first`; an object is refused unless `named`, where a protocol
    knows its names."""
    try:
        value = strict_json.parse(text, parse_float=Decimal)
    except strict_json.TwiceError as error:
        raise InputError(f"{source}: {error}", hint=_ONCE, data_left=False) from None
    except InvalidOperation:
        raise InputError(f"{source} has a number that {_FAR}", data_left=False) from None
    except (ValueError, RecursionError) as error:
        hint = "a value, a list of values, or plain text with one value on each line"
        message = f"{source} is not JSON{_where(error, first)}"
        raise InputError(message, hint=hint, data_left=False) from None
    if isinstance(value, dict) and not named:
        raise InputError(f"{source} holds an object, not values", data_left=False)
    return value


def _where(error: Exception, first: int = 1) -> str:
    if not isinstance(error, JSONDecodeError):
        return ""
    return f": see line {error.lineno + first - 1}, character {error.colno}"


def _array(file: BinaryIO, schema: InputSchema, source: str) -> Any:
    """Read an array, unless its head claims more numbers than the manifest and any protocol ask
    for: numpy makes room for as many as it claims."""
    import numpy as np

    refusal = InputError(f"{source} is not a .npy array of numbers", data_left=False)
    try:
        claimed, kind = _claimed(file)
        if kind not in "biuf":
            raise refusal
        if claimed > 2 * schema.length:
            message = f"{source} has {claimed} values; the manifest asks for {schema.length}"
            raise InputError(message, data_left=False)
        return np.load(file, allow_pickle=False)
    except (ValueError, EOFError):
        raise refusal from None


def _claimed(file: BinaryIO) -> tuple[int, str]:
    """Return how many numbers the head of an .npy file says there are, and of which kind; go back
    to its start.

    Raises:
        ValueError: there is no such head.
    """
    from math import prod
    from tokenize import TokenError

    from numpy.lib import format as npy

    version = npy.read_magic(file)
    read_head = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    try:
        shape, _, dtype = read_head(file)
    except TokenError:
        raise ValueError("a head that is cut short") from None
    file.seek(0)
    return prod(shape), dtype.kind


def read_inputs(path: Path, manifest: Manifest, missing_ok: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read the toy inputs of all contributors for `simulate`, a JSON object of values by name; of a
    collection those of some places, "#1" and so on, or a list of reports.

    Args:
        missing_ok: contributors that may have no input, as they crash.

    Raises:
        InputError: the file cannot be read, names a party that does not contribute, or misses one.
    """
    hint = 'such as {"alice": 3800, "bob": 2514}'
    most = sum(limits.INPUT + limits.INPUT_VALUE * x.length for x in manifest.inputs) * len(
        manifest.contributors
    )
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
        if len(content) > most:
            raise InputError(f"{path} is larger than {most} bytes", hint=hint, data_left=False)
        values = strict_json.parse(decode(content), parse_float=Decimal)
    except OSError as error:
        raise unreadable(str(path), error) from None
    except NotText as error:
        raise InputError(error.at(str(path)), hint=SAVE_AS, data_left=False) from None
    except strict_json.TwiceError as error:
        raise InputError(f"{path}: {error}", hint=_ONCE, data_left=False) from None
    except InvalidOperation:
        raise InputError(f"{path} has a number that {_FAR}", data_left=False) from None
    except (ValueError, RecursionError) as error:
        message = f"{path} is not JSON{_where(error)}"
        raise InputError(message, hint=hint, data_left=False) from None
    if manifest.collection is not None:
        missing_ok = manifest.contributors
        if isinstance(values, list):
            values = {place_name(i): value for i, value in enumerate(values, 1)}
    if not isinstance(values, dict):
        raise InputError(f"{path} must be an object, name to input", hint=hint, data_left=False)
    contributors = set(manifest.contributors)
    for name in values:
        if name not in contributors:
            message = f'{path}: "{name}" is not a contributor' + suggest(
                name, manifest.contributors
            )
            raise InputError(message, data_left=False)
    if missing := sorted(contributors - {*values, *missing_ok}, key=manifest.contributors.index):
        raise InputError(f"{path} has no input of {', '.join(missing)}", data_left=False)
    return values
