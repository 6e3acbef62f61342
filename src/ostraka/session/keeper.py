"""Keeper: the links of one party, kept alive from its first Hello to the end of the session.

Over each new connection, both ends first find out whether it takes up a link that they hold. The
end that opened it says Resume if it holds a link to the peer, and else Hello; the other end
answers. Each run of a party has a nonce, in its Hello. A connection of the *same* run takes the
place of the one before it. *Another* run of a party is refused while the old one answers; when
that is dead, the newcomer takes its place, unless the session is sealed already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from ostraka.errors import OstrakaError, PeerAway, PeerLost, PeerViolation
from ostraka.limits import HANDSHAKE_SECONDS
from ostraka.names import PartyId
from ostraka.session.acquaintance import DUPLICATE
from ostraka.session.channel import Channel, Introduction, named
from ostraka.session.pace import TICKS_OF_SILENCE, TOLD_SECONDS, Pace
from ostraka.transport.contexts import Contexts
from ostraka.transport.lasting import LastingLink
from ostraka.transport.link import Carrier
from ostraka.transport.preamble import Admit
from ostraka.transport.tls import SecureLink
from ostraka.wire.messages import Abort, Hello, Resume
from ostraka.wire.resume import SentStream, Settled, Standing

PROBE_TICKS: Final = 2.5
"""Ticks within which a run that lives says a word, even one that reads nothing now."""

LOOK_SECONDS: Final = 0.02
"""Seconds between looks whether a probed run has said a word."""


Opened = Callable[[SecureLink], Awaitable[None]]
"""Function that opens a connection, or raises an OstrakaError."""

Speak = Callable[[Introduction], Awaitable[bool]]
"""Function that says the first messages over a connection; returns whether it carries a link."""


class Owner(Protocol):
    """Owner of a keeper: decides who may take part, and is told of the links."""

    hello: Hello

    @property
    def sealed(self) -> bool:
        """Whether no party can begin anew: our Ready has left."""

    def greeted(
        self, peer: PartyId, certificate: bytes, hello: Hello, hold: Callable[[], Channel]
    ) -> bool:
        """Take a peer's Hello; return whether it is to be held, having called `hold` if so."""

    def differs(self, peer: PartyId, certificate: bytes, hello: Hello) -> None:
        """Take note of a run of a peer that is there for a session with another manifest."""

    def linked(self, peer: PartyId) -> None:
        """Take note that a connection carries the link to a peer."""

    def cut(self, peer: PartyId) -> None:
        """Take note that a peer is away; it may return."""

    def why_away(self, peer: PartyId) -> str:
        """Return what is known of why a peer is away, in words to append, or ""."""

    def doubt(self, peer: PartyId, *, doubted: bool) -> None:
        """Take note that a peer's run may be dead, as another one asks to be in its place; or,
        with `doubted` False, that it lives."""

    def gone(self, channel: Channel, error: OstrakaError) -> None:
        """Take note that the link to a peer is over."""

    @property
    def too_late(self) -> Abort:
        """The farewell for a run of a party that comes when the session is sealed without it."""

    def refused(self, peer: PartyId, farewell: Abort) -> None:
        """Take note that a peer ended a connection before it carried a link."""

    def says(self, text: str) -> None:
        """Tell the user."""


@dataclass
class HeldLink:
    """Link to one run of a peer.

    Attributes:
        nonce: of the peer's run.
        since: time of the loop since which the peer is away.
        spent: seconds that it was away before, since it last got or sent a byte of a stream.
        mark: positions of both streams when it went away last.
        told: whether the user was told that it is away.
        timers: what is due while it is away.
    """

    channel: Channel
    nonce: bytes
    since: float = 0.0
    spent: float = 0.0
    mark: tuple[int, int] = (-1, -1)
    told: bool = False
    timers: list[asyncio.TimerHandle] = field(default_factory=list)

    @property
    def link(self) -> LastingLink:
        """The link itself."""
        return self.channel.link

    def stop_timers(self) -> None:
        """Do nothing of what was due while the peer was away."""
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()


class Keeper:
    """Links of one party to its peers, over the connections that it is given.

    Args:
        by_hand: whether what is received is settled by `LastingLink.settled` alone.

    Attributes:
        held: the links, by peer; those that are over included, once the session is sealed.
    """

    def __init__(
        self, contexts: Contexts, pace: Pace, owner: Owner, *, by_hand: bool = False
    ) -> None:
        self._contexts, self._pace, self._owner = contexts, pace, owner
        self._by_hand = by_hand
        self.held: dict[PartyId, HeldLink] = {}
        self._turns: dict[PartyId, asyncio.Lock] = {}

    def is_linked(self, peer: PartyId) -> bool:
        """Return whether a connection carries the link to a peer."""
        held = self.held.get(peer)
        return held is not None and held.link.standing is Standing.LINKED

    def is_over(self, peer: PartyId) -> bool:
        """Return whether the link to a peer was held and is over."""
        held = self.held.get(peer)
        return held is not None and held.link.standing is Standing.OVER

    # Connections

    async def ask(self, carrier: Carrier, admit: Admit, *, spare: bool = False) -> None:
        """Open a connection to a peer, as its TLS client, and let it carry the link to the peer.

        Args:
            spare: drop it if another connection carries the link by the time it is open.

        Raises:
            OstrakaError: the peer is not there, or not admitted, or refuses us.
        """
        link = SecureLink(carrier, self._contexts, server=False, admit=admit)

        async def speak(talk: Introduction) -> bool:
            async with self._turns.setdefault(talk.peer, asyncio.Lock()):
                return not (spare and self.is_linked(talk.peer)) and await self._ask(talk)

        await self._introduce(link, SecureLink.open, speak)

    async def answer(self, carrier: Carrier, admit: Admit, opened: Opened) -> None:
        """Answer a connection that a peer opens, as its TLS server. Raises as `ask`.

        Args:
            opened: waits for the peer and opens the link.
        """
        link = SecureLink(carrier, self._contexts, server=True, admit=admit)
        await self._introduce(link, opened, self._answer)

    async def _introduce(self, link: SecureLink, opened: Opened, speak: Speak) -> None:
        talk, taken = None, False
        try:
            await opened(link)
            link.bound_silence(self._pace.silence)
            talk = Introduction(PartyId(link.peer), link)
            taken = await speak(talk)
        finally:
            if not taken:
                link.abandon(PeerLost("not introduced"))
                if talk is not None and talk.farewell is not None:
                    self._refused(talk, talk.farewell)

    def _refused(self, talk: Introduction, farewell: Abort) -> None:
        """Tell the owner of a refusal, unless it comes from another run of a peer that is held."""
        held = self.held.get(talk.peer)
        if held is None or talk.run in (b"", held.nonce):
            self._owner.refused(talk.peer, farewell)

    async def _ask(self, talk: Introduction) -> bool:
        held = self.held.get(talk.peer)
        if held is None:
            talk.say(self._owner.hello)
            return await self._begin(talk, await talk.hear_hello(HANDSHAKE_SECONDS), said=True)
        talk.say(Resume(self._owner.hello.nonce, held.nonce, held.link.offer()))
        try:
            answer = await talk.hear(HANDSHAKE_SECONDS)
            if isinstance(answer, Resume):
                self._resume(held, talk, answer)
                return True
        finally:
            held.link.withdraw()
        return await self._begin(talk, answer)

    async def _answer(self, talk: Introduction) -> bool:
        first = await talk.hear(HANDSHAKE_SECONDS)
        if isinstance(first, Hello):
            return await self._begin(talk, first)
        held = self.held.get(talk.peer)
        if first.peers != self._owner.hello.nonce or held is None:
            # It holds a link to an earlier run of ours, or we none to it: both begin anew.
            talk.say(self._owner.hello)
            return await self._begin(talk, await talk.hear_hello(HANDSHAKE_SECONDS), said=True)
        if first.own != held.nonce:
            return await self._refuse(talk, self._duplicate(talk.peer))
        if (error := held.link.failed) is not None:
            return await self._refuse(talk, Abort(error.code, talk.peer))
        talk.say(Resume(self._owner.hello.nonce, held.nonce, held.link.offer()))
        self._resume(held, talk, first)
        return True

    def _resume(self, held: HeldLink, talk: Introduction, said: Resume) -> None:
        """Let a connection carry a link on, whose two runs both ends have named."""
        if (said.own, said.peers) != (held.nonce, self._owner.hello.nonce):
            raise named(talk.peer, PeerViolation("it resumes a link of other runs"))
        if (failed := held.link.failed) is not None:
            raise failed
        try:
            held.link.resume(talk.link, said.received)
        except PeerViolation as error:
            held.link.abandon(error)
            raise named(talk.peer, error) from None

    async def _begin(self, talk: Introduction, hello: Hello, *, said: bool = False) -> bool:
        """Take the Hello of a peer's run, which may be another one than we hold a link to."""
        if hello.digest != self._owner.hello.digest:
            self._say_hello(talk, said)
            try:
                self._owner.differs(talk.peer, talk.link.peer_certificate, hello)
            except PeerViolation as error:
                raise named(talk.peer, error) from None
            await talk.link.close()
            return False
        held = self.held.get(talk.peer)
        if held is not None and held.nonce == hello.nonce and held.link.pristine:
            # It has not seen our Hello, which was lost with a connection.
            self._say_hello(talk, said)
            held.link.resume(talk.link, 0)
            return True
        if held is not None and held.nonce != hello.nonce and await self._lives(held):
            return await self._refuse(talk, self._duplicate(talk.peer))
        left = held is not None and _left(held)
        if held is not None and self.held.get(talk.peer) is held:
            held.link.abandon(PeerLost("it began anew, without the record of this session"))
        if self._owner.sealed:
            # A party that had left may be here for the next session of this manifest.
            farewell = Abort(PeerLost.code, talk.peer) if left else self._owner.too_late
            return await self._refuse(talk, farewell)
        self._say_hello(talk, said)
        if (failed := talk.link.failed) is not None:
            raise failed
        certificate = talk.link.peer_certificate
        try:
            taken = self._owner.greeted(
                talk.peer, certificate, hello, lambda: self._hold(talk, hello)
            )
        except PeerViolation as error:
            raise named(talk.peer, error) from None
        if not taken:
            await talk.link.close()
        return taken

    def _say_hello(self, talk: Introduction, said: bool) -> None:
        if not said:
            talk.say(self._owner.hello)

    async def _refuse(self, talk: Introduction, farewell: Abort) -> bool:
        talk.say(farewell)
        await talk.link.close()
        return False

    def _duplicate(self, peer: PartyId) -> Abort:
        """Return the farewell for a run of a peer while another one is there: it says whether that
        one is in a session already. Then the newcomer may be there for another."""
        session = self._owner.too_late.blames if self._owner.sealed else peer
        return Abort(DUPLICATE, session)

    async def _lives(self, held: HeldLink) -> bool:
        """Return whether a peer's run says a word when asked, over the connection that it has."""
        heard = held.link.heard
        held.link.probe()
        self._owner.doubt(held.channel.peer, doubted=True)
        for _ in range(int(PROBE_TICKS * self._pace.tick / LOOK_SECONDS)):
            if held.link.standing is not Standing.LINKED:
                return False
            if held.link.heard != heard:
                self._owner.doubt(held.channel.peer, doubted=False)
                return True
            await asyncio.sleep(LOOK_SECONDS)
        return False

    # Links

    def _hold(self, talk: Introduction, hello: Hello) -> Channel:
        link = LastingLink(SentStream(), Settled(by_hand=self._by_hand))
        held = self.adopt(Channel(talk.peer, link), hello.nonce)
        link.resume(talk.link, 0)
        return held.channel

    def adopt(self, channel: Channel, nonce: bytes, *, away: bool = False) -> HeldLink:
        """Keep a link to the run of this nonce alive from now on; `away`: no connection carries
        it, and the peer is waited for."""
        held = self.held[channel.peer] = HeldLink(channel, nonce)
        link = channel.link
        link.on_cut = lambda: self._cut(held)
        link.on_linked = lambda: self._linked(held)
        link.on_ended = lambda error: self._ended(held, error)
        if away:
            self._cut(held)
        return held

    def forget(self, channel: Channel) -> None:
        """Hold the link no more, which is over: another run of the peer is welcome."""
        if (held := self.held.get(channel.peer)) is not None and held.channel is channel:
            del self.held[channel.peer]

    def _linked(self, held: HeldLink) -> None:
        held.stop_timers()
        if held.since:
            seconds = asyncio.get_running_loop().time() - held.since
            held.spent += seconds
            if held.told:
                self._owner.says(f"{held.channel.peer} is back after {seconds:.0f} s")
        held.since, held.told = 0.0, False
        self._owner.linked(held.channel.peer)

    def _cut(self, held: HeldLink) -> None:
        """Wait for a peer that is away since the last sign of life."""
        loop, link = asyncio.get_running_loop(), held.link
        silent = link.silence * self._pace.tick
        mark = (link.bytes_received, link.sent.acknowledged)
        if mark != held.mark:
            held.mark, held.spent = mark, 0.0
        held.since = loop.time() - silent
        left = max(0.0, self._pace.timeout - held.spent - silent)
        told = min(TOLD_SECONDS, self._pace.timeout / 4)
        held.stop_timers()
        held.timers = [
            loop.call_at(held.since + told, self._tell, held, left),
            loop.call_later(left, self._give_up, held),
        ]
        self._owner.cut(held.channel.peer)

    def _tell(self, held: HeldLink, left: float) -> None:
        held.told = True
        seconds = asyncio.get_running_loop().time() - held.since
        self._owner.says(
            f"{held.channel.peer} is away since {seconds:.0f} s; waiting up to {left:.0f} s"
            + self._owner.why_away(held.channel.peer)
        )

    def _give_up(self, held: HeldLink) -> None:
        text = f"it was cut off, and did not return within {self._pace.timeout:g} s"
        held.link.give_up(PeerAway(text + self._owner.why_away(held.channel.peer)))

    def _ended(self, held: HeldLink, error: OstrakaError) -> None:
        held.stop_timers()
        self._owner.gone(held.channel, error)

    def tick(self) -> None:
        """Say a word on links that were quiet for a tick, and cut those whose peer is silent."""
        for held in list(self.held.values()):
            if held.link.tick() >= TICKS_OF_SILENCE:
                held.link.cut()

    def stop(self) -> None:
        """Wait for no peer any more."""
        for held in self.held.values():
            held.stop_timers()


def _left(held: HeldLink) -> bool:
    """Return whether a peer ended its link itself."""
    over = held.link.standing is Standing.OVER
    return over and not isinstance(held.link.failed, PeerAway)
