"""Bit planes: plane i holds bit i of the elements, of 64 elements in each word.

Transposing goes by bytes first, then by 8 x 8 bits within each word, so it costs a few passes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.uint64]
"""Arrays of shape (..., planes, words): element e of a row is bit e % 64 of word e // 64."""

_SWAPS: Final = (
    (np.uint64(7), np.uint64(0x00AA00AA00AA00AA)),
    (np.uint64(14), np.uint64(0x0000CCCC0000CCCC)),
    (np.uint64(28), np.uint64(0x00000000F0F0F0F0)),
)


def width(count: int) -> int:
    """Return how many words a plane of `count` elements has."""
    return (count + 63) // 64


def planes_of(elements: NDArray[np.uint64], bits: int) -> Planes:
    """Return the lowest `bits` bits of a vector: shape (bits, width), zero beyond its end."""
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
    """Return the first `count` bits of every plane as numbers 0 and 1: shape (planes, count)."""
    octets = np.ascontiguousarray(planes).view(np.uint8)
    bits = np.unpackbits(octets, axis=-1, count=count, bitorder="little")
    return bits.astype(np.uint64)


def dense(planes: Planes, count: int) -> Planes:
    """Return the first `count` elements of all rows in one row, one after the other."""
    k, rows = planes.shape[0], planes.shape[1]
    octets = np.ascontiguousarray(planes).view(np.uint8)
    bits = np.unpackbits(octets, axis=-1, count=count, bitorder="little").reshape(k, rows * count)
    padded = np.zeros((k, 64 * width(rows * count)), np.uint8)
    padded[:, : rows * count] = bits
    return np.packbits(padded, axis=-1, bitorder="little").view(np.uint64)[:, None]


def spread(row: Planes, rows: int, count: int) -> Planes:
    """Return rows of `count` elements each from one row: the inverse of `dense`."""
    k = row.shape[0]
    octets = np.ascontiguousarray(row).view(np.uint8).reshape(k, -1)
    bits = np.unpackbits(octets, axis=-1, count=rows * count, bitorder="little")
    padded = np.zeros((k, rows, 64 * width(count)), np.uint8)
    padded[:, :, :count] = bits.reshape(k, rows, count)
    return np.packbits(padded, axis=-1, bitorder="little").view(np.uint64)
