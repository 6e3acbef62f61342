"""Server of a mailbox: uvicorn on a socket of its own, within the event loop of a service."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ostraka.addresses import host_port, join_address
from ostraka.errors import UsageError

HEAD_SECONDS: Final = 10.0
"""Seconds in which the head of a request has to arrive."""

CONNECTIONS: Final = 2000
"""Connections and requests at once; a further one is told to try again."""

BACKLOG: Final = 1024


class _Patient(HttpToolsProtocol):
    """Connection that is closed where the head of its request does not arrive in time."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def on_message_begin(self) -> None:
        self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._stop()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._stop()
        self._late = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


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
            http=_Patient,
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
