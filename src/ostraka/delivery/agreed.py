"""Seeds of shares that follow from the keys of pairs: parcels that no message has to bring.

Where a contributor computes, the shares of all other compute parties do not depend on its input.
So they can follow from a key that the two agreed on while the session was sealed, and only what the
contributor announces in the end depends on its input. For a sum this is the pairwise masking of
[Bonawitz17], with all parties there.
"""

from __future__ import annotations

import hashlib

from ostraka.arithmetic.randomness import Draw
from ostraka.exchange import Exchange
from ostraka.names import PartyId
from ostraka.sharing.scheme import Scheme


def share_seed(exchange: Exchange, peer: PartyId, phase: int, contributor: PartyId) -> bytes:
    """Return the 32 bytes that a contributor's share for the other of the two follows from.

    Args:
        peer: the other compute party.
        phase: the run's phase of sharing, which no other run of the session has.
        contributor: this party or the peer.
    """
    use = phase.to_bytes(4, "little") + contributor.encode()
    return hashlib.sha256(b"ostraka pair share\0" + exchange.pair_key(peer) + use).digest()


class AgreedDraw(Draw):
    """Draw of a contributor that has keys in common with those whose shares are agreed.

    Args:
        draw: where all other seeds come from.
        phase: the run's phase of sharing.
    """

    def __init__(self, draw: Draw, exchange: Exchange, scheme: Scheme, phase: int) -> None:
        self._draw, self._exchange, self._scheme, self._phase = draw, exchange, scheme, phase

    def seed(self) -> bytes:
        return self._draw.seed()

    def agreed(self, receiver: PartyId) -> bytes | None:
        me = self._exchange.me
        if not self._scheme.agrees(me, receiver):
            return None
        return share_seed(self._exchange, receiver, self._phase, me)
