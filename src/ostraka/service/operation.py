"""Operation of a service: signals, logs, health and metrics around what it serves.

SIGTERM: it takes on nothing more, says so at /readyz, lets what it holds end for `drain` seconds,
and stops; a second one stops it at once. SIGHUP: it reads its settings again; settings that are not
valid change nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Generic, Protocol, TypeVar

from ostraka.addresses import host_port
from ostraka.errors import OstrakaError, UsageError
from ostraka.service import logs, status, supervisor
from ostraka.service.http import Answer, Respond, Responder
from ostraka.service.metric import Metric


class Operated(Protocol):
    """Settings that every service has.

    Attributes:
        http: address of /healthz, /readyz, /metrics and /status; None: there are none.
        log, level: form of log lines, and the lowest level that is logged.
        log_sources: whether log lines tell the address that a connection came from.
        drain: seconds that what it holds has to end after SIGTERM.
    """

    @property
    def http(self) -> str | None: ...
    @property
    def log(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def log_sources(self) -> bool: ...
    @property
    def drain(self) -> float: ...


S = TypeVar("S", bound=Operated)


class Service(ABC, Generic[S]):
    """Service under its operator's settings.

    Args:
        settings: those it starts with.
        reload: reads them again on SIGHUP, and raises UsageError where they are not valid; None:
            there is no file.
    """

    def __init__(self, settings: S, reload: Callable[[], S] | None = None) -> None:
        self.settings, self._reload = settings, reload
        self._since = monotonic()
        self._listening = self._draining = False
        self._leaving: asyncio.Task[None] | None = None
        self._serving: asyncio.Task[None] | None = None

    @abstractmethod
    async def serve(self, ready: Callable[[str], None]) -> None:
        """Serve until cancelled; call `ready` with the address once it listens."""

    @abstractmethod
    def rest(self) -> None:
        """Take on nothing more; what the service holds stays."""

    @abstractmethod
    def held(self) -> int:
        """Return how many rooms, requests or sessions have to end before it may stop."""

    @abstractmethod
    async def empty(self) -> None:
        """Return once it holds nothing. Safe to cancel."""

    @abstractmethod
    def obey(self, settings: S) -> None:
        """Take over settings that were read again, as far as they may change."""

    @abstractmethod
    def metrics(self) -> Sequence[Metric]:
        """Return what /metrics shows now."""

    def obstacle(self) -> str:
        """Return why the service can do nothing now, for /readyz; "" where it can."""
        return ""

    def uptime(self) -> float:
        """Return the seconds since the service was made."""
        return monotonic() - self._since

    async def run(self, ready: Callable[[str], None]) -> None:
        """Serve until a signal ends it, or until cancelled.

        Args:
            ready: called with the address once the service listens.

        Raises:
            UsageError: an address cannot be listened on, or metrics need a package.
        """
        self._log()
        http = await self._listen_http()
        loop = asyncio.get_running_loop()
        self._serving = loop.create_task(self._serve(ready), name="service")
        tell = loop.create_task(supervisor.watch(), name="watchdog")
        loop.add_signal_handler(signal.SIGTERM, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        try:
            await self._end_of_service()
        finally:
            tell.cancel()
            if http is not None:
                http.close()

    async def _end_of_service(self) -> None:
        assert self._serving is not None
        try:
            await self._serving
        except asyncio.CancelledError:
            if not self._draining:
                self._serving.cancel()
                await asyncio.gather(self._serving, return_exceptions=True)
                raise

    async def _serve(self, ready: Callable[[str], None]) -> None:
        def listening(address: str) -> None:
            self._listening = True
            supervisor.notify("READY=1")
            ready(address)

        await self.serve(listening)

    # Signals

    def stop(self) -> None:
        """Let what it holds end, then stop; at once if this is said twice or it holds nothing."""
        assert self._serving is not None
        if self._draining:
            self._serving.cancel()
            return
        self._draining = True
        supervisor.notify("STOPPING=1")
        self.rest()
        logs.event(logging.INFO, "draining", count=self.held(), seconds=self.settings.drain)
        self._leaving = asyncio.get_running_loop().create_task(self._drain(), name="drain")

    async def _drain(self) -> None:
        assert self._serving is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.drain):
                await self.empty()
        logs.event(logging.INFO, "stopped", count=self.held())
        self._serving.cancel()

    def reload(self) -> None:
        """Read the settings again, and obey those that may change."""
        if self._reload is None:
            logs.event(logging.WARNING, "nothing to reload: there is no file")
            return
        try:
            settings = self._reload()
        except OstrakaError as error:
            logs.event(logging.ERROR, f"not reloaded, the old settings stay: {error.message}")
            return
        self.settings = settings
        self._log()
        self.obey(settings)
        logs.event(logging.INFO, "reloaded")

    def _log(self) -> None:
        its = self.settings
        logs.set_up(its.log, its.level, sys.stderr, sources=its.log_sources)

    # Health

    async def _listen_http(self) -> asyncio.Server | None:
        if self.settings.http is None:
            return None
        host, port = host_port(self.settings.http, lowest_port=0)
        try:
            server = await Responder(self._pages()).listen(host, port)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise UsageError(f"cannot listen on {self.settings.http} (http): {why}") from None
        bound = server.sockets[0].getsockname()
        logs.event(logging.INFO, "health and metrics", address=f"{bound[0]}:{bound[1]}")
        return server

    def _pages(self) -> dict[str, Respond]:
        return {
            "/healthz": lambda: Answer("200 OK", "ok\n"),
            "/readyz": self._ready,
            "/metrics": self._metrics_page(),
            "/status": status.page(self.metrics, self._not_ready),
        }

    def _metrics_page(self) -> Respond:
        """Return the page of metrics, or what it lacks: health needs no further package."""
        from ostraka.service import exposition

        try:
            return exposition.page(self.metrics)
        except UsageError as error:
            text = f"{error.message}; {error.hint}"
            logs.event(logging.WARNING, text)
            return lambda: Answer("501 Not Implemented", f"{text}\n")

    def _ready(self) -> Answer:
        if why := self._not_ready():
            return Answer("503 Service Unavailable", f"{why}\n")
        return Answer("200 OK", "ready\n")

    def _not_ready(self) -> str:
        if self._draining:
            return "draining"
        return self.obstacle() if self._listening else "starting"
