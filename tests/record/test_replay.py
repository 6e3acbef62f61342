"""Kills at every await: the same answer, the same bytes, the ledger asked once."""

import random

import pytest

from ostraka.errors import InternalError
from ostraka.protocols import catalogue

CASES = [(name, security) for name, kind in catalogue.items() for security in kind.securities]


async def undisturbed(fates, manifest, inputs, **options):
    ends, net, mortals = await fates.run(manifest, inputs, **options)
    return ends, net.streams, net.moments, mortals


async def check(fates, shown, manifest, inputs, kills, expected, streams, **options):
    ends, net, mortals = await fates.run(manifest, inputs, kills=kills, **options)
    assert {p: shown(e) for p, e in ends.items()} == {p: shown(e) for p, e in expected.items()}
    assert net.streams == streams
    for party, mortal in mortals.items():
        assert len(set(mortal.asked)) <= 1 + ("exclude" in str(manifest.outputs))
        assert len(mortal.asked) <= net.lives[party]
    return net


@pytest.mark.parametrize(("name", "security"), CASES)
async def test_a_party_killed_anywhere_goes_on_with_the_same_bytes(name, security, fates, shown):
    manifest = fates.examples.example(name, security, 3)
    inputs = fates.examples.inputs_of(manifest, 1)
    ends, streams, moments, _ = await undisturbed(fates, manifest, inputs)
    chance = random.Random(f"{name} {security}")
    lives = 0
    for _ in range(4):
        kills = {p: {chance.randint(1, moments[p])} for p in chance.sample(manifest.parties, 2)}
        net = await check(fates, shown, manifest, inputs, kills, ends, streams)
        lives += sum(net.lives.values())
    assert lives > 4 * len(manifest.parties)
