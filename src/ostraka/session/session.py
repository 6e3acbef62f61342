"""One party's side of one session: driver of the lifecycle, and the network behind `Exchange`."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from numpy.typing import NDArray

from ostraka import identity as identities
from ostraka.errors import (
    Aborted,
    Disagreement,
    OstrakaError,
    PeerLost,
    PeerViolation,
    PinMismatch,
    TimedOut,
)
from ostraka.exchange import Array, Exchange, Expected
from ostraka.identity import Identity
from ostraka.manifest import Manifest
from ostraka.names import PartyId, SessionId, Step
from ostraka.record.receipt import Commitment, read_statement, session_bytes
from ostraka.session.channel import Channel
from ostraka.session.gather import Gathered, Gathering, Introduced, Troubled
from ostraka.session.lifecycle import Event, Lifecycle
from ostraka.transport.reactor import SPIN, Reactor
from ostraka.transport.tls import SecureLink
from ostraka.wire.messages import Abort, Hello, Ready, Statement

FAREWELL_SECONDS: Final = 2.0
"""How long the end of a session waits for peers to take what was said last."""

STATEMENT_SECONDS: Final = 10.0
"""How long a party waits for the others' closing statements; the result is there already."""


class Session(Exchange):
    """The links of one party to all others, verified, and what was sent over them.

    Made by `open`; ended by `close` or `abort`. Attributes `id` and `result_key` are set once
    sealed: the session's id, and for recipients a key that all recipients and nobody else hold.
    """

    def __init__(
        self, manifest: Manifest, identity: Identity, me: PartyId, *, spin: float = SPIN
    ) -> None:
        self.me = me
        self.manifest = manifest
        self.identity = identity
        self.lifecycle = Lifecycle()
        self.id = SessionId(b"")
        self.result_key = b""
        self.commitment = Commitment()
        self.lost: dict[PartyId, OstrakaError] = {}
        self.hellos: dict[PartyId, Hello] = {}
        self.readies: dict[PartyId, Ready] = {}
        self._reactor = Reactor(spin)
        self._channels: dict[PartyId, Channel] = {}
        self._gathering: Gathering | None = None
        self._over = False

    @classmethod
    async def open(
        cls,
        manifest: Manifest,
        identity: Identity,
        me: PartyId,
        draw_nonce: bytes,
        result_nonce: bytes,
        *,
        gathered: Gathered = lambda _there, _of: None,
        troubled: Troubled = lambda _text: None,
        spin: float = SPIN,
    ) -> Session:
        """Gather everybody within the manifest's deadline, and agree that it is everybody.

        Args:
            draw_nonce, result_nonce: 32 fresh random bytes each.

        Raises:
            TimedOut, Unreachable: somebody is missing.
            PinMismatch, Disagreement: somebody is not who, or has not agreed to what, they should.
            PeerLost, PeerViolation: somebody left, or broke the protocol, before it began.
            In every case nothing derived from an input has left this machine.
        """
        session = cls(manifest, identity, me, spin=spin)
        try:
            await session._open(draw_nonce, result_nonce, gathered, troubled)
        except BaseException as error:
            session.lifecycle.end()
            if isinstance(error, OstrakaError):
                error.data_left = False
            await session.abort(error)
            raise
        return session

    async def _open(
        self, nonce: bytes, result_nonce: bytes, gathered: Gathered, troubled: Troubled
    ) -> None:
        self._check_own_key()
        gathering = Gathering(
            self.manifest, self.identity, self.me, nonce, self._reactor, gathered, troubled
        )
        self._gathering = gathering
        try:
            async with asyncio.timeout(self.manifest.session.deadline):
                found = await gathering.run()
                self._channels = _channels(found)
                self.hellos = {party: hello for party, (_, hello) in found.items()}
                self.hellos[self.me] = gathering.hello
                self.lifecycle.happen(Event.GATHERED)
                await self._seal(result_nonce)
        except TimeoutError:
            raise gathering.late() from None
        finally:
            self._channels = _channels(gathering.introduced())
        self.lifecycle.happen(Event.SEALED)

    def _check_own_key(self) -> None:
        pin = self.manifest.party_named(self.me).pin
        if pin != self.identity.fingerprint:
            raise PinMismatch(
                f"our key is {identities.fingerprint_text(self.identity.fingerprint)}, "
                f"the manifest says {self.me} has {identities.fingerprint_text(pin)}",
                hint="use the key the manifest was made for (--keys), or have the manifest changed",
            )

    async def _seal(self, result_nonce: bytes) -> None:
        """Everybody tells everybody the session id: a hash of the digest and all nonces."""
        nonces = b"".join(self.hellos[party].nonce for party in self.manifest.parties)
        digest = self.manifest.digest
        self.id = SessionId(hashlib.sha256(b"ostraka session\0" + digest + nonces).digest())
        signature = self.identity.sign(session_bytes(self.id))
        recipients = self.manifest.recipients
        result_nonce = result_nonce if self.me in recipients else b""
        for party, channel in self._channels.items():
            shared = result_nonce if party in recipients else b""
            channel.say(Ready(self.id, shared, signature))
        self.readies[self.me] = Ready(self.id, result_nonce, signature)
        for party, channel in self._channels.items():
            self.readies[party] = await self._hear_ready(channel)
        if self.me in recipients:
            keys = b"".join(self.readies[party].result_nonce for party in recipients)
            self.result_key = hashlib.sha256(b"ostraka result\0" + keys).digest()

    def _too_late(self, channel: Channel) -> TimedOut | None:
        """Whose clock runs first does not matter: a peer that gave up waiting is the same to us as
        our own deadline."""
        farewell = channel.farewell
        if farewell is None or farewell.code != TimedOut.code:
            return None
        awaited = f" for {farewell.blames}" if farewell.blames else ""
        return TimedOut(
            f"{channel.peer} waited{awaited} until the deadline, and gave up",
            hint="start again when everybody is ready",
            data_left=False,
        )

    async def _hear_ready(self, channel: Channel) -> Ready:
        try:
            ready = await channel.hear(Ready, self.manifest.session.deadline)
        except PeerLost as error:
            raise self._too_late(channel) or error from None
        if ready.session != self.id:
            raise Disagreement(
                f"{channel.peer} was shown other parties, or other words of theirs, than we were",
                hint="somebody between you is lying, or two parties run under one name",
                peer=channel.peer,
            )
        ours, theirs = (party in self.manifest.recipients for party in (self.me, channel.peer))
        if len(ready.result_nonce) != 32 * (ours and theirs):
            raise PeerViolation(f"{channel.peer} broke the protocol: a nonce of the wrong size")
        try:
            certificate = channel.link.peer_certificate
            identities.verify(certificate, ready.signature, session_bytes(self.id))
        except PeerViolation as error:
            raise channel.named(error) from None
        return ready

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

    async def flush(self) -> None:
        """Return once all that was sent is with the operating system, or its receiver is lost."""
        for channel in self._channels.values():
            await self._drain(channel.link)

    async def _drain(self, link: SecureLink) -> None:
        """As with silence: a peer may be slow, but not take nothing for as long as `timeout`."""
        seconds = self.manifest.session.timeout
        while link.failed is None and link.backlog:
            before = link.bytes_sent
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await link.drain()
                return
            if link.bytes_sent == before:
                link.abandon(PeerLost(f"it took nothing for {seconds:g} s"))

    @property
    def bytes_sent(self) -> int:
        """To all parties, framing included and TLS not."""
        return sum(channel.link.bytes_sent for channel in self._channels.values())

    @property
    def bytes_received(self) -> int:
        return sum(channel.link.bytes_received for channel in self._channels.values())

    def certificate(self, party: PartyId) -> bytes:
        """A party's certificate in DER form, checked against its pin."""
        if party == self.me:
            return self.identity.certificate
        return self._channels[party].link.peer_certificate

    # Ending

    async def exchange_statements(self, own: Statement, *, wait: bool) -> dict[PartyId, Statement]:
        """Tell everybody what we sign and, if we `wait`, hear what they do; those that are gone
        are left out.

        Never raises for a peer's sake: the result is there already.
        """
        statements = {self.me: own}
        for party, channel in self._channels.items():
            if party not in self.lost:
                channel.say(own)
        if not wait:
            return statements
        try:
            async with asyncio.timeout(STATEMENT_SECONDS):
                for party, channel in self._channels.items():
                    if (heard := await self._hear_statement(party, channel)) is not None:
                        statements[party] = heard
        except TimeoutError:
            pass
        return statements

    async def _hear_statement(self, party: PartyId, channel: Channel) -> Statement | None:
        if party in self.lost:
            return None
        channel.opened()
        try:
            statement = await channel.hear(Statement, STATEMENT_SECONDS)
            identities.verify(channel.link.peer_certificate, statement.signature, statement.body)
            read_statement(statement.body, party, self.id, self.manifest.digest)
        except OstrakaError as error:
            self.lost[party] = error
            return None
        return statement

    async def close(self) -> None:
        """End the session: what was sent still arrives. Bounded."""
        self.lifecycle.end()
        channels = [c.link.close(FAREWELL_SECONDS) for c in self._channels.values()]
        await asyncio.gather(*channels)
        await self._leave()

    async def abort(self, error: BaseException) -> None:
        """End the session for everybody; they are told a code and whom we blame, never why."""
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
            self._reactor.close()


def _channels(found: dict[PartyId, Introduced]) -> dict[PartyId, Channel]:
    return {party: channel for party, (channel, _) in found.items()}
