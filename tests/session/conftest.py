"""Proxies between parties, which cut, hold or swallow what passes, and networks that use them."""

import asyncio
import random
import socket
import struct
from contextlib import suppress

import pytest

from ostraka.transport.tcp import SystemNetwork


class Proxy:
    """TCP proxy in front of one address; each connection is a pair of sockets.

    Attributes:
        swallows: whether bytes vanish and new connections get no answer, without a reset.
        passed: bytes that went through, both ways.
        limit: bytes that may pass before every connection is cut; None: no limit.
    """

    def __init__(self, target):
        self.target, self.swallows, self.passed, self.limit = target, False, 0, None
        self.cuts = 0
        self._pairs, self._deaf = {}, {}
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setblocking(False)
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self._loop = asyncio.get_running_loop()
        self._accepting = self._loop.create_task(self._accept())

    async def _accept(self):
        while True:
            sock, _ = await self._loop.sock_accept(self._server)
            task = self._loop.create_task(self._serve(sock))
            self._pairs[task] = [sock]
            task.add_done_callback(self._over)

    async def _serve(self, sock):
        pair = self._pairs[asyncio.current_task()]
        deaf = self._deaf[asyncio.current_task()] = []
        host, port = self.target.rsplit(":", 1)
        pair.append(socket.socket())
        for end in pair:
            end.setblocking(False)
        with suppress(OSError):
            await self._loop.sock_connect(pair[1], (host, int(port)))
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(*pair, deaf))
                pumps.create_task(self._pump(*reversed(pair), deaf))

    async def _pump(self, one, other, deaf):
        with suppress(OSError):
            while data := await self._loop.sock_recv(one, 65536):
                if self.swallows or deaf:
                    continue
                if self.limit is not None and self.passed + len(data) >= self.limit:
                    await self._loop.sock_sendall(other, data[: self.limit - self.passed])
                    self.passed, self.limit = self.limit, None
                    self._loop.call_soon(self.cut)
                    return
                self.passed += len(data)
                await self._loop.sock_sendall(other, data)
            if not self.swallows and not deaf:
                other.shutdown(socket.SHUT_WR)

    def _over(self, task):
        self._deaf.pop(task, None)
        for sock in self._pairs.pop(task):
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()

    def forget(self):
        """Let what passes on the present connections vanish, both ways, without a reset."""
        for pumps in self._deaf.values():
            pumps.append(True)

    def cut(self):
        """Reset every connection; new ones are welcome."""
        self.cuts += 1
        self.limit = None
        for task in list(self._pairs):
            task.cancel()

    async def close(self):
        tasks = [self._accepting, *self._pairs]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the sockets are closed when the tasks are done
        self._server.close()


class Cables:
    """Makes networks that reach every address through a proxy of its own, shared by all parties."""

    def __init__(self):
        self.proxies = {}

    def network(self):
        cables = self

        class Network(SystemNetwork):
            async def dial(self, address):
                return await super().dial(cables.proxy(address).address)

        return Network(spin=0)

    def proxy(self, address):
        if address not in self.proxies:
            self.proxies[address] = Proxy(address)
        return self.proxies[address]

    def cut(self):
        for proxy in self.proxies.values():
            proxy.cut()

    def cut_within(self, seed, most):
        """Cut every connection once, each after a number of bytes that the seed gives."""
        draw = random.Random(seed)
        for proxy in self.proxies.values():
            proxy.limit = proxy.passed + draw.randrange(most)


@pytest.fixture
async def cables():
    cables = Cables()
    yield cables
    for proxy in cables.proxies.values():
        await proxy.close()


def _kill(session):
    """What kill -9 does: its sockets end without a word, and nothing of it runs any more."""
    for channel in session._channels.values():
        channel.link.on_cut = lambda: None
    ways, network = session._gathering._ways, session._network
    ways._over = True
    if ways._listener is not None:
        ways._listener.close()
    for task in list(ways._tasks):
        task.cancel()
    session._gathering.keeper.stop()
    for key in list(network.reactor._selector.get_map().values()):
        key.data.close()
    network.close()


@pytest.fixture(name="kill")
def _kill_fixture():
    return _kill
