"""Introductions at a session's beginning: turns events at one party into actions, without I/O.

For each other party there is an `acquaintance` with a table of its own. A Hello or a Ready comes
over the party's own link, or is relayed by the one compute party that the manifest determines.
Both are checked in the same way, against the certificate that the manifest pins.

A compute party says Ready once it holds every Hello. A party that does not compute says Ready
after all compute parties have: from then on no Hello can change any more. The session begins once
every Ready over one session id has verified.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from ostraka import identity as identities
from ostraka.errors import Disagreement, OstrakaError, PeerViolation, TimedOut
from ostraka.manifest import Manifest
from ostraka.names import PartyId, SessionId
from ostraka.record.receipt import session_bytes, session_id
from ostraka.session import blame
from ostraka.session.acquaintance import HERE, LATE, Acquaintance, PeerEvent, PeerState
from ostraka.session.actions import Action, Doubt, Fail, Part, Present, Say, hello_bytes
from ostraka.session.nonces import ResultNonces
from ostraka.session.pairs import PairKeys
from ostraka.session.relaying import Relaying
from ostraka.session.rollcall import RollCall
from ostraka.session.topology import Topology
from ostraka.session.waiting import Waiting
from ostraka.wire.messages import (
    VERSION,
    Abort,
    Hello,
    Message,
    Omission,
    Ready,
    Relayed,
    decode,
)


class Introductions:
    """State of one session's beginning at one party; each event is a method that returns actions.

    Args:
        sign: signs bytes with this party's key.
        nonces: this party's, of results; their hash is its part of the session id.
        pairs: keys that this party shares with each other compute party.

    Attributes:
        id: the session's id, empty until this party's Ready has left.
        present: how many parties have sent their Hello and not left, this one included.
    """

    def __init__(
        self,
        manifest: Manifest,
        me: PartyId,
        sign: Callable[[bytes], bytes],
        nonces: ResultNonces,
        pairs: PairKeys,
    ) -> None:
        self.topology = Topology(manifest, me)
        self.id = SessionId(b"")
        self.me, self._manifest, self._sign = me, manifest, sign
        self._nonces, self._pairs = nonces, pairs
        signature = sign(hello_bytes(manifest.digest, nonces.hello))
        self.hello = Hello(VERSION, manifest.digest, nonces.hello, signature)
        self.ready: Ready | None = None
        self.present, self._told_present = 1, 1
        self._cut_off: set[PartyId] = set()
        self._others = {party: Acquaintance() for party in self.topology.others}
        self.waiting = Waiting(self.topology, self._others, self._cut_off)
        self.rollcall = RollCall(manifest, me)
        self._relaying = Relaying(self.topology, self._others)

    # Answers

    def here(self, party: PartyId) -> bool:
        """Return whether the party's Hello has verified, and the party has not left since."""
        return self._others[party].state in HERE

    @property
    def complete(self) -> bool:
        """Whether the Ready of every party over this session's id has verified."""
        readies = self.readies
        return set(readies) == {self.me, *self._others} - self.rollcall.absent and all(
            ready.session == self.id for ready in readies.values()
        )

    def finished(self, peer: PartyId) -> bool:
        """Return whether the link to `peer` has brought all that is due before the first vector:
        the peer's Ready, and the Ready of each party that it relays."""
        due = (peer, *self.topology.relayed_by.get(peer, ()))
        done = (PeerState.READY, PeerState.ABSENT)
        return all(self._others[party].state in done for party in due)

    @property
    def hellos(self) -> dict[PartyId, Hello]:
        """The Hellos of all parties that are here, this one's included."""
        found = {party: o.hello for party, o in self._others.items() if o.hello is not None}
        return {self.me: self.hello, **found}

    @property
    def readies(self) -> dict[PartyId, Ready]:
        """The Readys that have verified, this party's included."""
        own = {} if self.ready is None else {self.me: self.ready}
        return own | {p: o.ready for p, o in self._others.items() if o.ready is not None}

    @property
    def certificates(self) -> dict[PartyId, bytes]:
        """The certificate of every other party that is here, checked against its pin."""
        return {party: o.certificate for party, o in self._others.items() if o.certificate}

    # Events: one's own links

    def greeted(self, peer: PartyId, certificate: bytes, hello: Hello) -> list[Action]:
        """Take the Hello of a peer that proved to own `certificate`, which has its pin.

        Raises:
            Disagreement: the peer speaks another version.
            PeerViolation: the signature does not verify, or the peer has been greeted before.
        """
        if hello.version != VERSION:
            raise blame.other_version(peer, hello)
        identities.verify(certificate, hello.signature, hello_bytes(hello.digest, hello.nonce))
        if hello.digest != self._manifest.digest:
            # Another session of the same parties may be in the room for as long as it likes.
            error = blame.other_manifest(peer, hello, self._manifest)
            return self._doubts(peer, error, self.topology.through_coordinator(peer))
        if not self.topology.has_link(self.me, peer):
            raise PeerViolation("it has nothing to send us, and opens a link")
        self._welcome(peer, certificate, hello)
        asked = self.rollcall.met(peer)
        return [*asked, *self._relaying.introduce(peer), *self._progress(), *self._advance()]

    def heard(self, peer: PartyId, message: Message) -> list[Action]:
        """Take a Ready, or a relayed message of another party, from a peer that has been greeted.

        Raises:
            PeerViolation: the message is neither, or does not verify.
        """
        match message:
            case Ready():
                self._take_ready(peer, message)
                self._nonces.take(peer, message.result_nonces, self.hellos[peer].nonce)
                self._pairs.take(peer, message.pair)
            case Relayed():
                self._take_relayed(peer, message)
                return [*self._progress(), *self._advance()]
            case Omission() if self.id and self.rollcall.proposes:
                return []  # it lacks another party by now, too late
            case Omission() if not self.id:
                self.rollcall.heard(peer, message)
                return [*self._left_out(peer), *self._advance()]
            case _:
                raise PeerViolation(f"a {type(message).__name__} message before the first vector")
        return [
            *self._relaying.pass_on_ready(peer, self.id),
            *self._differing((peer,)),
            *self._advance(),
        ]

    def left(self, peer: PartyId, error: OstrakaError, farewell: Abort | None) -> list[Action]:
        """Note that the link to a peer has ended, with the peer's Abort if it sent one."""
        other = self._others[peer]
        if isinstance(error, PeerViolation):
            return [Fail(error)]
        if farewell is not None and farewell.code == LATE and not self.id:
            return [Fail(blame.came_too_late(peer, self.me, farewell))]
        if (told := self._told(peer, farewell)) is not None:
            return [Fail(told)]
        if other.state not in HERE:
            return []
        gone = (peer, *self.topology.relayed_by.get(peer, ()))
        for party in gone:
            self._forget(party, farewell if party == peer else None)
        if other.state is PeerState.LOST:
            if farewell is not None and farewell.code == TimedOut.code:
                return [Fail(blame.gave_up(peer, farewell))]
            return [Fail(error)]
        return [*self._progress(), *self._relaying.retract(peer, farewell), *self._advance()]

    def away(self, peer: PartyId) -> list[Action]:
        """Note that the connection to a peer is lost: this party is not ready while it is away."""
        self._cut_off.add(peer)
        return [*self._progress(), *self._advance()]

    def returned(self, peer: PartyId) -> list[Action]:
        """Note that a connection carries the link to a peer again."""
        self._cut_off.discard(peer)
        return [*self._progress(), *self._advance()]

    def due(self) -> list[Action]:
        """Begin without those not here, at the proposer of a roll call: its deadline has passed."""
        waited = [party for party in self.waiting.away() if party not in self._cut_off]
        if not self.rollcall.may_begin(waited):
            return [Fail(self.waiting.late(self._manifest.session.deadline))]
        self.rollcall.begin()
        return self._advance()

    def duplicate(self, peer: PartyId, farewell: Abort) -> list[Action]:
        """Note that a peer refused us because another run of our name answers it.

        If no party is here yet, the other run was first. Else both began at once, and the other
        may give up before us. If the other is in a session already, this one may be for the
        next: its parties may appear."""
        if self.here(peer):
            return []
        error = blame.other_process(peer, self.me, farewell)
        wait = self.present > 1 or blame.names_session(farewell)
        return self._doubts(peer, error) if wait else [Fail(error)]

    def unreached(self, peer: PartyId, why: str) -> None:
        """Note why no link to a peer could be made."""
        self._others[peer].trouble = why

    def patience_over(self, party: PartyId, error: OstrakaError) -> list[Action]:
        """End the session over the doubt `error`, unless the party has resolved it meanwhile."""
        other = self._others[party]
        if other.doubt is not error:
            return []
        other.happen(PeerEvent.PATIENCE)
        return [Fail(error)]

    # Hellos

    def _welcome(self, party: PartyId, certificate: bytes, hello: Hello) -> None:
        other = self._others[party]
        other.happen(PeerEvent.HELLO)
        other.certificate, other.hello = certificate, hello
        other.doubt, other.tired = None, False
        self.present += 1

    def _forget(self, party: PartyId, farewell: Abort | None) -> None:
        other = self._others[party]
        if other.state in HERE:
            other.happen(PeerEvent.LEFT)
            self.present -= 1
        self._cut_off.discard(party)
        other.certificate, other.hello, other.ready = b"", None, None
        other.tired = farewell is not None and farewell.code == TimedOut.code

    def _doubts(
        self, party: PartyId, error: OstrakaError, to_the_deadline: bool = False
    ) -> list[Action]:
        other = self._others[party]
        if other.state not in (PeerState.AWAITED, PeerState.DOUBTED):
            return []
        known = other.state is PeerState.DOUBTED
        other.happen(PeerEvent.DOUBT)
        if known:
            return []
        other.doubt = error
        return [Doubt(party, error, to_the_deadline)]

    def _progress(self) -> list[Action]:
        here = self.present - len(self._cut_off)
        before, self._told_present = self._told_present, here
        return [] if before == here else [Present(here)]

    # Messages of other parties, from a relayer

    def _take_relayed(self, relayer: PartyId, relayed: Relayed) -> None:
        """Take a party's message from its relayer; one that does not verify is the relayer's
        violation, as an honest relayer has made the same checks before."""
        parties, party = self.topology.parties, None
        if relayed.party < len(parties):
            party = parties[relayed.party]
        if party is None or self.topology.relayers.get(party) != relayer:
            raise PeerViolation("it relayed a message of a party that it is not the relayer of")
        try:
            self._take_word(relayer, party, decode(relayed.message), relayed.certificate)
        except PeerViolation as error:
            raise PeerViolation(f"it relayed a message of {party}: {error.message}") from None

    def _take_word(
        self, relayer: PartyId, party: PartyId, message: Message, certificate: bytes
    ) -> None:
        sealed = self._others[relayer].ready
        match message:
            case Hello() if sealed is None:
                self._take_relayed_hello(party, certificate, message)
            case Abort() if sealed is None and not certificate and self.here(party):
                self._forget(party, message)
            case Ready() if sealed is not None and not certificate and self.here(party):
                if message.session != sealed.session:
                    raise PeerViolation("a Ready for another session than its own")
                if message.result_nonces or message.pair:
                    raise PeerViolation("nonces that are not for us")
                self._take_ready(party, message)
            case _:
                raise PeerViolation(f"a {type(message).__name__} message out of place")

    def _take_relayed_hello(self, party: PartyId, certificate: bytes, hello: Hello) -> None:
        if identities.fingerprint(certificate) != self._manifest.pin(party):
            raise PeerViolation("a certificate that the manifest does not pin")
        if hello.version != VERSION or hello.digest != self._manifest.digest:
            raise PeerViolation("a Hello of another version, or about another manifest")
        identities.verify(certificate, hello.signature, hello_bytes(hello.digest, hello.nonce))
        self._welcome(party, certificate, hello)

    # Sealing

    def _advance(self) -> list[Action]:
        """Seal if every Hello is here that must be, and those are ready that must be before."""
        if self.id:
            return []
        if self.rollcall.proposer is None and self.present < len(self._others) + 1:
            return []
        away = self.waiting.away()
        said = self.rollcall.advance(away)
        if self.rollcall.lacking(away) or not self.rollcall.agreed():
            return said
        if any(self._others[party].ready is None for party in self._ready_before()):
            return said
        return [*said, *self._seal()]

    def _ready_before(self) -> Iterable[PartyId]:
        """Return the parties whose Ready is due before this party's: all compute parties, or the
        proposer of a roll call for another compute party."""
        if not self.topology.computes:
            return self.topology.compute
        proposer = self.rollcall.proposer
        return () if proposer is None or proposer == self.me else (proposer,)

    def _seal(self) -> list[Action]:
        absent = self.rollcall.absent
        parting = [Part(party) for party in self.topology.linked if party in absent]
        self._omit(absent)
        self.id = self._session_id()
        for party in set(self._others) - absent:
            self._others[party].happen(PeerEvent.SEAL)
        if failed := self._differing(self._others):
            return failed
        there = tuple(party for party in self.topology.linked if party not in absent)
        self.ready = Ready(self.id, b"", self._sign(session_bytes(self.id)))
        actions: list[Action] = [*parting, *self.rollcall.conclude(there)]
        for party in there:
            shown = self._nonces.for_peer(party)
            half = self._pairs.for_peer(party)
            actions.append(Say((party,), self.ready._replace(result_nonces=shown, pair=half)))
        for party in self.topology.audience:
            actions += self._relaying.pass_on_ready(party, self.id)
        return actions

    def _omit(self, absent: Collection[PartyId]) -> None:
        """Begin the session without some parties."""
        self.rollcall.absent = frozenset(absent)
        for party in absent:
            self.present -= self.here(party)
            self._others[party].happen(PeerEvent.OMIT)
            self._forget(party, None)

    def _left_out(self, proposer: PartyId) -> list[Action]:
        """Return the end of this party's part in a session that is to begin without it."""
        out = self.me in self.rollcall.absent
        return [Fail(blame.left_out(proposer, self.me))] if out else []

    def _session_id(self) -> SessionId:
        hellos, absent, place = self.hellos, self.rollcall.absent, self.topology.place
        nonces = [hellos[party].nonce for party in self._manifest.parties if party not in absent]
        places = sorted(place[party] for party in absent)
        return SessionId(session_id(self._manifest.digest, nonces, places))

    def _differing(self, parties: Iterable[PartyId]) -> list[Action]:
        for party in parties:
            ready = self._others[party].ready
            if self.id and ready is not None and ready.session != self.id:
                return [Fail(blame.other_session(party))]
        return []

    def _take_ready(self, party: PartyId, ready: Ready) -> None:
        other = self._others[party]
        identities.verify(other.certificate, ready.signature, session_bytes(ready.session))
        other.happen(PeerEvent.READY)
        other.ready = ready

    # Endings

    def _told(self, peer: PartyId, farewell: Abort | None) -> OstrakaError | None:
        """Return the error for a peer that ends the session over a disagreement, None otherwise.
        The peer is believed: it could end the session anyway."""
        if farewell is None or farewell.code != Disagreement.code:
            return None
        blamed = PartyId(farewell.blames)
        if blamed not in self.topology.place:
            return None
        known = self._others[peer if blamed == self.me else blamed].doubt
        return known or blame.told(peer, blamed, self.me)
