"""Numbers written in plain digits, read exactly from many lines at once, in numpy.

A line is read here if it has an optional sign, 1 to 18 digits and at most one point, with spaces or
tabs around it. Everything else is left to the caller, line by line. No float is involved.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

LONGEST: Final = 40
"""Characters in a line that is read here, spaces included."""

_DIGITS: Final = 18
"""Digits of which every number fits in 63 bits."""

_TENS: Final = np.array([10**k for k in range(_DIGITS + 1)], np.int64)
_ROOM: Final = np.array([(2**63 - 1) // 10**k for k in range(_DIGITS + 1)], np.int64)
Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Decimals(NamedTuple):
    """Numbers as they are written: `digits` / 10^`places`, where `plain` says that it was read."""

    digits: Integers
    places: Integers
    plain: Flags


def read(content: Bytes, starts: Integers, ends: Integers) -> Decimals:
    """Read the number in each line, content[start:end]."""
    starts, ends = _trimmed(content, starts, ends)
    plain = (ends > starts) & (ends - starts <= LONGEST)
    ends = np.where(plain, ends, starts)
    signs = content[np.minimum(starts, len(content) - 1)]
    minus = (signs == ord("-")) & plain
    at = starts + (minus | ((signs == ord("+")) & plain))
    digits, places, count = (np.zeros(len(starts), np.int64) for _ in range(3))
    pointed = np.zeros(len(starts), bool)
    for _ in range(int((ends - at).max(initial=0))):
        live = at < ends
        char = content[np.minimum(at, len(content) - 1)]
        value = char - np.uint8(ord("0"))
        digit = live & (value < 10) & (count < _DIGITS)
        point = live & (char == ord(".")) & ~pointed
        plain &= digit | point | ~live
        np.multiply(digits, 10, out=digits, where=digit)
        np.add(digits, value, out=digits, where=digit)
        count += digit
        places += digit & pointed
        pointed |= point
        at += 1
    np.negative(digits, out=digits, where=minus)
    return Decimals(digits, places, plain & (count > 0))


def _trimmed(content: Bytes, starts: Integers, ends: Integers) -> tuple[Integers, Integers]:
    """Return the lines without spaces around them, as many as `LONGEST`."""
    for _ in range(LONGEST):
        inside = starts < ends
        left = inside & _space(content[np.minimum(starts, len(content) - 1)])
        right = inside & ~left & _space(content[np.maximum(ends - 1, 0)])
        if not (left.any() or right.any()):
            break
        starts, ends = starts + left, ends - right
    return starts, ends


def _space(char: Bytes) -> Flags:
    found: Flags = (char == ord(" ")) | (char == ord("\t"))
    return found


def scaled(given: Decimals, places: int) -> tuple[Integers, Flags]:
    """Return each number times 10^places, and for which of them that is exact and fits in int64.

    Three digits after the point where fewer are wanted are never exact: the point may be one
    between thousands.
    """
    shift = places - given.places
    more, fewer = np.clip(shift, 0, _DIGITS), np.clip(-shift, 0, _DIGITS)
    fine = given.plain & (shift <= _DIGITS) & (np.abs(given.digits) <= _ROOM[more])
    fine &= (shift >= 0) | (given.places != 3)
    whole = given.digits
    if fewer.any():
        whole, rest = np.divmod(whole, _TENS[fewer])
        fine &= rest == 0
    return np.where(fine, whole, 0) * _TENS[more], fine


def binary(given: Decimals, bits: int) -> tuple[Integers, Flags]:
    """Return each number times 2^bits, rounded to the nearest (ties to even), and for which of them
    that fits in int64."""
    over = _TENS[np.clip(given.places, 0, _DIGITS)].astype(np.uint64)
    whole, rest = np.divmod(np.abs(given.digits).astype(np.uint64), over)
    fine = given.plain & (whole < 1 << (62 - bits))
    total = np.where(fine, whole, np.uint64(0))
    for left in range(bits, 0, -4):  # a rest below 10^18 has four bits of room
        step = np.uint64(min(4, left))
        quotient, rest = np.divmod(rest << step, over)
        total = (total << step) | quotient
    twice = rest << np.uint64(1)
    total += (twice > over) | ((twice == over) & (total & np.uint64(1)).astype(bool))
    found = total.astype(np.int64)
    np.negative(found, out=found, where=given.digits < 0)
    return found, fine
