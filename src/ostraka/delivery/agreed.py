"""Seeds of shares that follow from the keys of pairs: parcels that no message has to bring.

Where a contributor computes, the shares of all other compute parties do not depend on its input.
So they can follow from a key that the two agreed on while the session was sealed, and only what the
contributor announces in the end depends on its input. For a sum this is the pairwise masking of
[Bonawitz17], with all parties there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ostraka.arithmetic.randomness import Draw
from ostraka.errors import InternalError
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
        self._asked: set[PartyId] = set()

    def seed(self) -> bytes:
        return self._draw.seed()

    def agreed(self, receiver: PartyId) -> bytes | None:
        me = self._exchange.me
        if not self._scheme.agrees(me, receiver):
            return None
        self._asked.add(receiver)
        return share_seed(self._exchange, receiver, self._phase, me)

    def require_asked(self, receivers: Iterable[PartyId]) -> None:
        """Require that this draw was asked for every share among these that will not travel.

        Raises:
            InternalError: it was not: a protocol's own `share` made one that its receiver cannot
                know, so the sum would be wrong.
        """
        me = self._exchange.me
        own = {r for r in receivers if self._scheme.agrees(me, r)} - self._asked
        if own:
            raise InternalError(
                f"the protocol made {', '.join(sorted(own))}'s additive share itself: it follows "
                "from a key of the two parties and is not sent",
                hint="Protocol.share must take such shares from scheme.split or draw.agreed",
            )
