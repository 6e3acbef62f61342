"""Keys of pairs of compute parties, agreed while the session is sealed.

The Ready of a compute party to another one has half of the pair's key, drawn for that peer alone.
Both halves and the session's id make the key. So one party's good randomness is enough, and no
other party knows it: the halves travel on the link of the two, and are never relayed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from ostraka.errors import PeerViolation
from ostraka.names import PartyId, SessionId

HALF_BYTES: Final = 32


class PairKeys:
    """Halves that one party draws, and those that it was given.

    Args:
        compute: the compute parties, in the order of the manifest.
        seed: 32 fresh random bytes, from which this party's halves are derived.
    """

    def __init__(self, me: PartyId, compute: Sequence[PartyId], seed: bytes) -> None:
        self._me, self._compute, self._seed = me, tuple(compute), seed
        self._given: dict[PartyId, bytes] = {}

    def __repr__(self) -> str:
        return f"PairKeys({self._me}, {len(self._given)} halves)"

    def for_peer(self, peer: PartyId) -> bytes:
        """Return this party's half for a peer; nothing unless both compute."""
        if not self._are_pair(peer):
            return b""
        return hashlib.sha256(b"ostraka pair half\0" + self._seed + peer.encode()).digest()

    def take(self, sender: PartyId, half: bytes) -> None:
        """Take the half that the Ready of a peer brings.

        Raises:
            PeerViolation: it brings none where one is due, or one where none is.
        """
        if len(half) != HALF_BYTES * self._are_pair(sender):
            raise PeerViolation("half of a pair's key, where only compute parties have one")
        if half:
            self._given[sender] = half

    def keys(self, session: SessionId) -> dict[PartyId, bytes]:
        """Return the key that this party has with each compute party whose half was taken."""
        return {peer: self._key(session, peer) for peer in self._given}

    def _key(self, session: SessionId, peer: PartyId) -> bytes:
        halves = {self._me: self.for_peer(peer), peer: self._given[peer]}
        both = b"".join(halves[party] for party in self._compute if party in halves)
        return hashlib.sha256(b"ostraka pair key\0" + session + both).digest()

    def _are_pair(self, peer: PartyId) -> bool:
        return peer != self._me and {peer, self._me} <= set(self._compute)
