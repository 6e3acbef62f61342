"""Inclusion of one's own report in what a collection counted, checked offline."""

from __future__ import annotations

from typing import Any, NamedTuple

from ostraka.collection.merkle import Proof, check_proof
from ostraka.collection.report import report_digest
from ostraka.errors import IncompleteReceipt, PeerViolation, UsageError
from ostraka.record import collected


class Inclusion(NamedTuple):
    """Account that a receipt gives of one report.

    Attributes:
        digest: the report's, in hex.
        place: the place that it filled, from 1.
        counted: whether it is in the result; if not, its content was not valid.
    """

    digest: str
    place: int
    counted: bool


def check_included(
    own: dict[str, Any], receipt: dict[str, Any], found: dict[str, Any]
) -> Inclusion:
    """Check that a report is in the tree that a collection's parties signed.

    Args:
        own: the report's receipt, with the proof in it.
        receipt: the collection's.
        found: what `record.receipt.verify` said of it.

    Raises:
        UsageError: the receipt is of another session, or of no collection.
        IncompleteReceipt: there is no proof in `own`.
        PeerViolation: the proof does not show it, or a receipt was changed.
    """
    digest = read_own_digest(own)
    if own["manifest_sha256"] != found["manifest_sha256"]:
        message = "the receipt and the report are not of the same collection"
        raise UsageError(message, hint="ask for the receipt of the report's collection")
    if "collection" not in found:
        message = "the receipt does not say which reports are counted"
        raise UsageError(message, hint="ask a compute party for its receipt")
    proof = _proof(own, bytes.fromhex(found["collection"]["root"]), digest)
    if own["place"] not in (None, proof.place):
        raise PeerViolation("the report was counted in another place than its invitation's")
    places, refused = found["collection"]["places"], found["collection"]["refused"]
    _, bits = collected.read_section(receipt["collection"], places, len(refused))
    return Inclusion(digest.hex(), proof.place, collected.is_counted(bits, proof.place))


def _proof(own: dict[str, Any], root: bytes, digest: bytes) -> Proof:
    """Return the proof of one compute party at least that leads to the root."""
    tables = own.get("proofs")
    if not isinstance(tables, dict) or not tables:
        raise IncompleteReceipt(
            "the receipt of the report holds no proof that it was counted",
            hint="fetch it while the mailbox has it: ostraka status REPORT-RECEIPT.json; one that "
            "came too late, was replaced or left out has none",
        )
    *others, last = map(Proof.of_table, tables.values())
    for proof in others:
        try:
            check_proof(root, digest, proof)
        except PeerViolation:
            continue
        return proof
    check_proof(root, digest, last)
    return last


def read_own_digest(own: dict[str, Any]) -> bytes:
    """Check that a report's receipt agrees with itself, and return the report's digest, 32 bytes.

    Raises:
        PeerViolation: the digest is not that of its parts.
    """
    try:
        parts = [bytes.fromhex(part) for part in own["parcels"]]
        digest = report_digest(bytes.fromhex(own["head"]), parts)
        if digest.hex() == own["report"]:
            return digest
    except (KeyError, TypeError, ValueError):
        pass
    raise PeerViolation("the receipt of the report does not agree with itself: it was changed")
