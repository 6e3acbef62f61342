"""Nonces of results: each known to the recipients that are entitled to a figure, and to no others.

The *readers* of a figure are the recipients that are entitled to it. A recipient draws a nonce for
each group of readers that it is in. The nonces of all readers of a group make the group's key. In
closing statements, figures are committed to under the key of their readers.

A recipient's Hello has the hash of the hashes of its nonces for a nonce, so the session id, which
every party signs, fixes all of them before any is shown. Its Ready shows to each other recipient
the nonces of the groups that both are in, and the hashes of its others. So all readers of a group
hold the same key, or notice which recipient lied before a share is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from ostraka.errors import PeerViolation
from ostraka.names import PartyId, SessionId

Readers = tuple[PartyId, ...]
"""Recipients that are entitled to the same figures, in the order of the manifest."""

NONCE_BYTES: Final = 32


class ResultNonces:
    """Nonces of one party, and those that it was shown. A party that is no recipient has none.

    Args:
        groups: all groups of readers of the session, in an order that all parties know; every
            recipient is in one.
        seed: 32 fresh random bytes, from which this party's nonces are derived.

    Attributes:
        hello: the nonce of this party's Hello, fresh with the seed.
    """

    def __init__(self, me: PartyId, groups: Sequence[Readers], seed: bytes) -> None:
        self._groups = tuple(groups)
        own = {g: _drawn(seed, place) for place, g in enumerate(self._of(me))}
        self._shown = {me: own}
        self._me, self._own = me, own
        self.hello = _hash_of_hashes([_hash(nonce) for nonce in own.values()] or [_hash(seed)])

    def __repr__(self) -> str:
        return f"ResultNonces({self._me}, {len(self._own)} groups)"

    def for_peer(self, peer: PartyId) -> bytes:
        """Return what this party's Ready shows to a peer; nothing unless both are recipients.

        It is 32 bytes for each group that this party is in: the nonce where the peer is in the
        group too, else the nonce's hash.
        """
        own = self._own.items() if self._of(peer) else ()
        return b"".join(nonce if peer in group else _hash(nonce) for group, nonce in own)

    def take(self, sender: PartyId, shown: bytes, hello: bytes) -> None:
        """Take what the Ready of a peer shows, whose Hello has the nonce `hello`.

        Raises:
            PeerViolation: it is not what the Hello promised, or shows what is not for this party.
        """
        groups = self._of(sender) if self._own else []
        pieces = [shown[i : i + NONCE_BYTES] for i in range(0, len(shown), NONCE_BYTES)]
        if len(shown) != NONCE_BYTES * len(groups):
            raise PeerViolation("nonces of the wrong size")
        if not groups:
            return
        found = list(zip(groups, pieces, strict=True))
        hashes = [_hash(piece) if self._me in group else piece for group, piece in found]
        if _hash_of_hashes(hashes) != hello:
            raise PeerViolation("nonces of results other than those its Hello promised")
        self._shown[sender] = {group: piece for group, piece in found if self._me in group}

    def keys(self, session: SessionId) -> dict[Readers, bytes]:
        """Return the key of each group that this recipient is in, once every Ready was taken."""
        return {group: self._key(session, group) for group in self._own}

    def _key(self, session: SessionId, group: Readers) -> bytes:
        nonces = b"".join(self._shown[party][group] for party in group)
        return hashlib.sha256(b"ostraka readers\0" + session + nonces).digest()

    def _of(self, party: PartyId) -> list[Readers]:
        return [group for group in self._groups if party in group]


def _drawn(seed: bytes, place: int) -> bytes:
    return hashlib.sha256(b"ostraka result nonce\0" + seed + place.to_bytes(4, "little")).digest()


def _hash(nonce: bytes) -> bytes:
    return hashlib.sha256(b"ostraka nonce hash\0" + nonce).digest()


def _hash_of_hashes(hashes: Sequence[bytes]) -> bytes:
    return hashlib.sha256(b"ostraka hello nonce\0" + b"".join(hashes)).digest()
