"""Contributor's part of a run: from its encoded input to a message for each compute party. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ostraka.arithmetic.randomness import Draw, Words
from ostraka.delivery.enclosure import Enclosure
from ostraka.exchange import Array
from ostraka.names import PartyId
from ostraka.protocols.protocol import Protocol
from ostraka.sharing.scheme import Parcel


def contribute(
    protocol: Protocol, x: Words | None, me: PartyId, draw: Draw
) -> dict[PartyId, Parcel]:
    """Split an encoded input, which is consumed, into one parcel for every compute party.

    A party without an input has no parcels.
    """
    return {} if x is None else protocol.share(x, me, draw)


def messages(
    protocol: Protocol,
    me: PartyId,
    parcels: Mapping[PartyId, Parcel],
    enclosure: Enclosure | None = None,
) -> Iterator[tuple[PartyId, Array]]:
    """Write what goes to each compute party but `me` as one message, if anything does.

    Args:
        parcels: from `contribute`.
        enclosure: a compute party's, which goes behind its parcel.
    """
    for receiver in (party for party in protocol.scheme.compute if party != me):
        parts: list[Array] = []
        if receiver in parcels and not protocol.scheme.agrees(me, receiver):
            parts.append(protocol.scheme.message(parcels[receiver]))
        if enclosure:
            parts.append(enclosure.message(receiver))
        if parts:
            yield receiver, _joined(parts)


def _joined(parts: Sequence[Array]) -> Array:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([part.view(np.uint64) for part in parts])
