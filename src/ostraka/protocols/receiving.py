"""Recipient's part of a run: from announced shares to an outcome."""

from __future__ import annotations

from collections.abc import Sequence

from ostraka.delivery.opening import Announced, Opening, Share
from ostraka.delivery.party import Party
from ostraka.outcome import Outcome
from ostraka.protocols.protocol import Protocol


async def receive(
    protocol: Protocol,
    party: Party,
    openings: Sequence[tuple[Opening, slice]],
    own: Share | None,
    announced: Announced | None,
) -> Outcome | None:
    """Receive what is opened to this party; None if nothing is.

    Args:
        own: the share that this party announced itself, if it is a compute party too.
        announced: called with each share that this party sees.

    Raises:
        OstrakaError: as `Opening.receive`; RefusedByPolicy when too few are counted.
    """
    for opening, part in openings:
        if party.me in opening.recipients:
            mine = None if own is None else own.part(part)
            vector, counted = await opening.receive(mine, announced)
            protocol.check_policy(counted)
            outputs = protocol.combine_for(party.me, vector, counted)
            return Outcome(outputs, counted, tuple(party.liars))
    return None
