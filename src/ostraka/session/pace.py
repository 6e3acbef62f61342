"""Pace: how often the links of a session show signs of life, and when silence ends a connection.

One rule for every way that a link may take, from the manifest alone, so that all parties agree.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ostraka.manifest import Manifest

TICKS_OF_SILENCE: Final = 4
"""Ticks without a byte from a peer after which its connection is dead."""

TOLD_SECONDS: Final = 4.0
"""Seconds after which a person is told that a party is away: they read of it within 5."""

GRACE_SECONDS: Final = 10.0
"""Seconds after the deadline within which compute parties agree on whom a session begins without;
no more than the deadline itself."""

REJOIN: Final = 4
"""Part of that grace for which a party that was killed, and says when the session begins, waits for
its links before it does."""

VERDICT: Final = 0.75
"""Part of the deadline after which a party that only showed another manifest, in a room where other
sessions of it may be, ends the session: so early that parties without a link to it are told why."""


def grace(deadline: float) -> float:
    """Return the seconds after a deadline within which a roll call ends."""
    return min(GRACE_SECONDS, deadline)


def begins_in(deadline: float, age: float) -> float:
    """Return in how many seconds the proposer of a roll call begins without those not there.

    Args:
        deadline: the manifest's, in seconds.
        age: seconds since its run began, in another process; the other parties have waited so long.
            They wait no more once the grace is over, too, and then all begin anew.
    """
    if not 0 < age < deadline + grace(deadline):
        return deadline
    return max(deadline - age, grace(deadline) / REJOIN)


class Pace(NamedTuple):
    """Times of one session, in seconds.

    Attributes:
        tick: each end says a word on every link on which it said nothing for so long: 1 s, more
            with more than 100 parties, and less where the manifest's timeout is below 16 s.
        silence: a connection that brought nothing for so long is dead.
        timeout: a party that is away for so long is lost: the manifest's `timeout`.
    """

    tick: float
    silence: float
    timeout: float

    @classmethod
    def of(cls, manifest: Manifest) -> Pace:
        """Return the pace of a manifest's sessions."""
        timeout = manifest.session.timeout
        often = max(0.25, min(1.0, timeout / 16))
        tick = max(often, min(len(manifest.party) / 100, timeout / 16))
        return cls(tick, TICKS_OF_SILENCE * tick, timeout)
