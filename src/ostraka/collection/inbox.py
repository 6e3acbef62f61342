"""Mailbox of one collection as its compute parties see it; it is trusted with nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol


class StoredReport(Protocol):
    """Report as one compute party gets it.

    Attributes:
        position: from 1, in the order in which reports came.
        minute: minutes since 1970 when it came, by the mailbox's clock.
        view: what `report.read_view` reads.
    """

    @property
    def position(self) -> int: ...
    @property
    def minute(self) -> int: ...
    @property
    def view(self) -> bytes: ...


class BoxStatus(Protocol):
    """Status of a collection; nothing of it is checked yet.

    Attributes:
        closes: seconds since 1970.
        state: "waiting" for sealing statements, "open", "closing" or "done".
        statements: sealing statements by compute party.
    """

    @property
    def closes(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def statements(self) -> dict[str, bytes]: ...


class CollectionInbox(Protocol):
    """Mailbox of one collection. Methods raise OstrakaError where it cannot be reached."""

    async def status(self) -> BoxStatus:
        """Return the status of the collection."""

    async def publication(self) -> bytes:
        """Return the organiser's statement with the roster in it."""

    async def revocations(self) -> bytes | None:
        """Return the organiser's statement of revocations; None if there is none."""

    async def close_order(self) -> bytes | None:
        """Return the organiser's order to close early; None if there is none."""

    def fetch(self, party: str, after: int = 0) -> AsyncIterator[Sequence[StoredReport]]:
        """Yield a party's views of the reports at positions above `after`, in order, in blocks."""

    async def put_statement(self, party: str, octets: bytes) -> None:
        """Leave a compute party's sealing statement; the first one stays."""

    async def put_agreed(self, party: str, octets: bytes) -> None:
        """Leave a compute party's signed list of the reports that were agreed on."""

    async def put_receipt(self, party: str, octets: bytes) -> None:
        """Leave a compute party's signed receipt."""

    def close(self) -> None:
        """Close the connection. Idempotent."""
