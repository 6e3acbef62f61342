"""Whole sessions whose parties are killed at any callback, and begin again from their records."""

import os
import random

import pytest
import virtual_scenarios
import virtual_world
from virtual_lives import LivingWorld, Locks
from virtual_world import check

from ostraka.record.runs import RunState


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    virtual_world.virtual_time(monkeypatch)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # the machine stays up


@pytest.fixture
def lives(office, tmp_path, monkeypatch):
    locks = Locks(monkeypatch)

    def make(number, deaths, found=None):
        found = found or virtual_scenarios.scenario(number)
        inputs = virtual_scenarios.inputs_of(number, found)
        manifest = virtual_scenarios.manifest_of(found, office.fingerprint)
        identities = {name: office.identity(name) for name in (*found.parties, "coordinator")}
        directory = tmp_path / f"{number} {deaths}"[:80]
        directory.mkdir()
        world = LivingWorld(
            number, manifest, identities, inputs, directory, deaths=deaths, locks=locks
        )
        world.run()
        return world, virtual_scenarios.right(found.question, inputs)

    return make


def require_same_answer(world, right):
    """All parties have the answer over all inputs, one session, and one run in the ledger."""
    assert not [e for e in world.endings.values() if e.error], world.endings
    assert check(world, right)[0] == world.manifest.contributors
    assert len({e.outcome.session for e in world.endings.values()}) == 1
    for name in world.manifest.parties:
        runs = [r for r in world.ledger(name).runs.values() if r.state is not RunState.RELEASED]
        assert [run.state for run in runs] == [RunState.COMMITTED], (name, runs)
        assert not list((world.home(name) / "sessions").iterdir())


@pytest.mark.parametrize("number", range(4))
def test_a_party_killed_at_any_callback_comes_to_the_same_answer(lives, number):
    world, right = lives(number, {})
    require_same_answer(world, right)
    steps = {name: process.steps for name, process in world.processes.items()}
    chance = random.Random(number)
    for _ in range(3):
        name = chance.choice(world.manifest.parties)
        world, right = lives(number, {name: [chance.randrange(steps[name])]})
        require_same_answer(world, right)
