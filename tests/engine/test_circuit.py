"""Adders made of bits in the clear, against integers: in Z_2^bits and modulo 2^bits - 1."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from ostraka.arithmetic.field import Field
from ostraka.arithmetic.planes import bits_of, planes_of
from ostraka.engine.circuit import addends, carry_out, carry_with, prefixes

_spec = importlib.util.spec_from_file_location("toy", Path(__file__).with_name("toy.py"))
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)


def pairs(bits, seed=0):
    """Numbers of so many bits, the edges among them."""
    draw, top = np.random.default_rng(seed), (1 << bits) - 1
    a, b = (draw.integers(0, top, 60, dtype=np.uint64, endpoint=True) for _ in range(2))
    edges = np.array([0, 1, top - 1, top], np.uint64)
    return np.concatenate([a, np.repeat(edges, 4)]), np.concatenate([b, np.tile(edges, 4)])


def circuit(count):
    return toy.Clear(None, count)


def numbers(planes, count):
    bits = bits_of(planes[0], count).astype(object)
    return (bits << np.arange(len(bits), dtype=object)[:, None]).sum(axis=0).tolist()


@pytest.mark.parametrize("bits", [1, 2, 3, 5, 8, 61, 64])
async def test_a_carry_comes_out_of_the_top_as_in_integers(bits):
    a, b = pairs(bits)
    gives, passes = await carry_out(
        circuit(len(a)), planes_of(a, bits)[None], planes_of(b, bits)[None]
    )
    sums = [int(x) + int(y) for x, y in zip(a, b, strict=True)]
    assert numbers(gives, len(a)) == [s >> bits for s in sums]
    # a carry goes through from below where every bit of one number, and of the other not, is set
    assert [bool(x) for x in numbers(passes, len(a))] == [s == (1 << bits) - 1 and x ^ y == s
        for s, x, y in zip(sums, map(int, a), map(int, b), strict=True)]  # fmt: skip


@pytest.mark.parametrize("bits", range(1, 65))
async def test_a_carry_with_one_that_comes_in_and_few_ands(bits):
    a, b = pairs(bits)
    into = np.random.default_rng(bits).integers(0, 2, len(a), dtype=np.uint64)
    bare, count = circuit(len(a)), len(a)
    x, y = planes_of(a, bits)[None], planes_of(b, bits)[None]
    numbers_a, numbers_b = map(int, a), map(int, b)
    sums = [i + j for i, j in zip(numbers_a, numbers_b, strict=True)]
    one = await carry_with(bare, x, y)
    assert numbers(one, count) == [(s + 1) >> bits for s in sums]
    given = await carry_with(bare, x, y, planes_of(into, 1)[None])
    assert numbers(given, count) == [(s + int(c)) >> bits for s, c in zip(sums, into, strict=True)]


async def test_a_carry_by_blocks_takes_fewer_ands_than_a_tree(monkeypatch):
    found, plain = [], toy.Clear.both

    async def both(self, a, b):
        found.append(a.shape[1])
        return await plain(self, a, b)

    monkeypatch.setattr(toy.Clear, "both", both)
    a, b = (planes_of(v, 61)[None] for v in pairs(61))
    await carry_with(circuit(76), a, b)
    assert (len(found), sum(found)) == (18, 107)
    found.clear()
    await carry_out(circuit(76), a, b)
    assert (len(found), sum(found)) == (7, 151)


@pytest.mark.parametrize("bits", [1, 3, 8, 13])
async def test_carries_of_every_prefix(bits):
    a, b = pairs(bits, seed=1)
    gives, _ = await prefixes(circuit(len(a)), planes_of(a, bits)[None], planes_of(b, bits)[None])
    for i, row in enumerate(bits_of(gives[0], len(a))):
        low = (1 << (i + 1)) - 1
        expected = [((int(x) & low) + (int(y) & low)) >> (i + 1) for x, y in zip(a, b, strict=True)]
        assert row.tolist() == expected


@pytest.mark.parametrize("ring", [Field(3), Field(7), toy.PowerRing(3), toy.PowerRing(8)])
async def test_operands_become_two_numbers_that_add_up_to_the_secret(ring):
    engine = toy.ToyBackend(ring, circuits=True)
    wrap = isinstance(ring, Field)
    modulus = ring.p if wrap else 1 << ring.bits
    x = np.tile(np.arange(modulus, dtype=np.uint64), 20)
    a, b, _ = await addends(engine.bits(len(x)), engine.array(x), wrap=wrap)
    low, high = numbers(a, len(x)), numbers(b, len(x))
    assert [(i + j) % modulus for i, j in zip(low, high, strict=True)] == x.tolist()
    if wrap:
        assert not {(0, 0), (modulus, modulus)} & set(zip(low, high, strict=True))
