"""The coordinator: TLS sockets around `rooms`.

Every connection has one task, which waits; frames are handled where they arrive, without it. One
buffer is kept of a frame: it is decrypted into and encrypted from.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import sqlite3
import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from time import monotonic, time
from typing import Final

from ostraka import limits
from ostraka.coordinator import letters
from ostraka.coordinator.admission import Quotas
from ostraka.coordinator.connection import Connection, Memory
from ostraka.coordinator.figures import Counts, Statistics
from ostraka.coordinator.rooms import Action, Close, Deliver, Ended, Rooms
from ostraka.errors import InternalError, OstrakaError, PeerLost, PeerViolation
from ostraka.identity import PREFIX, Identity, fingerprint
from ostraka.service import logs
from ostraka.service.arrivals import Arrivals
from ostraka.transport.contexts import Contexts
from ostraka.transport.door import Door
from ostraka.transport.link import Carrier
from ostraka.transport.network import Network
from ostraka.transport.tcp import SystemNetwork
from ostraka.wire import frames
from ostraka.wire.messages import Fetch, Join, Message, Post, Refused, decode, encode

TICKS: Final = 8
"""Ticks of the clock in the shortest time that the clock measures."""

SPARE_FILES: Final = 32
"""File descriptors kept for other uses than connections."""

STRANGERS_SHARE: Final = 4
"""Part of the connections, one in so many, that need not have proven a key."""

LEAVING_SHARE: Final = 8
"""Part of the connections, one in so many, that may be taking their leave."""


async def serve(
    listen: str,
    identity: Identity,
    *,
    ready: Callable[[str], None] | None = None,
    allow: Collection[str] | None = None,
    network: Network | None = None,
) -> None:
    """Run a coordinator until cancelled.

    Args:
        listen: "host:port"; port 0 lets the system choose.
        ready: called with the address once the coordinator listens.
        allow: fingerprints ("sha256:...") that may join; None admits any key.
        network: makes the connections; closed at the end. By default the system's.

    Raises:
        UsageError: the address cannot be listened on.
    """
    await Coordinator(identity, allow=allow).serve(listen, ready, network)


class Coordinator:
    """A relay: joins the parties of a session, forwards what it cannot read, and keeps
    nothing but sealed letters of invitations.

    Args:
        identity: the coordinator's own; parties pin it.
        allow: fingerprints ("sha256:...") that may join; None admits any key.
        quotas: bounds; those of `limits` by default.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        allow: Collection[str] | None = None,
        quotas: Quotas | None = None,
    ) -> None:
        self.counts = Counts()
        self._identity = identity
        self._contexts = Contexts(identity)
        self._rooms: Rooms[Connection] = Rooms()
        self.allow(allow)
        self._emptied = asyncio.Event()
        self._connections: set[Connection] = set()
        self._leaving: dict[Connection, None] = {}
        self._unflushed: list[Connection] = []
        self._memory = Memory()
        self._files = _raise_file_limit() - SPARE_FILES
        self._pace = Arrivals(0, 0)
        self.bound(quotas or Quotas())
        self._door = Door(max(1, min(limits.PREAUTH_CONNECTIONS, self._most // STRANGERS_SHARE)))

    def bound(self, quotas: Quotas) -> None:
        """Keep to these quotas from now on; connections and rooms that are there stay."""
        self._most = min(quotas.connections, self._files)
        proven = self._most - self._most // STRANGERS_SHARE - self._most // LEAVING_SHARE
        self._rooms.admission.quotas = replace(quotas, connections=max(1, proven))
        self._memory.bound = quotas.memory
        self._pace.at_once, self._pace.a_second = quotas.at_once, quotas.a_second

    def allow(self, fingerprints: Collection[str] | None) -> None:
        """Admit, from now on, these parties ("sha256:...") alone, or any party if None. Members of
        rooms stay."""
        digests = None if fingerprints is None else frozenset(_digests(fingerprints))
        self._rooms.admission.allow = digests

    def rest(self) -> None:
        """Accept no more connections; those that are there stay."""
        self._listener.accept(False)

    async def empty(self) -> None:
        """Return once no room has a member. Safe to cancel."""
        while len(self._rooms):
            self._emptied.clear()
            await self._emptied.wait()

    def statistics(self) -> Statistics:
        """Return the figures as of now."""
        return Statistics(
            len(self._connections),
            self._rooms.members,
            len(self._rooms),
            self._rooms.relayed_bytes,
            self._memory.queued,
            self._memory.most,
            len(self._door),
            self._door.evicted,
        )

    async def serve(
        self,
        listen: str,
        ready: Callable[[str], None] | None = None,
        network: Network | None = None,
    ) -> None:
        """Listen and relay until cancelled, over the system's network by default."""
        network = network or SystemNetwork(spin=0, warn=_warn)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self._listener = await network.listen(listen, self._accepted, exact=True)
                try:
                    if ready is not None:
                        ready(self._listener.address)
                    await self._clock()
                finally:
                    self._listener.close()
        finally:
            network.close()

    # Connections

    def _accepted(self, carrier: Carrier, source: str) -> None:
        """Take up an accepted connection, and start its task."""
        self.counts.accepted += 1
        if not self._pace.allows(source, monotonic()):
            self.counts.ended["rate"] += 1
            carrier.close()
            return
        connection = Connection(carrier, self._contexts, self._memory, source)
        self._connections.add(connection)
        self._tasks.create_task(self._attend(connection, carrier), name="connection")

    async def _attend(self, connection: Connection, carrier: Carrier) -> None:
        """Serve one connection until its end; no cause of that end stops the coordinator."""
        code, since = "stranger", monotonic()
        try:
            await self._door.open(
                connection.link, carrier, connection.source, limits.HANDSHAKE_SECONDS
            )
            self.counts.handshakes += 1
            code = "closed"
            await self._welcome(connection)
            while not connection.closing:
                await connection.resumed()
                await connection.link.read(self._frames(connection))
            await self._take_leave(connection)
        except OstrakaError as error:
            code = "stranger" if code == "stranger" else error.code
        except Exception:
            code = InternalError.code
            logs.LOGGER.exception("a connection ended by a bug")
        finally:
            self._forget(connection)
            code = connection.code or code
            self.counts.ended[code] += 1
            logs.event(
                logging.DEBUG,
                "connection ended",
                code=code,
                seconds=round(monotonic() - since, 3),
                source=connection.source,
            )

    async def _welcome(self, connection: Connection) -> None:
        """Join a connection that has proven its key to the room it asks for."""
        link, source = connection.link, connection.source
        key = fingerprint(link.peer_certificate)
        loser = self._rooms.admission.arrives(connection, key, source)
        if loser is not None:
            self._evict(loser, "crowded")
        try:
            async with asyncio.timeout(limits.FIRST_FRAME_SECONDS):
                message = decode(await link.read(frames.read_control()))
        except TimeoutError:
            raise PeerLost("no first frame") from None
        if isinstance(message, Post | Fetch):
            await self._serve_letters(connection, key, message)
            return
        if isinstance(message, Join):  # bytes that came before count for no sign of life
            for same in self._rooms.of_key(message.room, key):
                same.heard()
        actions = self._rooms.join(
            connection, key, message, monotonic(), source=source, busy=self._memory.full
        )
        self._act(connection, actions)
        self.counts.joined += connection in self._rooms

    async def _serve_letters(self, connection: Connection, key: bytes, first: Post | Fetch) -> None:
        """Answer a party that writes or reads letters until it leaves, or falls silent."""
        message: Message = first
        while isinstance(message, Post | Fetch):
            answer = (
                self._letters.handle(message, key, time())
                if self._admits(key, message)
                else Refused("not-allowed")
            )
            connection.link.write(frames.control(encode(answer)))
            try:
                async with asyncio.timeout(limits.FIRST_FRAME_SECONDS):
                    message = decode(await connection.link.read(frames.read_control()))
            except TimeoutError:
                raise PeerLost("no further letter") from None
        raise PeerViolation("a message that is no letter")

    def _admits(self, key: bytes, message: Post | Fetch) -> bool:
        """Whether a key may do this with letters: parties that are not allowed open no box."""
        allow = self._rooms.admission.allow
        opens = isinstance(message, Post) and message.cell == letters.OPEN
        return not opens or allow is None or key in allow

    @cached_property
    def _letters(self) -> letters.Letters:
        """The letters, in the directory of the coordinator's key if it can be written there."""
        path = self._identity.key_path.with_suffix(".mailbox")
        try:
            return letters.Letters(path)
        except (OSError, sqlite3.Error) as error:
            logs.LOGGER.warning("letters are kept in memory only: %s: %s", path, error)
            return letters.Letters(None)

    async def _take_leave(self, connection: Connection) -> None:
        """Close a connection when all it was sent has left; the oldest of many has to hurry."""
        self._leaving[connection] = None
        if len(self._leaving) > max(1, self._most // LEAVING_SHARE):
            self._evict(next(iter(self._leaving)), "crowded")
        connection.flush()
        await connection.link.close()

    def _evict(self, connection: Connection, code: str) -> None:
        """End a connection at once; its task does the rest."""
        connection.code = connection.code or code
        self._leaving.pop(connection, None)
        connection.link.abandon(PeerLost(code))

    def _frames(self, connection: Connection) -> frames.Parser[None]:
        """Parse and handle a member's frames until the connection is to be left unread."""
        while not connection.paused and not connection.closing:
            kind, length = yield from frames.read_header()
            if kind is frames.Kind.RELAY:
                frame = yield from frames.read_relay(length)
                self._act(connection, self._rooms.relayed(connection, frame))
            elif kind is frames.Kind.CONTROL:
                body = yield from frames.read_body(length)
                self._act(connection, self._rooms.said(connection, body))
            else:
                raise PeerViolation(f"a {kind.name} frame from a member")

    def _forget(self, connection: Connection) -> None:
        """Remove a connection that has ended from its room and from all queues."""
        connection.link.abandon(PeerLost("over"))
        self._connections.discard(connection)
        self._leaving.pop(connection, None)
        self._act(connection, self._rooms.left(connection, monotonic()))
        connection.forget()

    # Actions

    def _act(self, cause: Connection, actions: list[Action[Connection]]) -> None:
        """Carry out actions, and leave `cause` unread if it crowded another connection."""
        for action in actions:
            if isinstance(action, Deliver):
                self._deliver(action.to, action.frame)
                if action.to.crowded:
                    cause.wait_for(action.to)
            elif isinstance(action, Ended):
                self._note_end(action)
            elif action.connection is cause:
                cause.closing, cause.code = True, action.code
            else:
                self._evict(action.connection, action.code)

    def _note_end(self, ended: Ended) -> None:
        """Count and log the end of a room."""
        self.counts.rooms += 1
        self._emptied.set()
        logs.event(
            logging.INFO,
            "room ended",
            room=ended.room,
            members=ended.members,
            relayed_bytes=ended.relayed,
            seconds=round(ended.seconds, 3),
        )

    def _deliver(self, to: Connection, frame: bytes | bytearray) -> None:
        """Queue a frame for a connection, and flush small frames at the end of this turn."""
        if to.send(frame):
            if not self._unflushed:
                asyncio.get_running_loop().call_soon(self._flush)
            self._unflushed.append(to)

    def _flush(self) -> None:
        """Flush the connections that gathered small frames in this turn."""
        unflushed, self._unflushed = self._unflushed, []
        for connection in unflushed:
            connection.flush()

    # Time

    async def _clock(self) -> None:
        """Tick for as long as the coordinator runs."""
        while True:
            shortest = min(
                limits.PING_SECONDS,
                limits.PONG_SECONDS,
                limits.PROBE_SECONDS,
                limits.STALL_SECONDS,
            )
            await asyncio.sleep(shortest / TICKS)
            self._tick(monotonic())

    def _tick(self, now: float) -> None:
        """Note what was heard, give up stalled connections, ping silent members."""
        self._pace.forget(now)
        for connection in list(self._connections):
            if connection.heard():
                self._rooms.heard(connection, now)
            if connection.stalled(now):
                self._evict(connection, "stalled")
        for action in self._rooms.tick(now):
            if isinstance(action, Deliver):
                self._deliver(action.to, action.frame)
            elif isinstance(action, Close):
                self._evict(action.connection, action.code)


def _warn(text: str) -> None:
    logs.LOGGER.warning("%s", text)


def _digests(allow: Collection[str]) -> list[bytes]:
    """Return fingerprints as bytes."""
    return [bytes.fromhex(text.removeprefix(PREFIX)) for text in allow]


def _raise_file_limit() -> int:
    """Raise the limit of file descriptors as far as allowed, and return it: one a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft
