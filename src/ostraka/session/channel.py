"""Channel: messages and vectors over the verified link to one peer, with errors that name it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numpy.typing import NDArray

from ostraka.errors import OstrakaError, PeerLost, PeerViolation, Tampered
from ostraka.exchange import Array, Expected
from ostraka.names import PartyId, Step
from ostraka.transport.lasting import LastingLink
from ostraka.transport.tls import SecureLink
from ostraka.wire import frames, link_state, vectors
from ostraka.wire.link_state import LinkState
from ostraka.wire.messages import Abort, Hello, Message, Resume, decode, encode

M = TypeVar("M", bound=Message)


class Introduction:
    """First messages over one connection to `peer`.

    Attributes:
        farewell: the peer's Abort, once it has sent one.
        run: nonce of the peer's run, once it has named it; empty before.
    """

    def __init__(self, peer: PartyId, link: SecureLink) -> None:
        self.peer, self.link = peer, link
        self.run = b""
        self.farewell: Abort | None = None
        self._state = LinkState.HELLO

    def say(self, message: Message) -> None:
        """Queue a message for the peer."""
        self.link.write(frames.control(encode(message)))

    async def hear(self, seconds: float) -> Hello | Resume:
        """Wait for the peer's Hello or Resume, and return it.

        Raises:
            PeerLost: the peer is gone, silent for `seconds`, or refuses the connection.
            PeerViolation: the peer sent another message.
        """
        try:
            message = await self.link.read(self._next(), seconds)
            if not isinstance(message, Hello | Resume):
                raise PeerViolation(f"a {type(message).__name__} where a Hello was due")
        except OstrakaError as error:
            raise named(self.peer, error) from None
        self.run = message.nonce if isinstance(message, Hello) else message.own
        return message

    async def hear_hello(self, seconds: float) -> Hello:
        """Wait for the peer's Hello behind its Resume. Raises as `hear`."""
        message = await self.hear(seconds)
        if isinstance(message, Resume):
            raise named(self.peer, PeerViolation("a Resume where a Hello was due"))
        return message

    def _next(self) -> frames.Parser[Message]:
        message = decode((yield from frames.read_control()))
        self._state = link_state.after(self._state, message)
        if isinstance(message, Abort):
            self.farewell = message
            raise vectors.departure(message)
        return message


class Channel:
    """Link to `peer` that carries messages and vectors, and refuses those out of turn.

    Attributes:
        farewell: the peer's Abort, once it has sent one.
    """

    def __init__(
        self, peer: PartyId, link: LastingLink, state: LinkState = LinkState.READY
    ) -> None:
        self.peer = peer
        self.link = link
        self.state = state
        self.farewell: Abort | None = None

    def say(self, message: Message) -> None:
        """Queue a message for the peer."""
        self.link.write(frames.control(encode(message)))

    async def hear(self, kind: type[M], seconds: float) -> M:
        """Wait for the peer's next message, which must be a `kind`, and return it.

        Raises:
            PeerLost: the peer is gone, silent for `seconds`, or ended its part.
            PeerViolation: the peer sent another message.
        """
        try:
            message = await self.link.read(self._next(), seconds)
            if not isinstance(message, kind):
                raise PeerViolation(f"a {type(message).__name__} where a {kind.__name__} was due")
        except OstrakaError as error:
            raise self.named(error) from None
        return message

    def listen(self, heard: Callable[[Message], bool]) -> None:
        """Hand each message to `heard` as it comes, until that returns False. A farewell, or a
        PeerViolation raised by `heard`, ends the link.

        Raises:
            PeerLost: the link has ended already.
        """
        self.link.follow(self._messages(heard))

    def _messages(self, heard: Callable[[Message], bool]) -> frames.Parser[None]:
        while heard((yield from self._next())):
            pass

    def _next(self) -> frames.Parser[Message]:
        message = decode((yield from frames.read_control()))
        self.state = link_state.after(self.state, message)
        if isinstance(message, Abort):
            self.farewell = message
            raise vectors.departure(message)
        return message

    def opened(self) -> None:
        """Note that all vectors are through: messages follow again."""
        self.state = LinkState.OPEN

    def send(self, step: Step, message: Array) -> None:
        """Queue a vector for the peer; it must not change until it is acknowledged."""
        self.link.write(*vectors.pack(step, message))

    async def receive(
        self,
        step: Step,
        expected: Expected,
        seconds: float,
        into: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """Wait for the peer's vector of `step`; return it, in `into` if given. Raises as `hear`."""
        try:
            return await self.link.read(vectors.unpack(step, expected, into), seconds, spin=True)
        except OstrakaError as error:
            raise self.named(error) from None

    def named(self, error: OstrakaError) -> OstrakaError:
        """Return the error with this link's peer in its message."""
        return named(self.peer, error)


def named(peer: PartyId, error: OstrakaError) -> OstrakaError:
    """Return the error of a link with the name of its peer in the message."""
    if isinstance(error, Tampered):
        return error
    if isinstance(error, PeerLost):
        hint = f"ask {peer} what happened, and start the session again"
        return type(error)(f"lost {peer}: {error.message}", hint=error.hint or hint, peer=peer)
    if isinstance(error, PeerViolation):
        return PeerViolation(
            f"{peer} broke the protocol: {error.message}",
            hint=error.hint or f"{peer} runs other software, or is not honest",
            peer=peer,
        )
    return error
