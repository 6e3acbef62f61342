"""Result of a collection that its compute parties publish at the mailbox, each signed."""

from __future__ import annotations

from collections.abc import Mapping
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
    found = []
    for place, name in enumerate(shape.compute):
        if name in receipts:
            body = signed.read_statement(
                signed.RECEIPT, shape.manifest, shape.pins[place], receipts[name]
            )
            found.append(_result(body, name))
    if any(other != found[0] for other in found[1:]):
        raise PeerViolation("the compute parties publish different results", data_left=False)
    return found[0] if found else None


def _result(body: bytes, name: str) -> dict[str, Any] | None:
    try:
        value = strict_json.parse(body)
        result = value.get("result")
        if result is None or isinstance(result, dict):
            return result
    except (ValueError, AttributeError):
        pass
    raise PeerViolation(f"what {name} published is no receipt of a collection", data_left=False)
