"""Types for names and numbers that all rooms use: parties, sessions, steps, roles."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

PartyId = NewType("PartyId", str)
"""A party's name, as the manifest spells it."""

SessionId = NewType("SessionId", bytes)
"""32 bytes: the hash of the manifest's digest and one nonce from every party."""

Step = NewType("Step", int)
"""A numbered point in a protocol; on one link, steps only ever grow."""


class Role(StrEnum):
    """Roles of a party in a session (ISO/IEC 4922: input, compute and result party)."""

    CONTRIBUTOR = "contributor"
    COMPUTE = "compute"
    RECIPIENT = "recipient"
