import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostraka.arithmetic.field import P61, Field
from ostraka.engine.compare import equal, less_than, less_than_zero
from ostraka.engine.multiply import mul
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir.context import Counters

HALF = (P61.p - 1) // 2
EDGES = [0, 1, -1, 2, -2, 3, HALF, -HALF, HALF - 1, 1 - HALF, 2**59, -(2**59), 2**32, -(2**31)]


def shared_by_two(operation):
    """`operation` on a vector of party 0 and one of party 1."""

    def with_inputs(a, b):
        async def program(engine):
            x, y = await engine.share(0, a, a.shape), await engine.share(1, b, b.shape)
            return await reveal(await operation(x, y))

        return program

    return with_inputs


async def test_signs_at_the_edges(together, size):
    draw = np.random.default_rng(1)
    x = np.array([*EDGES, *draw.integers(-HALF, HALF + 1, 150)]).reshape(2, -1)

    async def program(engine):
        return await reveal(await less_than_zero(await engine.share(0, x, x.shape)))

    for signs in (await together(*size, program))[0]:
        assert np.array_equal(signs, x < 0)


async def test_equality_at_the_edges(together, size):
    a, b = (grid.ravel() for grid in np.meshgrid(EDGES, EDGES))
    for opened in (await together(*size, shared_by_two(equal)(a, b)))[0]:
        assert np.array_equal(opened, a == b)


@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
async def test_comparisons_are_pythons(compares, data):
    n, t = data.draw(st.sampled_from([(3, 1), (4, 1), (5, 2), (7, 3)]))
    await compares(data, n, t)


@pytest.mark.parametrize(
    ("bits", "n", "t"), [(3, 3, 1), (5, 4, 1), (5, 5, 2), (7, 7, 3), (13, 9, 4)]
)
async def test_every_value_of_a_tiny_field(together, bits, n, t):
    """Rare cases, carries out of all bits for instance, happen here all the time."""
    half = Field(bits).p // 2
    x = np.tile(np.arange(-half, half + 1), 50 if bits < 13 else 1)

    async def program(engine):
        a = await engine.share(0, x, x.shape)
        return [await reveal(z) for z in (await less_than_zero(a), await equal(a, -half))]

    for signs, same in (await together(n, t, program, field=Field(bits)))[0]:
        assert np.array_equal(signs, x < 0)
        assert np.array_equal(same, x == -half)


async def test_shapes_public_operands_and_nothing_at_all(together):
    a, b = np.arange(6).reshape(2, 3), np.array([2, 1, 4])

    async def program(engine):
        x, y = await engine.share(0, a, a.shape), await engine.share(1, b, b.shape)
        none = x[:0]
        results = [
            await less_than(x, y),
            await less_than(x, 3),
            await equal(y[:, None], x[0]),
            await equal(x[1, 1], 4),
            await less_than(2, y),
            await less_than(none, none),
            await equal(none, 0),
        ]
        return [await reveal(result) for result in results]

    expected = [a < b, a < 3, b[:, None] == a[0], np.array(True), b > 2, a[:0] < 0, a[:0] == 0]
    for results in (await together(3, 1, program))[0]:
        for result, value in zip(results, expected, strict=True):
            assert result.shape == value.shape
            assert np.array_equal(result, value)


async def test_two_public_operands_are_refused():
    with pytest.raises(TypeError, match="without the engine"):
        await less_than(1, 2)


ROUNDS = {(3, 1): (11, 10), (4, 1): (11, 10), (5, 2): (13, 12), (7, 3): (14, 13), (9, 4): (16, 15)}


async def test_a_batch_has_the_rounds_of_one_and_traffic_depends_on_no_input(together, size):
    seen = {}
    for count in (1, 1000):
        for value in (0, -HALF, 12345):

            async def program(engine, count=count, value=value):
                x = await engine.share(0, value, (count,))
                y = await engine.share(1, value // 2, (count,))
                engine.counters = Counters()
                await less_than_zero(x)
                first = engine.counters.rounds
                await equal(x, y)
                return first, engine.counters

            found, net = await together(*size, program)
            seen.setdefault(count, []).append((found, dict(net.sent)))
    for runs in seen.values():
        assert runs[0] == runs[1] == runs[2]
        rounds = {(first, counters.rounds - first) for first, counters in runs[0][0]}
        assert rounds == {ROUNDS[size]}


async def test_three_parties_send_less_than_fifty_bytes_for_a_comparison(together):
    async def program(engine):
        x = await engine.share(0, 5, (6400,))
        engine.counters = Counters()
        await less_than_zero(x)
        return engine.counters.bytes / 6400

    sent, _ = await together(3, 1, program)
    assert max(sent) < 50


async def test_results_go_on_as_any_other_secret(together):
    async def program(engine):
        x = await engine.share(0, [5, -5], (2,))
        return (await reveal(await mul(await less_than(x, 0), x))).tolist()

    assert (await together(3, 1, program))[0] == [[0, -5]] * 3
