"""Operation of a coordinator under its operator's settings.

Rooms are in memory only: after a restart parties join again by themselves. Sealed letters of
invitations are in a file beside the coordinator's key; all else that it has may be lost.
"""

from __future__ import annotations

from collections.abc import Callable

from ostraka.coordinator import figures
from ostraka.coordinator.server import Coordinator
from ostraka.coordinator.settings import Settings
from ostraka.identity import Identity
from ostraka.names import RELEASE
from ostraka.service.metric import Metric
from ostraka.service.operation import Service


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
        self.coordinator = Coordinator(identity, allow=settings.allow, quotas=settings.limits)

    async def serve(self, ready: Callable[[str], None]) -> None:
        await self.coordinator.serve(self.settings.listen, ready)

    def rest(self) -> None:
        self.coordinator.rest()

    def held(self) -> int:
        return self.coordinator.statistics().rooms

    async def empty(self) -> None:
        await self.coordinator.empty()

    def obey(self, settings: Settings) -> None:
        """Take over `allow` and `limits`; logs are those of every service."""
        self.coordinator.allow(settings.allow)
        self.coordinator.bound(settings.limits)

    def metrics(self) -> list[Metric]:
        now, since = self.coordinator.statistics(), self.coordinator.counts
        return figures.metrics(now, since, RELEASE, self.uptime())
