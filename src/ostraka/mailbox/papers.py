"""Papers of a collection that a mailbox takes: who has to have signed each, and how long it is."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from ostraka import limits
from ostraka.collection import orders, signed
from ostraka.collection.credentials import CredentialRoster
from ostraka.collection.merkle import Proof, Tree
from ostraka.collection.sealing import SealingStatement
from ostraka.collection.shape import Shape
from ostraka.errors import PeerViolation
from ostraka.mailbox.answers import Refusal
from ostraka.mailbox.rules import CollectionRules

SIGNED: Final = 2 + limits.CERTIFICATE + 64
"""Bytes of a statement besides its body, at most."""

KEYS: Final = SIGNED + 4096
"""Bytes of a sealing statement, at most: one has about 1,800."""

RECEIPT_BYTES: Final = 8 << 20
"""Bytes of a receipt, at most."""

COUNTED: Final = 4 + 32
"""Bytes of an entry of the list of counted reports."""

FOUNDING: Final = 4 + limits.MANIFEST + SIGNED + 36 * limits.PLACES
"""Bytes of a manifest and its roster, at most."""

FETCH_SECONDS: Final = 600
"""Seconds that the clocks of a mailbox and a compute party may differ."""


def check_publication(octets: bytes, shape: Shape) -> None:
    """Check that the organiser signed this collection's roster; raises as its readers do."""
    roster = orders.read_publication(octets, shape)
    if shape.invited:
        CredentialRoster.read(roster, shape)
    elif roster:
        raise PeerViolation("this collection has no roster")


def place_of(party: str, shape: Shape) -> int:
    """Return the place of a compute party, from 0; Refusal where there is no such party."""
    for place, name in enumerate(shape.compute):
        if name == party:
            return place
    raise Refusal(404, "no-party", "the manifest has no compute party of this name")


def check_sealing(octets: bytes, shape: Shape, place: int) -> None:
    """Check a compute party's sealing statement; raises as its reader does."""
    SealingStatement.read(octets, shape, place)


def early_close(octets: bytes, rules: CollectionRules) -> int:
    """Return when the organiser closes the collection, in seconds since 1970.

    Raises:
        Refusal: the manifest does not allow it.
        PinMismatch, PeerViolation: the organiser did not sign it.
    """
    at = orders.read_close(octets, rules.shape)
    if not rules.early_close:
        raise Refusal(409, "no-early-close", "the manifest does not let the organiser close early")
    return at


def check_fetch(octets: bytes, shape: Shape, place: int, now: float) -> None:
    """Check that a compute party asks for its reports itself, and now.

    Raises:
        Refusal: the request is too old, or the clocks differ.
        PinMismatch, PeerViolation: it did not sign it.
    """
    body = signed.read_statement(signed.FETCH, shape.manifest, shape.pins[place], octets)
    _require_now(body, now)


def _require_now(body: bytes, now: float) -> None:
    if len(body) != 8 or abs(int.from_bytes(body, "little") - now) > FETCH_SECONDS:
        raise Refusal(403, "clock", "the request is too old", "compare the clocks")


def check_list(octets: bytes, now: float) -> bytes:
    """Return the fingerprint of the party that asks for its collections itself, and now.

    Raises:
        Refusal: the request is too old, or the clocks differ.
        PeerViolation: its signature is not of it.
    """
    who = signed.signer(octets)
    body = signed.read_statement(signed.LIST, bytes(32), who, octets)
    _require_now(body, now)
    return who


def check_receipt(octets: bytes, shape: Shape, place: int) -> bytes:
    """Return what a compute party signed as its receipt; raises as its reader does."""
    return signed.read_statement(signed.RECEIPT, shape.manifest, shape.pins[place], octets)


class Counted(NamedTuple):
    """Reports that a compute party counted, as a tree."""

    tree: Tree
    places: dict[bytes, int]

    def proof(self, digest: bytes) -> Proof | None:
        """Return the proof that a report is among them, or None."""
        place = self.places.get(digest)
        return None if place is None else self.tree.proof(place)


def read_agreed(octets: bytes, shape: Shape, place: int) -> Counted:
    """Read the list of counted reports that a compute party signed.

    Raises:
        PinMismatch, PeerViolation: it did not sign it, or it is no list of places and digests.
    """
    return _counted(signed.read_statement(signed.AGREED, shape.manifest, shape.pins[place], octets))


@lru_cache(maxsize=4)
def _counted(body: bytes) -> Counted:
    if len(body) % COUNTED:
        raise PeerViolation("a list of counted reports is cut short")
    entries = [body[i : i + COUNTED] for i in range(0, len(body), COUNTED)]
    leaves = [(int.from_bytes(entry[:4], "little"), entry[4:]) for entry in entries]
    try:
        return Counted(Tree.of(leaves), {digest: place for place, digest in leaves})
    except ValueError:
        raise PeerViolation("a list of counted reports has a place twice") from None
