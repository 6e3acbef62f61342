"""Operation of a coordinator: signals, logs, health and metrics around a `Coordinator`.

SIGTERM: it accepts no more connections, says so at /readyz, lets rooms end for `drain` seconds, and
stops; a second one stops it at once. SIGHUP: it reads its file again; a file that is
not valid changes nothing. Rooms are in memory only: after a restart parties join again by
themselves. Sealed letters of invitations are in a file beside the coordinator's key; all else that
it has may be lost.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Final

from ostraka.addresses import host_port
from ostraka.coordinator import figures, logs
from ostraka.coordinator.http import Answer, Respond, Responder
from ostraka.coordinator.server import Coordinator
from ostraka.coordinator.settings import Settings
from ostraka.errors import OstrakaError, UsageError
from ostraka.identity import Identity
from ostraka.names import RELEASE

WATCHDOG_SHARE: Final = 0.5
"""Part of the supervisor's patience after which it is told that the coordinator is alive."""

Reload = Callable[[], Settings]
"""Function that reads the settings again.

Raises:
    UsageError: they are not valid.
"""


class Operation:
    """Running coordinator under its operator's settings.

    Args:
        settings: those it starts with.
        reload: reads them again on SIGHUP; None: there is no file.
    """

    def __init__(
        self, settings: Settings, identity: Identity, reload: Reload | None = None
    ) -> None:
        self._settings, self._reload = settings, reload
        self.coordinator = Coordinator(identity, allow=settings.allow, quotas=settings.limits)
        self._started = monotonic()
        self._listening = self._draining = False
        self._leaving: asyncio.Task[None] | None = None
        self._serving: asyncio.Task[None] | None = None

    async def run(self, ready: Callable[[str], None]) -> None:
        """Serve until a signal ends it, or until cancelled.

        Args:
            ready: called with the address once the coordinator listens.

        Raises:
            UsageError: an address cannot be listened on, or metrics need a package.
        """
        self._log()
        http = await self._listen_http()
        loop = asyncio.get_running_loop()
        self._serving = loop.create_task(self._serve(ready), name="coordinator")
        tell = loop.create_task(self._tell_supervisor(), name="watchdog")
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
            notify("READY=1")
            ready(address)

        await self.coordinator.serve(self._settings.listen, listening)

    # Signals

    def stop(self) -> None:
        """Let rooms end, then stop; at once if this is said twice or no room is there."""
        assert self._serving is not None
        if self._draining:
            self._serving.cancel()
            return
        self._draining = True
        notify("STOPPING=1")
        self.coordinator.rest()
        rooms = self.coordinator.statistics().rooms
        logs.event(logging.INFO, "draining", count=rooms, seconds=self._settings.drain)
        self._leaving = asyncio.get_running_loop().create_task(self._drain(), name="drain")

    async def _drain(self) -> None:
        assert self._serving is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain):
                await self.coordinator.empty()
        logs.event(logging.INFO, "stopped", count=self.coordinator.statistics().rooms)
        self._serving.cancel()

    def reload(self) -> None:
        """Read the settings again, and obey those that may change: allow, limits and logs."""
        if self._reload is None:
            logs.event(logging.WARNING, "nothing to reload: there is no file")
            return
        try:
            settings = self._reload()
        except OstrakaError as error:
            logs.event(logging.ERROR, f"not reloaded, the old settings stay: {error.message}")
            return
        self._settings = settings
        self._log()
        self.coordinator.allow(settings.allow)
        self.coordinator.bound(settings.limits)
        logs.event(logging.INFO, "reloaded")

    def _log(self) -> None:
        its = self._settings
        logs.set_up(its.log, its.level, sys.stderr, sources=its.log_sources)

    # Health

    async def _listen_http(self) -> asyncio.Server | None:
        if self._settings.http is None:
            return None
        host, port = host_port(self._settings.http, lowest_port=0)
        try:
            server = await Responder(self._pages()).listen(host, port)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise UsageError(f"cannot listen on {self._settings.http} (http): {why}") from None
        bound = server.sockets[0].getsockname()
        logs.event(logging.INFO, "health and metrics", address=f"{bound[0]}:{bound[1]}")
        return server

    def _pages(self) -> dict[str, Respond]:
        return {
            "/healthz": lambda: Answer("200 OK", "ok\n"),
            "/readyz": self._ready,
            "/metrics": self._metrics_page(),
        }

    def _metrics_page(self) -> Respond:
        """Return the page of metrics, or what it lacks: health needs no further package."""
        from ostraka.coordinator import exposition

        try:
            return exposition.page(self.metrics)
        except UsageError as error:
            text = f"{error.message}; {error.hint}"
            logs.event(logging.WARNING, text)
            return lambda: Answer("501 Not Implemented", f"{text}\n")

    def _ready(self) -> Answer:
        if self._listening and not self._draining:
            return Answer("200 OK", "ready\n")
        why = "draining" if self._draining else "starting"
        return Answer("503 Service Unavailable", f"{why}\n")

    def metrics(self) -> list[figures.Metric]:
        """Return what /metrics shows now."""
        now, since = self.coordinator.statistics(), self.coordinator.counts
        return figures.metrics(now, since, RELEASE, monotonic() - self._started)

    async def _tell_supervisor(self) -> None:
        """Tell systemd, if it asked for that, that the event loop is alive."""
        patience = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
        while patience:
            await asyncio.sleep(patience * WATCHDOG_SHARE)
            notify("WATCHDOG=1")


def notify(state: str) -> None:
    """Send a state to the supervisor at NOTIFY_SOCKET, if there is one (systemd's sd_notify)."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if not place:
        return
    address = "\0" + place[1:] if place.startswith("@") else place
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(state.encode(), address)
