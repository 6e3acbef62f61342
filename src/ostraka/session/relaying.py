"""Relaying by one compute party: messages of parties to others that they have no link to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ostraka.errors import PeerLost
from ostraka.names import PartyId, SessionId
from ostraka.session.acquaintance import HERE, Acquaintance
from ostraka.session.actions import Action, Say
from ostraka.session.topology import Topology
from ostraka.wire.messages import Abort, Message, Ready, Relayed, encode


class Relaying:
    """Relayed messages that are due, by what this party knows of the others."""

    def __init__(self, topology: Topology, others: Mapping[PartyId, Acquaintance]) -> None:
        self._topology, self._others = topology, others

    def introduce(self, newcomer: PartyId) -> Iterator[Action]:
        """Relay Hellos between a newcomer and the parties that it has no link to, where this party
        is the relayer of the Hello's sender."""
        audience, other = self._topology.audience, self._others[newcomer]
        for party in audience:
            known = self._others[party]
            if known.hello is not None and not self._topology.has_link(party, newcomer):
                yield Say((newcomer,), self._relayed(party, known.hello, known.certificate))
        if other.hello is not None:
            word = self._relayed(newcomer, other.hello, other.certificate)
            yield from self._tell(audience.get(newcomer, ()), word)

    def retract(self, party: PartyId, farewell: Abort | None) -> Iterator[Action]:
        """Tell the audience of a party that it has left."""
        word = farewell or Abort(PeerLost.code, "")
        yield from self._tell(self._topology.audience.get(party, ()), self._relayed(party, word))

    def pass_on_ready(self, party: PartyId, session: SessionId) -> Iterator[Action]:
        """Relay the Ready of a party, if it has come and is over this session."""
        ready = self._others[party].ready
        if ready is not None and ready.session == session:
            word = self._relayed(party, Ready(ready.session, b"", ready.signature))
            yield from self._tell(self._topology.audience.get(party, ()), word)

    def _relayed(self, party: PartyId, message: Message, certificate: bytes = b"") -> Relayed:
        return Relayed(self._topology.place[party], certificate, encode(message))

    def _tell(self, audience: Iterable[PartyId], word: Relayed) -> Iterator[Action]:
        if receivers := tuple(p for p in audience if self._others[p].state in HERE):
            yield Say(receivers, word)
