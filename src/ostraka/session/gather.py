"""Gathering: sockets, handshakes and clocks around the `Introductions` of one session.

Each pair of parties that needs a link gets one. The link is direct if the manifest gives one of the
two an address: the party without an address dials, or the later of two with one. Otherwise it goes
through the coordinator. A peer is admitted by its pin. It belongs to *this* session only after its
signed Hello with this manifest's digest has arrived over that link.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from ostraka.errors import (
    OstrakaError,
    PeerLost,
    PeerViolation,
    PinMismatch,
    Temporary,
    Unreachable,
)
from ostraka.identity import Identity
from ostraka.limits import HANDSHAKE_SECONDS, MANIFEST_GRACE_SECONDS
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.session import blame
from ostraka.session.acquaintance import DUPLICATE
from ostraka.session.channel import Channel
from ostraka.session.introductions import Action, Doubt, Fail, Introductions, Present, Say
from ostraka.transport import relay
from ostraka.transport.contexts import Contexts
from ostraka.transport.door import Door
from ostraka.transport.link import Carrier
from ostraka.transport.network import Listener, Network
from ostraka.transport.preamble import Admit, pinned
from ostraka.transport.tls import SecureLink
from ostraka.wire.messages import Abort, Hello, Message

FIRST_RETRY: Final = 0.02
SLOWEST_RETRY: Final = 1.0
"""Seconds between attempts to reach a party that may not have started yet."""

COORDINATOR: Final = "the coordinator"

Gathered = Callable[[int, int], None]
"""Function that is called with how many parties are here, ours included, and of how many."""

Troubled = Callable[[str], None]
"""Function that is called, once, with the reason why a party has to wait."""


def room_of(manifest: Manifest) -> bytes:
    """Return the name of the room at the coordinator where the parties of a manifest meet.

    It depends on the manifest's `room` only, or where there is none on the parties' keys, so that
    parties with different manifests meet and find out. It is a hash, and tells the coordinator
    nothing of the session.
    """
    if (secret := manifest.session.room) is not None:
        return hashlib.sha256(b"ostraka secret room\0" + bytes.fromhex(secret)).digest()
    pins = sorted(party.pin for party in manifest.party)
    return hashlib.sha256(b"ostraka room\0" + b"".join(pins)).digest()


class Gathering:
    """Maker of one party's links in one session.

    Args:
        introductions: decides which message goes to which party, and when all are complete.
        network: makes the connections.
        gathered: is called when the number of parties that are here changes.
        troubled: is called when the coordinator cannot be reached at first.

    Attributes:
        channels: the links to peers whose Hello has verified.
    """

    def __init__(
        self,
        manifest: Manifest,
        identity: Identity,
        introductions: Introductions,
        network: Network,
        gathered: Gathered,
        troubled: Troubled = lambda _text: None,
    ) -> None:
        self._manifest, self._contexts = manifest, Contexts(identity)
        self._introductions, self._topology = introductions, introductions.topology
        self._network, self._gathered, self._troubled = network, gathered, troubled
        self.channels: dict[PartyId, Channel] = {}
        self._pins = {party.pin: party.name for party in manifest.party}
        self._news = asyncio.Event()
        self._fatal: BaseException | None = None
        self._no_coordinator: OstrakaError = Unreachable("no connection")
        self._door = Door(network.places)
        self._over = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.relay: relay.Relay | None = None

    async def gather(self) -> None:
        """Make links until every party's Hello is here and our Ready has left.

        The caller bounds the time.

        Raises:
            PinMismatch: a party has another key.
            Disagreement: a party has another manifest, release or session.
            PeerViolation: a party broke the protocol.
            PeerLost: a party left after our Ready did.
        """
        listener = await self._listen()
        try:
            self._start()
            self._gathered(1, len(self._manifest.parties))
            await self._until(lambda: bool(self._introductions.id))
        finally:
            if listener is not None:
                listener.close()
            await self._stop()

    async def seal(self) -> None:
        """Wait until every party's Ready for this session is here. Raises as `gather`."""
        await self._until(lambda: self._introductions.complete)

    async def _until(self, reached: Callable[[], bool]) -> None:
        while self._fatal is None and not reached():
            self._news.clear()
            await self._news.wait()
        if self._fatal is not None:
            raise self._fatal

    def settle(self) -> dict[PartyId, Channel]:
        """Stop watching the links for their end; return them, in the order of the manifest."""
        for channel in self.channels.values():
            channel.link.on_ended = None
        linked = self._topology.linked
        return {party: self.channels[party] for party in linked if party in self.channels}

    def _act(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Say(to, message):
                    for party in to:
                        if (channel := self.channels.get(party)) is not None:
                            channel.say(message)
                case Present(here):
                    self._gathered(here, len(self._manifest.parties))
                case Doubt(party, error):
                    self._ask_again(party, error)
                case Fail(error):
                    self._fail(error)
        self._news.set()

    def _ask_again(self, party: PartyId, error: OstrakaError) -> None:
        """Schedule the end of our patience with a party; until then another process of it, with the
        right manifest, may appear."""

        def patience_over() -> None:
            self._act(self._introductions.patience_over(party, error))

        asyncio.get_running_loop().call_later(MANIFEST_GRACE_SECONDS, patience_over)

    async def _listen(self) -> Listener | None:
        topology = self._topology
        address = self._manifest.party_named(topology.me).address
        if address is None or not any(topology.dials(o, topology.me) for o in topology.linked):
            return None
        return await self._network.listen(address, self._accepted)

    def _start(self) -> None:
        topology = self._topology
        for other in topology.linked:
            if topology.dials(topology.me, other):
                self._spawn(self._dial(other), f"dial {other}")
        if any(map(topology.through_coordinator, topology.linked)):
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
        """Drop every link, and the connection to the coordinator: the session is over."""
        await self._stop()
        for channel in self.settle().values():
            channel.link.abandon(PeerLost("the session does not take place"))
        if self.relay is not None:
            await self.relay.close()

    # Direct

    async def _dial(self, other: PartyId) -> None:
        party = self._manifest.party_named(other)
        assert party.address is not None
        pause = FIRST_RETRY
        while True:
            if other not in self.channels:
                try:
                    carrier = await self._network.dial(party.address)
                    await self._introduce(carrier, server=False, admit=pinned(other, party.pin))
                except (Unreachable, PeerLost) as error:
                    self._introductions.unreached(other, error.message)
            await asyncio.sleep(pause)
            pause = min(2 * pause, SLOWEST_RETRY)

    def _accepted(self, carrier: Carrier, source: str) -> None:
        self._spawn(self._answer(carrier, source), "answer")

    async def _answer(self, carrier: Carrier, source: str) -> None:
        """Exchange Hellos over an accepted connection; its failure ends that link only.

        A stranger can connect too. Only a signed message of a party can end the session.
        """
        try:
            await self._introduce(carrier, server=True, admit=self._admit, source=source)
        except (PeerLost, PeerViolation, PinMismatch) as error:
            if error.peer is not None:
                self._introductions.unreached(error.peer, error.message)

    def _admit(self, fingerprint: bytes) -> str:
        party = self._pins.get(fingerprint)
        if party is None or party == self._topology.me:
            raise PinMismatch("a key that the manifest does not name")
        return party

    # Through the coordinator

    async def _meet(self) -> None:
        place = self._manifest.session.coordinator
        assert place is not None
        pause, told, loop = FIRST_RETRY, False, asyncio.get_running_loop()
        since = loop.time()
        while True:
            try:
                self.relay = await relay.connect(
                    place.address, place.pin, self._contexts, self._network, self
                )
                await self.relay.join(room_of(self._manifest))
                await self.relay.ended.wait()
                self._no_coordinator = self.relay.failed or PeerLost("no connection")
            except (Unreachable, PeerLost, Temporary) as error:
                self._no_coordinator = error
            except PeerViolation as error:
                text = f"{COORDINATOR} broke the protocol: {error.message}"
                raise PeerViolation(text, hint=error.hint, data_left=False) from None
            self.relay = None
            if not told and loop.time() - since > SLOWEST_RETRY:
                told = True
                self._troubled(blame.waiting_for_coordinator(place.address, self._no_coordinator))
            await asyncio.sleep(pause)
            pause = min(2 * pause, SLOWEST_RETRY)

    def joined(self, fingerprint: bytes, carrier: Carrier) -> None:
        """Open a link to a new member of the coordinator's room, if this party needs one.

        TLS proves whether the member has the fingerprint that the coordinator says.
        """
        other, topology = self._pins.get(fingerprint), self._topology
        if self._over or other not in topology.linked or not topology.through_coordinator(other):
            carrier.close()
            return
        server = topology.place[topology.me] < topology.place[other]
        admit = pinned(other, fingerprint)
        self._spawn(self._introduce_relayed(carrier, server, admit, other), f"meet {other}")

    async def _introduce_relayed(
        self, carrier: Carrier, server: bool, admit: Admit, other: PartyId
    ) -> None:
        try:
            await self._introduce(carrier, server=server, admit=admit)
        except PeerLost as error:
            self._introductions.unreached(other, error.message)

    # Both

    async def _introduce(
        self, carrier: Carrier, *, server: bool, admit: Admit, source: str | None = None
    ) -> None:
        """Open a link and exchange Hellos; `source` is where an accepted connection came from."""
        link = SecureLink(carrier, self._contexts, server=server, admit=admit)
        channel = None
        try:
            if source is None:
                await link.open()
            else:
                await self._door.open(link, carrier, source)
            channel = Channel(PartyId(link.peer), link)
            await self._exchange_hello(channel)
        finally:
            if channel is None or self.channels.get(channel.peer) is not channel:
                link.abandon(PeerLost("not introduced"))
                self._missed(channel)

    async def _exchange_hello(self, channel: Channel) -> None:
        if channel.peer in self.channels:
            await self._refuse(channel)
            return
        channel.say(self._introductions.hello)
        hello = await channel.hear(Hello, HANDSHAKE_SECONDS)
        if channel.peer in self.channels:
            await self._refuse(channel)
        else:
            await self._greet(channel, hello)

    async def _greet(self, channel: Channel, hello: Hello) -> None:
        if (failed := channel.link.failed) is not None:
            raise failed
        try:
            certificate = channel.link.peer_certificate
            actions = self._introductions.greeted(channel.peer, certificate, hello)
        except PeerViolation as error:
            raise channel.named(error) from None
        if not self._introductions.here(channel.peer):
            self._act(actions)
            await channel.link.close()
            return
        channel.link.on_ended = lambda error: self._left(channel, error)
        self.channels[channel.peer] = channel
        self._act(actions)
        channel.listen(lambda message: self._heard(channel, message))

    async def _refuse(self, channel: Channel) -> None:
        channel.say(Abort(DUPLICATE, channel.peer))
        await channel.link.close()

    def _heard(self, channel: Channel, message: Message) -> bool:
        """Take a peer's message; return whether more are due before the first vector."""
        self._act(self._introductions.heard(channel.peer, message))
        if not self._introductions.finished(channel.peer):
            return True
        channel.link.on_ended = None  # a party may leave once it has said all
        return False

    def _left(self, channel: Channel, error: OstrakaError) -> None:
        del self.channels[channel.peer]
        named = channel.named(error)
        self._act(self._introductions.left(channel.peer, named, channel.farewell))
        self._introductions.unreached(channel.peer, error.message)
        self._missed(channel)

    def _missed(self, channel: Channel | None) -> None:
        """Note it if a peer refused us because it holds a link to a party of our name already."""
        if channel and channel.farewell and channel.farewell.code == DUPLICATE:
            self._act(self._introductions.duplicate(channel.peer))

    def late(self) -> OstrakaError:
        """Return the error for the deadline that has passed: it names the parties to blame, or the
        coordinator."""
        place = self._manifest.session.coordinator
        missing = set(self._introductions.missing()) & set(self._topology.linked)
        if self.relay is None and place and any(map(self._topology.through_coordinator, missing)):
            deadline = self._manifest.session.deadline
            return blame.no_coordinator(place.address, deadline, self._no_coordinator)
        return self._introductions.late()
