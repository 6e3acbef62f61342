"""A broker in memory, and networks that know no other: it may lose, double or change messages."""

import asyncio

from ostraka.errors import PeerLost, Unreachable
from ostraka.limits import BROKER_MESSAGE
from ostraka.transport.broker import Broker
from ostraka.transport.tcp import SystemNetwork


def matches(pattern, topic):
    """Whether a filter without # reads a topic."""
    levels = pattern.split("/"), topic.split("/")
    return len(levels[0]) == len(levels[1]) and all(
        p in ("+", t) for p, t in zip(*levels, strict=True)
    )


class Hub:
    """The broker.

    Attributes:
        pass_on: called with each message; returns those to deliver instead.
        may: called with a client, "write" or "read", and a topic; False denies it in silence.
        up: whether it takes connections.
    """

    def __init__(self, limit=BROKER_MESSAGE):
        self.clients, self.limit, self.up = [], limit, True
        self.pass_on = lambda topic, payload: [(topic, payload)]
        self.may = lambda client, what, topic: True
        self.topics = []

    def publish(self, topic, payload, sender=None):
        """Deliver a message, in a later iteration of the loop."""
        self.topics.append(topic)
        if sender is not None and not self.may(sender, "write", topic):
            return
        for each in self.pass_on(topic, payload):
            asyncio.get_running_loop().call_soon(self._deliver, *each)

    def _deliver(self, topic, payload):
        for client in list(self.clients):
            read = any(matches(pattern, topic) for pattern in client.visit.topics)
            if read and self.may(client, "read", topic):
                client.receive(topic, payload)

    def kill(self):
        """End every connection, as a broker does that is killed: no will is published."""
        clients, self.clients = self.clients, []
        for client in clients:
            client.lose(PeerLost("connection lost"))

    def network(self):
        hub = self

        class Network(SystemNetwork):
            async def broker(self, visit):
                if not hub.up:
                    raise Unreachable(f"{visit.url}: connection refused")
                return MemoryBroker(hub, visit)

        return Network(spin=0)


class MemoryBroker(Broker):
    """One client's connection. What is published is acknowledged in a later iteration."""

    def __init__(self, hub, visit):
        self.hub, self.visit, self.limit = hub, visit, hub.limit
        self.heard, self.failed, self._backlog = 0, None, 0
        hub.clients.append(self)

    @property
    def backlog(self):
        return self._backlog

    def publish(self, topic, payload):
        assert len(topic) + len(payload) <= self.limit
        if self.failed is None:
            self._backlog += len(payload)
            self.hub.publish(topic, payload, self)
            asyncio.get_running_loop().call_soon(self._acknowledge, len(payload))

    def _acknowledge(self, size):
        self._backlog -= size
        if self.failed is None:
            self.visit.on_room()

    def receive(self, topic, payload):
        self.heard += 1
        self.visit.on_message(topic, bytes(payload))

    def lose(self, error):
        if self.failed is None:
            self.failed = error
            self.visit.on_ended(error)

    def leave(self, error):
        if self.failed is None:
            if self in self.hub.clients:
                self.hub.clients.remove(self)
                self.hub.publish(*self.visit.will, self)
            self.lose(error)

    async def drain(self):
        while self._backlog and self.failed is None:
            await asyncio.sleep(0)

    async def close(self):
        await self.drain()
        if self in self.hub.clients:
            self.hub.clients.remove(self)
        self.failed = self.failed or PeerLost("we have left")
