"""Orders of a collection's organiser after it is open: invitations taken back, an early close."""

from __future__ import annotations

from collections.abc import Collection

from ostraka.collection import signed
from ostraka.collection.shape import Shape
from ostraka.errors import PeerViolation
from ostraka.identity import Identity

_NUMBER = 4


def write_revocations(numbers: Collection[int], manifest: bytes, own: Identity) -> bytes:
    """Sign the list of credentials that are taken back: all of them, each by its number from 0."""
    body = b"".join(n.to_bytes(_NUMBER, "little") for n in sorted(set(numbers)))
    return signed.write_statement(signed.REVOKE, manifest, body, own)


def read_revocations(octets: bytes, shape: Shape) -> frozenset[int]:
    """Return the credentials that are taken back. They only grow: of several lists, join all.

    Raises:
        PinMismatch: it is not signed by the organiser's key.
        PeerViolation: it is no ascending list of the roster's numbers, or not signed.
    """
    body = signed.read_statement(signed.REVOKE, shape.manifest, shape.organiser, octets)
    numbers = [
        int.from_bytes(body[i : i + _NUMBER], "little") for i in range(0, len(body), _NUMBER)
    ]
    if (
        len(body) % _NUMBER
        or numbers != sorted(set(numbers))
        or max(numbers, default=0) >= (shape.size if shape.invited else 0)
    ):
        raise PeerViolation("a list of revocations is not one of this collection")
    return frozenset(numbers)


def write_close(seconds: int, manifest: bytes, own: Identity) -> bytes:
    """Sign that the collection closes at this time, in seconds since 1970."""
    return signed.write_statement(signed.CLOSE, manifest, seconds.to_bytes(8, "little"), own)


def read_close(octets: bytes, shape: Shape) -> int:
    """Return when the organiser closed the collection, in seconds since 1970.

    Whether the manifest allows that is the caller's to check.

    Raises:
        PinMismatch: it is not signed by the organiser's key.
        PeerViolation: it names no time, or is not signed.
    """
    body = signed.read_statement(signed.CLOSE, shape.manifest, shape.organiser, octets)
    if len(body) != 8:
        raise PeerViolation("an order to close names no time")
    return int.from_bytes(body, "little")


def write_publication(roster: bytes, manifest: bytes, own: Identity) -> bytes:
    """Sign a collection's roster, empty where it has none, to open it at a mailbox."""
    return signed.write_statement(signed.PUBLISH, manifest, roster, own)


def read_publication(octets: bytes, shape: Shape) -> bytes:
    """Return the roster that the organiser signed.

    Raises:
        PinMismatch, PeerViolation: it is not signed by the organiser's key.
    """
    return signed.read_statement(signed.PUBLISH, shape.manifest, shape.organiser, octets)
