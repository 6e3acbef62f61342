"""From nothing to one verified link with every other party.

For each pair: direct if the manifest gives one of the two an address (the party without one, or
the later of two with one, dials), through the coordinator otherwise. Whoever answers is admitted
by pin, and is believed to be in *this* session only after its signed Hello with this manifest's
digest has arrived over that link.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import Callable, Coroutine
from typing import Any, Final

from ostraka import identity as identities
from ostraka.errors import (
    Disagreement,
    OstrakaError,
    PeerLost,
    PeerViolation,
    PinMismatch,
    Temporary,
    TimedOut,
    Unreachable,
)
from ostraka.identity import Identity
from ostraka.limits import HANDSHAKE_SECONDS, MANIFEST_GRACE_SECONDS, PREAUTH_CONNECTIONS
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.session.channel import Channel
from ostraka.transport import relay, tcp
from ostraka.transport.link import Carrier
from ostraka.transport.preamble import Admit, pinned
from ostraka.transport.reactor import Reactor
from ostraka.transport.tls import SecureLink
from ostraka.wire.link_state import State
from ostraka.wire.messages import VERSION, Abort, Hello

FIRST_RETRY: Final = 0.02
SLOWEST_RETRY: Final = 1.0
"""Seconds between attempts to reach somebody who may not have started yet."""

COORDINATOR: Final = "the coordinator"
DUPLICATE: Final = "duplicate"
"""The abort code for a party that is there already."""

Gathered = Callable[[int, int], None]
"""Told how many parties are there, of how many, ourselves included."""

Troubled = Callable[[str], None]
"""Told, once, what keeps us waiting."""

Introduced = tuple[Channel, Hello]


def room_of(manifest: Manifest) -> bytes:
    """Where at the coordinator these parties meet: the same for every manifest between the same
    keys, so that parties with different manifests find out, and tells the coordinator nothing."""
    pins = sorted(party.pin for party in manifest.party)
    return hashlib.sha256(b"ostraka room\0" + b"".join(pins)).digest()


def hello_bytes(digest: bytes, nonce: bytes) -> bytes:
    """What a party signs to say: this is the manifest I agreed to, and this is my nonce."""
    return b"ostraka hello\0" + VERSION.to_bytes(2, "little") + digest + nonce


class Gathering:
    """The making of one session's links, at one party.

    Args:
        nonce: 32 fresh random bytes, this party's part of the session id.
        gathered: told of progress.
        troubled: told when the coordinator is not there at first.
    """

    def __init__(
        self,
        manifest: Manifest,
        identity: Identity,
        me: PartyId,
        nonce: bytes,
        reactor: Reactor,
        gathered: Gathered,
        troubled: Troubled = lambda _text: None,
    ) -> None:
        self._manifest, self._identity, self._me = manifest, identity, me
        self._reactor, self._gathered, self._troubled = reactor, gathered, troubled
        self._others = [party for party in manifest.parties if party != me]
        self._order = {party: rank for rank, party in enumerate(manifest.parties)}
        self._pins = {party.pin: party.name for party in manifest.party}
        signature = identity.sign(hello_bytes(manifest.digest, nonce))
        self.hello = Hello(VERSION, manifest.digest, nonce, signature)
        self._found: dict[PartyId, Introduced] = {}
        self._news = asyncio.Event()
        self._fatal: BaseException | None = None
        self._trouble: dict[str, str] = {}
        self._tired: set[PartyId] = set()  # who was here, and has given up waiting for others
        self._preauth = 0
        self._over = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.relay: relay.Relay | None = None

    async def run(self) -> dict[PartyId, Introduced]:
        """Everybody's channel and hello, in the order of the manifest. Bounded by the caller.

        Raises:
            PinMismatch, Disagreement, PeerViolation: somebody is not who or what they should be.
        """
        listener = self._listen()
        try:
            self._start()
            self._gathered(1, len(self._others) + 1)
            while self._fatal is None and len(self._found) < len(self._others):
                self._news.clear()
                await self._news.wait()
            found = self.introduced()
        finally:
            if listener is not None:
                listener.close()
            await self._stop()
        if self._fatal is not None:
            raise self._fatal
        return found

    def introduced(self) -> dict[PartyId, Introduced]:
        """Those who are here, in the order of the manifest; from now on, they stay in it."""
        for channel, _ in self._found.values():
            channel.link.on_ended = None
        return {party: self._found[party] for party in self._others if party in self._found}

    # Who reaches whom

    def _dials(self, party: PartyId, other: PartyId) -> bool:
        """Whether `party` opens the direct link to `other`."""
        ours, theirs = (self._manifest.party_named(p).address for p in (party, other))
        return theirs is not None and (ours is None or self._order[party] > self._order[other])

    def _relayed(self, other: PartyId) -> bool:
        return not self._dials(self._me, other) and not self._dials(other, self._me)

    def _listen(self) -> tcp.Listener | None:
        address = self._manifest.party_named(self._me).address
        if address is None or not any(self._dials(other, self._me) for other in self._others):
            return None
        return tcp.Listener(address, self._reactor, self._accepted)

    def _start(self) -> None:
        for other in self._others:
            if self._dials(self._me, other):
                self._spawn(self._dial(other), f"dial {other}")
        if any(self._relayed(other) for other in self._others):
            self._spawn(self._meet(), "coordinator")

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._fatal = self._fatal or error
        self._news.set()

    async def _stop(self) -> None:
        self._over = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def abandon(self) -> None:
        """Drop every link that is left: the session is over."""
        await self._stop()
        for channel, _ in list(self._found.values()):
            channel.link.abandon(PeerLost("the session does not take place"))
        if self.relay is not None:
            await self.relay.close()

    # Direct

    async def _dial(self, other: PartyId) -> None:
        party = self._manifest.party_named(other)
        assert party.address is not None
        pause = FIRST_RETRY
        while True:
            if other not in self._found:
                try:
                    carrier = await tcp.dial(party.address, self._reactor)
                    await self._introduce(carrier, server=False, admit=pinned(other, party.pin))
                except OSError as error:
                    self._trouble[other] = f"{party.address}: {error.strerror or error}"
                except PeerLost as error:
                    self._trouble[other] = error.message
            await asyncio.sleep(pause)
            pause = min(2 * pause, SLOWEST_RETRY)

    def _accepted(self, sock: socket.socket) -> None:
        if self._preauth >= PREAUTH_CONNECTIONS:
            sock.close()
            return
        self._spawn(self._answer(tcp.TcpCarrier(sock, self._reactor)), "answer")

    async def _answer(self, carrier: Carrier) -> None:
        """A stranger may knock, and may hang up; only a party's signed word can end the session."""
        self._preauth += 1
        try:
            await self._introduce(carrier, server=True, admit=self._admit)
        except (PeerLost, PeerViolation, PinMismatch) as error:
            if error.peer is not None:
                self._trouble[error.peer] = error.message
        finally:
            self._preauth -= 1

    def _admit(self, fingerprint: bytes) -> str:
        party = self._pins.get(fingerprint)
        if party is None or party == self._me:
            raise PinMismatch("a key that the manifest does not name")
        return party

    # Through the coordinator

    async def _meet(self) -> None:
        place = self._manifest.session.coordinator
        assert place is not None
        pause, told = FIRST_RETRY, False
        while True:
            try:
                self.relay = await relay.connect(
                    place.address, place.pin, self._identity, self._reactor, self
                )
                await self.relay.join(room_of(self._manifest))
                self._trouble.pop(COORDINATOR, None)
                await self.relay.ended.wait()
                self._trouble[COORDINATOR] = str(self.relay.failed)
            except OSError as error:
                self._trouble[COORDINATOR] = error.strerror or str(error)
            except (PeerLost, Temporary) as error:
                self._trouble[COORDINATOR] = error.message
            except PeerViolation as error:
                text = f"{COORDINATOR} broke the protocol: {error.message}"
                raise PeerViolation(text, hint=error.hint, data_left=False) from None
            self.relay = None
            if pause == SLOWEST_RETRY and not told:
                why, told = self._trouble[COORDINATOR], True
                self._troubled(f"waiting for {COORDINATOR} at {place.address}: {why}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, SLOWEST_RETRY)

    def joined(self, fingerprint: bytes, carrier: Carrier) -> None:
        """The coordinator says that somebody is there; who it is, TLS will tell."""
        other = self._pins.get(fingerprint)
        if self._over or other is None or other == self._me or not self._relayed(other):
            carrier.close()
            return
        server = self._order[self._me] < self._order[other]
        admit = pinned(other, fingerprint)
        self._spawn(self._introduce_relayed(carrier, server, admit, other), f"meet {other}")

    async def _introduce_relayed(
        self, carrier: Carrier, server: bool, admit: Admit, other: PartyId
    ) -> None:
        try:
            await self._introduce(carrier, server=server, admit=admit)
        except PeerLost as error:
            self._trouble[other] = error.message

    # Both

    async def _introduce(self, carrier: Carrier, *, server: bool, admit: Admit) -> None:
        link = SecureLink(carrier, self._identity, server=server, admit=admit)
        channel = None
        try:
            await link.open()
            channel = Channel(PartyId(link.peer), link)
            await self._exchange_hello(channel)
        finally:
            if channel is None or self._found.get(channel.peer, (None,))[0] is not channel:
                link.abandon(PeerLost("not introduced"))
                self._missed(channel)

    async def _exchange_hello(self, channel: Channel) -> None:
        if channel.peer in self._found:
            await self._refuse(channel)
            return
        channel.say(self.hello)
        hello = await channel.hear(Hello, HANDSHAKE_SECONDS)
        self._check(channel, hello)
        if hello.digest != self._manifest.digest:
            self._disagree(channel, hello)
            await channel.link.close()
        elif channel.peer in self._found:
            await self._refuse(channel)
        else:
            channel.listen()
            if channel.link.failed is not None:
                raise channel.link.failed
            channel.link.on_ended = lambda error: self._left(channel, error)
            self._found[channel.peer] = channel, hello
            self._progress()

    async def _refuse(self, channel: Channel) -> None:
        channel.say(Abort(DUPLICATE, channel.peer))
        await channel.link.close()

    def _left(self, channel: Channel, error: OstrakaError) -> None:
        """Somebody went away again while others are still awaited: it may come back."""
        del self._found[channel.peer]
        self._trouble[channel.peer] = error.message
        self._missed(channel)
        if channel.farewell is not None and channel.farewell.code == TimedOut.code:
            self._tired.add(channel.peer)
        if isinstance(error, PeerViolation):
            self._fail(channel.named(error))
        self._progress()

    def _missed(self, channel: Channel | None) -> None:
        """A peer that says we are there already may still hold a link of ours that has just
        died: allow a moment, then believe that two processes run under our name."""
        if channel and channel.farewell and channel.farewell.code == DUPLICATE:
            error = Disagreement(
                f"{channel.peer} says that another {self._me} is there already",
                hint="is another process taking part with this key? Only the first can",
                data_left=False,
            )
            self._unless_found(channel.peer, error)

    def _progress(self) -> None:
        self._gathered(len(self._found) + 1, len(self._others) + 1)
        self._news.set()

    def _check(self, channel: Channel, hello: Hello) -> None:
        if hello.version != VERSION:
            raise Disagreement(
                f"{channel.peer} speaks version {hello.version}, we speak {VERSION}",
                hint="all parties need the same release of ostraka",
                peer=channel.peer,
                data_left=False,
            )
        signed = hello_bytes(hello.digest, hello.nonce)
        try:
            identities.verify(channel.link.peer_certificate, hello.signature, signed)
        except PeerViolation as error:
            raise channel.named(error) from None

    def _disagree(self, channel: Channel, hello: Hello) -> None:
        """Another manifest between the same keys may be another session: allow a moment for the
        right one to show up, then believe that this is the mistake it looks like."""
        error = Disagreement(
            f"{channel.peer} holds another manifest: theirs is sha256:{hello.digest.hex()}, "
            f"ours sha256:{self._manifest.digest.hex()}",
            hint=f"compare files with {channel.peer}; `ostraka check` prints the digest",
            peer=channel.peer,
            data_left=False,
        )
        self._unless_found(channel.peer, error)

    def _unless_found(self, peer: PartyId, error: OstrakaError) -> None:
        def give_up() -> None:
            if peer not in self._found:
                self._fail(error)

        asyncio.get_running_loop().call_later(MANIFEST_GRACE_SECONDS, give_up)

    def late(self) -> OstrakaError:
        """What to say when the deadline has passed."""
        seconds = f"{self._manifest.session.deadline:g} s"
        away = [p for p in self._others if p not in self._found]
        missing = [p for p in away if p not in self._tired] or away
        if not missing:
            found = self._found.items()
            missing = [p for p, (channel, _) in found if channel.state is not State.OPEN]
        place = self._manifest.session.coordinator
        if self.relay is None and place is not None and any(map(self._relayed, missing)):
            return Unreachable(
                f"no answer from the coordinator at {place.address} within {seconds} "
                f"({self._trouble.get(COORDINATOR, 'no connection')})",
                hint="is it running, and reachable from here? `ostraka doctor` tells more",
                data_left=False,
            )
        reasons = [f"{p}: {self._trouble[p]}" for p in missing if p in self._trouble]
        return TimedOut(
            f"{', '.join(missing) or 'somebody'} did not come within {seconds}"
            + (f" ({'; '.join(reasons)})" if reasons else ""),
            hint="start again when they are ready; if they say they were there, compare manifests: "
            "`ostraka check` prints the digest",
            peer=missing[0] if len(missing) == 1 else None,
            data_left=False,
        )
