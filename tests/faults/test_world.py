"""Schedules of whole sessions, coordinator included, on a virtual clock; a failing seed replays."""

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


@pytest.mark.parametrize("block", range(3))
def test_each_schedule_ends_right_or_with_a_reason(office, tmp_path, monkeypatch, block):
    locks, machines = Locks(monkeypatch), Machines(monkeypatch)
    for number in range(8 * block, 8 * block + 8):
        place = tmp_path / str(number)
        place.mkdir()
        virtual_scenarios.run(number, office, place, locks, machines)
