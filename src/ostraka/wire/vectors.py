"""Vectors on the wire: announced by a message, then inline when short, in raw chunks when long."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ostraka.errors import OstrakaError, PeerLost, PeerViolation
from ostraka.exchange import Array, Expected, type_codes
from ostraka.limits import INLINE_VECTOR
from ostraka.names import Step
from ostraka.wire import frames, link_state
from ostraka.wire.messages import Abort, Vector, decode, encode

_codes: Final = {dtype: code for code, dtype in type_codes.items()}


def pack(step: Step, message: Array) -> Generator[bytes | memoryview]:
    """The pieces that carry `message`; long vectors are not copied, so they must not change."""
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
    """The vector a peer sends at `step`, in `into` if that is given.

    There is one encoding of each message, so what is due is compared byte by byte instead of being
    interpreted; only what differs is looked at more closely.

    Raises:
        PeerViolation: another message, step, element type or length than expected.
        PeerLost: the peer ended its part of the session instead.
    """
    size = expected.nbytes
    inline = size if size <= INLINE_VECTOR else 0
    due = encode(Vector(*step, expected.dtype, expected.length, bytes(inline)))
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


def _unexpected(body: bytearray, step: Step, expected: Expected) -> OstrakaError:
    message = decode(body)
    if isinstance(message, Abort):
        return PeerLost(farewell(message))
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
    """What to tell a person about a peer's abort."""
    blamed = f", naming {message.blames}" if message.blames else ""
    return f"it ended its part of the session ({message.code}{blamed})"
