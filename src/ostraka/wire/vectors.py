"""Vectors on a link: short ones inside the message that announces them, long ones after it."""

from __future__ import annotations

from collections.abc import Generator
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ostraka.errors import OstrakaError, PeerAway, PeerLost, PeerViolation
from ostraka.exchange import Array, Expected, type_codes
from ostraka.limits import INLINE_VECTOR
from ostraka.names import Step
from ostraka.wire import frames, link_state
from ostraka.wire.messages import Abort, Vector, decode, encode

_codes: Final = {dtype: code for code, dtype in type_codes.items()}


def pack(step: Step, message: Array) -> Generator[bytes | memoryview]:
    """Yield the bytes that carry the vector `message` of `step`, headers included.

    Long vectors are not copied, so they must not change until the bytes are sent.

    Raises:
        TypeError: the array has another element type or more than one dimension.
    """
    flat = np.ascontiguousarray(message)
    code = _codes.get(flat.dtype)
    if code is None or flat.ndim != 1:
        raise TypeError(f"an array of {flat.dtype} and shape {flat.shape} cannot travel")
    if flat.nbytes <= INLINE_VECTOR:
        yield frames.control(encode(Vector(*step, code, flat.size, flat.tobytes())))
        return
    yield frames.control(encode(Vector(*step, code, flat.size, b"")))
    for chunk in frames.chunks(flat.data.cast("B")):
        yield frames.data_header(len(chunk))
        yield chunk


def unpack(
    step: Step, expected: Expected, into: NDArray[Any] | None = None
) -> frames.Parser[NDArray[Any]]:
    """Read the vector that a peer sends at `step`; return it, in `into` if that is given.

    Each message has one encoding, so the announcement is compared byte by byte with the one that
    is due. It is decoded only if it differs.

    Raises:
        PeerViolation: another message, step, element type or length than expected.
        PeerLost: the peer ended its part of the session instead.
    """
    size = expected.nbytes
    due, inline = _due(step, expected)
    head = len(due) - inline
    body = yield from frames.read_control()
    if len(body) != len(due) or body[:head] != due[:head]:
        raise _unexpected(body, step, expected)
    vector = np.empty(expected.length, type_codes[expected.dtype]) if into is None else into
    view = vector.data.cast("B") if size else memoryview(b"")
    if inline:
        view[:] = body[head:]
    else:
        yield from frames.read_chunks(view)
    return vector


@lru_cache(maxsize=16)  # many peers send the same at one step
def _due(step: Step, expected: Expected) -> tuple[bytes, int]:
    """Return the announcement that is due, and how many bytes of the vector are inside it."""
    inline = expected.nbytes if expected.nbytes <= INLINE_VECTOR else 0
    return encode(Vector(*step, expected.dtype, expected.length, bytes(inline))), inline


def _unexpected(body: bytearray, step: Step, expected: Expected) -> OstrakaError:
    message = decode(body)
    if isinstance(message, Abort):
        return departure(message)
    link_state.after(link_state.LinkState.OPEN, message)
    wanted = f"{expected.length} of {expected.dtype} are due at step {step}"
    if not isinstance(message, Vector):
        return PeerViolation(f"a {type(message).__name__} message where {wanted}")
    return PeerViolation(
        f"a vector of {message.length} elements of {message.dtype} at step "
        f"{Step(message.phase, message.n)}, "
        f"{len(message.inline)} bytes of it inline, where {wanted}"
    )


def farewell(message: Abort) -> str:
    """Describe a peer's Abort for an error message: its code, and the party it blames."""
    blamed = f", naming {message.blames}" if message.blames else ""
    return f"it ended its part of the session ({message.code}{blamed})"


def departure(message: Abort) -> PeerLost:
    """Return the error for a peer's Abort: a peer that waited in vain can go on later, if all its
    peers can."""
    kind = PeerAway if message.code == PeerAway.code else PeerLost
    return kind(farewell(message))
