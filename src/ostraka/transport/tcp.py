"""Direct links: non-blocking sockets behind the reactor."""

from __future__ import annotations

import asyncio
import errno
import resource
import select
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from ostraka.addresses import Proxy, host_block, host_port, join_address
from ostraka.errors import PeerLost, UsageError
from ostraka.limits import PREAUTH_CONNECTIONS, READ_AHEAD
from ostraka.record.own_brokers import BrokerAccess
from ostraka.transport.broker import Broker, Visit
from ostraka.transport.dialling import Dialler
from ostraka.transport.link import Carrier
from ostraka.transport.listening import Warn, listening
from ostraka.transport.network import Accepted, Listener, Network
from ostraka.transport.reactor import SPIN, Reactor, Waiter
from ostraka.transport.resolver import Resolver, numeric
from ostraka.wire.frames import Buffer

REST_SECONDS: Final = 0.2
"""Seconds for which a listener without descriptors leaves connections to the kernel."""

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class TcpCarrier(Carrier):
    """Carrier over a connected socket.

    Args:
        sock: connected; made non-blocking here.
        reactor: serves it.
    """

    def __init__(self, sock: socket.socket, reactor: Reactor) -> None:
        super().__init__()
        sock.setblocking(False)
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._reactor = reactor
        self._unsent = memoryview(b"")
        self._unread = 0
        self._reading = True
        self._open = True
        self._poller = select.poll()
        self._poller.register(sock, select.POLLIN)
        reactor.carriers.add(self)

    def start(self) -> None:
        self._reactor.register(self._sock, self)

    @property
    def room(self) -> bool:
        return self._open and not self._unsent

    @property
    def full(self) -> bool:
        return not self._reading

    def bound_silence(self, seconds: float) -> None:
        with suppress(OSError, AttributeError):  # an option of Linux
            milliseconds = int(1000 * seconds)
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)

    def send(self, data: bytes) -> None:
        self._unsent = memoryview(data)
        self._flush()
        if self._unsent:
            self._want()

    def consumed(self, size: int) -> None:
        self._unread -= size
        if not self._reading and self._unread <= READ_AHEAD // 2:
            self._reading = True
            self._want()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._reactor.carriers.discard(self)
            self._reactor.forget(self._sock, self)
            self._poller.unregister(self._sock)
            self._sock.close()

    def spin_until(self, waiter: Waiter) -> bool:
        return self._reactor.spin_until(waiter, self._poller, self)

    async def yield_when_due(self) -> None:
        await self._reactor.yield_when_due()

    async def linger(self) -> None:
        """Send our end of the stream, and wait for the peer's.

        To close at once, with bytes of the peer unread, would make the kernel reset the connection
        and throw away bytes that the peer has not read.
        """
        if self._open:
            ended, room = Waiter(), self.on_room
            self.on_data = self._discard
            self.on_lost = lambda _error: ended.set()
            self.on_room = lambda: self._shut(room)
            self._unread = 0
            if not self._reading:
                self._reading = True
                self._want()
            self._shut(lambda: None)
            await ended.wait()

    def _shut(self, send_rest: Callable[[], None]) -> None:
        # What the kernel has not taken yet would be lost: the owner's goodbye, or more.
        send_rest()
        if self._open and not self._unsent:
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_WR)

    def _discard(self, data: Buffer) -> None:
        self._unread = 0

    def on_readable(self) -> None:
        if not self._open:
            return
        try:
            size = self._sock.recv_into(self._reactor.scratch)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error.strerror or "connection lost")
            return
        if not size:
            self._lose("connection closed")
            return
        self._unread += size
        if self._unread > READ_AHEAD and self._reading:
            self._reading = False
            self._want()
        self.on_data(self._reactor.scratch[:size])

    def on_writable(self) -> None:
        if self._open:
            self._flush()
            if not self._unsent and self._open:
                self._want()
                self.on_room()

    def _flush(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self._sock.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            # The reading side finds out, after it has read what the peer said last.
            self._unsent = memoryview(b"")

    def _want(self) -> None:
        if self._open:
            self._reactor.want(self._sock, self, read=self._reading, write=bool(self._unsent))

    def _lose(self, why: str) -> None:
        self.close()
        self.on_lost(PeerLost(why))


class TcpListener(Listener):
    """Listening sockets behind the reactor.

    Without descriptors for what arrives it rests for `REST_SECONDS` at a time, and says so once.

    Args:
        sockets: bound and listening; owned by the listener from here on.
        accepted: is given each connection, and the host that it came from.
        warn: is told in words when connections cannot be accepted.
    """

    def __init__(
        self, sockets: Sequence[socket.socket], reactor: Reactor, accepted: Accepted, warn: Warn
    ) -> None:
        self.addresses = tuple(join_address(*sock.getsockname()[:2]) for sock in sockets)
        self._reactor, self._accepted, self._warn = reactor, accepted, warn
        self._accepting = self._open = True
        self._resting: asyncio.TimerHandle | None = None
        self._ears = [_Ear(sock, self) for sock in sockets]
        for ear in self._ears:
            reactor.register(ear.sock, ear)

    def accept(self, accepting: bool) -> None:
        if self._open and accepting != self._accepting:
            self._accepting = accepting
            self._want()

    def take(self, sock: socket.socket) -> bool:
        """Accept one connection of a readable socket; return whether there may be another."""
        if not self._accepting or self._resting:
            return False
        try:
            taken, peer = sock.accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self._rest(error)
            return error.errno == errno.ECONNABORTED
        self._accepted(TcpCarrier(taken, self._reactor), host_block(peer[0]))
        return True

    def close(self) -> None:
        if self._open:
            self._open = self._accepting = False
            if self._resting:
                self._resting.cancel()
            for ear in self._ears:
                self._reactor.forget(ear.sock, ear)
                ear.sock.close()

    def _rest(self, error: OSError) -> None:
        # The kernel would report the same socket again at once, for as long as it cannot be taken.
        self._warn(
            f"connections wait outside: {error.strerror}; raise the limit of open files (ulimit -n)"
        )
        self._warn = lambda _text: None
        self._resting = asyncio.get_running_loop().call_later(REST_SECONDS, self._wake)
        self._want()

    def _wake(self) -> None:
        self._resting = None
        self._want()

    def _want(self) -> None:
        read = self._accepting and not self._resting
        for ear in self._ears:
            self._reactor.want(ear.sock, ear, read=read, write=False)


class _Ear:
    """Handler of one listening socket."""

    def __init__(self, sock: socket.socket, listener: TcpListener) -> None:
        sock.setblocking(False)
        self.sock, self._listener = sock, listener

    def on_readable(self) -> None:
        for _ in range(64):
            if not self._listener.take(self.sock):
                return

    def on_writable(self) -> None:  # pragma: no cover - never asked for
        pass


class SystemNetwork(Network):
    """Network of the operating system: TCP sockets behind one reactor.

    Args:
        spin: seconds for which a waiting task may serve the sockets itself; see `Reactor`.
        proxy: connects for this party: no name is looked up here, and no connection is direct.
        listen: an address of this machine to listen on in place of the one that others dial.
        brokers: how this party is known at MQTT brokers.
        warn: is told in words of what works otherwise than it was asked for, or takes long.
    """

    def __init__(
        self,
        spin: float = SPIN,
        *,
        proxy: Proxy | None = None,
        listen: str | None = None,
        brokers: Sequence[BrokerAccess] = (),
        warn: Warn = lambda _text: None,
    ) -> None:
        self.reactor = Reactor(spin)
        self._resolver = Resolver()
        self._dialler = Dialler(self._resolver, proxy, warn)
        self._proxy, self._own_address, self._warn = proxy, listen, warn
        self._brokers = {access.broker: access for access in brokers}
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self.places = min(PREAUTH_CONNECTIONS, files // 4)
        self._open = True

    async def dial(self, address: str) -> TcpCarrier:
        return TcpCarrier(await self._dialler.connect(address), self.reactor)

    async def listen(self, address: str, accepted: Accepted, *, exact: bool = False) -> TcpListener:
        exact = exact or self._own_address is not None
        host, port = host_port(self._own_address or address, lowest_port=0)
        if self._proxy is not None and numeric(host, port) is None:
            raise UsageError(
                f"cannot listen on {host}:{port}: with a proxy, no name is looked up here",
                hint='say which address of this machine to listen on, such as --listen "[::]:9441"',
            )
        sockets = await listening(host, port, self._resolver, exact=exact, warn=self._warn)
        return TcpListener(sockets, self.reactor, accepted, self._warn)

    async def broker(self, visit: Visit) -> Broker:
        from ostraka.transport import mqtt  # aiomqtt takes a tenth of a second to import

        access = self._brokers.get(visit.url) or BrokerAccess(visit.url)
        return await mqtt.connect(visit, access, self._dialler)

    def close(self) -> None:
        if self._open:
            self._open = False
            self.reactor.close()
