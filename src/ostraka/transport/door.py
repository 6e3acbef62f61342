"""Door of a listener: links to strangers are opened here, under the rules of a `Doorman`."""

from __future__ import annotations

import asyncio

from ostraka.errors import PeerLost
from ostraka.limits import (
    FIRST_BYTE_SECONDS,
    HANDSHAKE_SECONDS,
    PREAUTH_CONNECTIONS,
    PREAUTH_OF_ONE_SOURCE,
)
from ostraka.transport.doorman import Doorman, Shown
from ostraka.transport.link import Carrier
from ostraka.transport.tls import SecureLink
from ostraka.wire.frames import Buffer


class Door:
    """Opener of links over accepted connections, at most `places` at once.

    Args:
        places: number of links that may be opening at once, half of them from one source.

    Attributes:
        evicted: number of links that have been abandoned for others.
    """

    def __init__(self, places: int = PREAUTH_CONNECTIONS) -> None:
        self.evicted = 0
        self._doorman: Doorman[SecureLink] = Doorman(places, min(places, PREAUTH_OF_ONE_SOURCE))

    def __len__(self) -> int:
        """Return the number of links that are opening."""
        return len(self._doorman)

    async def open(
        self, link: SecureLink, carrier: Carrier, source: str, seconds: float = HANDSHAKE_SECONDS
    ) -> None:
        """Open a link as `SecureLink.open` does; perhaps another one is abandoned for it.

        Args:
            carrier: the link's own, to hear its first bytes.
            source: the host that the connection came from; see `network.Accepted`.

        Raises:
            PinMismatch, PeerViolation: as `SecureLink.open`.
            PeerLost: the peer went away, was silent for `FIRST_BYTE_SECONDS`, took longer than
                `seconds`, or had to make room for another stranger.
        """
        loop, doorman = asyncio.get_running_loop(), self._doorman
        if (loser := doorman.arrives(link, source, loop.time())) is not None:
            self.evicted += 1
            loser.abandon(PeerLost("too many strangers at the door"))
        impatience = loop.call_later(FIRST_BYTE_SECONDS, _give_up, link)
        deliver = carrier.on_data

        def listen(data: Buffer) -> None:
            impatience.cancel()
            deliver(data)
            shown = bool(link.peer_certificate)
            doorman.shows(link, Shown.KEY if shown else Shown.BYTES, loop.time())
            if shown:
                carrier.on_data = deliver

        carrier.on_data = listen
        try:
            if (gone := link.failed) is not None:
                raise gone
            await link.open(seconds)
        finally:
            impatience.cancel()
            doorman.leaves(link)


def _give_up(link: SecureLink) -> None:
    link.abandon(PeerLost(f"silent for {FIRST_BYTE_SECONDS:g} s"))
