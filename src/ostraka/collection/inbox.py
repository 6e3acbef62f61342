"""Inbox: what a compute party asks of the mailbox that holds a collection's reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ostraka.names import PartyId


class StoredView(NamedTuple):
    """Report as one compute party gets it from the mailbox.

    Attributes:
        position: from 1, in the order in which reports came.
        minute: minutes since 1970 when it came, by the mailbox's clock.
        octets: the view, which `report.read_view` reads.
    """

    position: int
    minute: int
    octets: bytes


@dataclass(frozen=True)
class Papers:
    """Papers of a collection at the mailbox, besides reports; each is checked by its reader.

    Attributes:
        publication: the organiser's signed roster; empty where there is none yet.
        statements: sealing statements, by compute party.
        revocations, close: the organiser's orders; empty where there is none.
        closed: whether the mailbox takes no more reports.
    """

    publication: bytes = b""
    statements: Mapping[PartyId, bytes] = field(default_factory=dict)
    revocations: bytes = b""
    close: bytes = b""
    closed: bool = False


class Inbox(Protocol):
    """Mailbox of one collection, as a compute party sees it. Methods block; nothing is trusted."""

    def papers(self) -> Papers:
        """Return the papers that are there now.

        Raises:
            OstrakaError: the mailbox cannot be reached, or has no such collection.
        """

    def views(self, party: PartyId, after: int) -> Sequence[StoredView]:
        """Return some of a party's views at positions above `after`, in order; none at the end.

        Raises:
            OstrakaError: as `papers`.
        """
