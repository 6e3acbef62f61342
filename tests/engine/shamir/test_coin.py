"""Coins fall alike for all parties, anew each toss; a party that was told otherwise is found."""

import numpy as np
import pytest

from ostraka.arithmetic.randomness import SeededDraw
from ostraka.engine.shamir import coin as coins
from ostraka.engine.shamir import links
from ostraka.engine.shamir.coin import Coin
from ostraka.errors import Aborted, OstrakaError, PeerViolation


def coin_of(engine, context=b"", seed=0):
    return Coin(engine, SeededDraw(f"{seed} {engine.me}"), context)


async def read(coin, aside=()):
    stream, said = await coin.toss(aside)
    out = np.empty(4, np.uint64)
    stream.fill(out)
    return out.tolist(), said


@pytest.mark.parametrize(("n", "t"), [(3, 1), (5, 2)])
async def test_all_parties_read_the_same_and_each_toss_is_another(together, n, t):
    async def program(engine):
        coin = coin_of(engine)
        return [(await read(coin))[0] for _ in range(3)]

    found, _ = await together(n, t, program)
    assert found == found[:1] * n
    assert len(set(map(tuple, found[0]))) == 3


async def test_one_party_s_randomness_is_enough_for_another_coin(together):
    async def tossed(last):
        async def program(engine):
            return await read(coin_of(engine, seed=last if engine.me == 2 else 0))

        return (await together(3, 1, program))[0][0][0]

    assert await tossed(0) == await tossed(0) != await tossed(1)


async def test_a_toss_is_one_round_and_one_more_for_a_new_chain(together, monkeypatch):
    monkeypatch.setattr(links, "LINKS", 2)

    async def program(engine):
        coin, rounds = coin_of(engine), []
        for _ in range(4):
            before = engine.counters.rounds
            await coin.toss()
            rounds.append(engine.counters.rounds - before)
        return rounds

    found, _ = await together(3, 1, program)
    assert found == [[2, 1, 2, 1]] * 3


async def test_words_aside_reach_each_party(together):
    async def program(engine):
        aside = [np.array([10 * engine.me + to], np.uint64) for to in range(3)]
        return (await read(coin_of(engine), aside))[1]

    found, _ = await together(3, 1, program)
    assert found == [[[10 * sender + to] for sender in range(3)] for to in range(3)]


async def test_parties_of_different_contexts_stop(together):
    async def program(engine):
        with pytest.raises(Aborted, match="count different contributors"):
            await coin_of(engine, context=b"other" if engine.me == 1 else b"").toss()

    await together(3, 1, program)


async def test_a_link_of_another_chain_names_its_party(together):
    async def program(engine):
        coin = coin_of(engine)
        await coin.toss()
        if engine.me == 2:
            coin._chain[-1] = bytes(coins.SEED_BYTES)
            with pytest.raises(OstrakaError):
                await coin.toss()
            return
        with pytest.raises(PeerViolation, match="p2 opened a coin") as caught:
            await coin.toss()
        assert caught.value.peer == "p2"

    await together(3, 1, program)
