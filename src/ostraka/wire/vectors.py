"""Vectors on the wire: announced by a message, then inline when short, in raw chunks when long."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ostraka.errors import PeerLost, PeerViolation
from ostraka.exchange import Array, Expected, type_codes
from ostraka.limits import INLINE_VECTOR
from ostraka.names import Step
from ostraka.wire import frames, link_state
from ostraka.wire.messages import Abort, Vector, decode, encode

_codes: Final = {dtype: code for code, dtype in type_codes.items()}


def pack(step: Step, message: Array) -> Generator[bytes | memoryview]:
    """The pieces that carry `message`; long vectors are not copied, so they must not change."""
    flat = np.ascontiguousarray(message)
    if flat.ndim != 1 or flat.dtype not in _codes:
        raise TypeError(f"an array of {flat.dtype} and shape {flat.shape} cannot travel")
    view = flat.data.cast("B") if flat.size else memoryview(b"")
    code = _codes[flat.dtype]
    if len(view) <= INLINE_VECTOR:
        yield frames.control(encode(Vector(step, code, flat.size, bytes(view))))
        return
    yield frames.control(encode(Vector(step, code, flat.size, b"")))
    for chunk in frames.chunks(view):
        yield frames.data_header(len(chunk))
        yield chunk


def unpack(step: Step, expected: Expected) -> frames.Parser[NDArray[Any]]:
    """The vector a peer sends at `step`.

    Raises:
        PeerViolation: another message, step, element type or length than expected.
        PeerLost: the peer ended its part of the session instead.
    """
    message = decode((yield from frames.read_control()))
    if isinstance(message, Abort):
        raise PeerLost(farewell(message))
    link_state.after(link_state.State.OPEN, message)
    if not isinstance(message, Vector):
        raise PeerViolation(
            f"a {type(message).__name__} message where step {step}'s vector was due"
        )
    _compare(message, step, expected)
    if expected.nbytes <= INLINE_VECTOR:
        return _inline(message, expected)
    vector = np.empty(expected.length, type_codes[expected.dtype])
    yield from frames.read_chunks(vector.data.cast("B"))
    return vector


def farewell(message: Abort) -> str:
    """What to tell a person about a peer's abort."""
    blamed = f", naming {message.blames}" if message.blames else ""
    return f"it ended its part of the session ({message.code}{blamed})"


def _compare(message: Vector, step: Step, expected: Expected) -> None:
    found = (message.step, message.dtype, message.length)
    if found != (step, expected.dtype, expected.length) or (
        message.inline and expected.nbytes > INLINE_VECTOR
    ):
        raise PeerViolation(
            f"a vector of step {message.step} with {message.length} elements of {message.dtype}, "
            f"where step {step} wants {expected.length} of {expected.dtype}"
        )


def _inline(message: Vector, expected: Expected) -> NDArray[Any]:
    if len(message.inline) != expected.nbytes:
        raise PeerViolation(
            f"a vector of {expected.length} elements in {len(message.inline)} bytes"
        )
    return np.frombuffer(bytearray(message.inline), type_codes[expected.dtype])
