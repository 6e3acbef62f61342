"""Schedules of whole sessions, coordinator included, on a virtual clock; a failing seed replays."""

import asyncio

import pytest
import virtual_scenarios
import virtual_world
from virtual_lives import Locks
from virtual_machines import Machines
from virtual_world import World, check

INPUTS = {"alice": 3800, "bob": 2514, "carlos": 2982}


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    virtual_world.virtual_time(monkeypatch)


@pytest.fixture
def world(office, tmp_path):
    def make(seed, *, relay=True, sharing='scheme = "additive"', slowest=0.05):
        addresses = {} if relay else {name: f"{name}:1" for name in INPUTS}
        manifest = office.manifest(
            tuple(INPUTS),
            relay="hub:1" if relay else None,
            addresses=addresses,
            deadline=30.0,
            timeout=10.0,
            sharing=sharing,
        )
        identities = {name: office.identity(name) for name in (*INPUTS, "coordinator")}
        directory = tmp_path / str(seed)
        directory.mkdir(exist_ok=True)
        return World(seed, manifest, identities, INPUTS, directory, slowest)

    return make


def total(counted):
    return (str(sum(INPUTS[name] for name in counted)),)


@pytest.mark.parametrize("relay", [False, True])
def test_a_session_without_faults(world, relay):
    found = world(1, relay=relay)
    found.run()
    assert check(found, total) == (tuple(INPUTS), ("9296",)), found.endings
    assert max(ending.at for ending in found.endings.values()) < 5


@pytest.mark.parametrize("seed", range(3))
def test_a_seed_is_one_schedule(world, seed, tmp_path):
    def once(number):
        here = world(seed)
        here.directory = tmp_path / str(number)
        here.directory.mkdir()
        here.run(lambda w: w.cuts(3, 2.0))
        return {n: (repr(e), e.at) for n, e in here.endings.items()}, here.net.weather.counts

    first, again = once("a"), once("b")
    assert str(first).replace("/a/", "") == str(again).replace("/b/", "")


@pytest.mark.parametrize(
    "block", [pytest.param(i, marks=pytest.mark.slow if i % 2 else ()) for i in range(6)]
)
def test_each_schedule_ends_right_or_with_a_reason(office, tmp_path, monkeypatch, block):
    locks, machines = Locks(monkeypatch), Machines(monkeypatch)
    for number in range(4 * block, 4 * block + 4):
        place = tmp_path / str(number)
        place.mkdir()
        virtual_scenarios.run(number, office, place, locks, machines)


@pytest.mark.parametrize("number", [10030, 10042])
def test_schedules_that_failed_once(office, tmp_path, monkeypatch, number):
    """Schedules that broke an invariant before the code was mended.

    10030: alice's machine lost power while her ledger was new, which was refused from then on.
    10042: bob's machine lost power, so that the run could not go on; his ledger was not settled.
    """
    locks, machines = Locks(monkeypatch), Machines(monkeypatch)
    virtual_scenarios.run(number, office, tmp_path, locks, machines)


def test_enough_begin_without_the_absent_and_tell_the_late(office, tmp_path):
    """Erin comes a minute late; she is told at once, and the others have their result."""
    roles = dict.fromkeys(INPUTS, ("contributor", "compute", "recipient"))
    roles |= {"david": ("contributor",), "erin": ("contributor",)}
    manifest = office.manifest(roles, relay="hub:1", direct=(), deadline=30.0, least=4)
    identities = {name: office.identity(name) for name in (*roles, "coordinator")}
    inputs = INPUTS | {"david": 5, "erin": 7}

    class Late(World):
        def start(self, name, dies_at=None):
            if name != "erin" or self.loop.time() > 20:
                super().start(name, dies_at)

    async def comes(world):
        world.pending = 1
        while not world.processes["alice"].alive or world.loop.time() < 30.2:
            await asyncio.sleep(0.01)
        world.start("erin")
        world.pending = 0

    world = Late(7, manifest, identities, inputs, tmp_path)
    world.run(comes)
    for name in INPUTS:
        assert world.endings[name].value == ("9301",), world.endings
        assert world.endings[name].at < 45
    erin = world.endings["erin"]
    assert erin.error.exit_code == 41, world.endings
