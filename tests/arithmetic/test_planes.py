"""Bit planes: there and back, for lengths around the 64 elements of a word."""

import numpy as np
import pytest

from ostraka.arithmetic.planes import bits_of, dense, planes_of, spread, width

LENGTHS = (1, 2, 63, 64, 65, 127, 128, 1000)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("bits", [1, 7, 8, 61, 64])
def test_bits_come_back(length, bits):
    elements = np.random.default_rng(length).integers(0, 1 << 63, length, dtype=np.uint64)
    planes = planes_of(elements, bits)
    assert planes.shape == (bits, width(length))
    expected = [elements >> np.uint64(i) & np.uint64(1) for i in range(bits)]
    assert np.array_equal(bits_of(planes, length), np.array(expected))


@pytest.mark.parametrize("length", LENGTHS)
def test_nothing_stands_beyond_the_end(length):
    planes = planes_of(np.full(length, (1 << 64) - 1, np.uint64), 64)
    assert bits_of(planes, 64 * width(length))[:, length:].sum() == 0


@pytest.mark.parametrize("count", [1, 5, 64, 70])
def test_rows_are_put_together_and_parted(count):
    generator = np.random.default_rng(count)
    rows = [generator.integers(0, 1 << 63, count, dtype=np.uint64) for _ in range(3)]
    planes = np.stack([planes_of(row, 9) for row in rows], axis=1)
    together = dense(planes, count)
    assert np.array_equal(together[:, 0], planes_of(np.concatenate(rows), 9))
    assert np.array_equal(spread(together, 3, count), planes)
