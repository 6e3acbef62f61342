import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import examples

from ostraka.arithmetic.field import P61
from ostraka.arithmetic.matrix import matmul
from ostraka.engine.array import SecretArray, concatenate, stack
from ostraka.engine.reveal import reveal

A = np.arange(-6, 6).reshape(3, 4)
B = np.array([5, -1, 2**40, 0])

FREE = {
    "add": lambda a, b: a + b,
    "add public": lambda a, b: a + B + 1,
    "public on the left": lambda a, b: B + (7 - (B - a)),
    "subtract": lambda a, b: b - a - 3,
    "negate": lambda a, b: +(-a),
    "scale": lambda a, b: 3 * a - a * -2,
    "mask": lambda a, b: a * (B > 0),
    "scale each": lambda a, b: B * a,
    "scalar": lambda a, b: b[2] - b[0] * 4,
    "rows": lambda a, b: a[1:, ::-1],
    "fancy": lambda a, b: a[[2, 0]][:, [True, False, True, True]],
    "new axis": lambda a, b: b[:, None] - b[None, :],
    "sum": lambda a, b: a.sum() + a.sum(axis=0) - a.sum(axis=(0, 1)),
    "sum of rows": lambda a, b: a.sum(axis=-1),
    "shapes": lambda a, b: a.T.reshape(2, 6).ravel() + a.transpose(1, 0).reshape((12,)),
    "matrix on the right": lambda a, b: a @ np.arange(8).reshape(4, 2),
    "matrix on the left": lambda a, b: np.arange(-3, 3).reshape(2, 3) @ a,
    "dot": lambda a, b: b.dot(np.array([1, 2, 0, -3])),
}


@pytest.mark.parametrize("operation", FREE.values(), ids=FREE)
async def test_operators_are_numpys_and_send_nothing(together, operation):
    async def program(engine):
        a, b = await engine.share(0, A, A.shape), await engine.share(1, B, B.shape)
        before = copy.copy(engine.counters)
        result = operation(a, b)
        assert engine.counters == before
        assert repr(result) == f"SecretArray(shape={result.shape})"
        assert (result.ndim, result.size) == (len(result.shape), np.prod(result.shape))
        return await reveal(result)

    expected = operation(A, B)
    for result in (await together(3, 1, program))[0]:
        assert result.shape == np.shape(expected)
        assert np.array_equal(result, expected)


async def test_joining(together):
    async def program(engine):
        a, b = await engine.share(0, A, A.shape), await engine.share(1, B, B.shape)
        return [
            await reveal(x)
            for x in (
                concatenate([a, b.reshape(1, 4)]),
                stack([b, 2 * b], 1),
                b.broadcast_to((2, 4)),
            )
        ]

    for joined, stacked, broad in (await together(3, 1, program))[0]:
        assert np.array_equal(joined, np.concatenate([A, B[None]]))
        assert np.array_equal(stacked, np.stack([B, 2 * B], 1))
        assert np.array_equal(broad, np.broadcast_to(B, (2, 4)))


FORBIDDEN = {
    "branch on nothing secret": lambda x: bool(x),
    "one round per element": lambda x: list(x),
    r"await reveal\(x\)": lambda x: np.asarray(x),
    r"await reveal\(x\) if": lambda x: int(x),
    r"a number here": lambda x: float(x),
    r"not a number": lambda x: range(10)[x],
    r"await less_than": lambda x: x < 3,
    r"await equal": lambda x: x == x,
    r"await mul\(a, b\)": lambda x: x * x,
    r"await matmul\(a, b\)": lambda x: x @ x,
    "one-hot": lambda x: x[x],
    "scale it to integers": lambda x: x + 0.5,
    "not pickled": copy.copy,
    "unhashable": hash,
}


@pytest.mark.parametrize(("advice", "misuse"), FORBIDDEN.items())
async def test_misuse_is_refused_with_advice(together, advice, misuse):
    async def program(engine):
        x = await engine.share(0, 5, ())
        with pytest.raises(TypeError, match=advice):
            misuse(x)

    await together(3, 1, program)


async def test_secrets_of_two_computations_do_not_mix(together):
    kept: list[SecretArray] = []

    async def program(engine):
        kept.append(engine.public([1, 2]))

    await together(3, 1, program)
    with pytest.raises(ValueError, match="different computations"):
        kept[0] + kept[1]
    with pytest.raises(ValueError, match="different computations"):
        concatenate(kept)


@examples(50)
@given(st.data())
def test_matrix_products_are_exact(data):
    rows, inner, columns = (data.draw(st.integers(0, 4)) for _ in range(3))
    inner = data.draw(st.sampled_from([inner, 1023, 1024, 1025, 2100]))
    seed = data.draw(st.integers(0, 2**32))
    edge = data.draw(st.sampled_from([0, 1, (P61.p - 1) // 2, P61.p - 1, (1 << 60), (1 << 42) - 1]))
    draw = np.random.default_rng(seed)
    a = draw.integers(0, P61.p, (rows, inner), dtype=np.uint64)
    b = draw.integers(0, P61.p, (inner, columns), dtype=np.uint64)
    a[draw.random(a.shape) < 0.5] = edge
    b[draw.random(b.shape) < 0.5] = edge
    expected = a.astype(object) @ b.astype(object) % P61.p
    assert np.array_equal(matmul(P61, a, b).astype(object), expected.reshape(rows, columns))


async def test_secret_matrices_have_no_three_dimensions():
    with pytest.raises(ValueError, match="no product"):
        matmul(P61, np.zeros((2, 3), np.uint64), np.zeros((2, 3), np.uint64))
