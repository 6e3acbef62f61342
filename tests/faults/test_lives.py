"""Whole sessions whose parties are killed at any callback, and begin again from their records."""

import json
import os
import random
import tempfile
from pathlib import Path

import pytest
import virtual_scenarios
import virtual_world
from portions import portioned
from virtual_lives import LivingWorld, Locks
from virtual_world import check

from ostraka.record.runs import RunState
from ostraka.session.topology import Topology


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    virtual_world.virtual_time(monkeypatch)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # the machine stays up


@pytest.fixture
def lives(office, tmp_path, monkeypatch):
    locks = Locks(monkeypatch)

    def make(number, deaths, *faults, again=None, **options):
        directory = again.directory if again else Path(tempfile.mkdtemp(dir=tmp_path))
        found, world, right = virtual_scenarios.world_of(
            number, office, directory, deaths=deaths, locks=locks, **options
        )
        world.run(*faults)
        world.found = found
        return world, right

    return make


def require_same_answer(world, right):
    """All parties have the answer over all inputs, one session, and one run in the ledger; guests
    that are not counted were told so."""
    check(world, right)
    virtual_scenarios.require_all(world, world.found)
    for name in world.endings:
        assert {run.state for run in world.ledger(name).counting()} <= {RunState.COMMITTED}, name
        assert not list((world.home(name) / "sessions").iterdir())


def some_deaths(chance, steps, often):
    """Callbacks before which parties die: one, two or all of them, perhaps in two lives each."""
    names = chance.sample(sorted(steps), chance.choice((1, 1, 2, len(steps))))
    lives = (1, 1, 2) if often else (1,)
    return {n: [chance.randrange(steps[n]) for _ in range(chance.choice(lives))] for n in names}


@pytest.mark.parametrize(
    ("number", "times"),
    portioned([(0, 2), (1, 1)], [(1, 2), (2, 2)])
    + [pytest.param(n, 20, marks=pytest.mark.slow) for n in range(3, 60)],
)
def test_parties_killed_at_any_callback_come_to_the_same_answer(lives, number, times):
    world, right = lives(number, {})
    require_same_answer(world, right)
    steps = {name: process.steps for name, process in world.processes.items()}
    chance = random.Random(number)
    for _ in range(times):
        world, right = lives(number, some_deaths(chance, steps, times > 2))
        require_same_answer(world, right)


@pytest.mark.parametrize(
    ("number", "times"),
    portioned([(3, 1)], [(3, 3)])
    + [pytest.param(n, 20, marks=pytest.mark.slow) for n in range(7, 200, 4)],
)
def test_parties_killed_around_a_roll_call_come_to_the_same_answer(lives, number, times):
    """Before the co-signed roster, while it is agreed on, and after: parties that must come all
    have the answer, and a guest is counted, or told that it is not."""
    world, right = lives(number, {})
    require_same_answer(world, right)
    calm, steps = world.calm_steps, {name: p.steps for name, p in world.processes.items()}
    chance = random.Random(number)
    for _ in range(times):
        names = chance.sample(sorted(steps), chance.choice((1, 1, 2, len(steps))))
        deaths = {n: [chance.randrange(calm.get(n, 0), steps[n])] for n in names}
        world, right = lives(number, deaths)
        require_same_answer(world, right)


@pytest.mark.parametrize("times", [*portioned([2], [6]), pytest.param(120, marks=pytest.mark.slow)])
def test_a_relayer_killed_at_the_end_costs_no_statement_but_of_parties_that_left(
    office, tmp_path, monkeypatch, times
):
    """Erin hears david through a compute party. He only contributes, and has left by then."""
    roles = dict.fromkeys(("alice", "bob", "carlos"), ("contributor", "compute"))
    roles |= {"david": ("contributor",), "erin": ("recipient",)}
    manifest = office.manifest(roles, relay="hub:1", direct=(), deadline=30.0, timeout=10.0)
    identities = {name: office.identity(name) for name in (*roles, "coordinator")}
    inputs = {"alice": 1, "bob": 2, "carlos": 3, "david": 4}
    relayer, locks = Topology(manifest, "erin").relayers["david"], Locks(monkeypatch)

    def missing(number, deaths):
        """Parties without a statement in erin's receipt."""
        place = tmp_path / str(number)
        place.mkdir()
        world = LivingWorld(5, manifest, identities, inputs, place, deaths=deaths, locks=locks)
        world.run()
        assert world.endings["erin"].value == ("10",), world.endings
        (receipt,) = world.home("erin").glob("receipt-*.json")
        parties = json.loads(receipt.read_text())["parties"]
        return world, {name for name, said in parties.items() if "statement" not in said}

    world, without = missing("quiet", {})
    assert not without
    steps = world.processes[relayer].steps
    for number, step in enumerate(
        random.Random(1).sample(range(steps * 2 // 3, steps), min(times, steps // 3))
    ):
        world, without = missing(number, {relayer: [step]})
        assert without <= {"david"}, (step, without, world.endings)


@pytest.mark.slow
@pytest.mark.parametrize(
    "number",
    [pytest.param(n, marks=pytest.mark.slow if n >= 68 else ()) for n in range(60, 75)],
)
def test_so_they_do_while_the_coordinator_dies_too(lives, number):
    world, _ = lives(number, {})
    steps = {name: process.steps for name, process in world.processes.items()}
    chance = random.Random(number)
    for _ in range(10):
        deaths = some_deaths(chance, steps, often=False)
        world, right = lives(number, deaths, lambda w: w.coordinator_restarts(2, 2.0, 3.0))
        require_same_answer(world, right)


@pytest.mark.parametrize(
    "number", [*portioned([8], [12]), pytest.param(14, marks=pytest.mark.slow)]
)
def test_a_session_that_waited_in_vain_goes_on_when_all_run_again(lives, number):
    """Additive sharing needs all: the others end with 41, keep their records, and run again."""
    world, _ = lives(number, {})
    for step in range(world.processes["bob"].steps, 0, -1):
        world, right = lives(number, {"bob": [step]}, stays_dead=True)
        errors = [world.endings[name].error for name in ("alice", "carlos")]
        if all(errors) and all(error.data_left for error in errors):
            break  # the session was open, and not all was sent
    for name in ("alice", "carlos"):
        error = world.endings[name].error
        assert (error.exit_code, error.data_left) == (41, True), error
        assert "run it again within 60 min" in error.hint
    sealed = {name: world.record(name).sealed for name in world.manifest.parties}
    assert sealed["alice"] and sealed["carlos"]  # bob may have died before he knew of it
    (kept,) = {each.session.hex() for each in sealed.values() if each}
    world, right = lives(number, {}, again=world)
    require_same_answer(world, right)
    assert world.endings["alice"].outcome.session == kept
