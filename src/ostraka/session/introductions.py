"""Introductions at a session's beginning: turns events at one party into actions, without I/O.

For each other party there is an `acquaintance` with a table of its own. A Hello or a Ready comes
over the party's own link, or is relayed by the one compute party that the manifest determines.
Both are checked in the same way, against the certificate that the manifest pins.

A compute party says Ready once it holds every Hello. A party that does not compute says Ready
after all compute parties have: from then on no Hello can change any more. The session begins once
every Ready over one session id has verified.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

from ostraka import identity as identities
from ostraka.errors import Disagreement, OstrakaError, PeerLost, PeerViolation, TimedOut
from ostraka.manifest import Manifest
from ostraka.names import PartyId, SessionId
from ostraka.record.receipt import session_bytes
from ostraka.session import blame
from ostraka.session.acquaintance import HERE, Acquaintance, PeerEvent, PeerState
from ostraka.session.actions import Action, Doubt, Fail, Present, Say, hello_bytes
from ostraka.session.nonces import ResultNonces
from ostraka.session.topology import Topology
from ostraka.wire.messages import VERSION, Abort, Hello, Message, Ready, Relayed, decode, encode


class Introductions:
    """State of one session's beginning at one party; each event is a method that returns actions.

    Args:
        sign: signs bytes with this party's key.
        nonces: this party's, of results; their hash is its part of the session id.

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
    ) -> None:
        self.topology = Topology(manifest, me)
        self.id = SessionId(b"")
        self.me, self._manifest, self._sign = me, manifest, sign
        self._nonces = nonces
        signature = sign(hello_bytes(manifest.digest, nonces.hello))
        self.hello = Hello(VERSION, manifest.digest, nonces.hello, signature)
        self.ready: Ready | None = None
        self.present, self._told_present = 1, 1
        self._cut_off: set[PartyId] = set()
        self._others = {party: Acquaintance() for party in self.topology.others}

    # Answers

    def here(self, party: PartyId) -> bool:
        """Return whether the party's Hello has verified, and the party has not left since."""
        return self._others[party].state in HERE

    @property
    def complete(self) -> bool:
        """Whether the Ready of every party over this session's id has verified."""
        readies = self.readies
        return set(readies) == {self.me, *self._others} and all(
            ready.session == self.id for ready in readies.values()
        )

    def finished(self, peer: PartyId) -> bool:
        """Return whether the link to `peer` has brought all that is due before the first vector:
        the peer's Ready, and the Ready of each party that it relays."""
        due = (peer, *self.topology.relayed_by.get(peer, ()))
        return all(self._others[party].state is PeerState.READY for party in due)

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
            return self._doubts(peer, blame.other_manifest(peer, hello, self._manifest))
        if not self.topology.has_link(self.me, peer):
            raise PeerViolation("it has nothing to send us, and opens a link")
        self._welcome(peer, certificate, hello)
        return [*self._introduce(peer), *self._progress(), *self._advance()]

    def heard(self, peer: PartyId, message: Message) -> list[Action]:
        """Take a Ready, or a relayed message of another party, from a peer that has been greeted.

        Raises:
            PeerViolation: the message is neither, or does not verify.
        """
        match message:
            case Ready():
                self._take_ready(peer, message)
                self._nonces.take(peer, message.result_nonces, self.hellos[peer].nonce)
            case Relayed():
                self._take_relayed(peer, message)
                return [*self._progress(), *self._advance()]
            case _:
                raise PeerViolation(f"a {type(message).__name__} message before the first vector")
        return [*self._pass_on_ready(peer), *self._differing((peer,)), *self._advance()]

    def left(self, peer: PartyId, error: OstrakaError, farewell: Abort | None) -> list[Action]:
        """Note that the link to a peer has ended, with the peer's Abort if it sent one."""
        other = self._others[peer]
        if isinstance(error, PeerViolation):
            return [Fail(error)]
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
        return [*self._progress(), *self._retract(peer, farewell)]

    def away(self, peer: PartyId) -> list[Action]:
        """Note that the connection to a peer is lost: this party is not ready while it is away."""
        self._cut_off.add(peer)
        return self._progress()

    def returned(self, peer: PartyId) -> list[Action]:
        """Note that a connection carries the link to a peer again."""
        self._cut_off.discard(peer)
        return [*self._progress(), *self._advance()]

    def duplicate(self, peer: PartyId) -> list[Action]:
        """Note that a peer refused us because another run of our name answers it.

        If no party is here yet, the other run was first. Else both began at once, and the other
        may give up before us."""
        if self.here(peer):
            return []
        error = blame.other_process(peer, self.me)
        return self._doubts(peer, error) if self.present > 1 else [Fail(error)]

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

    def missing(self) -> list[PartyId]:
        """List the parties to blame for the wait: those not here, or else those not ready.

        Parties that gave up waiting, or that we could not know of, are listed only for lack of
        others.
        """
        away = [p for p in self._others if not self.here(p) or p in self._cut_off]
        awake = [party for party in away if not self._others[party].tired] or away
        late = [
            party for party, other in self._others.items() if other.state is not PeerState.READY
        ]
        return [party for party in awake or late if self._could_know(party)] or awake or late

    def _could_know(self, party: PartyId) -> bool:
        """Return whether we would know of the party: its relayer, if it has one, is here."""
        relayer = self.topology.relayers.get(party)
        return relayer is None or self.here(relayer)

    def late(self) -> OstrakaError:
        """Return the error for the deadline that has passed; it names the parties to blame."""
        for other in self._others.values():
            if other.state is PeerState.DOUBTED and other.doubt is not None:
                return other.doubt
        missing = {party: self._trouble(party) for party in self.missing()}
        return blame.too_late(missing, self._manifest.session.deadline)

    def _trouble(self, party: PartyId) -> str:
        if party in self.topology.relayers:
            word = "its Ready" if self.here(party) else "it"
            return f"{self.topology.relayers[party]} has not told us of {word}"
        if party in self._cut_off:
            return "it was cut off"
        if self.here(party):
            return "it is here, and still waits for another party"
        return self._others[party].trouble

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

    def _doubts(self, party: PartyId, error: OstrakaError) -> list[Action]:
        other = self._others[party]
        known = other.state is PeerState.DOUBTED
        other.happen(PeerEvent.DOUBT)
        if known:
            return []
        other.doubt = error
        return [Doubt(party, error)]

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
                if message.result_nonces:
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

    # Messages of other parties, relayed by us

    def _introduce(self, newcomer: PartyId) -> Iterator[Action]:
        """Relay Hellos between a newcomer and the parties that it has no link to, where this party
        is the relayer of the Hello's sender."""
        audience, other = self.topology.audience, self._others[newcomer]
        for party in audience:
            known = self._others[party]
            if known.hello is not None and not self.topology.has_link(party, newcomer):
                yield Say((newcomer,), self._relayed(party, known.hello, known.certificate))
        if other.hello is not None:
            word = self._relayed(newcomer, other.hello, other.certificate)
            yield from self._tell(audience.get(newcomer, ()), word)

    def _retract(self, party: PartyId, farewell: Abort | None) -> Iterator[Action]:
        word = farewell or Abort(PeerLost.code, "")
        yield from self._tell(self.topology.audience.get(party, ()), self._relayed(party, word))

    def _pass_on_ready(self, party: PartyId) -> Iterator[Action]:
        ready = self._others[party].ready
        if ready is not None and ready.session == self.id:
            word = self._relayed(party, Ready(ready.session, b"", ready.signature))
            yield from self._tell(self.topology.audience.get(party, ()), word)

    def _relayed(self, party: PartyId, message: Message, certificate: bytes = b"") -> Relayed:
        return Relayed(self.topology.place[party], certificate, encode(message))

    def _tell(self, audience: Iterable[PartyId], word: Relayed) -> Iterator[Action]:
        if receivers := tuple(party for party in audience if self.here(party)):
            yield Say(receivers, word)

    # Sealing

    def _advance(self) -> list[Action]:
        """Seal if every Hello is here and, unless we compute, every compute party is ready."""
        if self.id or self._cut_off or self.present < len(self.topology.parties):
            return []
        awaited = () if self.topology.computes else self.topology.compute
        if any(self._others[party].ready is None for party in awaited):
            return []
        return self._seal()

    def _seal(self) -> list[Action]:
        self.id = self._session_id()
        for other in self._others.values():
            other.happen(PeerEvent.SEAL)
        if failed := self._differing(self._others):
            return failed
        signature = self._sign(session_bytes(self.id))
        self.ready = Ready(self.id, b"", signature)
        actions: list[Action] = []
        for party in self.topology.linked:
            shown = self._nonces.for_peer(party)
            actions.append(Say((party,), self.ready._replace(result_nonces=shown)))
        for party in self.topology.audience:
            actions += self._pass_on_ready(party)
        return actions

    def _session_id(self) -> SessionId:
        hellos, digest = self.hellos, self._manifest.digest
        nonces = b"".join(hellos[party].nonce for party in self._manifest.parties)
        return SessionId(hashlib.sha256(b"ostraka session\0" + digest + nonces).digest())

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
