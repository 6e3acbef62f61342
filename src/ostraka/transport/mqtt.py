"""MQTT by aiomqtt: connections to a broker, each with a client, a session and a name of its own.

The broker is asked to keep nothing for a client that is gone: the session's links number what they
send, and send again what did not arrive. Messages have QoS 1, since brokers drop those of QoS 0 at
will; an acknowledgement is not taken for delivery.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from contextlib import suppress
from threading import get_ident
from typing import Any, Final

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ostraka.addresses import broker_host_port
from ostraka.errors import InternalError, OstrakaError, PeerLost, Unreachable, UsageError
from ostraka.limits import BROKER_MESSAGE
from ostraka.record.own_brokers import BrokerAccess
from ostraka.transport.broker import Broker, OnMessage, Visit
from ostraka.transport.dialling import Dialler
from ostraka.transport.mqtt_refusals import (
    ASK,
    code_of,
    lost,
    not_connected,
    refused_topic,
    text_of,
)
from ostraka.transport.reactor import Waiter

CONNECT_SECONDS: Final = 10.0
"""Seconds for the broker's answer to a connection and to a subscription, each."""

CLOSE_SECONDS: Final = 1.0
"""Seconds for the last acknowledgements, and for the end of the connection."""

IN_FLIGHT: Final = 20
"""Messages that wait for an acknowledgement at once: Mosquitto's own limit."""

_LOG: Final = logging.getLogger("ostraka.mqtt")
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False

_OLD: Final = aiomqtt.ProtocolVersion.V311
_NEW: Final = aiomqtt.ProtocolVersion.V5


class _Inbox(asyncio.Queue[aiomqtt.Message]):
    """Queue of aiomqtt that hands messages on at once: they are bounded by their senders' windows,
    and each would cost two trips through the event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.on_message: OnMessage = lambda _topic, _payload: None

    def put_nowait(self, item: aiomqtt.Message) -> None:
        if not item.retain:
            self.on_message(item.topic.value, item.payload)


class _Client(aiomqtt.Client):
    """Client of aiomqtt that keeps what the broker said beside yes and no, and takes a socket."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._thread = get_ident()
        self.said: Properties | None = None
        self.refused: ReasonCode | None = None

    def take(self, sock: socket.socket) -> None:
        """Connect over this socket, over which TLS is spoken already if it is to be."""
        if not hasattr(self._client, "_create_socket"):  # it would dial past our proxy
            raise InternalError("this release of paho-mqtt makes its sockets in another way")
        setattr(self._client, "_create_socket", lambda: sock)  # noqa: B010

    def hush(self) -> None:
        """Take note of the end of the connection, which asyncio would log otherwise."""
        for future in (self._connected, self._disconnected):
            if future.done() and not future.cancelled():
                future.exception()

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        # aiomqtt would do this in a later iteration, when the descriptor may be another socket's.
        def register() -> None:
            if sock.fileno() >= 0:
                self._loop.add_writer(sock, self._write)

        if get_ident() == self._thread:
            register()
        else:
            self._loop.call_soon_threadsafe(register)

    def _write(self) -> None:
        try:
            self._client.loop_write()
        except Exception as error:
            if not self._disconnected.done():
                self._disconnected.set_exception(error)

    def _on_connect(
        self,
        client: Any,
        userdata: Any,
        flags: Any,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self.said = properties
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(
        self,
        client: Any,
        userdata: Any,
        flags: Any,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        # aiomqtt would wait for an answer that cannot come any more.
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError("closed before it answered"))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _on_publish(
        self,
        client: Any,
        userdata: Any,
        mid: int,
        reason_code: ReasonCode,
        properties: Properties,
    ) -> None:
        if reason_code.is_failure:
            self.refused = reason_code
        super()._on_publish(client, userdata, mid, reason_code, properties)


class MqttBroker(Broker):
    """Connection to an MQTT broker.

    Args:
        client: connected, and subscribed.
        handle: of the client's socket, to shut it down.
        limit: bytes of one message at most.
    """

    def __init__(self, visit: Visit, client: _Client, handle: socket.socket, limit: int) -> None:
        self.heard, self.limit = 0, limit
        self.failed: OstrakaError | None = None
        self._visit, self._client, self._handle = visit, client, handle
        self._backlog = 0
        self._drained = Waiter()
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch = self._loop.create_task(self._until_lost(), name="broker")

    @property
    def backlog(self) -> int:
        return self._backlog

    def publish(self, topic: str, payload: bytes) -> None:
        if self.failed is None:
            self._backlog += len(payload)
            task = self._loop.create_task(self._publish(topic, payload))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _publish(self, topic: str, payload: bytes) -> None:
        """Publish a message, and wait until it is acknowledged: `tick`s bound the wait."""
        try:
            await self._client.publish(topic, payload, qos=1, timeout=float("inf"))
        except aiomqtt.MqttError as error:
            self.leave(PeerLost(text_of(error)))
        finally:
            self._backlog -= len(payload)
        self.heard += 1
        if self._client.refused is not None:
            self.leave(refused_topic(self._visit.url, topic, self._client.refused))
        if not self._backlog:
            self._drained.set()
        if self.failed is None:
            self._visit.on_room()

    def receive(self, topic: str, payload: bytes) -> None:
        """Take a message that arrived."""
        self.heard += 1
        if self.failed is None:
            self._visit.on_message(topic, payload)

    async def _until_lost(self) -> None:
        """Wait for the end of the connection, and tidy up behind it."""
        try:
            async for _ in self._client.messages:
                pass
        except aiomqtt.MqttError as error:
            self.leave(lost(self._visit.url, error.__cause__ or error))
        finally:
            await _disconnect(self._client, self._handle)

    def leave(self, error: OstrakaError) -> None:
        if self.failed is None:
            self.failed = error
            _shut_down(self._handle)
            for task in self._tasks:
                task.cancel()
            self._drained.set()
            self._visit.on_ended(error)

    async def drain(self) -> None:
        while self._backlog and self.failed is None:
            self._drained.clear()
            await self._drained.wait()

    async def close(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.drain()
        if self.failed is None:
            self.failed = PeerLost("we have left")
            self._watch.cancel()
        await asyncio.gather(self._watch, *self._tasks, return_exceptions=True)


async def connect(visit: Visit, access: BrokerAccess, dialler: Dialler) -> MqttBroker:
    """Connect to a broker by MQTT 5, or 3.1.1 where it does not know that; see `Network.broker`."""
    try:
        return await _connect(visit, access, dialler, _NEW)
    except aiomqtt.MqttCodeError as error:
        if code_of(error.rc) not in (0x01, 0x84):
            raise not_connected(visit.url, access, error) from None
    try:
        return await _connect(visit, access, dialler, _OLD)
    except aiomqtt.MqttCodeError as error:
        raise not_connected(visit.url, access, error) from None


async def _connect(
    visit: Visit, access: BrokerAccess, dialler: Dialler, version: aiomqtt.ProtocolVersion
) -> MqttBroker:
    host, port = broker_host_port(visit.url)
    will = aiomqtt.Will(*visit.will, qos=1)
    inbox = _Inbox()
    client = _Client(
        host,
        port,
        identifier=visit.client,
        username=access.user,
        password=access.password,
        protocol=version,
        clean_session=True if version is _OLD else None,
        clean_start=MQTT_CLEAN_START_FIRST_ONLY if version is _OLD else True,
        properties=None if version is _OLD else _wishes(),
        will=will,
        timeout=CONNECT_SECONDS,
        logger=_LOG,
        queue_type=lambda maxsize: inbox,
        max_inflight_messages=IN_FLIGHT,
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    )
    client.pending_calls_threshold = 1 << 16
    sock = await _dial(visit.url, access, dialler)
    handle = socket.socket(fileno=os.dup(sock.fileno()))
    client.take(sock)
    try:
        await _enter(client, handle, visit.url, access)
    except BaseException:
        await _disconnect(client, handle)
        sock.close()
        raise
    broker = MqttBroker(visit, client, handle, _limit(client.said))
    inbox.on_message = broker.receive
    try:
        await _subscribe(client, visit)
    except BaseException:
        broker.leave(PeerLost("not subscribed"))
        await broker.close()
        raise
    return broker


def _wishes() -> Properties:
    """Return the properties of a connection: the broker keeps nothing of it once it is over."""
    wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    wishes.SessionExpiryInterval = 0
    wishes.MaximumPacketSize = BROKER_MESSAGE
    return wishes


def _limit(said: Properties | None) -> int:
    """Return how many bytes a message may have, by what the broker said when it accepted us."""
    most = getattr(said, "MaximumPacketSize", BROKER_MESSAGE)
    return min(int(most), BROKER_MESSAGE)


def _context(access: BrokerAccess) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=access.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if access.certificate is not None:
            context.load_cert_chain(access.certificate, access.key)
    except (OSError, ValueError) as error:
        files = ", ".join(str(f) for f in (access.ca, access.certificate, access.key) if f)
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"[mqtt]: {files}: {reason}", data_left=False) from None
    return context


async def _dial(url: str, access: BrokerAccess, dialler: Dialler) -> socket.socket:
    """Return a socket to the broker, over which TLS is spoken where the URL says so."""
    sock = await dialler.connect(url.partition("://")[2])
    if not url.startswith("mqtts://"):
        return sock
    handle = socket.socket(fileno=os.dup(sock.fileno()))
    host, _ = broker_host_port(url)
    try:
        context = await asyncio.to_thread(_context, access)
        sock.settimeout(CONNECT_SECONDS)
        sock = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        shaking = asyncio.get_running_loop().run_in_executor(None, sock.do_handshake)
        await _to_its_end(shaking, handle)
    except (OSError, ValueError) as error:
        sock.close()
        raise not_connected(url, access, error) from None
    except BaseException:
        sock.close()
        raise
    finally:
        handle.close()
    return sock


async def _to_its_end(work: asyncio.Future[Any], handle: socket.socket) -> None:
    """Wait for work on a socket in a thread; if cancelled, end the socket and so the work first."""
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        _shut_down(handle)
        await asyncio.gather(work, return_exceptions=True)
        raise


async def _enter(client: _Client, handle: socket.socket, url: str, access: BrokerAccess) -> None:
    """Connect as a client of the broker; a cancelled attempt leaves no thread behind."""
    entering = asyncio.get_running_loop().create_task(client.__aenter__(), name="enter broker")
    try:
        await _to_its_end(entering, handle)
    except aiomqtt.MqttCodeError:
        raise
    except (aiomqtt.MqttError, OSError, ValueError) as error:
        raise not_connected(url, access, error) from None


async def _disconnect(client: _Client, handle: socket.socket) -> None:
    """End the connection, in a bounded time."""
    client.timeout = CLOSE_SECONDS
    with suppress(aiomqtt.MqttError, OSError, ValueError):
        await client.__aexit__(None, None, None)
    client.hush()
    _shut_down(handle)
    handle.close()


def _shut_down(handle: socket.socket) -> None:
    with suppress(OSError):
        handle.shutdown(socket.SHUT_RDWR)


async def _subscribe(client: _Client, visit: Visit) -> None:
    try:
        answers = await client.subscribe([(topic, 1) for topic in visit.topics])
    except aiomqtt.MqttError as error:
        raise Unreachable(
            f"{visit.url}: the connection was lost at once ({text_of(error)})",
            hint=ASK,
            data_left=False,
        ) from None
    for topic, answer in zip(visit.topics, answers, strict=False):
        if code_of(answer) >= 0x80:
            raise refused_topic(visit.url, topic, answer, what="reading")
