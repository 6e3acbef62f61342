"""Ways to the peers of one party: direct connections, and the rooms of coordinators.

Of two parties one opens all connections: the one that dials, if the manifest gives either an
address, else the later in the manifest. So both ends agree which connection is the
newest. A peer with an address is dialled; if that has not led to it within a moment and the
manifest names a coordinator, both ends go to its room as well.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final, Protocol

from ostraka.errors import (
    OstrakaError,
    PeerLost,
    PeerViolation,
    PinMismatch,
    Temporary,
    Unreachable,
)
from ostraka.manifest import BrokerSpec, CoordinatorSpec, Manifest
from ostraka.names import PartyId
from ostraka.session import blame
from ostraka.session.keeper import Keeper
from ostraka.session.pace import TICKS_OF_SILENCE, Pace
from ostraka.session.topology import Topology
from ostraka.transport import relay
from ostraka.transport.contexts import Contexts
from ostraka.transport.door import Door
from ostraka.transport.link import Carrier
from ostraka.transport.network import Listener, Network
from ostraka.transport.preamble import pinned
from ostraka.transport.rendezvous import MeetingPlace, RoomCarrier
from ostraka.transport.tls import SecureLink

if TYPE_CHECKING:
    from ostraka.transport.brokered import BrokerSeat

FIRST_RETRY: Final = 0.02
SLOWEST_RETRY: Final = 1.0
"""Seconds between attempts to reach a party that may not have started yet."""

WORD_SECONDS: Final = 3.5
"""Seconds of failed attempts to reach a peer before the person who waits is told of it."""

HEAD_START: Final = 1.0
"""Seconds that a direct way has before the coordinator's room is tried, too."""

COORDINATOR: Final = "the coordinator"


class Listeners(Protocol):
    """Owner of the ways: is told how attempts fail."""

    def unreached(self, peer: PartyId, why: str) -> None:
        """Take note why a connection to a peer could not be made."""

    def alarm(self, error: BaseException) -> None:
        """Take note of an error that ends a session which is not sealed yet."""

    def says(self, text: str) -> None:
        """Tell the user."""


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


def seat_at(place: BrokerSpec, manifest: Manifest, topology: Topology) -> BrokerSeat:
    """Return the place of a party in the room of a manifest's session at a broker."""
    from ostraka.transport.brokered import BrokerSeat, room_topic

    me = topology.me
    opens: dict[str, bytes] = {}
    answers: dict[str, bytes] = {}
    for other in topology.linked:
        (opens if topology.opens(me, other) else answers)[other] = manifest.pin(other)
    prefix = room_topic(place.topic, room_of(manifest))
    return BrokerSeat(place.mqtt, prefix, me, opens, answers, len(manifest.parties))


class Ways:
    """Ways to one party's peers, tried for as long as the session lasts.

    Args:
        keeper: is given each connection.
        owner: is told how attempts fail.
    """

    def __init__(
        self,
        manifest: Manifest,
        topology: Topology,
        contexts: Contexts,
        network: Network,
        keeper: Keeper,
        owner: Listeners,
    ) -> None:
        self._manifest, self._topology, self._contexts = manifest, topology, contexts
        self._network, self._keeper, self._owner = network, keeper, owner
        self._pace = Pace.of(manifest)
        self._pins = {party.pin: party.name for party in manifest.party}
        self._wanted = {other: asyncio.Event() for other in topology.linked}
        self._relayed: set[PartyId] = set()
        self._spare: dict[PartyId, list[RoomCarrier]] = {}
        self._used: dict[PartyId, RoomCarrier] = {}
        self._listener: Listener | None = None
        self._relays: dict[str, MeetingPlace] = {}
        self._met = self._over = False
        self._told = 0
        self._door = Door(network.places)
        self._tasks: set[asyncio.Task[None]] = set()
        self.no_coordinator: OstrakaError = Unreachable("no connection")
        self._told = 0

    @property
    def has_coordinator(self) -> bool:
        """Whether there is a connection to a coordinator."""
        return bool(self._relays)

    async def start(self) -> None:
        """Listen for the peers that dial this party, and try to reach all others."""
        topology = self._topology
        address = self._manifest.party_named(topology.me).address
        if address is not None and any(topology.dials(o, topology.me) for o in topology.linked):
            self._listener = await self._network.listen(address, self._accepted)
        for other in topology.linked:
            if topology.dials(topology.me, other):
                self._spawn(self._dial(other), f"dial {other}")
            self.want(other)
        self._spawn(self._clock(), "clock")

    def want(self, other: PartyId) -> None:
        """Try to reach a peer from now on, until `reached`."""
        if self._over:
            return
        self._wanted[other].set()
        if self._topology.through_coordinator(other):
            self._go_to_room(other)
        elif self._manifest.session.coordinators:
            loop = asyncio.get_running_loop()
            loop.call_later(HEAD_START, self._go_to_room, other)

    def reached(self, other: PartyId) -> None:
        """Try no more to reach a peer."""
        self._wanted[other].clear()
        self._relayed.discard(other)

    async def stop(self) -> None:
        """Try nothing any more; close the connections to coordinators. Takes a bounded time."""
        self._over = True
        if self._listener is not None:
            self._listener.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        relays, self._relays = list(self._relays.values()), {}
        await asyncio.gather(*(met.close() for met in relays))

    def _spawn(
        self, work: Coroutine[Any, Any, None], name: str, carrier: Carrier | None = None
    ) -> None:
        """Start a task; a carrier of its own is closed if it is cancelled, even before it runs."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        if carrier is not None:
            task.add_done_callback(lambda done: carrier.close() if done.cancelled() else None)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._owner.alarm(error)

    async def _clock(self) -> None:
        while True:
            await asyncio.sleep(self._pace.tick)
            self._keeper.tick()
            for met in list(self._relays.values()):
                met.tick(TICKS_OF_SILENCE)
            self._renew()

    # Direct

    async def _dial(self, other: PartyId) -> None:
        party = self._manifest.party_named(other)
        assert party.address is not None
        pause, told, loop = FIRST_RETRY, False, asyncio.get_running_loop()
        since = loop.time()
        while True:
            await self._wanted[other].wait()
            try:
                carrier = await self._network.dial(party.address)
                await self._keeper.ask(carrier, pinned(other, party.pin))
            except (Unreachable, PeerLost) as error:
                self._owner.unreached(other, error.message)
                if not told and loop.time() - since > WORD_SECONDS:
                    told = True
                    self._tell_of(other, error)
            except OstrakaError as error:
                self._owner.alarm(error)
            if self._keeper.is_linked(other):
                pause, since = FIRST_RETRY, loop.time()
            await asyncio.sleep(pause)
            pause = min(2 * pause, SLOWEST_RETRY)

    def _tell_of(self, other: PartyId, error: OstrakaError) -> None:
        """Say that a peer cannot be reached, unless that was said of many already."""
        self._told += 1
        if self._told <= blame.NAMES and not self._keeper.is_linked(other):
            self._owner.says(blame.waiting_for(other, error.message))

    def _accepted(self, carrier: Carrier, source: str) -> None:
        self._spawn(self._answer(carrier, source), "answer", carrier)

    async def _answer(self, carrier: Carrier, source: str) -> None:
        """Answer an accepted connection; its failure ends that connection only.

        A stranger can connect too. Only a signed message of a party can end the session.
        """

        async def come_in(link: SecureLink) -> None:
            await self._door.open(link, carrier, source)

        try:
            await self._keeper.answer(carrier, self._admit, come_in)
        except (PeerLost, PeerViolation, PinMismatch) as error:
            if error.peer is not None:
                self._owner.unreached(error.peer, error.message)

    def _admit(self, fingerprint: bytes) -> str:
        party = self._pins.get(fingerprint)
        if party is None or party == self._topology.me:
            raise PinMismatch("a key that the manifest does not name")
        return party

    # Through a coordinator

    def _go_to_room(self, other: PartyId) -> None:
        """Meet a peer at the coordinators, unless there is a connection to it by now."""
        if self._over or not self._wanted[other].is_set():
            return
        self._relayed.add(other)
        if not self._met:
            self._met = True
            for place in self._manifest.session.coordinators:
                self._spawn(self._meet(place), "coordinator")
        for carrier in self._spare.pop(other, []):
            self._try(other, carrier)

    def _renew(self) -> None:
        """Ask for other carriers to members that this party needs and that are said to be in a
        room, where all carriers that the coordinator gave to them are used up."""
        for other, carrier in list(self._used.items()):
            if self._wanted[other].is_set() and carrier.is_used_up:
                del self._used[other]
                carrier.renew()

    async def _enter(self, place: CoordinatorSpec | BrokerSpec) -> MeetingPlace:
        """Enter the room of the session at a coordinator."""
        room, network = room_of(self._manifest), self._network
        if isinstance(place, CoordinatorSpec):
            return await relay.enter(
                place.address, place.pin, self._contexts, network, self, room, self._pace.silence
            )
        from ostraka.transport import brokered

        return await brokered.enter(seat_at(place, self._manifest, self._topology), network, self)

    async def _meet(self, place: CoordinatorSpec | BrokerSpec) -> None:
        pause, told, loop = FIRST_RETRY, False, asyncio.get_running_loop()
        since = loop.time()
        while True:
            try:
                met = self._relays[place.address] = await self._enter(place)
                pause = FIRST_RETRY
                told = False
                await met.ended.wait()
                since = loop.time()
                self.no_coordinator = met.failed or PeerLost("no connection")
            except (Unreachable, PeerLost, Temporary) as error:
                self.no_coordinator = error
            except PeerViolation as error:
                text = f"{COORDINATOR} broke the protocol: {error.message}"
                self._owner.alarm(PeerViolation(text, hint=error.hint, data_left=False))
            except OstrakaError as error:
                self._owner.alarm(error)
            self._relays.pop(place.address, None)
            if not told and loop.time() - since > SLOWEST_RETRY:
                told = True
                text = blame.waiting_for_coordinator(place, self.no_coordinator)
                self._owner.says(text)
            await asyncio.sleep(pause)
            pause = min(2 * pause, SLOWEST_RETRY)

    def joined(self, fingerprint: bytes, carrier: RoomCarrier) -> None:
        """Take the carrier to a new member of a coordinator's room, if this party needs one.

        TLS proves whether the member has the fingerprint that the coordinator says.
        """
        other, topology = self._pins.get(fingerprint), self._topology
        if self._over or other not in topology.linked:
            carrier.close()
        elif not topology.opens(topology.me, other):
            self._spawn(self._await(carrier, other), f"meet {other}")
        elif other in self._relayed or carrier.again:
            self._try(other, carrier)
        else:
            self._spare.setdefault(other, []).append(carrier)

    def _try(self, other: PartyId, carrier: RoomCarrier) -> None:
        if not carrier.is_over:
            self._used[other] = carrier
            self._spawn(self._open(carrier, other), f"meet {other}")

    async def _open(self, carrier: RoomCarrier, other: PartyId) -> None:
        admit = pinned(other, self._manifest.pin(other))
        try:
            await self._keeper.ask(carrier, admit, spare=not carrier.again)
        except PeerLost as error:
            self._owner.unreached(other, error.message)

    async def _await(self, carrier: RoomCarrier, other: PartyId) -> None:
        admit = pinned(other, self._manifest.pin(other))
        try:
            await self._keeper.answer(carrier, admit, _when_it_knocks)
        except PeerLost as error:
            self._owner.unreached(other, error.message)


async def _when_it_knocks(link: SecureLink) -> None:
    """Open a connection as soon as the peer does, which may be much later."""
    await link.knock()
    await link.open()
