"""Server of a mailbox: uvicorn on a socket of its own, within the event loop of a service."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, ClassVar, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ostraka.addresses import host_block, host_port, join_address
from ostraka.errors import UsageError

HEAD_SECONDS: Final = 10.0
"""Seconds in which the head of a request has to arrive."""

CONNECTIONS: Final = 2000
"""Connections and requests at once; a further one is told to try again."""

OF_ONE_HOST: Final = CONNECTIONS // 4
"""Connections of one host that is no proxy: it shuts no other out."""

EXCHANGE_SECONDS: Final = 600.0
"""Seconds in which a request and its answer have to pass: 8 MiB at 120 kbit/s."""

BACKLOG: Final = 1024


class _Patient(HttpToolsProtocol):
    """Connection that is closed where the head of its request does not arrive in time, or its
    answer is not taken, or its host has too many.

    Attributes:
        held: connections of each host; `proxies`: hosts and networks that may have any number.
    """

    held: ClassVar[Counter[str]]
    proxies: ClassVar[Sequence[str]]
    _late: asyncio.TimerHandle | None = None
    _host = ""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait(HEAD_SECONDS)
        if self.client and not _is_listed(self.client[0], self.proxies):
            self._host = host_block(self.client[0])
            self.held[self._host] += 1
            if self.held[self._host] > OF_ONE_HOST:
                transport.abort()

    def on_message_begin(self) -> None:
        self._wait(HEAD_SECONDS)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._wait(EXCHANGE_SECONDS)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        self._stop()
        if self.pipeline:
            self._wait(EXCHANGE_SECONDS)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        if self._host:
            self.held[self._host] -= 1
            if not self.held[self._host]:
                del self.held[self._host]
        super().connection_lost(exc)

    def _wait(self, seconds: float) -> None:
        self._stop()
        self._late = self.loop.call_later(seconds, self.transport.abort)

    def _stop(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def _is_listed(host: str, listed: Sequence[str]) -> bool:
    """Return whether an address is one of a list of addresses, networks, or "*"."""
    if not listed or host in listed or "*" in listed:
        return bool(listed)
    networks = (ip_network(each, strict=False) for each in listed if "/" in each)
    address = ip_address(host.partition("%")[0])
    return any(address in network for network in networks)


class _Server(uvicorn.Server):
    """Server whose signals are those of the service around it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Listening server of an ASGI application.

    Args:
        listen: "host:port"; port 0 lets the system choose.
        certificate, key: PEM files of HTTPS; None: plain HTTP, on loopback or behind a proxy.
        proxies: addresses of proxies whose `X-Forwarded-For` is believed.

    Raises:
        UsageError: the certificate cannot be read.
    """

    def __init__(
        self,
        app: Any,
        listen: str,
        *,
        certificate: Path | None = None,
        key: Path | None = None,
        proxies: Sequence[str] = (),
    ) -> None:
        config = uvicorn.Config(
            app,
            http=type("Patient", (_Patient,), {"held": Counter(), "proxies": proxies}),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=5,
        )
        config.load()
        if certificate is not None:
            config.ssl = tls_context(certificate, key or certificate)
        self._server = _Server(config)
        self._listen, self.address = listen, ""

    def listen(self) -> None:
        """Listen; from now on `address` is known. The caller has to `run` it.

        Raises:
            UsageError: the address cannot be listened on.
        """
        self._socket = _listening(self._listen)
        host, port = self._socket.getsockname()[:2]
        self.address = join_address(host, port)

    async def run(self) -> None:
        """Serve until `stop` was called and requests have ended, or until cancelled."""
        try:
            await self._server.serve([self._socket])
        finally:
            self._close()

    def _close(self) -> None:
        """Close what uvicorn leaves open where it is cancelled."""
        for server in getattr(self._server, "servers", []):
            server.close()
        for connection in list(self._server.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        self._socket.close()

    def stop(self) -> None:
        """Take no more requests; those that are there end."""
        self._server.should_exit = True


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the TLS of a server with these PEM files.

    Raises:
        UsageError: they cannot be read, or are not a pair.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"cannot use {certificate} with {key}: {error.strerror}") from None
    return context


def _listening(address: str) -> socket.socket:
    host, port = host_port(address, lowest_port=0)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        found = socket.create_server((host, port), family=family, backlog=BACKLOG)
        found.setblocking(False)
        return found
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(f"cannot listen on {address} (http): {why}") from None
