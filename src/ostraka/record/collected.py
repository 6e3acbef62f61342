r"""Section of receipts on a collection, and what statements say: which reports count.

A statement names counted places by their number and a hash; the receipt has them, a bit for each
place, and the summary of the agreement, which all parties signed.

    section = {"summary": SUMMARY, "places": a bit for each place in base64, lowest bit first}
    hash    = SHA-256("ostraka counted places\0" | the bits as bytes)
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from ostraka.names import PartyId, is_place

Summary = Mapping[str, Any]

NUMBERS: Final = ("in_time", "left_out", "revoked", "replaced", "agreed")
"""Numbers of a summary; "left_out" to "agreed" add up to "in_time"."""


def bits_of(counted: Sequence[PartyId], places: int) -> bytes:
    """Return counted places as a bit for each place, lowest bit first."""
    found = np.zeros(places, np.uint8)
    found[[int(name[1:]) - 1 for name in counted if is_place(name)]] = 1
    return np.packbits(found, bitorder="little").tobytes()


def counted_table(bits: bytes) -> dict[str, Any]:
    """Return what statements say of counted places: how many, and their hash."""
    digest = hashlib.sha256(b"ostraka counted places\0" + bits).hexdigest()
    return {"count": sum(byte.bit_count() for byte in bits), "places": digest}


def is_counted_table(value: object, places: int) -> bool:
    """Return whether a value is what `counted_table` returns."""
    return (
        isinstance(value, dict)
        and set(value) == {"count", "places"}
        and _is_number(value["count"], places)
        and _is_hash(value["places"])
    )


def is_summary(value: object, compute: int) -> bool:
    """Return whether a value is the summary of an agreement of so many compute parties."""
    if not isinstance(value, dict) or set(value) != {"root", "refused", *NUMBERS}:
        return False
    refused, total = value["refused"], value["in_time"]
    fine = isinstance(refused, list) and len(refused) == compute and _is_hash(value["root"])
    fine &= _is_number(total, 1 << 53) and all(_is_number(value[key], total) for key in NUMBERS)
    if not fine or not all(_is_number(number, total) for number in refused):
        return False
    return bool(sum(value[key] for key in NUMBERS[1:]) == total)


def section(summary: Summary, bits: bytes) -> dict[str, Any]:
    """Return the section of a receipt."""
    return {"summary": dict(summary), "places": base64.b64encode(bits).decode()}


def read_section(value: Any, places: int, compute: int) -> tuple[Summary, bytes]:
    """Return the summary and the bits of a receipt's section; ValueError if it is none."""
    bits = base64.b64decode(value["places"], validate=True)
    whole = len(bits) == -(-places // 8) and section(value["summary"], bits) == value
    beyond = places % 8 and bits and bits[-1] >> places % 8
    if not whole or beyond or not is_summary(value["summary"], compute):
        raise ValueError("the section on the collection is malformed")
    return value["summary"], bits


def is_counted(bits: bytes, place: int) -> bool:
    """Return whether a place, from 1, is among those counted."""
    return bool(bits[(place - 1) // 8] >> (place - 1) % 8 & 1)


def _is_number(value: object, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None
