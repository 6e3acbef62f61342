"""Sources of what a compute party is given in the sharing step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ostraka.delivery.agreed import share_seed
from ostraka.delivery.party import Party
from ostraka.exchange import Expected
from ostraka.names import PartyId, Step
from ostraka.sharing.scheme import Parcel, agreed_parcel


@dataclass(frozen=True, slots=True, eq=False)
class StoredParcel:
    """Parcel that was checked before and lies on this machine's disk, until it is used.

    Attributes:
        read: returns the parcel of `owner`.
        owner: the contributor that it is of.
    """

    read: Callable[[PartyId], Parcel]
    owner: PartyId

    def load(self) -> Parcel:
        """Return the parcel."""
        return self.read(self.owner)


Parcels = dict[PartyId, Parcel | StoredParcel]
"""Parcels by their contributor, some of them on disk."""


def loaded(parcel: Parcel | StoredParcel) -> Parcel:
    """Return a parcel, read from the disk if it is there."""
    return parcel.load() if isinstance(parcel, StoredParcel) else parcel


class Source(ABC):
    """Source of the messages that contributors and other compute parties sent to this one."""

    def stored(self) -> dict[PartyId, StoredParcel]:
        """Return the parcels that came before the session, in the order of their contributors."""
        return {}

    def agreed(self, giver: PartyId, length: int) -> Parcel | None:
        """Return the parcel of `length` elements that this party and `giver` have agreed on; None
        where one comes in a message."""
        return None

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

    def agreed(self, giver: PartyId, length: int) -> Parcel | None:
        party = self.party
        if not party.scheme.agrees(giver, party.me):
            return None
        return agreed_parcel(share_seed(party.exchange, giver, self.step.phase, giver), length)

    async def message_of(self, giver: PartyId, expected: Expected) -> NDArray[Any] | None:
        if self.party.attendance.may_be_missing(giver):
            return await self.party.receive_if_there(giver, self.step, expected)
        return await self.party.receive(giver, self.step, expected)
