"""Collections whose compute parties are killed at any callback of closing, and begin again."""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import virtual_world
from polls import VOTES, Poll
from virtual_lives import LivingWorld, Locks

from ostraka.errors import RefusedByLedger
from ostraka.record.runs import RunState

NOISED = VOTES + '[privacy]\ncentral = { mechanism = "laplace", epsilon = 1 }\n'
INPUTS = ("yes", "no", "yes", "no")


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    virtual_world.virtual_time(monkeypatch)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # the machine stays up


class CollectionWorld(LivingWorld):
    """World of a poll's compute parties."""

    def __init__(self, poll, *given, **options):
        super().__init__(*given, **options)
        self.poll = poll

    def seat(self, name):
        return replace(super().seat(name), collector=self.poll.collector(name))


@pytest.fixture
def closing(office, tmp_path, monkeypatch):
    locks = Locks(monkeypatch)

    async def prepared(poll, inputs):
        await poll.accept()
        poll.vote(*inputs)

    def make(number, deaths):
        directory = Path(tempfile.mkdtemp(dir=tmp_path))

        def tables(roles):
            return "".join(
                f'[[party]]\nname = "{name}"\nkey = "{office.fingerprint(name)}"\n'
                f'roles = [{words}]\naddress = "{name}:1"\n'
                for name, words in roles.items()
            )

        poll = Poll(office, directory, NOISED, tables_of=tables)
        asyncio.run(prepared(poll, INPUTS))
        identities = {name: office.identity(name) for name in poll.manifest.parties}
        world = CollectionWorld(
            poll, number, poll.manifest, identities, {}, directory, deaths=deaths, locks=locks
        )
        world.run()
        return world

    return make


def require_one_answer(world):
    """All parties that say a result say the same, and each ledger has one run that counts.

    A party that was killed after all had confirmed says that the collection has been answered.
    """
    values = {ending.value for ending in world.endings.values() if ending.error is None}
    for name, ending in world.endings.items():
        if ending.error is not None:
            assert isinstance(ending.error, RefusedByLedger), (name, ending.error)
            assert "has been answered" in ending.error.message
        runs = list(world.ledger(name).counting())
        assert [run.state for run in runs] == [RunState.COMMITTED], (name, runs)
    assert len(values) <= 1, world.endings
    return values


@pytest.mark.parametrize(
    ("number", "times"), [(1, 3), *[pytest.param(n, 20, marks=pytest.mark.slow) for n in (2, 3, 4)]]
)
def test_killed_at_any_callback_of_closing_they_come_to_one_answer(closing, number, times):
    world = closing(number, {})
    assert len(require_one_answer(world)) == 1
    steps = {name: process.steps for name, process in world.processes.items()}
    chance = random.Random(number)
    for _ in range(times):
        names = chance.sample(sorted(steps), chance.choice((1, 1, 2, 3)))
        deaths = {name: [chance.randrange(steps[name])] for name in names}
        world = closing(number, deaths)
        assert world.kills >= 1
        require_one_answer(world)
