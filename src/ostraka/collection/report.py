r"""Report: one sealed parcel for each compute party, under the contributor's signatures.

    head      u8 version | u8 suite | collection id (32) | u32 credential | u32 counter |
              report id (16) | contributor's public key (32)
    digest    SHA-256("ostraka report\0" | head | parcel digest (32) of each compute party)
    report    head | signatures | sealed parcel of each compute party
    view      head | signatures | parcel digest of each compute party | sealed parcel of one

Signatures are of the contributor's key and then, where reports need an invitation, of the
credential's. A view is what a compute party gets of a report: the digests stand for the parcels
that are not its own. Integers are little-endian. Reading checks form and signatures, no parcel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NoReturn, Self

from ostraka.arithmetic.randomness import Draw
from ostraka.collection.credentials import SIGNATURE, SigningKey, verifies
from ostraka.collection.sealing import SealingSuite
from ostraka.collection.terms import Terms

VERSION: Final = 1
OPEN: Final = (1 << 32) - 1
"""Credential number of a report that needs none."""

LAST_COUNTER: Final = (1 << 32) - 1
HEAD: Final = 1 + 1 + 32 + 4 + 4 + 16 + 32
_DIGEST: Final = 32
_ID: Final = 16


class Reason(StrEnum):
    """Reasons for refusing a report."""

    VERSION = "version"
    LENGTH = "length"
    COLLECTION = "collection"
    CREDENTIAL = "credential"
    SIGNATURE = "signature"


class BadReport(ValueError):
    """Report that is refused for its form or its signatures.

    Attributes:
        reason: why, in one word.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Head:
    """Public part of a report.

    Attributes:
        suite: the suite its parcels are sealed with.
        collection: the collection's id, 32 bytes.
        credential: the number of its credential in the roster, from 0; `OPEN` for none.
        counter: from 1; of two reports of one credential, the higher one counts.
        report: 16 random bytes.
        contributor: the public key that replacements have to be signed with, too.
    """

    suite: SealingSuite
    collection: bytes
    credential: int
    counter: int
    report: bytes
    contributor: bytes

    def write(self) -> bytes:
        """Return the head's bytes."""
        numbers = (n.to_bytes(4, "little") for n in (self.credential, self.counter))
        first = bytes([VERSION, self.suite]) + self.collection
        return first + b"".join(numbers) + self.report + self.contributor

    @classmethod
    def read(cls, octets: bytes, terms: Terms) -> Self:
        """Read a head; BadReport where it is not one of this collection."""
        if len(octets) != HEAD:
            _refuse(Reason.LENGTH, "it is cut short")
        if octets[0] != VERSION or octets[1] not in tuple(SealingSuite):
            _refuse(Reason.VERSION, "it is of a version or suite that is not known here")
        credential, counter = (int.from_bytes(octets[i : i + 4], "little") for i in (34, 38))
        suite, collection, report = SealingSuite(octets[1]), octets[2:34], octets[42:58]
        found = cls(suite, collection, credential, counter, report, octets[58:])
        found._check(terms)
        return found

    def _check(self, terms: Terms) -> None:
        if self.collection != terms.collection:
            _refuse(Reason.COLLECTION, "it was written for another collection")
        invited, number = terms.shape.invited, self.credential
        known = number < terms.shape.size if invited else number == OPEN
        if not known or not self.counter:
            _refuse(Reason.CREDENTIAL, "its credential or its counter is none of this collection")


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """Report whose form and signatures hold; what is in its parcels is not known.

    Attributes:
        head: its public part.
        signatures: of the contributor, and of the credential where there is one.
        digests: the digest of each compute party's sealed parcel.
        sealed: sealed parcels by the place of their compute party: all, or one in a view.
    """

    head: Head
    signatures: bytes
    digests: tuple[bytes, ...]
    sealed: dict[int, bytes]

    def __repr__(self) -> str:
        return f"Report({self.digest.hex()})"

    @property
    def digest(self) -> bytes:
        """Digest of the report, 32 bytes."""
        return report_digest(self.head.write(), self.digests)

    def write(self) -> bytes:
        """Return the report's bytes; ValueError for a view."""
        parcels = [self.sealed[place] for place in range(len(self.digests))]
        return b"".join((self.head.write(), self.signatures, *parcels))

    def view(self, place: int) -> bytes:
        """Return what the compute party at this place, from 0, gets of the report."""
        return b"".join((self.head.write(), self.signatures, *self.digests, self.sealed[place]))


def write_report(
    terms: Terms,
    parcels: Sequence[bytes],
    contributor: SigningKey,
    draw: Draw,
    *,
    credential: tuple[int, SigningKey] | None = None,
    counter: int = 1,
    suite: SealingSuite | None = None,
) -> bytes:
    """Seal parcels and sign the report.

    Args:
        parcels: of each compute party in manifest order, `terms.shape.lengths` bytes.
        contributor: fresh for a first report; the same for each that replaces it.
        draw: gives the report's id; HPKE draws from the system's generator.
        credential: its number in the roster, from 0, and key; None where none is needed.
        counter: one more than that of the report that this one replaces.
        suite: the suite; the best one by default.
    """
    if tuple(map(len, parcels)) != terms.shape.lengths:
        raise ValueError("parcels of other lengths than the manifest's")
    suite, number = suite or terms.best_suite, credential[0] if credential else OPEN
    public, name = contributor.public, draw.seed()[:_ID]
    head = Head(suite, terms.collection, number, counter, name, public)
    infos = (terms.info(place, head.write()) for place in range(len(parcels)))
    parts = zip(terms.keys, parcels, infos, strict=True)
    sealed = tuple(keys.seal(suite, parcel, info) for keys, parcel, info in parts)
    return sign_report(head, sealed, contributor, credential[1] if credential else None).write()


def sign_report(
    head: Head, sealed: Sequence[bytes], contributor: SigningKey, credential: SigningKey | None
) -> Report:
    """Return the report of these sealed parcels."""
    report = Report(head, b"", tuple(map(parcel_digest, sealed)), dict(enumerate(sealed)))
    signature = contributor.sign(_by_contributor(report.digest))
    if credential:
        signature += credential.sign(_by_credential(report.digest))
    return replace(report, signatures=signature)


def read_report(octets: bytes, terms: Terms) -> Report:
    """Read a report as its contributor wrote it.

    Raises:
        BadReport: it is none, of another collection or credential, or not signed by its keys.
    """
    return _signed(read_own(octets, terms), terms)


def read_own(octets: bytes, terms: Terms) -> Report:
    """Read a report that this machine wrote itself: its form is checked, and no signature.

    Raises:
        BadReport: it is none, or of another collection.
    """
    head, signatures, rest = _first(octets, terms)
    sealed = _cut(rest, terms.sealed_lengths(head.suite))
    return Report(head, signatures, tuple(map(parcel_digest, sealed)), dict(enumerate(sealed)))


def read_view(octets: bytes, terms: Terms, place: int, *, both: bool = True) -> Report:
    """Read what the compute party at this place gets of a report; the same checks.

    Args:
        both: whether the contributor's signature is checked where the credential's is. It says
            nothing more of the only report of a credential, as the holder of the credential chose
            the contributor's key; of several, each has to be `signed_by_contributor`.

    Raises:
        BadReport: as `read_report`; also where the parcel is not the one that was signed.
    """
    head, signatures, rest = _first(octets, terms)
    own = terms.sealed_lengths(head.suite)[place]
    *digests, sealed = _cut(rest, (_DIGEST,) * len(terms.keys) + (own,))
    if parcel_digest(sealed) != digests[place]:
        _refuse(Reason.SIGNATURE, "its parcel is not the one that its contributor signed")
    report = Report(head, signatures, tuple(digests), {place: sealed})
    return _signed(report, terms, both=both or not terms.shape.invited)


def cut_view(octets: bytes, terms: Terms, place: int) -> bytes:
    """Return what the compute party at this place gets of a report that `read_report` accepted;
    nothing is checked again."""
    end = HEAD + _signatures(terms)
    sealed = _cut(octets[end:], terms.sealed_lengths(SealingSuite(octets[1])))
    return b"".join((octets[:end], *map(parcel_digest, sealed), sealed[place]))


def lengths(terms: Terms) -> tuple[int, ...]:
    """Return the bytes that a report may have: one number for each suite."""
    head = HEAD + _signatures(terms)
    return tuple(head + sum(terms.sealed_lengths(suite)) for suite in SealingSuite)


def report_digest(head: bytes, digests: Sequence[bytes]) -> bytes:
    """Return the digest of a report, 32 bytes."""
    return hashlib.sha256(b"ostraka report\0" + head + b"".join(digests)).digest()


def view_digest(view: bytes, terms: Terms) -> bytes:
    """Return the digest of the report that a compute party's view is of, unchecked."""
    start = HEAD + _signatures(terms)
    digests = view[start : start + _DIGEST * len(terms.keys)]
    return report_digest(view[:HEAD], [digests])


def parcel_digest(sealed: bytes) -> bytes:
    """Return the digest of a sealed parcel, 32 bytes."""
    return hashlib.sha256(b"ostraka parcel\0" + sealed).digest()


def _first(octets: bytes, terms: Terms) -> tuple[Head, bytes, bytes]:
    head = Head.read(octets[:HEAD], terms)
    end = HEAD + _signatures(terms)
    return head, octets[HEAD:end], octets[end:]


def _signatures(terms: Terms) -> int:
    return SIGNATURE * (2 if terms.shape.invited else 1)


def _cut(octets: bytes, sizes: Sequence[int]) -> list[bytes]:
    if len(octets) != sum(sizes):
        _refuse(Reason.LENGTH, "it has another length than the manifest's reports")
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    return [octets[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def signed_by_contributor(report: Report) -> bool:
    """Return whether the contributor's key, which is in the report, has signed it."""
    own = report.signatures[:SIGNATURE]
    return verifies(report.head.contributor, own, _by_contributor(report.digest))


def _signed(report: Report, terms: Terms, *, both: bool = True) -> Report:
    if both and not signed_by_contributor(report):
        _refuse(Reason.SIGNATURE, "its contributor's signature is not of it")
    if terms.shape.invited:
        if terms.roster is None:
            raise ValueError("without the roster no report can be checked")
        public = terms.roster.credentials[report.head.credential].public
        if not verifies(public, report.signatures[SIGNATURE:], _by_credential(report.digest)):
            _refuse(Reason.SIGNATURE, "its invitation's signature is not of it")
    return report


def _by_contributor(digest: bytes) -> bytes:
    return b"ostraka report of contributor\0" + digest


def _by_credential(digest: bytes) -> bytes:
    return b"ostraka report of credential\0" + digest


def _refuse(reason: Reason, why: str) -> NoReturn:
    raise BadReport(reason, f"the report is refused: {why}")
