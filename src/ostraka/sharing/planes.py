"""Bits of many words, bit-sliced: plane i holds bit i of 64 words in every one of its own words.

Transposing goes by bytes first and then by 8 x 8 bits within each word, so it costs a few passes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.uint64]
"""Shape (..., planes, words): element e of a row is bit e % 64 of word e // 64."""

_SWAPS: Final = (
    (np.uint64(7), np.uint64(0x00AA00AA00AA00AA)),
    (np.uint64(14), np.uint64(0x0000CCCC0000CCCC)),
    (np.uint64(28), np.uint64(0x00000000F0F0F0F0)),
)


def width(count: int) -> int:
    """Words of one plane of so many elements."""
    return (count + 63) // 64


def planes_of(elements: NDArray[np.uint64], bits: int) -> Planes:
    """The lowest `bits` bits of a vector: shape (bits, width); what is beyond the end is zero."""
    w = width(len(elements))
    padded = np.zeros(64 * w, np.uint64)
    padded[: len(elements)] = elements
    octets = (bits + 7) // 8
    table = padded.astype("<u8", copy=False).view(np.uint8).reshape(8 * w, 8, 8)[:, :, :octets]
    squares = np.ascontiguousarray(table.transpose(2, 0, 1)).view(np.uint64).reshape(octets, 8 * w)
    for shift, mask in _SWAPS:
        moved = squares >> shift
        moved ^= squares
        moved &= mask
        squares = squares ^ moved
        moved <<= shift
        squares ^= moved
    rows = squares.view(np.uint8).reshape(octets, 8 * w, 8).transpose(0, 2, 1)
    return np.ascontiguousarray(rows).reshape(8 * octets, 8 * w).view(np.uint64)[:bits]


def bits_of(planes: Planes, count: int) -> NDArray[np.uint64]:
    """The first `count` bits of every plane as words 0 and 1: shape (planes, count)."""
    octets = np.ascontiguousarray(planes).view(np.uint8)
    bits = np.unpackbits(octets, axis=-1, count=count, bitorder="little")
    return bits.astype(np.uint64)
