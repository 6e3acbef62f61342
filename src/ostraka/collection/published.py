"""Papers that compute parties publish of a collection at the mailbox, each signed: its result, and
the root of the reports that it counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ostraka import strict_json
from ostraka.collection import signed
from ostraka.collection.shape import Shape
from ostraka.errors import PeerViolation


def published_result(receipts: Mapping[str, bytes], shape: Shape) -> dict[str, Any] | None:
    """Return the result in what compute parties left at the mailbox; None if there is none.

    All that are there have to say the same.

    Args:
        receipts: signed statements, by compute party.

    Raises:
        PinMismatch, PeerViolation: one is not signed by its party, or they contradict each other.
    """
    found = [_result(body, name) for name, body in _bodies(receipts, shape)]
    if any(other != found[0] for other in found[1:]):
        raise PeerViolation("the compute parties publish different results", data_left=False)
    return found[0] if found else None


def signed_roots(receipts: Mapping[str, bytes], shape: Shape) -> dict[str, bytes]:
    """Return the root of the counted reports that each compute party signed, in what it left at the
    mailbox.

    Raises:
        PinMismatch, PeerViolation: one is not signed by its party, or is none.
    """
    return {name: _root(body, name) for name, body in _bodies(receipts, shape)}


def _bodies(receipts: Mapping[str, bytes], shape: Shape) -> Iterator[tuple[str, bytes]]:
    for place, name in enumerate(shape.compute):
        if name in receipts:
            pin, octets = shape.pins[place], receipts[name]
            yield name, signed.read_statement(signed.RECEIPT, shape.manifest, pin, octets)


def _root(body: bytes, name: str) -> bytes:
    try:
        return bytes.fromhex(strict_json.parse(body)["summary"]["root"])
    except (ValueError, TypeError, KeyError):
        raise _no_receipt(name) from None


def _result(body: bytes, name: str) -> dict[str, Any] | None:
    try:
        value = strict_json.parse(body)
        result = value.get("result")
        if result is None or isinstance(result, dict):
            return result
    except (ValueError, AttributeError):
        pass
    raise _no_receipt(name)


def _no_receipt(name: str) -> PeerViolation:
    return PeerViolation(f"what {name} published is no receipt of a collection", data_left=False)
