"""Direct links: non-blocking sockets behind the reactor."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
from collections.abc import Callable
from contextlib import suppress

from ostraka.addresses import host_port, join_address
from ostraka.errors import PeerLost, Unreachable, UsageError
from ostraka.limits import READ_AHEAD
from ostraka.transport.link import Carrier
from ostraka.transport.network import Accepted, Listener, Network
from ostraka.transport.reactor import SPIN, Reactor, Waiter
from ostraka.wire.frames import Buffer


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
    """Listening socket behind the reactor.

    Args:
        sock: bound and listening; owned by the listener from here on.
        accepted: is given each connection, and the host that it came from.
    """

    def __init__(self, sock: socket.socket, reactor: Reactor, accepted: Accepted) -> None:
        self._sock, self._reactor, self._accepted = sock, reactor, accepted
        self.address = join_address(*sock.getsockname()[:2])
        self._sock.setblocking(False)
        self._accepting = self._open = True
        reactor.register(self._sock, self)

    def accept(self, accepting: bool) -> None:
        if self._open and accepting != self._accepting:
            self._accepting = accepting
            self._reactor.want(self._sock, self, read=accepting, write=False)

    def on_readable(self) -> None:
        for _ in range(64):
            if not self._accepting:
                return
            try:
                sock, peer = self._sock.accept()
            except OSError:
                return
            self._accepted(TcpCarrier(sock, self._reactor), peer[0])

    def on_writable(self) -> None:  # pragma: no cover - never asked for
        pass

    def close(self) -> None:
        if self._open:
            self._open = self._accepting = False
            self._reactor.forget(self._sock, self)
            self._sock.close()


class SystemNetwork(Network):
    """Network of the operating system: TCP sockets behind one reactor.

    Args:
        spin: seconds for which a waiting task may serve the sockets itself; see `Reactor`.
    """

    def __init__(self, spin: float = SPIN) -> None:
        self.reactor = Reactor(spin)
        self._open = True

    async def dial(self, address: str) -> TcpCarrier:
        host, port = host_port(address)
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Unreachable(f"{address}: {error.strerror or error}") from None
        why = "no address"
        for family, kind, _proto, _name, sockaddr in found:
            sock = socket.socket(family, kind)
            sock.setblocking(False)
            try:
                await loop.sock_connect(sock, sockaddr)
                return TcpCarrier(sock, self.reactor)
            except OSError as error:
                sock.close()
                # asyncio's own text repeats the address.
                why = os.strerror(error.errno) if error.errno else str(error)
            except BaseException:
                sock.close()
                raise
        raise Unreachable(f"{address}: {why}")

    async def listen(self, address: str, accepted: Accepted, *, exact: bool = False) -> TcpListener:
        host, port = host_port(address, lowest_port=0)
        return TcpListener(_listen(host, port, exact), self.reactor, accepted)

    def close(self) -> None:
        if self._open:
            self._open = False
            self.reactor.close()


_LISTEN_HINTS = {
    errno.EADDRINUSE: "is another process using that port?",
    errno.EADDRNOTAVAIL: "is that an address of this machine? 0.0.0.0 is all of them",
    errno.EACCES: "ports below 1024 are for the administrator: choose a higher one",
}


def _listen(host: str, port: int, exact: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL and not exact:
            # The manifest's address is how others see us (NAT, container): listen on all of ours.
            return socket.create_server(("", port), family=family, backlog=1024)
        raise UsageError(
            f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}",
            hint=_LISTEN_HINTS.get(error.errno or 0, ""),
        ) from None
