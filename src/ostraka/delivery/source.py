"""Sources of what a compute party is given in the sharing step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ostraka.delivery.party import Party
from ostraka.exchange import Expected
from ostraka.names import PartyId, Step


class Source(ABC):
    """Source of the messages that contributors and other compute parties sent to this one."""

    @abstractmethod
    async def message_of(self, giver: PartyId, expected: Expected) -> NDArray[Any] | None:
        """Return the message of `giver`, or None where it is missing and may be.

        Raises:
            PeerLost: it is missing and must be counted.
            PeerViolation: it is not what is expected.
        """


@dataclass
class LiveLinks(Source):
    """Links to parties that are there now, each of which sends its message at `step`."""

    party: Party
    step: Step

    async def message_of(self, giver: PartyId, expected: Expected) -> NDArray[Any] | None:
        if self.party.attendance.may_be_missing(giver):
            return await self.party.receive_if_there(giver, self.step, expected)
        return await self.party.receive(giver, self.step, expected)
