"""Links through the coordinator: one outbound connection, and on it a carrier per other member.

The coordinator sees slots, fingerprints and sizes. What a slot carries is the TLS session of the
two parties, so the coordinator can withhold it, but neither read nor alter it.

Flow control is end to end: at most `limits.RELAY_WINDOW` bytes per pair are on their way. The
receiver returns credit as it takes them. So a slow party slows its senders, and fills no memory.
"""

from __future__ import annotations

import asyncio
from typing import Final

from ostraka.errors import Disagreement, OstrakaError, PeerLost, PeerViolation, Temporary
from ostraka.limits import HANDSHAKE_SECONDS, RELAY_CHUNK, RELAY_WINDOW
from ostraka.transport.contexts import Contexts
from ostraka.transport.network import Network
from ostraka.transport.preamble import pinned
from ostraka.transport.reactor import Waiter
from ostraka.transport.records import CIPHERTEXT
from ostraka.transport.rendezvous import MeetingPlace, Members, RoomCarrier
from ostraka.transport.tls import SecureLink
from ostraka.wire import frames
from ostraka.wire.messages import (
    VERSION,
    Join,
    Joined,
    Left,
    Message,
    Ping,
    Pong,
    Refused,
    Welcome,
    Window,
    decode,
    encode,
)

BACKLOG: Final = 4 * CIPHERTEXT
"""Number of bytes waiting for the socket above which carriers have no room. Their own queues hold
views, not copies, so memory stays small and no pair gets far ahead of another."""

NAME: Final = "the coordinator"

GONE: Final = (
    "no party is to blame: the coordinator, or the way to it, has failed; start the session again "
    "once it runs"
)


class RelayCarrier(RoomCarrier):
    """Carrier to and from one slot: another member of the room."""

    def __init__(self, relay: Relay, slot: int, *, again: bool = False) -> None:
        super().__init__(RELAY_WINDOW, again=again)
        self._relay = relay
        self._slot = slot
        self._credit = RELAY_WINDOW
        self._taken = 0

    @property
    def is_used_up(self) -> bool:
        # No bytes will come from the slot, as it has one carrier only.
        return not self._open and self._relay.is_present(self._slot)

    def renew(self) -> None:
        # A new connection to the coordinator finds the members anew.
        self._relay.leave(PeerLost("a member that is there does not answer"))

    @property
    def room(self) -> bool:
        return self._open and self._credit >= CIPHERTEXT and self._relay.has_room

    def send(self, data: bytes) -> None:
        self._credit -= len(data)
        self._relay.write(frames.relay(self._slot, data))

    def consumed(self, size: int) -> None:
        self._unread -= size
        self._taken += size
        if self._taken >= RELAY_WINDOW // 4:
            self._relay.write(frames.control(encode(Window(self._slot, self._taken))))
            self._taken = 0

    def close(self) -> None:
        if self._open:
            self._open = False
            self._relay.forget(self._slot, self)

    def spin_until(self, waiter: Waiter) -> bool:
        return self._relay.spin_until(waiter)

    async def yield_when_due(self) -> None:
        await self._relay.yield_when_due()

    def credit(self, size: int) -> None:
        """Note that the other end has taken `size` bytes, which makes room for as many.

        Raises:
            PeerViolation: it claims to have taken more bytes than were sent.
        """
        self._credit += size
        if self._credit > RELAY_WINDOW:
            raise PeerViolation("credit for bytes that were never sent")
        self.offer_room()


class Relay(MeetingPlace):
    """Connection to the coordinator, and the carriers that run through it.

    Args:
        link: an open link to the coordinator.
        members: is called for each other member, those already there included.
    """

    def __init__(self, link: SecureLink, members: Members) -> None:
        self._link = link
        self._members = members
        self._carriers: dict[int, RelayCarrier] = {}
        self._members_by_slot: dict[int, bytes] = {}
        self._heard = self._silence = 0
        self._welcome = Waiter()
        self.ended = Waiter()
        self._refused: OstrakaError | None = None
        link.on_drained = self._drained

    async def join(self, room: bytes, seconds: float = HANDSHAKE_SECONDS) -> None:
        """Enter `room`; from then on `members` is called for each other member.

        Raises:
            Temporary: the coordinator is full.
            Disagreement: the coordinator speaks another version.
            PeerLost: the coordinator is gone, or does not answer within `seconds`.
        """
        self._link.write(frames.control(encode(Join(VERSION, room))))
        self._link.on_ended = self._gone
        self._link.follow(self._frames())
        try:
            async with asyncio.timeout(seconds):
                await self._welcome.wait()
        except TimeoutError:
            self._link.abandon(PeerLost(f"no welcome within {seconds:g} s"))
        if self._refused is not None:
            self._link.abandon(self._refused)
            raise self._refused
        if (error := self._link.failed) is not None:
            raise error

    @property
    def failed(self) -> OstrakaError | None:
        return self._link.failed

    @property
    def has_room(self) -> bool:
        """Whether few enough bytes wait for the socket that carriers may send more."""
        return self._link.backlog < BACKLOG

    def write(self, frame: bytes) -> None:
        """Queue a frame for the coordinator."""
        self._link.write(frame)

    def spin_until(self, waiter: Waiter) -> bool:
        """Serve the connection's socket for a moment; return whether `waiter` is set."""
        return self._link.spin_until(waiter)

    async def yield_when_due(self) -> None:
        """Let asyncio run its other tasks if spinning has held them up for long."""
        await self._link.yield_when_due()

    def is_present(self, slot: int) -> bool:
        """Return whether a member has this slot, as far as the coordinator says."""
        return slot in self._members_by_slot

    def bound_silence(self, seconds: float) -> None:
        """Let the system give the connection up when the coordinator's takes nothing so long."""
        self._link.bound_silence(seconds)

    def tick(self, limit: int) -> None:
        link = self._link
        self._silence = self._silence + 1 if link.heard == self._heard and not link.full else 0
        self._heard = link.heard
        if self._silence >= limit:
            self.leave(PeerLost("it was silent"))
        elif self._silence and not link.backlog:
            link.write(frames.control(encode(Ping())))

    def leave(self, error: OstrakaError) -> None:
        """Give the connection up at once."""
        self._link.abandon(error)

    def forget(self, slot: int, carrier: RelayCarrier) -> None:
        """Drop the carrier of a slot: bytes from it are ignored from now on."""
        if self._carriers.get(slot) is carrier:
            del self._carriers[slot]

    async def close(self) -> None:
        await self._link.close()

    def _frames(self) -> frames.Parser[None]:
        buffer = memoryview(bytearray(RELAY_CHUNK + 2))
        while True:
            kind, length = yield from frames.read_header()
            if kind is frames.Kind.CONTROL:
                self._control(decode((yield from frames.read_body(length))))
            elif kind is frames.Kind.RELAY and length > 2:
                yield buffer[:length]
                slot, payload = frames.split_relay(buffer[:length])
                if (carrier := self._carriers.get(slot)) is not None:
                    carrier.deliver(payload)
            else:
                raise PeerViolation(f"a {kind.name} frame of {length} bytes")

    def _control(self, message: Message) -> None:
        match message:
            case Joined(slot, fingerprint):
                if slot in self._members_by_slot:
                    raise PeerViolation(f"slot {slot} given to two members")
                again = fingerprint in self._members_by_slot.values()
                self._members_by_slot[slot] = fingerprint
                carrier = self._carriers[slot] = RelayCarrier(self, slot, again=again)
                self._members.joined(fingerprint, carrier)
            case Left(slot):
                self._members_by_slot.pop(slot, None)
                if (gone := self._carriers.pop(slot, None)) is not None:
                    gone.end(PeerLost("it left the coordinator"))
            case Window(slot, taken):
                if (known := self._carriers.get(slot)) is not None:
                    known.credit(taken)
            case Welcome():
                self._welcome.set()
            case Pong():
                pass
            case Ping() if self.has_room:  # an answer to each of a flood would pile up here
                self._link.write(frames.control(encode(Pong())))
            case Ping():
                pass
            case Refused(code):
                self._refused = _refusal(code)
                self._welcome.set()
            case _:
                raise PeerViolation(f"a {type(message).__name__} message from the coordinator")

    def _drained(self) -> None:
        for carrier in list(self._carriers.values()):
            carrier.offer_room()

    def _gone(self, error: OstrakaError) -> None:
        self._welcome.set()
        self.ended.set()
        carriers, self._carriers = self._carriers, {}
        self._members_by_slot.clear()
        for carrier in carriers.values():
            carrier.end(PeerLost(f"{NAME} is gone ({error.message})", hint=GONE))


REFUSALS: Final = {
    "busy": ("it has too much to do", "try again later"),
    "not-allowed": ("it does not relay for our key", "ask the one who runs it to allow our key"),
    "rooms": ("it has no room left for another session", "try again later"),
    "full": (
        "the room of our session is full",
        "strangers may have taken its places: ask the one who runs the coordinator",
    ),
    "too-many": (
        "there are too many connections with our key already",
        "do other processes run with this key?",
    ),
}
"""Reasons of a refusal by their code, and what to do."""


def _refusal(code: str) -> OstrakaError:
    if code == "version":
        return Disagreement(
            f"{NAME} does not speak version {VERSION}, as we do",
            hint="the coordinator and all parties need the same release of ostraka",
            data_left=False,
        )
    why, hint = REFUSALS.get(
        code, ("it gives a reason that this release does not know", "try again later")
    )
    return Temporary(f"{NAME} refused us: {why}", hint=hint)


async def connect(
    address: str, pin: bytes, contexts: Contexts, network: Network, members: Members
) -> Relay:
    """Connect to the coordinator at HOST:PORT.

    Raises:
        Unreachable: no connection to that address.
        PinMismatch: the program that answers has another key.
        PeerViolation, PeerLost: the program that answers is not an ostraka coordinator.
    """
    carrier = await network.dial(address)
    link = SecureLink(carrier, contexts, server=False, admit=pinned(NAME, pin))
    try:
        await link.open()
    except BaseException:
        link.abandon(PeerLost("not opened"))
        raise
    return Relay(link, members)


async def enter(
    address: str,
    pin: bytes,
    contexts: Contexts,
    network: Network,
    members: Members,
    room: bytes,
    silence: float,
) -> Relay:
    """Connect to the coordinator at HOST:PORT, and enter a room. Safe to cancel.

    Args:
        silence: seconds after which the system gives up a coordinator that takes nothing.

    Raises:
        OstrakaError: as `connect` and `Relay.join`.
    """
    relay = await connect(address, pin, contexts, network, members)
    relay.bound_silence(silence)
    try:
        await relay.join(room)
    except BaseException:
        relay.leave(PeerLost("not joined"))
        raise
    return relay
