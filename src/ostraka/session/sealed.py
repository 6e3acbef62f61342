"""Facts that sealed a session, as a run keeps them to go on with the session after a crash.

A run that keeps a record of a session writes `Session.facts` to it once the session is open, then
each message that it takes with its `Session.position`, and calls `Session.settle` when that is
written: only then do peers forget what they sent. After a crash, `Session.resume` opens the session
again from the record. All peers are away at first; they, or this party, reconnect as after a lost
connection. The new run sends the same messages from the first step on; bytes that a peer has
already are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

import msgpack

from ostraka.errors import InternalError
from ostraka.names import PartyId, SessionId
from ostraka.session.channel import Channel
from ostraka.transport.lasting import LastingLink
from ostraka.wire.link_state import LinkState
from ostraka.wire.messages import Hello, Message, Ready, decode, encode
from ostraka.wire.resume import SentStream, Settled


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

    @classmethod
    def of(cls, link: LastingLink) -> Beginning:
        """Return the beginning of a link that has carried nothing else yet."""
        return cls(link.sent.acknowledged, link.sent.kept, link.bytes_received)

    def channel(self, peer: PartyId, received: int | None) -> Channel:
        """Return a channel that goes on behind this, or where the peer's stream is `received`."""
        sent = SentStream(self.settled, replayed=True)
        sent.add([self.kept])
        received = self.received if received is None else received
        link = LastingLink(sent, Settled(received, by_hand=True), received)
        return Channel(peer, link, LinkState.OPEN)


class Facts(NamedTuple):
    """Facts that sealed a session: all that its id follows from, and how each link began.

    Attributes:
        session: the session's id.
        hellos, readies: of all parties, this one included.
        certificates: of all parties, in DER form.
        links: how the link to each party began that this one has a link to.
    """

    session: SessionId
    hellos: Mapping[PartyId, Hello]
    readies: Mapping[PartyId, Ready]
    certificates: Mapping[PartyId, bytes]
    links: Mapping[PartyId, Beginning]

    def to_bytes(self) -> bytes:
        """Return this as bytes for a record."""
        hellos = {party: encode(hello) for party, hello in self.hellos.items()}
        readies = {party: encode(ready) for party, ready in self.readies.items()}
        found: bytes = msgpack.packb(
            [self.session, hellos, readies, dict(self.certificates), dict(self.links)]
        )
        return found

    @classmethod
    def from_bytes(cls, data: bytes) -> Facts:
        """Return what `to_bytes` made bytes of; InternalError for other bytes."""
        try:
            session, hellos, readies, certificates, links = msgpack.unpackb(data)
            return cls(
                SessionId(session),
                {party: cast(Hello, _of_kind(Hello, body)) for party, body in hellos.items()},
                {party: cast(Ready, _of_kind(Ready, body)) for party, body in readies.items()},
                certificates,
                {party: Beginning(*fields) for party, fields in links.items()},
            )
        except (ValueError, TypeError, msgpack.UnpackException) as error:
            raise InternalError(f"a record of a session that is none: {error!r}") from None


def _of_kind(kind: type[Message], body: bytes) -> Message:
    message = decode(body)
    if not isinstance(message, kind):
        raise TypeError(f"a {type(message).__name__} in the place of a {kind.__name__}")
    return message
