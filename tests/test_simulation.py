import asyncio

import numpy as np
import pytest

from ostraka.errors import PeerLost, PeerViolation
from ostraka.exchange import octets, words
from ostraka.manifest import parse
from ostraka.names import Step
from ostraka.outcome import Outcome
from ostraka.simulation import Crashed, MemoryNet, simulate_sync


def agreement(sharing='scheme = "additive"', length=1, names=("alice", "bob", "carlos")):
    parties = "".join(
        f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\naddress = "127.0.0.1:{9000 + i}"\n'
        'roles = ["contributor", "compute", "recipient"]\n'
        for i, name in enumerate(names)
    )
    return parse(
        '[session]\ntitle = "Test"\nprotocol = "secure-sum"\ndeadline = "1m"\n'
        f'{parties}[input]\ntype = "int"\nlength = {length}\nmin = 0\nmax = 1000\n'
        f"[sharing]\n{sharing}\n"
    )


INPUTS = {"alice": 5, "bob": 6, "carlos": 7}
SHAMIR = 'scheme = "shamir"\nthreshold = 1'


def shown(results):
    return {
        name: result.outputs[0].value if isinstance(result, Outcome) else repr(result)
        for name, result in results.items()
    }


@pytest.mark.parametrize("sharing", ['scheme = "additive"', SHAMIR])
def test_results_come_for_every_party_in_manifest_order(sharing):
    results = simulate_sync(agreement(sharing), INPUTS)
    assert shown(results) == {"alice": 18, "bob": 18, "carlos": 18}
    assert list(results) == ["alice", "bob", "carlos"]


def test_the_same_seed_gives_the_same_run():
    manifest = agreement(SHAMIR)
    for seed in range(5):
        for drop in (None, {"bob": 3}):
            one = simulate_sync(manifest, INPUTS, seed=seed, drop=drop)
            two = simulate_sync(manifest, INPUTS, seed=seed, drop=drop)
            assert shown(one) == shown(two)


def test_a_dropped_party_is_named():
    results = simulate_sync(agreement(), INPUTS, drop={"carlos": 0})
    assert isinstance(results["carlos"], Crashed)
    assert {type(results[name]) for name in ("alice", "bob")} == {PeerLost}
    assert "carlos" in str(results["bob"])


def test_fifty_parties():
    names = tuple(f"p{i}" for i in range(50))
    results = simulate_sync(agreement(names=names), dict.fromkeys(names, 2))
    assert set(shown(results).values()) == {100}


def test_long_vectors():
    inputs = {name: np.full(20_000, value) for name, value in INPUTS.items()}
    for sharing in ('scheme = "additive"', SHAMIR):
        results = simulate_sync(agreement(sharing, length=20_000), inputs)
        assert all(np.all(r.outputs[0].parts[0] == 18) for r in results.values())


@pytest.mark.parametrize("message", [[1, 2], np.zeros((1, 1), np.uint64), np.zeros(1, np.int64)])
async def test_only_flat_word_and_byte_arrays_travel(message):
    net = MemoryNet(("a", "b"))
    with pytest.raises((TypeError, AttributeError)):
        net.exchange("a").send("b", Step(0, 1), message)


@pytest.mark.parametrize(
    ("step", "expected"), [(2, words(3)), (1, words(2)), (1, octets(24)), (1, octets(3))]
)
async def test_another_step_type_or_length_is_the_sender_s_violation(step, expected):
    net = MemoryNet(("a", "b"))
    net.exchange("a").send("b", Step(0, 1), np.zeros(3, np.uint64))
    with pytest.raises(PeerViolation) as caught:
        await net.exchange("b").receive("a", Step(0, step), expected)
    assert caught.value.peer == "a"


async def test_what_a_party_sent_before_it_left_still_arrives():
    net = MemoryNet(("a", "b"))
    net.exchange("a").send("b", Step(0, 1), np.arange(3, dtype=np.uint64))
    net.leave("a")
    b = net.exchange("b")
    assert (await b.receive("a", Step(0, 1), words(3))).tolist() == [0, 1, 2]
    with pytest.raises(PeerLost):
        await asyncio.wait_for(b.receive("a", Step(0, 2), words(3)), 5)
