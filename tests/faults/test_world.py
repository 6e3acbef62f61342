"""Schedules of whole sessions, coordinator included, on a virtual clock; a failing seed replays."""

import asyncio
from itertools import combinations

import pytest
import virtual_scenarios
import virtual_world
from portions import portioned
from virtual_lives import Locks
from virtual_machines import Machines
from virtual_world import World, check

INPUTS = {"alice": 3800, "bob": 2514, "carlos": 2982}


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    virtual_world.virtual_time(monkeypatch)


@pytest.fixture
def world(office, tmp_path):
    def make(seed, *, relay=True, sharing='scheme = "additive"', slowest=0.05, timeout=10.0):
        addresses = {} if relay else {name: f"{name}:1" for name in INPUTS}
        manifest = office.manifest(
            tuple(INPUTS),
            relay="hub:1" if relay else None,
            addresses=addresses,
            deadline=30.0,
            timeout=timeout,
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


@pytest.mark.parametrize("seed", portioned([1], [0, 2]))
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
    "block",
    [*portioned([0], [2, 4]), *(pytest.param(i, marks=pytest.mark.slow) for i in (1, 3, 5))],
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


@pytest.mark.parametrize(
    ("part", "relay"),
    portioned(
        [(0.8, False), (0.9, True)], [(0.85, False), (0.85, True), (0.8, True), (0.9, False)]
    ),
)
def test_an_outage_shorter_than_the_timeout_is_survived_on_every_way(world, relay, part):
    """It was 31 s on a relay, for any manifest; and at the end, 12 s on every way: a party
    that had all it needed left, with the others' result."""
    quiet = world(1, relay=relay, timeout=60.0)
    quiet.run()
    begins = part * max(ending.at for ending in quiet.endings.values())

    async def outage(world):
        await world.until(begins)
        for one, other in combinations((*INPUTS, "hub"), 2):
            world.net.weather.partition(one, other, 40.0)

    found = world(1, relay=relay, timeout=60.0)
    found.run(outage)
    assert check(found, total) == (tuple(INPUTS), ("9296",)), found.endings
    assert all(ending.outcome for ending in found.endings.values()), found.endings


def let_carlos_die(world, dies_at, power):
    """Return a list that will hold the time of his death; `power`: no connection is told."""
    died = []

    def start(name):
        World.start(world, name, dies_at if name == "carlos" else None)

    def ends(process):
        died.append(world.loop.time())
        (world.net.vanished if power else world.net.died)(process)

    world.start, world._died = start, ends
    return died


@pytest.mark.parametrize("moments", [4, pytest.param(10, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("relay", "power"),
    portioned([(True, False), (False, True)], [(False, False), (True, True)]),
)
def test_the_one_that_died_is_named_by_all_within_the_timeout(world, relay, power, moments):
    """Bob waits for carlos, and alice for bob: it was bob whom she blamed, after twice the time."""
    quiet = world(1, relay=relay)
    quiet.run()
    steps, blamed = quiet.processes["carlos"].steps, 0
    for dies_at in range(steps * 5 // 12, steps, max(1, steps // (2 * moments))):
        found = world(1, relay=relay)
        died = let_carlos_die(found, dies_at, power)
        found.run()
        for name in ("alice", "bob"):
            ending = found.endings[name]
            if ending.error is not None and died:
                assert ending.error.peer == "carlos", (dies_at, found.endings)
                assert ending.at < died[0] + 10 + 5, (dies_at, died, found.endings)
                blamed += 1
    assert blamed


@pytest.mark.parametrize("relay", [False, True])
def test_a_contributor_whose_links_break_as_it_leaves_is_counted(office, tmp_path, relay):
    """David only contributes. All his connections are reset at a moment around his last byte."""
    roles = dict.fromkeys(INPUTS, ("contributor", "compute", "recipient"))
    roles |= {"david": ("contributor",)}
    more = {"relay": "hub:1", "direct": ()}
    more = more if relay else {"addresses": {name: f"{name}:1" for name in roles}}
    manifest = office.manifest(roles, deadline=30.0, timeout=10.0, **more)
    identities = {name: office.identity(name) for name in (*roles, "coordinator")}

    def run(number, *faults):
        place = tmp_path / str(number)
        place.mkdir()
        world = World(7, manifest, identities, INPUTS | {"david": 5}, place)
        world.run(*faults)
        assert check(world, total_with_david) == ((*INPUTS, "david"), ("9301",)), world.endings
        return world.endings["david"].at

    def total_with_david(counted):
        return (str(sum((INPUTS | {"david": 5})[name] for name in counted)),)

    end = run("quiet")
    for early in (-40, -20, -10, 0, 20):

        async def cut(world, early=early):
            await world.until(end - early / 1000)
            for one in world.connections():
                if "david" in (one.host, one.other.host):
                    world.net.cut(one)

        run(early, cut)


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
