"""Whole sessions in one process on a virtual clock: parties, coordinator, network and faults.

Each party is a process on a host of its own, runs the code of `ostraka run` below the command line,
and keeps its files in a directory of its own, which its death leaves as they are. TLS is real.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

import virtual_loop
from virtual_loop import Process
from virtual_network import HostNetwork, Net, Weather

from ostraka.config import bind
from ostraka.coordinator import server
from ostraka.coordinator.server import Coordinator
from ostraka.errors import InternalError, OstrakaError
from ostraka.home import own_ledger
from ostraka.party import Seat

LATEST = 600.0
"""Seconds of virtual time in which every party must have ended."""


class Ending:
    """How a party's run ended: with a result, or with an error."""

    def __init__(self, outcome=None, error=None, at=0.0):
        self.outcome, self.error, self.at = outcome, error, at

    def __repr__(self):
        if self.error is not None:
            return f"{type(self.error).__name__}({self.error}) at {self.at:.2f}"
        return f"{self.value} of {self.outcome.contributors} at {self.at:.2f}"

    @property
    def value(self):
        return None if self.outcome is None else tuple(str(o.value) for o in self.outcome.outputs)


class World:
    """One session in a virtual world.

    Args:
        seed: of the delays and the faults.
        manifest: addresses begin with the name of the party or the host of a coordinator: "hub:1".
        identities: of all parties, and of the coordinator.
        inputs: by contributor.
        directory: an empty one.
        slowest: the longest delay of a piece of bytes, in seconds.
    """

    def __init__(self, seed, manifest, identities, inputs, directory, slowest=0.05):
        self.random = random.Random(seed)
        self.manifest, self.identities, self.inputs = manifest, identities, inputs
        self.net = Net(Weather(self.random, slowest))
        self.directory = directory
        self.endings = {}
        self.processes = {}
        self.kills = self.restarts = 0
        self.hubs = {}

    def run(self, *faults, end=LATEST):
        """Run the session to its end under faults: coroutine functions of the world."""
        return virtual_loop.run(lambda loop: self._main(loop, faults), end)

    async def _main(self, loop, faults):
        self.loop = loop
        for place in self.manifest.session.coordinators:
            self.start_coordinator(place.address)
        for name in self.manifest.parties:
            self._comes(name, self.comes.get(name, 0.0))
        if self.calm:
            self.loop.call_at(self.calm, self._note_steps)
        going = [loop.create_task(fault(self)) for fault in faults]
        await self._over()
        for task in going:
            task.cancel()
        await asyncio.sleep(1)
        self.left = {n: p.left or self.net.of(p) for n, p in self.processes.items() if p.alive}
        for hub in self.hubs.values():
            if hub.alive:
                await hub.end()
        for problem in loop.problems:
            raise AssertionError(problem)
        return self.endings

    async def _over(self):
        """Wait until every party that is alive has ended, and none will be started again."""
        while (
            any(p.alive and name not in self.endings for name, p in self.processes.items())
            or self.pending
        ):
            await asyncio.sleep(0.25)

    pending = 0
    """How many starts are still to come."""

    comes: Mapping[str, float | None] = {}
    """By party, the second at which it comes, or None for one that never does; others at once."""

    calm = 0.0
    """Seconds before the first fault."""

    def _note_steps(self):
        """Note how many callbacks each party has had when faults begin."""
        self.calm_steps = {name: process.steps for name, process in self.processes.items()}

    def _comes(self, name, second):
        if second:
            self.pending += 1
            self.loop.call_at(second, self._came, name)
        elif second is not None:
            self.start(name)

    def _came(self, name):
        self.pending -= 1
        self.start(name)

    # Processes

    def start_coordinator(self, address):
        host = address.partition(":")[0]
        process = self.hubs[address] = Process(host)
        process.on_death = lambda: self.net.died(process)
        relay = self.coordinator()
        network = HostNetwork(self.net, host)
        self.loop.start(process, relay.serve(address, None, network))

    def coordinator(self):
        return Coordinator(self.identities["coordinator"])

    def start(self, name, dies_at=None):
        """Start a party's process, which is killed before its callback number `dies_at`."""
        process = self.processes[name] = Process(name, dies_at)
        process.on_death = lambda: self._died(process)
        self.endings.pop(name, None)
        self.loop.start(process, self._party(name))

    def _died(self, process):
        self.kills += 1
        self.net.died(process)

    def home(self, name):
        path = self.directory / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def seat(self, name):
        """A party's seat, made in its process: subclasses give it more."""
        home = self.home(name)
        return Seat(
            bind(self.manifest),
            self.identities[name],
            name,
            home,
            lambda warn: own_ledger(self.identities[name], home, warn),
            lambda: HostNetwork(self.net, name),
        )

    async def _party(self, name):
        try:
            outcome = await self.seat(name).run(self.inputs.get(name))
            self.endings[name] = Ending(outcome, at=self.loop.time())
        except Exception as error:
            self.endings[name] = Ending(error=error, at=self.loop.time())

    # Faults

    def moments(self, count, within):
        """Draw `count` moments within so many seconds; return them in order."""
        return sorted(self.calm + self.random.uniform(0, within) for _ in range(count))

    async def until(self, moment):
        await asyncio.sleep(max(0, moment - self.loop.time()))

    def connections(self):
        """Ends of connections that are open, in the order of their opening."""
        return [end for end in self.net.ends if end.open]

    async def cuts(self, count, within):
        """Reset `count` connections at moments within so many seconds."""
        for moment in self.moments(count, within):
            await self.until(moment)
            if ends := self.connections():
                self.net.cut(self.random.choice(ends))

    async def partitions(self, count, within, longest):
        """Hold all bytes between two hosts, `count` times."""
        hosts = [*self.manifest.parties, *(at.partition(":")[0] for at in self.hubs or ["hub:1"])]
        for moment in self.moments(count, within):
            await self.until(moment)
            one, other = self.random.sample(hosts, 2)
            self.net.weather.partition(one, other, self.random.uniform(0, longest))

    async def coordinator_restarts(self, count, within, away):
        """Kill a coordinator, if there is one, and start it again, `count` times."""
        if not self.hubs:
            return
        for moment in self.moments(count, within):
            await self.until(moment)
            address = self.random.choice(sorted(self.hubs))
            self.restarts += 1
            self.hubs[address].kill()
            await asyncio.sleep(self.random.uniform(0, away))
            self.start_coordinator(address)


def virtual_time(monkeypatch):
    """Let the coordinator read the loop's clock."""
    monkeypatch.setattr(server, "monotonic", lambda: asyncio.get_running_loop().time())


def is_named(error):
    return isinstance(error, OstrakaError | OSError) and not isinstance(error, InternalError)


def check(world, right):
    """Check what must hold of every run: right, or stopped with a reason; and one result at most.

    Args:
        right: function from the contributors counted to the values that are then right.
    """
    found = {}
    for name, ending in world.endings.items():
        if ending.error is not None and not is_named(ending.error):
            raise AssertionError(name) from ending.error
        if ending.outcome is not None and ending.outcome.outputs:
            counted = tuple(ending.outcome.contributors)
            assert ending.value == right(counted), (name, ending)
            found.setdefault((counted, ending.value), []).append(name)
    assert len(found) <= 1, found
    return next(iter(found), None)
