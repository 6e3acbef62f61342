"""Linear secret sharing: the interface of all schemes, and what each is capable of.

A contributor splits its vector into one *parcel* per compute party. A parcel is either 32 bytes
from which the receiver derives its share, or the share itself. Which compute party gets which is
public, a function of the manifest, so a receiver knows what to expect before it looks. A parcel
that follows from a key that its two ends have in common does not travel at all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import BLOCK, SEED_BYTES, Draw, Stream, Words, blocks
from ostraka.exchange import Array, Expected, octets, words
from ostraka.names import PartyId


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Seed:
    """Parcel of 32 bytes, a seed from which the receiver derives its share."""

    seed: bytes

    def __repr__(self) -> str:
        return "Seed(...)"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Explicit:
    """Parcel with the share itself: a vector of elements, 8 bytes each."""

    vector: Words

    def __repr__(self) -> str:
        return f"Explicit(<{len(self.vector)} words>)"


Parcel = Seed | Explicit


SHORT: Final = SEED_BYTES // 8
"""Words of the longest share that agreed bytes are used for as they are; longer ones come from the
stream of these bytes."""


def agreed_parcel(seed: bytes, length: int) -> Parcel:
    """Return the parcel of `length` words that follows from 32 bytes which both ends hold."""
    if length > SHORT:
        return Seed(seed)
    return Explicit(np.frombuffer(seed, np.uint64, length))


class InconsistentShares(ValueError):
    """The shares of an opening do not belong to one value: at least one party's is wrong.

    Args:
        at: index of an element at which they contradict each other.
    """

    def __init__(self, at: int) -> None:
        super().__init__("the shares are not of one polynomial")
        self.at = at


class Scheme(ABC):
    """Linear secret sharing of vectors among the compute parties.

    Args:
        contributors: the parties that share inputs, in manifest order.
        compute: the parties that hold the shares, in manifest order.
    """

    name: ClassVar[str]
    survives_dropouts: ClassVar[bool]
    """Whether a value opens although some compute parties' shares are missing."""
    multiplies: ClassVar[bool]
    """Whether compute parties can multiply secrets of which they hold shares."""
    tags_openings: ClassVar[bool]
    """Whether each announced share must say which contributors it counts, as compute parties may
    come to hold shares over different ones."""
    sums_shares: ClassVar[bool]
    """Whether a value is the sum of all its shares, so that parts of it can be added up apart."""
    capacity: int
    """Largest absolute value of a signed number that survives: larger sums would wrap around."""
    needed: int
    """Number of compute parties whose shares together open a value."""
    colluders: int
    """Number of compute parties that may pool their shares and learn nothing."""

    def __init__(self, contributors: tuple[PartyId, ...], compute: tuple[PartyId, ...]) -> None:
        self.contributors = contributors
        self.place = {party: i for i, party in enumerate(contributors)}
        self.compute = compute

    # --- what is sent to whom -----------------------------------------------------------------

    @abstractmethod
    def by_seed(self, contributor: PartyId) -> tuple[PartyId, ...]:
        """Return the compute parties this contributor sends a seed; it sends others vectors."""

    def agrees(self, contributor: PartyId, receiver: PartyId) -> bool:
        """Return whether the parcel from `contributor` to `receiver` follows from the key of the
        two, and is not sent."""
        return False

    def expected(self, contributor: PartyId, receiver: PartyId, length: int) -> Expected:
        """Return the form of the parcel from `contributor` to `receiver`, for `length` elements."""
        return octets(SEED_BYTES) if receiver in self.by_seed(contributor) else words(length)

    @staticmethod
    def message(parcel: Parcel) -> Array:
        """Return a parcel as it travels: the bytes of a seed, or the share's elements."""
        if isinstance(parcel, Explicit):
            return parcel.vector
        return np.frombuffer(parcel.seed, np.uint8)

    def parcel(self, message: NDArray[Any]) -> Parcel:
        """Return the parcel in a message; ValueError when an element in it is out of range."""
        if message.dtype == np.uint8:
            return Seed(message.tobytes())
        self.check(message)
        return Explicit(message)

    # --- arithmetic on shares -----------------------------------------------------------------

    @abstractmethod
    def split(self, x: Words, contributor: PartyId, draw: Draw) -> dict[PartyId, Parcel]:
        """Split `x` into a parcel for each compute party; a share may be written over `x`.

        Any `colluders` compute parties learn nothing of x from their parcels.

        Args:
            x: elements, shape (length,).
            contributor: the party that shares x.
            draw: source of the contributor's randomness.
        """

    @abstractmethod
    def combine(self, shares: Mapping[PartyId, Words]) -> Words:
        """Return the elements that these shares open to, of their shape; all shares are used.

        Raises:
            InconsistentShares: more came than needed and they contradict each other.
            ValueError: fewer came than needed.
        """

    def corrected(self, shares: Mapping[PartyId, Words]) -> tuple[Words, tuple[PartyId, ...]]:
        """Return the value that all shares but the wrong ones open to, and who announced those.

        Raises:
            InconsistentShares: which shares are wrong is not certain.
        """
        return self.combine(shares), ()

    @abstractmethod
    def check(self, vector: Words) -> None:
        """Raise ValueError unless every number in a peer's vector is an element."""

    @abstractmethod
    def add(self, total: Words, share: Words) -> None:
        """Add a share to `total`, in place."""

    @staticmethod
    def zeros(length: int) -> Words:
        """Return a share of zero that every party knows."""
        return np.zeros(length, np.uint64)

    @abstractmethod
    def uniform(self, stream: Stream, out: Words) -> Words:
        """Fill `out` with uniform elements read from a stream, and return it."""

    def add_parcel(self, total: Words, parcel: Parcel) -> None:
        """Add the share in a parcel to `total`, in place; a seed's vector is never written out."""
        if isinstance(parcel, Explicit):
            if len(total) <= BLOCK:
                self.add(total, parcel.vector)
                return
            for part in blocks(len(total)):
                self.add(total[part], parcel.vector[part])
            return
        stream = share_stream(parcel)
        scratch = np.empty(min(len(total), BLOCK), np.uint64)
        for part in blocks(len(total)):
            block = total[part]
            self.add(block, self.uniform(stream, scratch[: len(block)]))

    def expand(self, parcel: Parcel, length: int) -> Words:
        """Return the share in a parcel, as a new vector of `length` elements."""
        if isinstance(parcel, Explicit):
            return parcel.vector.copy()
        return self.uniform(share_stream(parcel), np.empty(length, np.uint64))

    def rows(self, parcels: Sequence[Parcel], length: int) -> NDArray[np.uint64]:
        """Return the shares in many parcels, all of `length` elements: a row for each."""
        rows = np.empty((len(parcels), length), np.uint64)
        for row, parcel in zip(rows, parcels, strict=True):
            row[:] = parcel.vector if isinstance(parcel, Explicit) else self.expand(parcel, length)
        return rows

    # --- signed integers ----------------------------------------------------------------------

    @abstractmethod
    def from_signed(self, x: NDArray[np.int64]) -> Words:
        """Return signed integers as elements. May reuse the memory of `x`."""

    @abstractmethod
    def to_signed(self, a: Words) -> NDArray[np.int64]:
        """Return elements as signed integers centred on zero. May reuse the memory of `a`."""


def share_stream(parcel: Seed) -> Stream:
    """Return the stream that a seed parcel's share is read from."""
    return Stream(parcel.seed, "share")
