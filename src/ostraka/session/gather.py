"""Gathering: the beginning of one session, from the first link to the last party's Ready.

Each pair of parties that needs a link gets one (see `ways` and `keeper`). A peer is admitted by its
pin. It belongs to *this* session only after its signed Hello with this manifest's digest has
arrived. The links go on after that, to the end of the session.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from ostraka.errors import OstrakaError, PeerLost, PeerViolation
from ostraka.identity import Identity
from ostraka.limits import MANIFEST_GRACE_SECONDS
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.record.journal_entries import Met
from ostraka.session import blame
from ostraka.session.acquaintance import DUPLICATE, LATE
from ostraka.session.actions import Action, Doubt, Fail, Part, Present, Say
from ostraka.session.channel import Channel
from ostraka.session.introductions import Introductions
from ostraka.session.keeper import Keeper
from ostraka.session.pace import VERDICT, Pace, begins_in, grace
from ostraka.session.telling import telling
from ostraka.session.ways import Ways
from ostraka.transport.contexts import Contexts
from ostraka.transport.lasting import NOTHING, LastingLink
from ostraka.transport.network import Network
from ostraka.wire import link_state
from ostraka.wire.messages import Abort, Hello, Message, decode, encode
from ostraka.wire.resume import SentStream, Settled

Gathered = Callable[[int, int, list[PartyId]], None]
"""Function that is called with how many parties are here, of how many, and those not here."""

Troubled = Callable[[str], None]
"""Function that is called with the reason why a party has to wait, and when that is over."""


class SessionMemory(Protocol):
    """Memory of a party that outlives its process.

    Attributes:
        age: seconds since the run began in an earlier process; 0 in the process that begins it.
        past: what happened while the session was made, in an earlier process.
        positions: of each peer's stream, up to which this party has it.
    """

    age: float
    past: list[Met]
    positions: dict[PartyId, int]

    def meet(self, met: Met) -> None:
        """Keep an event of the session's beginning; asked before this party answers it."""


class Gathering:
    """Beginning of one party's session, and the owner of its links until the end.

    Args:
        introductions: decides which message goes to which party, and when all are complete.
        network: makes the connections.
        gathered: is called when parties come or go.
        troubled: is called when a coordinator cannot be reached at first, and when a party is away
            or returns.
        memory: keeps what happened, and tells what happened before; None: the process that begins
            the session ends it.

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
        memory: SessionMemory | None = None,
    ) -> None:
        contexts, topology = Contexts(identity), introductions.topology
        self._manifest, self._topology = manifest, topology
        self._introductions, self._gathered = introductions, gathered
        self.hello, self.says = introductions.hello, troubled
        self.channels: dict[PartyId, Channel] = {}
        self.keeper = Keeper(contexts, Pace.of(manifest), self, by_hand=memory is not None)
        self._memory = memory
        self._ways = Ways(manifest, topology, contexts, network, self.keeper, self)
        self._news = asyncio.Event()
        self._fatal: BaseException | None = None
        self._open = self._extended = False
        self._due: asyncio.TimerHandle | None = None
        self._limit: asyncio.Timeout | None = None
        self._began = self._verdict_at = 0.0

    async def open(self, gathered: Callable[[], object]) -> None:
        """Gather all parties that must come, and seal the session, within the manifest's deadline.

        Where a session may begin without some contributors, `GRACE_SECONDS` at most are added, and
        the time that this party was there before the one that says when it begins.

        Args:
            gathered: is called when all are here.

        Raises:
            TimedOut, Unreachable: a party did not come, or the session began without this one.
            PinMismatch: a party has another key.
            Disagreement: a party has another manifest, release or session.
            PeerViolation: a party broke the protocol.
            PeerLost: a party left after our Ready did.
        """
        seconds, roll = self._manifest.session.deadline, self._introductions.rollcall
        if roll.proposes:
            due = begins_in(seconds, self._memory.age if self._memory else 0.0)
            self._due = asyncio.get_running_loop().call_later(due, self._begin_without)
            seconds = due + grace(seconds)
        self._verdict_at = asyncio.get_running_loop().time() + VERDICT * seconds
        self._limit = asyncio.timeout(seconds)
        try:
            async with self._limit:
                with telling(self._introductions.waiting, self.says, seconds):
                    await self._gather()
                gathered()
                await self._until(lambda: self._introductions.complete)
        except TimeoutError:
            raise self.late() from None
        finally:
            self._limit = None
        self._open = True

    async def _gather(self) -> None:
        """Make links until every party's Hello is here that must be, and our Ready has left."""
        if self._memory is not None:
            self._recall(self._memory)
        await self._ways.start()
        self._act([Present(max(1, self._introductions.present))])
        await self._until(lambda: self.sealed)
        if absent := self._introductions.rollcall.absent:
            names = [party for party in self._manifest.parties if party in absent]
            self.says(f"the session begins without {blame.named(names)}")

    def _begin_without(self) -> None:
        """Begin without those that did not come by the deadline, at the proposer of a roll call."""
        if not self.sealed and self._fatal is None:
            self._keep("due", self._topology.me)
            self._act(self._introductions.due())

    def _wait_for_proposer(self) -> None:
        """Wait as long as the party that says when the session begins, which has come by now."""
        loop, seconds = asyncio.get_running_loop(), self._manifest.session.deadline
        if self._limit is not None and not self._extended:
            self._extended = True
            self._limit.reschedule(loop.time() + seconds + grace(seconds))

    async def _until(self, reached: Callable[[], bool]) -> None:
        while self._fatal is None and not reached():
            self._news.clear()
            await self._news.wait()
        if self._fatal is not None:
            raise self._fatal

    # In another process

    def _recall(self, memory: SessionMemory) -> None:
        """Go on from where an earlier process of this party was stopped: no link has a connection,
        and what this party said before is said again to a peer that has not got it."""
        for met in list(memory.past):
            self._again(met, memory.positions)
        for channel in list(self.channels.values()):
            hello = self._introductions.hellos[channel.peer]
            self.keeper.adopt(channel, hello.nonce, away=True)
            if not self._introductions.finished(channel.peer):
                self._listen(channel)
        if self._introductions.rollcall.proposer in self.channels:
            self._wait_for_proposer()
        self._news.set()

    def _again(self, met: Met, positions: Mapping[PartyId, int]) -> None:
        peer = PartyId(met.peer)
        match met.what:
            case "greeted":
                hello = decode(met.message)
                assert isinstance(hello, Hello)
                actions = self._introductions.greeted(peer, met.certificate, hello)
                position = positions.get(peer, 0)
                settled = Settled(position, by_hand=True)
                self.channels[peer] = Channel(
                    peer, LastingLink(SentStream(replayed=True), settled, position)
                )
            case "heard":
                message, channel = decode(met.message), self.channels[peer]
                channel.state = link_state.after(channel.state, message)
                actions = self._introductions.heard(peer, message)
            case "due":
                actions = self._introductions.due()
            case "away":
                actions = self._introductions.away(peer)
            case "returned":
                actions = self._introductions.returned(peer)
            case _:
                del self.channels[peer]
                farewell = decode(met.message) if met.message else None
                assert farewell is None or isinstance(farewell, Abort)
                error = PeerLost(f"{peer} left", peer=peer)
                actions = self._introductions.left(peer, error, farewell)
        self._act(action for action in actions if isinstance(action, Say | Part))

    def _keep(self, what: str, peer: PartyId, message: Message | None = None) -> None:
        """Remember an event before it is answered."""
        if self._memory is not None:
            hello = what == "greeted"
            certificate = self._introductions.certificates[peer] if hello else b""
            position = self.channels[peer].link.bytes_received if what == "heard" else 0
            said = b"" if message is None else encode(message)
            self._memory.meet(Met(what, peer, said, certificate, position))

    def linked_channels(self) -> dict[PartyId, Channel]:
        """Return the links, in the order of the manifest."""
        linked = self._topology.linked
        return {party: self.channels[party] for party in linked if party in self.channels}

    async def abandon(self) -> None:
        """Drop every link, and the connections to coordinators: the session is over."""
        self._open = True
        if self._due is not None:
            self._due.cancel()
        self.keeper.stop()
        for channel in self.channels.values():
            channel.link.on_ended = None
            channel.link.abandon(PeerLost("the session is over"))
        await self._ways.stop()

    def _act(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Say(to, message):
                    for party in to:
                        if (channel := self.channels.get(party)) is not None:
                            channel.say(message)
                case Present(here):
                    away = self._introductions.waiting.away()
                    self._gathered(here, len(self._manifest.parties), away)
                case Part(party):
                    self._part_from(party)
                case Doubt(party, error, to_the_deadline):
                    self._ask_again(party, error, to_the_deadline)
                case Fail(error):
                    self.alarm(error)
        self._news.set()

    def _part_from(self, party: PartyId) -> None:
        """Tell a party that is here that the session begins without it."""
        if (channel := self.channels.pop(party, None)) is not None:
            channel.say(self.too_late)
            channel.link.on_cut, channel.link.on_ended = NOTHING, None
            self.keeper.forget(channel)
            channel.link.abandon(PeerLost("the session begins without it"))

    def _ask_again(self, party: PartyId, error: OstrakaError, to_the_deadline: bool) -> None:
        """Schedule the end of our patience with a party; until then another process of it, with the
        right manifest, may appear."""
        loop = asyncio.get_running_loop()
        end = loop.time() + MANIFEST_GRACE_SECONDS
        if to_the_deadline:
            self.says(f"{error.message}; waiting for {party} with this one")
            end = max(end, self._verdict_at)
        over = self._introductions.patience_over
        loop.call_at(end, lambda: self._act(over(party, error)))

    # For the keeper, and for the ways

    @property
    def sealed(self) -> bool:
        """Whether our Ready has left: no party can begin anew."""
        return self._open or bool(self._introductions.id)

    @property
    def too_late(self) -> Abort:
        """The farewell for a party that comes when the session has begun without it."""
        self._began = self._began or time.time()
        return blame.begun(self._introductions.id, self._began)

    def alarm(self, error: BaseException) -> None:
        """End the session over an error, unless it is open: other parties may still go on."""
        if not self._open:
            self._fatal = self._fatal or error
            self._news.set()

    def unreached(self, peer: PartyId, why: str) -> None:
        """Note why a connection to a peer could not be made."""
        self._introductions.unreached(peer, why)

    def greeted(
        self, peer: PartyId, certificate: bytes, hello: Hello, hold: Callable[[], Channel]
    ) -> bool:
        """Take the Hello of a peer's run; hold a link to it if it belongs to this session.

        Raises:
            Disagreement: the peer speaks another version.
            PeerViolation: the Hello does not verify.
        """
        actions = self._introductions.greeted(peer, certificate, hello)
        if not self._introductions.here(peer):
            self._act(actions)
            return False
        self._keep("greeted", peer, hello)
        channel = self.channels[peer] = hold()
        if peer == self._introductions.rollcall.proposer:
            self._wait_for_proposer()
        self._act(actions)
        if channel.link.failed is None:
            self._listen(channel)
        return True

    def differs(self, peer: PartyId, certificate: bytes, hello: Hello) -> None:
        """Note that a run of a peer is there with another manifest. Raises as `greeted`."""
        if not self.sealed:
            self._act(self._introductions.greeted(peer, certificate, hello))

    def _listen(self, channel: Channel) -> None:
        channel.listen(lambda message: self._heard(channel, message))

    def _heard(self, channel: Channel, message: Message) -> bool:
        """Take a peer's message; return whether more are due before the first vector."""
        actions = self._introductions.heard(channel.peer, message)
        self._keep("heard", channel.peer, message)
        self._act(actions)
        return not self._introductions.finished(channel.peer)

    def linked(self, peer: PartyId) -> None:
        """Note that a connection carries the link to a peer."""
        self._ways.reached(peer)
        if not self.sealed:
            self._keep("returned", peer)
            self._act(self._introductions.returned(peer))

    def cut(self, peer: PartyId) -> None:
        """Note that a peer is away; it may return."""
        self._ways.want(peer)
        if not self.sealed:
            self._keep("away", peer)
            self._act(self._introductions.away(peer))

    def why_away(self, peer: PartyId) -> str:
        """Return in words that the coordinator may be to blame, or ""."""
        if self._ways.has_coordinator or not self._topology.through_coordinator(peer):
            return ""
        return f" (there is no connection to the coordinator: {self._ways.no_coordinator.message})"

    def doubt(self, peer: PartyId, *, doubted: bool) -> None:
        """Note that a peer's run may be dead, or that it lives: we are not ready meanwhile."""
        if not self.sealed:
            self._keep("away" if doubted else "returned", peer)
            note = self._introductions.away if doubted else self._introductions.returned
            self._act(note(peer))

    def gone(self, channel: Channel, error: OstrakaError) -> None:
        """Note that a link is over. A party may leave once it has said all; before, it is lost."""
        peer = channel.peer
        done = self._introductions.finished(peer) and not isinstance(error, PeerViolation)
        if self._open or done:
            self._ways.reached(peer)
            return
        del self.channels[peer]
        self.keeper.forget(channel)
        self._ways.want(peer)
        self._keep("left", peer, channel.farewell)
        self._act(self._introductions.left(peer, channel.named(error), channel.farewell))
        self._introductions.unreached(peer, error.message)

    def refused(self, peer: PartyId, farewell: Abort) -> None:
        """Note that a peer ended a connection: it may hold a link to another run of our name."""
        if (channel := self.channels.get(peer)) is not None:
            if not self.keeper.is_linked(peer):
                channel.link.abandon(PeerLost(f"it goes on without us ({farewell.code})"))
        elif farewell.code == DUPLICATE and not self._open:
            self._act(self._introductions.duplicate(peer, farewell))
        elif farewell.code == LATE:
            self.alarm(blame.came_too_late(peer, self._topology.me, farewell))

    def late(self) -> OstrakaError:
        """Return the error for the deadline that has passed: it names the parties to blame, or the
        coordinator."""
        places = self._manifest.session.coordinators
        deadline, waiting = self._manifest.session.deadline, self._introductions.waiting
        missing = set(waiting.missing()) & set(self._topology.linked)
        if (
            not self._ways.has_coordinator
            and places
            and any(map(self._topology.through_coordinator, missing))
        ):
            return blame.no_coordinator(places, deadline, self._ways.no_coordinator)
        return waiting.late(deadline)
