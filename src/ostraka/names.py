"""The words everything else is written in."""

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
    """What a party does in a session (ISO/IEC 4922: input, compute and result party)."""

    CONTRIBUTOR = "contributor"
    COMPUTE = "compute"
    RECIPIENT = "recipient"
