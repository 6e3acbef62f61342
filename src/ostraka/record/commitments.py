"""Commitments in closing statements: to what a party sent, and to each figure that it learned.

A commitment is an HMAC-SHA256 under a key that is not in the receipt, because a short message, a
name or a price, could be found from a plain hash by trying. So the key of a commitment must be held
by those alone who know what it commits to.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ostraka import limits
from ostraka.exchange import Array
from ostraka.names import PartyId, Step

Parts = Sequence[NDArray[Any]]
"""Opened integers of a figure."""

GROUP_BYTES: Final = 4096
"""Bytes of a statement for one group's figures, about: above it they have one commitment."""

ALL: Final = ""
"""Name of the one commitment to all figures of a group that has too many for one each."""

_COMMITMENT_BYTES: Final = 70


def canonical(value: object) -> bytes:
    """Return JSON with sorted keys and no spaces, to be signed or hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


class Commitment:
    """Commitment to every message sent so far, under a key that stays with the sender.

    HMAC-SHA256 over these bytes of each message, in the order of sending: the receivers' names
    separated by commas, the step as "phase.n" in decimal, the element type as numpy spells it
    ("<u8" or "|u1") and the number of elements in decimal, each of the four followed by a zero
    byte; then the SHA-256 of the elements. The sender can open it with the key. Wire version 1
    wrote a step as one number.

    Args:
        key: 32 secret bytes; fresh ones if there are none.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self.key = key or os.urandom(32)
        self._mac = hmac.new(self.key, digestmod=hashlib.sha256)
        self._hasher: ThreadPoolExecutor | None = None
        self._later: deque[tuple[bytes, Future[bytes]]] = deque()

    def add(self, to: Sequence[PartyId], step: Step, message: Array) -> None:
        """Commit to one message, sent to one party or to several; it must not change any more.

        A long one is hashed in another thread, and with it those that follow before it is done.
        """
        head = f"{','.join(to)}\0{step}\0{message.dtype.str}\0{message.size}\0".encode()
        while self._later and self._later[0][1].done():
            self._take_first()
        if message.size < limits.HASHED_BESIDE and not self._later:
            self._mac.update(head + _hashed(message))
            return
        self._hasher = self._hasher or ThreadPoolExecutor(1, "ostraka hashes")
        self._later.append((head, self._hasher.submit(_hashed, message)))

    def value(self) -> str:
        """Return the commitment so far, as 64 hex digits; wait for what is being hashed."""
        while self._later:
            self._take_first()
        return self._mac.hexdigest()

    def _take_first(self) -> None:
        head, hashed = self._later.popleft()
        self._mac.update(head + hashed.result())


def commitment_key(seed: bytes) -> bytes:
    """Return the key of a run's commitment, from the 32 secret bytes that its nonces come from."""
    return hashlib.sha256(b"ostraka commitment key\0" + seed).digest()


def _hashed(message: Array) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(message).data).digest()


def figure_nonce(key: bytes, name: str) -> bytes:
    """Return the 32-byte nonce of one figure: HMAC-SHA256 of its name under its readers' key.

    With the nonce and the figure any person can check the commitment; the nonce tells nothing of
    the nonces of other figures.
    """
    return hmac.digest(key, b"ostraka figure\0" + name.encode(), hashlib.sha256)


def figure_commitment(nonce: bytes, parts: Iterable[NDArray[Any]]) -> str:
    """Return the commitment to one figure's opened integers, as 64 hex digits.

    HMAC-SHA256 under the figure's nonce over these bytes of each part: the element type as numpy
    spells it and the number of elements in decimal, each followed by a zero byte; then the elements
    ("<i8": 8 bytes each, little-endian). Integers of any size ("|O") are a JSON list without
    spaces. A figure that is withheld has no parts. Equal figures have equal commitments at all
    readers; without the nonce a commitment tells nothing.
    """
    mac = hmac.new(nonce, digestmod=hashlib.sha256)
    for part in parts:
        mac.update(f"{part.dtype.str}\0{part.size}\0".encode())
        exact = part.dtype == object
        mac.update(canonical(part.tolist()) if exact else np.ascontiguousarray(part).data)
    return mac.hexdigest()


def group_commitments(key: bytes, figures: Mapping[str, Parts]) -> dict[str, str]:
    """Return the commitment to each figure that one group of readers learned, by name.

    A group with so many figures that they fill a statement (`GROUP_BYTES`, from their names alone)
    has one commitment, `ALL`: the SHA-256 of the canonical JSON of all of them, as 64 hex digits.

    Args:
        key: the group's; 32 bytes.
    """
    found = {
        name: figure_commitment(figure_nonce(key, name), parts) for name, parts in figures.items()
    }
    if sum(len(canonical(name)) + _COMMITMENT_BYTES for name in found) <= GROUP_BYTES:
        return found
    return {ALL: hashlib.sha256(canonical(found)).hexdigest()}
