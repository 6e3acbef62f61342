"""Terms of a collection: its shape, the sealing keys of all compute parties, and its roster."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from ostraka.collection.credentials import CredentialRoster
from ostraka.collection.sealing import OVERHEAD, SealingStatement, SealingSuite
from ostraka.collection.shape import Shape


@dataclass(frozen=True)
class Terms:
    """Terms that every report to one collection is written under.

    Attributes:
        shape: what the manifest says.
        keys: the sealing keys of each compute party, checked against its pin.
        roster: the credentials; None where reports need no invitation, and at a contributor, who
            checks no report.
    """

    shape: Shape
    keys: tuple[SealingStatement, ...]
    roster: CredentialRoster | None

    @classmethod
    def read(cls, shape: Shape, statements: Sequence[bytes], roster: bytes | None) -> Self:
        """Read the terms from what the mailbox holds.

        Args:
            statements: the sealing statement of each compute party, in manifest order.
            roster: the roster's bytes; None where the collection has none.

        Raises:
            PinMismatch, PeerViolation: a statement is not its compute party's.
            Disagreement: the roster is not the one that the manifest names.
        """
        found = cls.of_contributor(shape, statements)
        if not shape.invited:
            return found
        return replace(found, roster=CredentialRoster.read(roster or b"", shape))

    @classmethod
    def of_contributor(cls, shape: Shape, statements: Sequence[bytes]) -> Self:
        """Read all that a contributor needs to write its report: no roster.

        Raises:
            PinMismatch, PeerViolation: a statement is not its compute party's.
        """
        places = range(len(shape.compute))
        pairs = zip(places, statements, strict=True)
        return cls(shape, tuple(SealingStatement.read(o, shape, p) for p, o in pairs), None)

    @cached_property
    def collection(self) -> bytes:
        """Collection id, 32 bytes: hash of the manifest's digest and all sealing keys."""
        digests = b"".join(keys.digest for keys in self.keys)
        said = b"ostraka collection\0" + self.shape.manifest + digests
        return hashlib.sha256(said).digest()

    @cached_property
    def best_suite(self) -> SealingSuite:
        """The hybrid suite where every compute party has a key for it, else the classic one."""
        return (
            SealingSuite.HYBRID if all(keys.hybrid for keys in self.keys) else SealingSuite.CLASSIC
        )

    def sealed_lengths(self, suite: SealingSuite) -> tuple[int, ...]:
        """Return the bytes of each compute party's sealed parcel."""
        return tuple(length + OVERHEAD[suite] for length in self.shape.lengths)

    def info(self, place: int, head: bytes) -> bytes:
        """Return HPKE's `info` for the parcel of the compute party at a place, from 0.

        It binds the parcel to the manifest, the compute party, and the report's head: collection
        (and so all sealing keys), credential, counter, report id, contributor's key.
        """
        who = place.to_bytes(2, "little") + self.shape.pins[place]
        return b"ostraka parcel info\0" + self.shape.manifest + who + head
