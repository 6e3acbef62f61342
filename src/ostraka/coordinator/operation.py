"""Operation of a coordinator under its operator's settings: the relay, and perhaps a mailbox.

Rooms are in memory only: after a restart parties join again by themselves. Sealed letters of
invitations are in a file beside the coordinator's key, reports of collections in the mailbox's
store; all else that it has may be lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from ostraka.coordinator import figures
from ostraka.coordinator.server import Coordinator
from ostraka.coordinator.settings import Settings
from ostraka.identity import Identity
from ostraka.names import RELEASE
from ostraka.service.metric import Metric
from ostraka.service.operation import Service

if TYPE_CHECKING:
    from ostraka.mailbox.operation import MailboxOperation


class Operation(Service[Settings]):
    """Running coordinator under its operator's settings.

    Args:
        settings: those it starts with.
        reload: reads them again on SIGHUP; None: there is no file.
    """

    def __init__(
        self, settings: Settings, identity: Identity, reload: Callable[[], Settings] | None = None
    ) -> None:
        super().__init__(settings, reload)
        self._identity = identity
        self._mailbox: MailboxOperation | None = None
        self.coordinator = Coordinator(identity, allow=settings.allow, quotas=settings.limits)

    async def serve(self, ready: Callable[[str], None]) -> None:
        its = self.settings.mailbox
        if its is None:
            await self.coordinator.serve(self.settings.listen, ready)
            return
        from ostraka.mailbox.operation import MailboxOperation

        self._mailbox = mailbox = MailboxOperation(its, self._identity)
        async with asyncio.TaskGroup() as tasks:
            if its.only:
                tasks.create_task(mailbox.run(lambda: ready(mailbox.address)), name="mailbox")
                return
            listening = asyncio.get_running_loop().create_future()
            relay = self.coordinator.serve(self.settings.listen, listening.set_result)
            tasks.create_task(relay, name="relay")
            address = await listening
            tasks.create_task(mailbox.run(lambda: ready(address)), name="mailbox")

    def rest(self) -> None:
        if self._relays:
            self.coordinator.rest()
        if self._mailbox is not None:
            self._mailbox.stop()

    @property
    def _relays(self) -> bool:
        its = self.settings.mailbox
        return its is None or not its.only

    def held(self) -> int:
        requests = self._mailbox.requests if self._mailbox else 0
        return self.coordinator.statistics().rooms + requests

    async def empty(self) -> None:
        await self.coordinator.empty()
        if self._mailbox is not None:
            await self._mailbox.ended.wait()

    def obstacle(self) -> str:
        return self._mailbox.obstacle if self._mailbox else ""

    def obey(self, settings: Settings) -> None:
        """Take over `allow`, `limits` and what of the mailbox may change."""
        self.coordinator.allow(settings.allow)
        self.coordinator.bound(settings.limits)
        if self._mailbox is not None and settings.mailbox is not None:
            self._mailbox.obey(settings.mailbox)

    def metrics(self) -> list[Metric]:
        now, since = self.coordinator.statistics(), self.coordinator.counts
        found = figures.metrics(now, since, RELEASE, self.uptime())
        return found + (self._mailbox.metrics() if self._mailbox else [])
