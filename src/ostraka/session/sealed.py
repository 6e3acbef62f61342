"""What sealed a session, as a run keeps it to go on with the session after a crash.

A run that keeps a record of a session writes `Session.sealed` to it once the session is open, then
each message that it takes with the position from `Session.positions`, and calls `Session.settle`
when that is on disk: only then do peers forget what they sent. After a crash, `Session.resume`
opens the session again from the record. All peers are away at first; they, or this party, reconnect
as after a lost connection. The new run sends the same messages from the first step on; bytes that a
peer has already are dropped.
"""

from __future__ import annotations

from typing import NamedTuple

from ostraka.names import PartyId
from ostraka.wire.messages import Hello, Ready


class Positions(NamedTuple):
    """Positions of the two streams of one link, in bytes; see `wire.resume`.

    Attributes:
        sent: bytes that this party has written to the peer, whether they have left or not.
        received: bytes of the peer's stream that were taken; between messages, the end of the
            message taken last.
    """

    sent: int
    received: int


class Beginning(NamedTuple):
    """Beginning of one link's streams, from the Hellos to the open session.

    Attributes:
        settled: position up to which the peer has settled this party's stream.
        kept: what this party wrote behind that: its Ready, and messages that it relayed.
        received: position up to which the peer's stream is read.
    """

    settled: int
    kept: bytes
    received: int


class Sealed(NamedTuple):
    """What sealed a session: all that its id follows from, and how each link began.

    Attributes:
        session: the session's id.
        hellos, readies: of all parties, this one included.
        certificates: of all parties, in DER form.
        links: how the link to each party began that this one has a link to.
    """

    session: bytes
    hellos: dict[PartyId, Hello]
    readies: dict[PartyId, Ready]
    certificates: dict[PartyId, bytes]
    links: dict[PartyId, Beginning]
