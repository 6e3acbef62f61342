"""Mailbox of one collection as its contributors see it; it is trusted with nothing."""

from __future__ import annotations

from typing import Protocol

from ostraka.collection.promise import Promise


class CollectionStatus(Protocol):
    """Status of a collection, as its mailbox tells it; nothing of it is checked yet.

    Attributes:
        manifest: its TOML.
        closes: seconds since 1970.
        state: "waiting" for sealing statements, "open", "closing" or "done".
        reports: how many there are.
        statements: sealing statements by compute party.
    """

    @property
    def manifest(self) -> bytes: ...
    @property
    def closes(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def reports(self) -> int: ...
    @property
    def statements(self) -> dict[str, bytes]: ...


class ReportBox(Protocol):
    """Mailbox of one collection, to which a contributor reports.

    Methods raise `Unreachable` where no answer came, and `InvitationExpired`, `RefusedByPolicy`
    or `Temporary` where the mailbox refuses.
    """

    async def status(self) -> CollectionStatus:
        """Return the status of the collection."""

    async def publication(self) -> bytes:
        """Return the organiser's statement with the roster."""

    async def revocations(self) -> bytes | None:
        """Return the organiser's statement of credentials taken back; None if there is none."""

    async def put_report(self, digest: bytes, octets: bytes) -> Promise:
        """Leave a report. May be done again, and has the same answer."""
