"""Every operation of the engine over a toy backend and several rings, against numpy: nothing in
them knows Shamir sharing."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from portions import thinned

import ostraka.engine
from ostraka.arithmetic.field import P61, Field
from ostraka.engine.array import concatenate, of_contributors, stack
from ostraka.engine.bits import random_bits, xor_all
from ostraka.engine.choose import argmax, first_pairs, largest, leaders, maximum, minimum, select
from ostraka.engine.compare import equal, less_than, less_than_zero
from ostraka.engine.digits import decompose, divide, truncate
from ostraka.engine.multiply import dot, matmul, mul
from ostraka.engine.noise import add_noise
from ostraka.engine.reveal import reveal
from ostraka.engine.rounds import Masked, Opened, Product, Random, Unreduced, alone, side_by_side
from ostraka.engine.sort import shuffle, sort, sorted_with, top_k
from ostraka.engine.table import look_up, looked_up, powers
from ostraka.errors import ManifestError

_spec = importlib.util.spec_from_file_location("toy", Path(__file__).with_name("toy.py"))
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)

RINGS = [P61, Field(7), toy.PowerRing(64), toy.PowerRing(8)]
NAMES = ["p61", "p127", "z64", "z8"]


ENGINES = [
    pytest.param((ring, circuits), id=f"{name}-{'circuits' if circuits else 'products'}")
    for ring, name in zip(RINGS, NAMES, strict=True)
    for circuits in (True, False)
]


def is_default(engine):
    """A field with circuits, and a ring with products alone."""
    ring, circuits = engine
    return ring in (P61, RINGS[2]) and circuits == (ring is P61)


@pytest.fixture(params=thinned(ENGINES, is_default))
def engine(request):
    ring, circuits = request.param
    return toy.ToyBackend(ring, circuits=circuits)


class Noise:
    """Stands for `NoiseShares`: what `add_noise` draws, and its bound."""

    @staticmethod
    def draw(stream):
        return np.array([3, -3, 0])


def modulo(values, ring):
    return ring.decode(ring.encode(np.asarray(values, object)))


A, B, C = np.array([5, -3, 12, -8, 5]), np.array([-5, -3, 11, 9, 4]), np.array([3, 0, 7, 7, 1])
TABLE = np.arange(8) ** 2 % 11
RANKED = C[np.argsort(-C, kind="stable")]


async def _divided(x, y, c):
    return await divide(c, c + 1, 1)


async def _shuffled(x, y, c):
    return await sort((await shuffle(c[None]))[0])


async def _asked(x, y, c):
    """All that a round may be asked for, of two operations at once."""

    def rounds():
        product, drawn, opened, told = yield [
            Product(x, y),
            Random(x.engine, (5,)),
            Opened(x),
            Unreduced(x, y),
        ]
        assert drawn.shape == (5,)
        return product + opened - told

    (found, again) = await side_by_side(x.engine, rounds(), rounds())
    return found + again


OPERATIONS = {
    "mul": (lambda x, y, c: mul(x, y), A * B),
    "mul broadcast": (lambda x, y, c: mul(x[:, None], y[None]), A[:, None] * B[None]),
    "dot": (lambda x, y, c: dot(x, y), A @ B),
    "dot of an axis": (
        lambda x, y, c: dot(x[:, None], stack([x, y], axis=1), axis=0),
        A @ np.stack([A, B], axis=1),
    ),
    "matmul": (lambda x, y, c: matmul(x[:, None], y[None]), np.outer(A, B)),
    "matmul of vectors": (lambda x, y, c: matmul(x, y), A @ B),
    "less than zero": (lambda x, y, c: less_than_zero(x), A < 0),
    "less than": (lambda x, y, c: less_than(x, y), A < B),
    "less than public": (lambda x, y, c: less_than(0, c), C > 0),
    "equal": (lambda x, y, c: equal(x, y), A == B),
    "decompose": (lambda x, y, c: decompose(c, 3), C[:, None] >> np.arange(3) & 1),
    "decompose wide": (lambda x, y, c: decompose(c, 5), C[:, None] >> np.arange(5) & 1),
    "truncate": (lambda x, y, c: truncate(x, 2), A >> 2),
    "divide": (_divided, C // (C + 1)),
    "select": (lambda x, y, c: select(c[1:2], x, y), B),
    "minimum": (lambda x, y, c: minimum(x), A.min()),
    "maximum": (lambda x, y, c: maximum(stack([x, y]), axis=0), np.maximum(A, B)),
    "argmax": (lambda x, y, c: argmax(c), C.argmax()),
    "leaders": (lambda x, y, c: leaders(stack([c, x]), 2), [[7, 7], [12, -8]]),
    "first pairs": (lambda x, y, c: less_than_zero(first_pairs(c[:2])), [0]),
    "sort": (lambda x, y, c: sort(c), np.sort(C)),
    "shuffle": (_shuffled, np.sort(C)),
    "sorted with": (lambda x, y, c: sorted_with(c, x[None]), A[np.argsort(C, kind="stable")][None]),
    "look up": (lambda x, y, c: look_up(c, TABLE), TABLE[C]),
    "look up of columns": (
        lambda x, y, c: look_up(c, np.stack([TABLE, TABLE > 2], axis=1)),
        np.stack([TABLE, TABLE > 2], axis=1)[C],
    ),
    "look up from below": (lambda x, y, c: look_up(c - 2, TABLE, -2), TABLE[C]),
    "xor": (lambda x, y, c: xor_all([equal_rows(x, k) for k in (0, 1, 2)]), [1, 1, 1, 0, 0]),
    "noise": (lambda x, y, c: add_noise(x[:3], Noise), A[:3] + np.array([3, -3, 0])),
    "rounds": (_asked, 2 * (A * B + A - A @ B)),
}


def equal_rows(x, k):
    return x.engine.public(np.eye(5, dtype=np.int64)[k])


@pytest.mark.parametrize("name", OPERATIONS)
async def test_operations_are_numpys(engine, name):
    operation, expected = OPERATIONS[name]
    x, y, c = [await engine.share(0, v, v.shape) for v in (A, B, C)]
    found = await reveal(await operation(x, y, c))
    assert np.array_equal(found, modulo(expected, engine.ring))


async def test_several_results_at_once(engine):
    c = await engine.share(0, C, C.shape)
    assert [int(await reveal(v)) for v in await largest(c)] == [7, 2]
    assert [(await reveal(v)).tolist() for v in await top_k(c, 3)] == [[7, 7, 3], [2, 3, 0]]


async def test_random_bits_are_bits(engine):
    bits = await reveal(await random_bits(engine, (40, 10)))
    assert set(bits.ravel().tolist()) == {0, 1}


@pytest.mark.parametrize("circuits", [True, False])
@pytest.mark.parametrize("ring", [Field(7), toy.PowerRing(8), toy.PowerRing(64)], ids=str)
async def test_comparisons_of_every_value(ring, circuits):
    """Over and over: carries out of the top and extremes happen all the time. With products alone
    the mask of a field of 127 is p one time in 128, and then the answer may be wrong."""
    engine = toy.ToyBackend(ring, circuits=circuits)
    half = 1 << (min(ring.bits, 8) - 1)
    values = np.tile(np.arange(-half + isinstance(ring, Field), half), 5)
    x = await engine.share(0, values, values.shape)
    k = ring.bits
    found = [
        await reveal(await less_than_zero(x)) == (values < 0),
        await reveal(await equal(x, -3)) == (values == -3),
    ]
    if k < 64:
        bits = (values % (ring.p if isinstance(ring, Field) else 256))[:, None] >> np.arange(k) & 1
        found.append((await reveal(await decompose(x, k)) == bits).all(axis=1))
        small = (values >= -half // 2) & (values < half // 2)
        found.append((await reveal(await truncate(x[small], 2))) == values[small] >> 2)
    wrong = sum(int((~right).sum()) for right in found)
    assert wrong == 0 if circuits or not isinstance(ring, Field) else wrong < 80


SHAPE = (3, 2, 2)

ROWS = {
    "as they are": lambda x: x,
    "less a number": lambda x: x - 1,
    "less as much as there is of each": lambda x: x - np.ones(SHAPE, int),
    "times numbers": lambda x: x * np.arange(2),
    "doubled": lambda x: x + x,
    "summed": lambda x: x.sum(axis=-1),
    "in another shape": lambda x: x.reshape(3, -1),
    "with an axis more": lambda x: x[..., None],
    "side by side": lambda x: concatenate([x, x], axis=1),
}
MIXED = {
    "all in one": lambda x: x.sum(axis=0),
    "all but axis 0": lambda x: x.reshape(2, -1),
    "turned": lambda x: x.transpose(2, 1, 0),
    "reversed": lambda x: x[::-1],
    "less another's": lambda x: x - x[[1, 2, 0]],
    "chosen among all": lambda x: x[..., x.engine.field.decode(np.zeros(SHAPE, np.uint64)) == 0],
    "of other inputs": lambda x: x + of_contributors(x),
    "one below the other": lambda x: concatenate([x, x]),
    "unknown": lambda x: x + x.engine.public(np.ones(SHAPE, int)),
    "by a matrix": lambda x: np.ones((3, 3), int) @ x[:, 0],
    "broadcast": lambda x: x[:1].broadcast_to(SHAPE),
}


@pytest.mark.parametrize("make", ROWS.values(), ids=ROWS)
async def test_rows_of_one_contributor_each_are_opened_before_the_proof(make):
    engine = toy.ToyBackend(P61, circuits=True)
    x = make(of_contributors(engine.public(np.zeros(SHAPE, int))))
    Masked(x, await engine.random(x.shape))


@pytest.mark.parametrize("make", MIXED.values(), ids=MIXED)
async def test_rows_that_mix_contributors_are_not_opened_before_the_proof(make):
    engine = toy.ToyBackend(P61, circuits=True)
    x = make(of_contributors(engine.public(np.zeros(SHAPE, int))))
    with pytest.raises(ValueError, match="only rows of one contributor each"):
        Masked(x, await engine.random(x.shape))


@pytest.mark.parametrize(
    ("first", "second", "good"),
    [
        (lambda x: x, lambda x: x, True),
        (lambda x: x - 1, lambda x: 2 * x, True),
        (lambda x: x, lambda x: x[[1, 2, 0]], False),
        (lambda x: x, of_contributors, False),
    ],
)
async def test_one_product_deep_and_no_deeper_is_opened_before_the_proof(first, second, good):
    """The violation that decision 0006 forbids: a product of a product, before it is proven."""
    engine = toy.ToyBackend(P61, circuits=True)
    x = of_contributors(engine.public(np.zeros(SHAPE, int)))

    def words():
        product, mask, again = yield [
            Product(first(x), second(x)), Random(engine, SHAPE), Random(engine, SHAPE)
        ]  # fmt: skip
        if not good:
            with pytest.raises(ValueError, match="one product deep"):
                Masked(product, mask)
            return False
        (opened,) = yield [Masked(product - x, mask)]
        (deeper,) = yield [Product(product, x)]
        with pytest.raises(ValueError, match="one product deep"):
            Masked(deeper, again)
        with pytest.raises(ValueError, match="one product deep"):
            Masked(unknown(product), again)
        return not opened.any()

    def unknown(product):
        return product + product.engine.public(np.zeros(SHAPE, int))

    assert await alone(engine, words()) is good
    with pytest.raises(ValueError, match="one product deep"):
        Masked(await mul(x, x), await engine.random(SHAPE))


async def test_what_needs_a_field_says_so():
    engine = toy.ToyBackend(toy.PowerRing(64), circuits=True)
    x = engine.public([1, 2])
    with pytest.raises(ManifestError, match="not every element of this ring has an inverse"):
        await alone(engine, looked_up(x, TABLE))


async def test_powers(engine):
    c = await engine.share(0, C, C.shape)
    expected = modulo([[int(v) ** k for v in C] for k in range(1, 6)], engine.ring)
    assert np.array_equal(await reveal(await powers(c, 5)), expected)


async def test_only_fresh_randomness_masks_and_only_once():
    engine = toy.ToyBackend(P61, circuits=True)
    x = of_contributors(engine.public([[0, 0], [0, 1]]))
    fresh = await engine.random((2, 2))
    for used in (x, fresh + 0, fresh[:], concatenate([fresh])):
        with pytest.raises(TypeError, match="a mask is what Random gave"):
            Masked(x, used)
    with pytest.raises(ValueError, match="does not hide"):
        Masked(of_contributors(x[:1]), fresh)

    def opened(mask):
        (found,) = yield [Masked(x, mask)]
        return found == 0

    assert (await alone(engine, opened(fresh))).tolist() == [True, False]
    with pytest.raises(ValueError, match="one opening only"):
        Masked(x, fresh)
    ring = toy.ToyBackend(toy.PowerRing(64), circuits=True)
    with pytest.raises(TypeError, match="hides nothing for certain"):
        Masked(of_contributors(ring.public([1])), await ring.random((1,)))


def test_operations_read_no_parts_and_know_no_shamir():
    """The seam: outside `engine.shamir` only `array` may read parts."""
    for path in Path(ostraka.engine.__file__).parent.glob("*.py"):
        text = path.read_text()
        assert "engine.shamir" not in re.sub(r'""".*?"""', "", text, flags=re.DOTALL), path
        assert path.name == "array.py" or ".parts" not in text, path


TOYS = ("test_backend", "test_circuit", "test_digits", "test_fixed")
BETWEEN_PARTIES = {"agreed_key", "joined", "matched", "places_of_common", "tagged"}
"""Operations that are messages between owners of lists: a toy is one party. test_joining.py and
test_matching.py run them."""

WITHIN = {"batched", "full_add", "halved", "merge", "negative", "paired", "to_ring", "zero"}
"""Parts of operations that a toy runs."""


def test_a_toy_runs_every_operation_of_the_engine():
    tried = "".join(Path(__file__).with_name(f"{name}.py").read_text() for name in TOYS)
    found = {
        name
        for path in Path(ostraka.engine.__file__).parent.glob("*.py")
        for name in re.findall(r"^async def ([a-z]\w*)", path.read_text(), re.MULTILINE)
    }
    missing = {name for name in found if not re.search(rf"\b{name}\(", tried)}
    assert missing - BETWEEN_PARTIES - WITHIN == set()
