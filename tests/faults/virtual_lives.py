"""Parties in a virtual world that begin a new life when they were killed, from their records."""

from __future__ import annotations

import asyncio
import errno
import os
from contextlib import suppress
from dataclasses import replace

from virtual_loop import PROCESS
from virtual_world import Ending, World

from ostraka.collection.custody import Custody
from ostraka.errors import OstrakaError
from ostraka.home import own_ledger
from ostraka.record.journal import Journal
from ostraka.record.journal_store import RecordStore
from ostraka.record.lifeline import Lifeline

RESTART = 0.5
"""Seconds of virtual time between a death and the next life."""


class LivingWorld(World):
    """World whose parties keep records. A party that was killed is started again.

    deaths: for each party, the callbacks before which it dies, one for each of its lives.
    stays_dead: whether parties that died are not started again.
    machines: what the parties' machines are like; good ones if None.
    """

    def __init__(self, *args, deaths=(), locks, stays_dead=False, machines=None):
        super().__init__(*args)
        self.machines, self.unpowered, self.gone = machines, set(), set()
        self.deaths = {name: list(steps) for name, steps in dict(deaths).items()}
        self.locks, self.lives, self.told = locks, {}, []
        self.stays_dead = stays_dead

    def start(self, name, dies_at=None):
        self.lives[name] = self.lives.get(name, 0) + 1
        steps = self.deaths.get(name)
        super().start(name, steps.pop(0) if steps else dies_at)

    def _died(self, process):
        self.kills += 1
        self.locks.release(process)
        if process in self.unpowered:
            self.net.vanished(process)
            self.machines.lose_power(process.name, self.home(process.name), self.random)
        else:
            self.net.died(process)
        if process.name in self.endings or self.stays_dead or process.name in self.gone:
            return  # all that is left of it is the end of its process
        self.pending += 1
        self.loop.world(None, lambda: self.loop.create_task(self._again(process.name)))

    async def _again(self, name):
        await asyncio.sleep(RESTART)
        self.pending -= 1
        self.start(name)

    def store(self, name):
        return RecordStore(
            self.home(name) / "sessions", self.identities[name], 3600.0, self.loop.time
        )

    def record(self, name):
        """What a party has on record, which is left as it is."""
        found = self.store(name).unfinished(self.manifest.digest, self.told.append)
        found.close()
        return found

    def ledger(self, name):
        return own_ledger(self.identities[name], self.home(name), self.told.append)

    def seat(self, name):
        return replace(
            super().seat(name),
            open_ledger=lambda _warn: self.ledger(name),
            records=self.store(name),
        )

    async def _party(self, name):
        try:
            outcome = await self.seat(name).run(self.inputs.get(name))
            self.endings[name] = Ending(outcome, at=self.loop.time())
        except OstrakaError as error:
            self.endings[name] = Ending(error=error, at=self.loop.time())
        except OSError as error:  # the command line names what the machine lacks
            assert error.errno == errno.ENOSPC
            self.endings[name] = Ending(error=error, at=self.loop.time())

    # Faults

    async def deaths_and_lives(self, count, before=150):
        """Kill parties at moments of their own; they are started again."""
        doomed = self.random.choices(self.manifest.parties, k=count)
        await self._lull()
        for name in doomed:
            self._doom(name, before)
            self.deaths.setdefault(name, []).append(self.random.randrange(2 * before))

    async def last_deaths(self, count, before=120):
        """Kill parties, which stay dead."""
        doomed = self.random.sample(self.manifest.parties, count)
        await self._lull()
        for name in doomed:
            self.gone.add(name)
            self._doom(name, before)

    def _doom(self, name, before):
        """Let a party die within so many of its callbacks, if it has come."""
        if (process := self.processes.get(name)) is not None:
            process.dies_at = process.steps + self.random.randrange(before)

    async def _lull(self):
        """Wait until faults begin."""
        if self.calm:
            await self.until(self.calm)

    async def power_losses(self, count, within):
        """Switch machines off and on again, `count` times: no connection is told."""
        for moment in self.moments(count, within):
            await self.until(moment)
            process = self.processes.get(self.random.choice(self.manifest.parties))
            if process and process.alive and process.name not in self.endings:
                self.unpowered.add(process)
                process.kill()

    async def full_disks(self, count, before=30):
        """Let disks of parties take only so many writes more."""
        full = self.random.sample(self.manifest.parties, count)
        await self._lull()
        for name in full:
            self.machines.room[name] = self.random.randrange(before)

    async def wrong_clocks(self):
        """Let the clocks of all parties differ by days."""
        for name in self.manifest.parties:
            self.machines.ahead[name] = self.random.uniform(-3, 3) * 86400

    async def _main(self, loop, faults):
        try:
            return await super()._main(loop, faults)
        finally:
            self.locks.release(None)


class Locks:
    """Files that processes of a virtual world hold open: the system closes those of a dead one."""

    def __init__(self, monkeypatch):
        self._held = []
        for kind in (Journal, Lifeline, Custody):
            made = kind.__init__
            monkeypatch.setattr(kind, "__init__", self._noting(made))

    def _noting(self, made):
        def init(one, *args):
            made(one, *args)
            self._held.append((PROCESS.get(), one))

        return init

    def release(self, process):
        """Close the files of a process, or of all, without writing a byte more."""
        for owner, one in self._held:
            if process in (None, owner) and one._descriptor >= 0:
                with suppress(OSError):
                    if getattr(one, "alive", True):
                        os.close(one._descriptor)
                one.alive, one._descriptor = False, -1
        self._held = [held for held in self._held if held[1]._descriptor >= 0]
