"""A network in memory on a virtual clock: delays, partitions, resets, silence, from one seed.

A connection is what TCP gives: bytes in order, each piece after a delay. `cut` resets it, so that
both ends are told; a partition holds its bytes until it heals.
"""

from __future__ import annotations

import asyncio

from virtual_loop import PROCESS

from ostraka.errors import PeerLost, Unreachable, UsageError
from ostraka.limits import READ_AHEAD
from ostraka.transport.link import Carrier
from ostraka.transport.network import Listener, Network


class Weather:
    """What the network does to bytes, by its seed.

    Args:
        random: a `random.Random`.
        slowest: the longest delay of a piece, in seconds.
    """

    def __init__(self, random, slowest=0.05):
        self.random, self.slowest = random, slowest
        self.apart = {}
        self.counts = {"pieces": 0, "cuts": 0, "partitions": 0, "dials": 0}

    def delay(self):
        return self.random.random() * self.slowest

    def partition(self, one, other, seconds):
        """Hold all bytes between two hosts for a time."""
        self.counts["partitions"] += 1
        self.apart[frozenset((one, other))] = asyncio.get_running_loop().time() + seconds

    def held(self, one, other):
        """Seconds for which bytes between two hosts are held still."""
        until = self.apart.get(frozenset((one, other)), 0)
        return max(0, until - asyncio.get_running_loop().time())


class End(Carrier):
    """One end of a connection, at a host."""

    def __init__(self, net, host):
        super().__init__()
        self.net, self.host, self.owner = net, host, PROCESS.get()
        self.other = None
        self.early, self.started, self.open, self.unread, self.last = [], False, True, 0, 0.0

    @property
    def room(self):
        return self.open and self.other.unread < READ_AHEAD

    def send(self, data):
        self.net.weather.counts["pieces"] += 1
        self.other.unread += len(data)
        self._later(self.other, self.other.arrive, data)

    def consumed(self, size):
        was_full = self.unread >= READ_AHEAD
        self.unread -= size
        if was_full and self.unread < READ_AHEAD:
            self._later(self.other, self.other.has_room)

    def has_room(self):
        if self.open:
            self.on_room()

    def start(self):
        self.started = True
        early, self.early = self.early, []
        for piece in early:
            self.arrive(piece)

    def close(self):
        if self.open:
            self.open = False
            self.net.ends.pop(self, None)
            self._later(self.other, self.other.ended, "connection closed")

    def arrive(self, piece):
        if not self.started:
            self.early.append(piece)
        elif self.open:
            self.on_data(piece)

    def ended(self, why):
        if self.open and not self.started:
            asyncio.get_running_loop().call_later(0.01, self.ended, why)
        elif self.open:
            self.open = False
            self.net.ends.pop(self, None)
            self.on_lost(PeerLost(why))

    def _later(self, whose, call, *args):
        """Call after this connection's delay, in order, as the owner of the other end."""
        weather, loop = self.net.weather, asyncio.get_running_loop()
        due = loop.time() + weather.held(self.host, whose.host) + weather.delay()
        self.last = max(self.last + 1e-9, due)
        loop.world(whose.owner, loop.call_at, self.last, call, *args)


class Net:
    """All hosts, their listeners and their connections."""

    def __init__(self, weather):
        self.weather = weather
        self.listeners = {}
        self.ends = {}  # in order of opening: a set's order would differ from run to run

    def connect(self, host, address):
        """Return the caller's end of a new connection; the listener's owner gets the other.

        Raises:
            Unreachable: no process listens there, or a partition is between.
        """
        listener = self.listeners.get(address)
        if listener is None or (listener.owner is not None and not listener.owner.alive):
            raise Unreachable(f"{address}: Connection refused")
        if self.weather.held(host, listener.host):
            raise Unreachable(f"{address}: No route to host")
        here, there = End(self, host), End(self, listener.host)
        there.owner = listener.owner
        here.other, there.other = there, here
        self.ends |= dict.fromkeys((here, there))
        loop = asyncio.get_running_loop()
        loop.world(listener.owner, loop.call_soon, listener.accepted, there)
        return here

    def cut(self, end):
        """Reset a connection: both ends are told, and bytes on the way are lost."""
        self.weather.counts["cuts"] += 1
        loop = asyncio.get_running_loop()
        for one in (end, end.other):
            loop.world(one.owner, loop.call_soon, one.ended, "connection reset")

    def died(self, process):
        """Close the connections of a killed process, as its operating system does."""
        loop = asyncio.get_running_loop()
        for end in self.vanished(process):
            loop.world(end.other.owner, loop.call_later, 0.001, end.other.ended, "connection reset")

    def vanished(self, process):
        """Forget the connections of a machine without power: their other ends are told nothing.

        Returns:
            Its ends of them.
        """
        gone = [end for end in self.ends if end.owner is process]
        for end in gone:
            end.open = False
            self.ends.pop(end, None)
        self.listeners = {a: w for a, w in self.listeners.items() if w.owner is not process}
        return gone

    def of(self, process):
        """Connections and listeners of a process that are open."""
        ends = [end for end in self.ends if end.open and end.owner is process]
        return ends + [w for w in self.listeners.values() if w.owner is process]


class Ear(Listener):
    """A listener of one process."""

    def __init__(self, net, host, address, accepted):
        self.net, self.host, self.addresses, self.owner = net, host, (address,), PROCESS.get()
        self.give, self.accepting, self.waiting = accepted, True, []
        net.listeners[address] = self

    def accepted(self, end):
        if self.accepting:
            self.give(end, end.other.host)
        else:
            self.waiting.append(end)

    def accept(self, accepting):
        self.accepting = accepting
        while self.accepting and self.waiting:
            end = self.waiting.pop(0)
            self.give(end, end.other.host)

    def close(self):
        if self.net.listeners.get(self.address) is self:
            del self.net.listeners[self.address]


class HostNetwork(Network):
    """The network as one process on a host sees it."""

    def __init__(self, net, host):
        self.net, self.host = net, host

    async def dial(self, address):
        self.net.weather.counts["dials"] += 1
        await asyncio.sleep(self.net.weather.delay())
        return self.net.connect(self.host, address)

    async def listen(self, address, accepted, *, exact=False):
        if address in self.net.listeners:
            raise UsageError(f"cannot listen on {address}: in use")
        return Ear(self.net, self.host, address, accepted)

    def close(self):
        pass
