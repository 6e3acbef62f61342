"""Operation of a mailbox within a coordinator: its store, its server, its figures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import monotonic, time
from typing import Final

from ostraka.errors import Temporary
from ostraka.identity import PREFIX, Identity
from ostraka.mailbox.database import DatabaseFull, DatabaseGone, connector
from ostraka.mailbox.desk import Desk
from ostraka.mailbox.settings import MailboxSettings
from ostraka.mailbox.store import Store
from ostraka.service import logs
from ostraka.service.arrivals import Arrivals
from ostraka.service.metric import Metric
from ostraka.service.packages import require_server

PING_SECONDS: Final = 5.0
"""Seconds between two looks at whether the database answers."""

SWEEP_SECONDS: Final = 600.0
"""Seconds between two looks for reports that are to be deleted."""

DAY: Final = 86400.0


class MailboxOperation:
    """Mailbox under its operator's settings.

    Args:
        clock: seconds since 1970.

    Raises:
        UsageError: a package is missing.
    """

    def __init__(
        self,
        settings: MailboxSettings,
        identity: Identity,
        clock: Callable[[], float] = time,
    ) -> None:
        require_server("a mailbox")
        from ostraka.mailbox.app import Mailbox
        from ostraka.mailbox.serving import HttpServer

        self._settings, self._clock = settings, clock
        self._desk = Desk(
            connector(settings.store, settings.directory), int(settings.gigabytes * 2**30), clock
        )
        self._pace = Arrivals(settings.at_once, settings.a_second)
        self._mailbox = Mailbox(
            self._desk,
            identity,
            pace=self._pace,
            organisers=_digests(settings.organisers),
            most_collections=settings.collections,
            clock=clock,
        )
        certificate, key = (
            None if path is None else settings.directory / path
            for path in (settings.certificate, settings.key)
        )
        self._server = HttpServer(
            self._mailbox.app,
            settings.listen,
            certificate=certificate,
            key=key,
            proxies=settings.proxies,
        )
        self.obstacle = "starting"
        self.ended = asyncio.Event()

    @property
    def address(self) -> str:
        """Address that it listens on."""
        return self._server.address

    @property
    def requests(self) -> int:
        """Requests that are being answered."""
        return self._mailbox.requests

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until `stop` was called and requests have ended, or until cancelled.

        Raises:
            Temporary: the store does not answer at the start.
            UsageError: the store cannot be used, or the address cannot be listened on.
        """
        try:
            await self._desk.open()
        except (DatabaseGone, DatabaseFull) as error:
            hint = "start the database, or correct `store`"
            raise Temporary(f"the mailbox's store does not answer: {error}", hint=hint) from None
        try:
            self._server.listen()
            self.obstacle = ""
            logs.event(logging.INFO, "mailbox", address=self.address)
            async with asyncio.TaskGroup() as tasks:
                tending = tasks.create_task(self._tend(), name="mailbox-tend")
                ready()
                await self._server.run()
                tending.cancel()
        finally:
            await self._desk.close()
            self.ended.set()

    def stop(self) -> None:
        """Take no more requests; those that are there end."""
        self.obstacle = "draining"
        self._server.stop()

    def obey(self, settings: MailboxSettings) -> None:
        """Take over organisers, pace and days; a new address or store needs a restart."""
        self._settings = settings
        self._mailbox.organisers = _digests(settings.organisers)
        self._pace.at_once, self._pace.a_second = settings.at_once, settings.a_second

    def metrics(self) -> list[Metric]:
        """Return what /metrics shows of it now."""
        name = "ostraka_mailbox_{}".format
        counts = dict(self._mailbox.counts)
        return [
            Metric(name("ready"), False, "Whether the store answers.", {"": not self.obstacle}),
            Metric(name("requests"), False, "Requests being answered.", {"": self.requests}),
            Metric(
                name("waiting_bytes"),
                False,
                "Bytes of reports that wait for the disk.",
                {"": self._desk.waiting_bytes},
            ),
            Metric(
                name("events"),
                True,
                "Reports and papers taken, reports fetched, refusals by their code.",
                {code: float(number) for code, number in counts.items()},
                "event",
            ),
        ]

    async def _tend(self) -> None:
        """Look at the database now and then, delete what is due, forget addresses."""
        swept = -SWEEP_SECONDS
        while True:
            self._pace.forget(monotonic())
            try:
                await self._desk.ask(Store.ping)
                self._note("")
                if monotonic() - swept >= SWEEP_SECONDS:
                    swept = monotonic()
                    await self._sweep()
            except (DatabaseGone, DatabaseFull):
                self._note("the database does not answer")
            await asyncio.sleep(PING_SECONDS)

    async def _sweep(self) -> None:
        keep_for = self._settings.keep_days * DAY
        deleted = await self._desk.ask(lambda store: store.sweep(self._clock(), keep_for))
        if deleted:
            logs.event(logging.INFO, "reports deleted", count=deleted)

    def _note(self, obstacle: str) -> None:
        if self.obstacle in ("draining", obstacle):
            return
        self.obstacle = obstacle
        logs.event(logging.WARNING, obstacle or "the database answers again")


def _digests(fingerprints: tuple[str, ...] | None) -> frozenset[bytes] | None:
    if fingerprints is None:
        return None
    return frozenset(bytes.fromhex(text.removeprefix(PREFIX)) for text in fingerprints)
