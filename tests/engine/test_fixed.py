"""Fixed-point numbers: what Python's whole numbers say, or a refusal before anything is sent."""

import importlib.util
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostraka.arithmetic.field import P61
from ostraka.engine.fixed import Fixed, OutOfRange, matrix_product, times
from ostraka.engine.reveal import reveal

_spec = importlib.util.spec_from_file_location("toy", Path(__file__).with_name("toy.py"))
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)


def floor(x, cut):
    return [v >> cut for v in x] if cut > 0 else x


@settings(deadline=None)
@given(st.data())
async def test_a_chain_of_products_and_sums_is_exact_or_refused(data):
    """The twin holds whole numbers without end, and cuts where digits are gone."""
    engine = toy.ToyBackend(P61, circuits=True)
    keep = data.draw(st.integers(0, 20))

    def drawn():
        bound, bits = data.draw(st.integers(0, 2**30)), data.draw(st.integers(0, 24))
        x = data.draw(st.lists(st.integers(-bound, bound), min_size=3, max_size=3))
        return Fixed(engine.public(np.array(x)), bits, bound), x

    fixed, x = drawn()
    for _ in range(data.draw(st.integers(1, 4))):
        other, y = drawn()
        try:
            if data.draw(st.booleans()):
                found = fixed + other
                shift = other.bits - fixed.bits
                x, y = ([v << max(0, s) for v in w] for w, s in ((x, shift), (y, -shift)))
                x = [a + b for a, b in zip(x, y, strict=True)]
            else:
                found = await times(fixed, other, bits=keep)
                cuts = fixed.bits + other.bits - found.bits
                one = {0: (0, 0)}
                for first in (0, max(0, fixed.bits - keep)):
                    for second in (0, max(0, other.bits - keep)):
                        one.setdefault(first + second, (first, second))
                assert cuts in one
                candidates = [
                    [a * b for a, b in zip(floor(x, f), floor(y, cuts - f), strict=True)]
                    for f in {0, cuts, max(0, fixed.bits - keep)}
                    if 0 <= f <= cuts and f <= fixed.bits and cuts - f <= other.bits
                ]
                opened = (await reveal(found.units)).tolist()
                assert opened in candidates
                x = opened
        except OutOfRange:
            return
        assert (await reveal(found.units)).tolist() == x
        assert max(map(abs, x)) <= found.bound < 2**59
        fixed = found


async def test_nothing_is_cut_where_the_exact_product_fits(together):
    x = np.array([1.5, -2.25, 1000.125])

    async def program(engine):
        a = Fixed(await engine.share(0, (x * 2**20).astype(np.int64), (3,)), 20, 1001 << 20)
        b = Fixed(await engine.share(1, np.array([3, -7, 5]), (3,)), 3, 8)
        exact = await times(a, b, bits=4)
        squares = await times(a, a, bits=16)
        return await reveal(exact.units), exact.bits, await reveal(squares.units), squares.bits

    for exact, bits, squares, fewer in (await together(3, 1, program))[0]:
        assert bits == 23
        assert exact.tolist() == [int(v * 2**20) * k for v, k in zip(x, (3, -7, 5), strict=True)]
        assert fewer == 36  # one factor cut to 16 digits is enough
        assert [Fraction(v, 2**36) for v in squares.tolist()] == [Fraction(v) ** 2 for v in x]


async def test_matrices_are_cut_before_and_not_between(together):
    draw = np.random.default_rng(2)
    a, b = draw.integers(-(2**26), 2**26, (2, 5, 5))

    async def program(engine):
        x, y = [Fixed(await engine.share(i, m, m.shape), 20, 2**26) for i, m in enumerate((a, b))]
        found = await matrix_product(x, y, bits=16)
        again = await matrix_product(found, y, bits=12)
        return await reveal(found.units), found.bits, await reveal(again.units), again.bits

    for first, bits, second, fewer in (await together(3, 1, program))[0]:
        assert bits == 40
        assert np.array_equal(first, a @ b)
        cut = (first >> 28) @ (b >> 8 * (fewer == 24))
        assert np.array_equal(second, cut)


async def test_what_could_pass_the_range_is_refused_before_anything_is_sent():
    engine = toy.ToyBackend(P61, circuits=True)
    x = engine.public([1])
    with pytest.raises(OutOfRange, match="does not fit"):
        Fixed(x, 0, 2**59)
    wide = Fixed(x, 0, 2**58)
    with pytest.raises(OutOfRange):
        wide + wide
    with pytest.raises(OutOfRange, match="fewer digits"):
        await times(wide, Fixed(x, 0, 2), bits=8)
    with pytest.raises(OutOfRange):
        Fixed(x, 0, 2**40).as_fine_as(Fixed(x, 30, 1))
    with pytest.raises(ValueError, match="not negative"):
        Fixed(x, -1, 1)
    same = Fixed(x, 3, 8)
    assert await same.rounded(4) is same
    assert (same - same).bound == 16
