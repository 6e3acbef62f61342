"""Randomness: sources of seeds, and the streams that a seed is stretched into.

Randomness reaches every other function as an argument: a `Draw`. A draw gives 32-byte seeds; longer
vectors are read from a `Stream`, AES-256 in counter mode under a key derived from the seed and a
label that says what the stream is for. A seed is used for one purpose once, and a stream only
moves forward, so no output is ever read twice.
"""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from numpy.typing import NDArray

from ostraka.names import PartyId

Words = NDArray[np.uint64]
"""A vector: one-dimensional, of elements of a ring or field, or of 64-bit words."""

SEED_BYTES: Final = 32

BLOCK: Final = 8192
"""Elements worked on at a time: 64 KiB stay in the second-level cache through a whole formula."""

_ZEROS: Final = bytes(8 * BLOCK)
_DOMAIN: Final = b"ostraka stream 1"


class Draw(ABC):
    """A source of fresh seeds."""

    @abstractmethod
    def seed(self) -> bytes:
        """Return 32 bytes that no earlier call returned."""

    def agreed(self, receiver: PartyId) -> bytes | None:
        """Return the seed of a share that this party has in common with the share's receiver, or
        None where it has none: then it draws one and sends it."""
        return None


class OsDraw(Draw):
    """The operating system's generator: the only source for secrets."""

    def seed(self) -> bytes:
        return os.urandom(SEED_BYTES)


class SeededDraw(Draw):
    """Reproducible seeds for simulation and tests. From `seed` every secret follows."""

    def __init__(self, seed: int | str) -> None:
        self._prefix = f"ostraka seeded draw {seed} ".encode()
        self._count = 0

    def seed(self) -> bytes:
        self._count += 1
        return hashlib.sha256(self._prefix + str(self._count).encode()).digest()


class RunDraw(Draw):
    """All seeds that one run draws for one purpose, stretched from the run's one seed.

    A run that is played again from the same seed draws the same secrets, in the same order. Its
    purposes do not share a stream, so that one purpose may draw more without changing the others.

    Args:
        seed: 32 secret bytes, drawn by `OsDraw` when the run begins, and recorded.
        use: the purpose, such as "input".
    """

    def __init__(self, seed: bytes, use: str) -> None:
        self._stream = Stream(seed, f"run {use}")

    def seed(self) -> bytes:
        return self._stream.fill(np.empty(SEED_BYTES // 8, np.uint64)).tobytes()


class Stream:
    """A forward-only pseudo-random stream.

    Args:
        seed: 32 secret bytes.
        label: the use of the stream; other labels give unrelated streams.
    """

    __slots__ = ("_encryptor",)

    def __init__(self, seed: bytes, label: str) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError(f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
        key = hashlib.sha256(_DOMAIN + seed + label.encode()).digest()
        self._encryptor = Cipher(AES256(key), CTR(bytes(16))).encryptor()

    def fill(self, out: Words) -> Words:
        """Overwrite `out` (contiguous) with uniform 64-bit words, and return it."""
        target = out.data.cast("B") if len(out) else memoryview(b"")
        for start in range(0, len(target), len(_ZEROS)):
            piece = target[start : start + len(_ZEROS)]
            self._encryptor.update_into(memoryview(_ZEROS)[: len(piece)], piece)
        return out


def blocks(length: int, size: int = BLOCK) -> list[slice]:
    """Return slices of at most `size` elements that cover a vector."""
    return [slice(i, min(i + size, length)) for i in range(0, length, size)]
