"""Session of one party: its lifecycle, and the links behind `Exchange`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from numpy.typing import NDArray

from ostraka import identity as identities
from ostraka.blocking import Turns
from ostraka.errors import (
    Aborted,
    OstrakaError,
    PeerAway,
    PeerLost,
    PinMismatch,
)
from ostraka.exchange import Array, Expected, LastingExchange, T
from ostraka.identity import Identity
from ostraka.manifest import Manifest
from ostraka.names import PartyId, SessionId, Step
from ostraka.record.commitments import Commitment, commitment_key
from ostraka.record.statements import About, Roster
from ostraka.record.statements import read as read_statement
from ostraka.session.channel import Channel
from ostraka.session.gather import Gathered, Gathering, SessionMemory, Troubled
from ostraka.session.hearing import Hearing
from ostraka.session.introductions import Introductions
from ostraka.session.lifecycle import Lifecycle, SessionEvent
from ostraka.session.nonces import Readers, ResultNonces
from ostraka.session.pairs import PairKeys
from ostraka.session.topology import Topology
from ostraka.transport.lasting import LastingLink
from ostraka.transport.network import Network
from ostraka.transport.tcp import SystemNetwork
from ostraka.wire.messages import Abort, Hello, Ready, Statement
from ostraka.wire.resume import Standing

FAREWELL_SECONDS: Final = 2.0
"""Seconds that the end of a session waits for peers to take the last messages."""


class Session(LastingExchange):
    """Links of one party to those it exchanges messages with, and the commitment to what it sent.

    Made by `open`; ended by `close` or `abort`. Attributes `id`, `about` and `result_keys` are set
    once sealed: the session's id, what its closing statements are about, and for recipients the key
    of each group of readers that they are in, which no party outside the group holds. `hellos`,
    `readies` and certificates are those of all parties that take part, with or without a link.
    """

    def __init__(
        self,
        manifest: Manifest,
        identity: Identity,
        me: PartyId,
        network: Network | None = None,
    ) -> None:
        self.me = me
        self.manifest = manifest
        self.identity = identity
        self.lifecycle = Lifecycle()
        self.id = SessionId(b"")
        self.result_keys: dict[Readers, bytes] = {}
        self._pair_keys: dict[PartyId, bytes] = {}
        places = len(manifest.contributors) if manifest.collection is not None else 0
        roster = Roster(manifest.contributors, manifest.recipients, manifest.compute, places)
        self.about = About(self.id, manifest.digest, roster)
        self.commitment = Commitment()
        self._turns = Turns()
        self.lost: dict[PartyId, OstrakaError] = {}
        self.hellos: dict[PartyId, Hello] = {}
        self.readies: dict[PartyId, Ready] = {}
        self._network = network or SystemNetwork()
        self._channels: dict[PartyId, Channel] = {}
        self._certificates: dict[PartyId, bytes] = {}
        self._topology = Topology(manifest, me)
        self._gathering: Gathering | None = None
        self._over = False

    @classmethod
    async def open(
        cls,
        manifest: Manifest,
        identity: Identity,
        me: PartyId,
        seed: bytes,
        *,
        readers: Sequence[Readers] | None = None,
        gathered: Gathered = lambda _there, _of, _away: None,
        troubled: Troubled = lambda _text: None,
        network: Network | None = None,
        memory: SessionMemory | None = None,
    ) -> Session:
        """Gather all parties within the manifest's deadline, and agree on who they are.

        With the memory of an earlier process the same session goes on, at once if it was sealed;
        its peers are reached meanwhile.

        Args:
            seed: 32 secret bytes that no other session has, from which this party's nonces and
                the key of its commitment are derived.
            readers: groups of recipients that learn the same figures; by default one of all.
            network: makes the connections; closed with the session. By default the system's.
            memory: keeps what happened, so that the session can go on in another process.

        Raises:
            TimedOut, Unreachable: a party is missing.
            PinMismatch, Disagreement: a party has another key, or another manifest.
            PeerLost, PeerViolation: a party left, or broke the protocol, before the session began.
            In every case nothing derived from an input has left this machine.
        """
        session = cls(manifest, identity, me, network or SystemNetwork(warn=troubled))
        session.commitment = Commitment(commitment_key(seed))
        try:
            nonces = ResultNonces(me, readers or (manifest.recipients,), seed)
            pairs = PairKeys(me, manifest.compute, seed)
            await session._open(nonces, pairs, gathered, troubled, memory)
        except BaseException as error:
            session.lifecycle.end()
            if isinstance(error, OstrakaError):
                error.data_left = False
            await session.abort(error)
            raise
        return session

    async def _open(
        self,
        nonces: ResultNonces,
        pairs: PairKeys,
        gathered: Gathered,
        troubled: Troubled,
        memory: SessionMemory | None,
    ) -> None:
        self._check_own_key()
        introductions = Introductions(self.manifest, self.me, self.identity.sign, nonces, pairs)
        gathering = Gathering(
            self.manifest, self.identity, introductions, self._network, gathered, troubled, memory
        )
        self._gathering = gathering
        try:
            await gathering.open(lambda: self.lifecycle.happen(SessionEvent.GATHERED))
        finally:
            self._channels = gathering.linked_channels()
        self._begin(introductions, nonces, pairs)

    def _begin(self, introductions: Introductions, nonces: ResultNonces, pairs: PairKeys) -> None:
        self.id = introductions.id
        self.hellos, self.readies = introductions.hellos, introductions.readies
        self._certificates = {self.me: self.identity.certificate, **introductions.certificates}
        self.result_keys = nonces.keys(self.id)
        self._pair_keys = pairs.keys(self.id)
        self.about = self.about._replace(session=self.id)
        for party, channel in self._channels.items():
            channel.link.prompt = not self._topology.stays(party)
        self.lifecycle.happen(SessionEvent.SEALED)

    def _check_own_key(self) -> None:
        pin = self.manifest.party_named(self.me).pin
        if pin != self.identity.fingerprint:
            raise PinMismatch(
                f"our key is {identities.fingerprint_text(self.identity.fingerprint)}, "
                f"the manifest says {self.me} has {identities.fingerprint_text(pin)}",
                hint="use the key the manifest was made for (--keys), or have the manifest changed",
            )

    @property
    def absent(self) -> tuple[PartyId, ...]:
        """Parties that the session began without, in the order of the manifest."""
        return tuple(party for party in self.manifest.parties if party not in self.hellos)

    # The exchange

    def send(self, to: PartyId, step: Step, message: Array) -> None:
        self.lifecycle.require_open()
        self.commitment.add((to,), step, message)
        self._channels[to].send(step, message)

    def broadcast(self, to: Iterable[PartyId], step: Step, message: Array) -> None:
        self.lifecycle.require_open()
        others = [party for party in to if party != self.me]
        self.commitment.add(others, step, message)
        for party in others:
            self._channels[party].send(step, message)

    async def receive(
        self,
        sender: PartyId,
        step: Step,
        expected: Expected,
        into: NDArray[Any] | None = None,
        patience: int = 1,
    ) -> NDArray[Any]:
        if (gone := self.lost.get(sender)) is not None:
            raise type(gone)(gone.message, hint=gone.hint, peer=sender)
        try:
            channel = self._channels[sender]
            seconds = patience * self.manifest.session.timeout
            return await channel.receive(step, expected, seconds, into)
        except OstrakaError as error:
            self.lost[sender] = error
            raise

    def pair_key(self, peer: PartyId) -> bytes:
        return self._pair_keys[peer]

    def position(self, sender: PartyId) -> int:
        return self._channels[sender].link.bytes_received

    def settle(self, sender: PartyId, position: int) -> None:
        self._channels[sender].link.settle(position)

    def lose(self, sender: PartyId, error: OstrakaError) -> None:
        self.lost[sender] = error

    async def offload(self, nanoseconds: float, work: Callable[[], T]) -> T:
        return await self._turns.offload(nanoseconds, work)

    async def flush(self) -> None:
        """Wait until the operating system has all that was sent to peers that are not lost."""
        for channel in self._channels.values():
            await self._drain(channel.link)

    async def _drain(self, link: LastingLink) -> None:
        """Wait until the peer has taken all; give it up if it takes nothing for `timeout`."""
        seconds = self.manifest.session.timeout
        while link.failed is None and link.backlog:
            before = link.bytes_sent
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await link.drain()
                return
            if link.bytes_sent == before and link.standing is not Standing.AWAY:
                link.abandon(PeerLost(f"it took nothing for {seconds:g} s"))

    async def deliver(self) -> tuple[PartyId, ...]:
        there = {p: c for p, c in self._channels.items() if p not in self.lost}
        for channel in there.values():
            channel.opened()
            with suppress(OstrakaError):  # a link that is over already
                channel.listen(lambda _message: True)  # acknowledgements may follow a statement
        seconds = self.manifest.session.timeout
        await asyncio.gather(*(channel.link.deliver(seconds) for channel in there.values()))
        return tuple(p for p, c in there.items() if isinstance(c.link.failed, PeerAway))

    @property
    def bytes_sent(self) -> int:
        """Bytes sent to all parties, framing included and TLS not."""
        return sum(channel.link.bytes_sent for channel in self._channels.values())

    @property
    def bytes_received(self) -> int:
        """Bytes received from all parties, framing included and TLS not."""
        return sum(channel.link.bytes_received for channel in self._channels.values())

    def certificate(self, party: PartyId) -> bytes:
        """Return a party's certificate in DER form, checked against its pin."""
        return self._certificates[party]

    @property
    def linked(self) -> tuple[PartyId, ...]:
        """Parties that this one has a link to, in the order of the manifest."""
        return tuple(self._channels)

    # Ending

    async def exchange_statements(self, own: Statement) -> dict[PartyId, Statement]:
        """Send this party's statement to all and, if it stays to the end, return those of the
        others.

        Parties that are gone are left out. A compute party relays statements to the recipients that
        cannot hear them directly. A peer's failure raises no error: the result is known already.
        """
        for party, channel in self._channels.items():
            if party not in self.lost:
                channel.say(own)
        if not self._topology.stays(self.me):
            return {self.me: own}
        hearing = Hearing(
            self._topology,
            self.hellos,
            self._channels,
            self.lost,
            self._check_statement,
            self.manifest.session.timeout,
        )
        recipient = self.me in self.manifest.recipients
        return {self.me: own} | await hearing.hear(self.manifest.recipients, relayed=recipient)

    def _check_statement(self, party: PartyId, statement: Statement) -> None:
        identities.verify(self.certificate(party), statement.signature, statement.body)
        read_statement(statement.body, party, self.about)

    async def close(self) -> None:
        """End the session; messages sent before still arrive. Takes a bounded time."""
        self.lifecycle.end()
        channels = [c.link.close(FAREWELL_SECONDS) for c in self._channels.values()]
        await asyncio.gather(*channels)
        await self._leave()

    async def abort(self, error: BaseException) -> None:
        """End the session for all peers, and tell them the error's code and whom it blames."""
        self.lifecycle.end()
        code = error.code if isinstance(error, OstrakaError) else Aborted.code
        blames = error.peer if isinstance(error, OstrakaError) and error.peer else ""
        for channel in self._channels.values():
            channel.say(Abort(code, blames))
        await self.close()

    async def _leave(self) -> None:
        if not self._over:
            self._over = True
            if self._gathering is not None:
                await self._gathering.abandon()
            self._network.close()
