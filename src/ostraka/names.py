"""Types for names and numbers that all rooms use: parties, sessions, steps, roles."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple, NewType

RELEASE: Final = "0.1.0"
"""Release of this package, as `pyproject.toml` has it."""

PartyId = NewType("PartyId", str)
"""A party's name, as the manifest spells it."""

SessionId = NewType("SessionId", bytes)
"""32 bytes: the hash of the manifest's digest and one nonce from every party."""


_PLACE: Final = "#"


def place_name(number: int) -> PartyId:
    """Return the name of a place of a collection, from 1: "#1". No party can have it."""
    return PartyId(f"{_PLACE}{number}")


def is_place(name: PartyId) -> bool:
    """Return whether a contributor is a place of a collection, and not a party."""
    return name.startswith(_PLACE)


class Step(NamedTuple):
    """Point in a run at which messages are sent, ordered; used once on a link.

    Attributes:
        phase: which phase of the session it is in, from 0; see `Exchange.begin_phase`.
        n: its number in that phase, from 0.
    """

    phase: int
    n: int

    def later(self, count: int) -> Step:
        """Return the step `count` steps later in the same phase."""
        return Step(self.phase, self.n + count)

    def __str__(self) -> str:
        return f"{self.phase}.{self.n}"


class Role(StrEnum):
    """Roles of a party in a session (ISO/IEC 4922: input, compute and result party)."""

    CONTRIBUTOR = "contributor"
    COMPUTE = "compute"
    RECIPIENT = "recipient"
